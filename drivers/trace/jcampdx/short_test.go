package jcampdx

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestCutShort: the points of a table that was cut short keep their abscissas, which is those that the whole has, and
// the reason says how many of how many came.
func TestCutShort(t *testing.T) {
	const table = "##XYDATA=(X++(Y..Y))\n"
	head := func(first, last float64, points int, more string) string {
		return fmt.Sprintf("##TITLE=t\n##FIRSTX=%v\n##LASTX=%v\n##NPOINTS=%d\n%s", first, last, points, more) + table
	}
	few := ramp(7, 3, printed(20, 2, 0))
	for _, c := range []struct {
		name, text  string
		points, of  int
		first, step float64
	}{
		{"with DELTAX", head(20, 44, 13, "##DELTAX=2\n") + few + "##END=", 7, 13, 20, 2},
		{"without DELTAX", head(20, 44, 13, "") + few + "##END=", 7, 13, 20, 2},
		{"without an end", head(20, 44, 13, "") + few, 7, 13, 20, 2},
		{"one line", head(20, 44, 13, "") + "20 1 2 3\n##END=", 3, 13, 20, 2},
		{"one line without an end", head(20, 44, 13, "##DELTAX=2\n") + "20 1 2 3\n", 3, 13, 20, 2},
		{"one point", head(20, 44, 13, "") + "20 1\n##END=", 1, 13, 20, 2},
		{"from high to low", head(44, 20, 13, "##DELTAX=-2\n") + ramp(7, 3, printed(44, -2, 0)) + "##END=",
			7, 13, 44, -2},
		{"its last point lost", head(20, 44, 13, "") + ramp(12, 4, printed(20, 2, 0)) + "##END=", 12, 13, 20, 2},
		{"its last point lost, DELTAX rounded", head(0, 9.4, 11, "##DELTAX=1\n") + ramp(10, 3, printed(0, .94, 2)) +
			"##END=", 10, 11, 0, .94},
		{"DELTAX rounded to what was cut", head(0, 9.4, 11, "##DELTAX=0.9\n") + ramp(8, 3, printed(0, .94, 2)) +
			"##END=", 8, 11, 0, .94},
		{"long, its last line lost, DELTAX rounded", head(400, 3399.7, 50001, "##DELTAX=0.06\n") +
			ramp(49994, 7, printed(400, .059994, 2)) + "##END=", 49994, 50001, 400, .059994},
		{"LASTX and DELTAX contradict, lines with DELTAX", head(20, 900, 13, "##DELTAX=2\n") + few + "##END=",
			7, 13, 20, 2},
		{"FIRSTX and LASTX exchanged", head(44, 20, 13, "") + few + "##END=", 7, 13, 20, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parse(t, c.text)
			tab := f.Blocks[0].Tables[0]
			x := tab.X()
			if len(x) != c.points || !tab.Partial {
				t.Fatalf("%d points, partial %v; %v", len(x), tab.Partial, f.Faults)
			}
			for i, v := range x {
				if want := c.first + float64(i)*c.step; math.Abs(v-want) > 1e-9*max(1, math.Abs(want)) {
					t.Fatalf("point %d at %v, want %v", i, v, want)
				}
			}
			if said := fmt.Sprint(f.Faults); !strings.Contains(said, fmt.Sprintf("%d of %d points", c.points, c.of)) {
				t.Errorf("faults %v", said)
			}
		})
	}
}

// TestPointsMiscounted: NPOINTS that is too large is told from a table cut short by where the lines stand.
func TestPointsMiscounted(t *testing.T) {
	f := parse(t, "##TITLE=t\n##FIRSTX=20\n##LASTX=44\n##NPOINTS=26\n##XYDATA=(X++(Y..Y))\n"+
		ramp(13, 3, printed(20, 2, 0))+"##END=")
	tab := f.Blocks[0].Tables[0]
	if x := tab.X(); tab.Partial || len(x) != 13 || x[12] != 44 ||
		!strings.Contains(fmt.Sprint(f.Faults), "NPOINTS is 26") {
		t.Errorf("x %v, partial %v, %v", x, tab.Partial, f.Faults)
	}
}
