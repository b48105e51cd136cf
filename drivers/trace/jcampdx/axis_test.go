package jcampdx

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ramp writes n ordinates 1, 2, 3, ... with per of them a line, whose abscissas are printed by x.
func ramp(n, per int, x func(i int) string) string {
	var b strings.Builder
	for i := 0; i < n; i += per {
		b.WriteString(x(i))
		for k := i; k < min(n, i+per); k++ {
			fmt.Fprintf(&b, " %d", k+1)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func printed(first, step float64, decimals int) func(int) string {
	return func(i int) string { return fmt.Sprintf("%.*f", decimals, first+step*float64(i)) }
}

// TestAxes: what files of the field say of their axes, and which abscissas are right.
func TestAxes(t *testing.T) {
	head := func(format string, args ...any) string { return "##TITLE=t\n" + fmt.Sprintf(format, args...) }
	const table = "##XYDATA=(X++(Y..Y))\n"
	for _, c := range []struct {
		name, text  string
		points      int
		first, last float64
		warning     string // "" for none
	}{
		{"DELTAX rounded away", head("##FIRSTX=400.03\n##LASTX=3400.21\n##DELTAX=0.06\n##NPOINTS=50001\n") +
			table + ramp(50001, 7, printed(400.03, 3000.18/50000, 2)) + "##END=", 50001, 400.03, 3400.21, ""},
		{"DELTAX far off", head("##FIRSTX=0\n##LASTX=99\n##DELTAX=2.5\n##NPOINTS=100\n") +
			table + ramp(100, 10, printed(0, 1, 0)) + "##END=", 100, 0, 99, ""},
		{"abscissas without decimals, step below 1", head("##FIRSTX=500.4\n##LASTX=520.4\n##NPOINTS=401\n") +
			table + ramp(401, 5, printed(500.4, 0.05, 0)) + "##END=", 401, 500.4, 520.4, ""},
		{"abscissas in thousands", head("##FIRSTX=1.0E3\n##LASTX=2.0E3\n##NPOINTS=1001\n") +
			table + ramp(1001, 8, func(i int) string {
			return fmt.Sprintf("%.1E", 1000+float64(i))
		}) + "##END=", 1001, 1000, 2000, ""},
		{"whole abscissas times XFACTOR", head("##XFACTOR=0.01\n##FIRSTX=10\n##LASTX=20\n##NPOINTS=101\n") +
			table + ramp(101, 9, printed(1000, 10, 0)) + "##END=", 101, 10, 20, ""},
		{"from high to low", head("##FIRSTX=4000\n##LASTX=3900\n##DELTAX=-1\n##NPOINTS=101\n") +
			table + ramp(101, 9, printed(4000, -1, 0)) + "##END=", 101, 4000, 3900, ""},
		{"DELTAX without its sign", head("##FIRSTX=4000\n##LASTX=3900\n##DELTAX=1\n##NPOINTS=101\n") +
			table + ramp(101, 9, printed(4000, -1, 0)) + "##END=", 101, 4000, 3900, ""},
		{"DELTAX without its sign, alone", head("##FIRSTX=4000\n##DELTAX=1\n") + table +
			ramp(101, 9, printed(4000, -1, 0)) + "##END=", 101, 4000, 3900, "sign turned"},
		{"FIRSTX and LASTX exchanged", head("##FIRSTX=3900\n##LASTX=4000\n##NPOINTS=101\n") +
			table + ramp(101, 9, printed(4000, -1, 0)) + "##END=", 101, 4000, 3900, "exchanged"},
		{"LASTX wrong", head("##FIRSTX=10\n##LASTX=500\n##DELTAX=1\n##NPOINTS=101\n") + table +
			ramp(101, 9, printed(10, 1, 0)) + "##END=", 101, 10, 110, "LASTX is wrong"},
		{"NPOINTS wrong", head("##FIRSTX=10\n##LASTX=110\n##DELTAX=1\n##NPOINTS=100\n") + table +
			ramp(101, 9, printed(10, 1, 0)) + "##END=", 101, 10, 110, "NPOINTS is 100"},
		{"NPOINTS wrong, no DELTAX", head("##FIRSTX=10\n##LASTX=110\n##NPOINTS=51\n") + table +
			ramp(101, 9, printed(10, 1, 0)) + "##END=", 101, 10, 110, "NPOINTS is 51"},
		{"no NPOINTS, DELTAX rounded", head("##FIRSTX=10\n##LASTX=110\n##DELTAX=0.33\n") +
			table + ramp(301, 9, printed(10, 1./3, 2)) + "##END=", 301, 10, 110, ""},
		{"DELTAX rounded, nothing else", head("##FIRSTX=10\n##DELTAX=0.33\n") + table +
			ramp(3001, 9, printed(10, 1./3, 2)) + "##END=", 3001, 10, 1010, ""},
		{"abscissas of another axis, all points there", head("##FIRSTX=10\n##LASTX=110\n##NPOINTS=101\n") +
			table + ramp(101, 9, printed(5000, 3, 0)) + "##END=", 101, 10, 110, "all points are there"},
		{"lines that go on without an abscissa", head("##FIRSTX=10\n##LASTX=19\n##NPOINTS=10\n") +
			table + "10 1 2 3\n4 5\n15 6 7 8\n9 10\n##END=", 10, 10, 19, "go on without"},
		{"decimal commas", head("##FIRSTX=10,5\n##LASTX=12,5\n##NPOINTS=5\n##YFACTOR=0,5\n") +
			table + "10,5 2,0 4 6\n12,0 8 10\n##END=", 5, 10.5, 12.5, ""},
		{"groups of three digits", head("##FIRSTX=1\n##LASTX=1000\n##NPOINTS=1,000\n") + table +
			ramp(1000, 10, printed(1, 1, 0)) + "##END=", 1000, 1, 1000, ""},
		{"exponents of Fortran, units behind", head("##FIRSTX=1.0D1 cm-1\n##LASTX=1.9D1\n##NPOINTS=10\n") +
			table + "10 1 2 3 4 5\n15 6 7 8 9 10\n##END=", 10, 10, 19, "is read as 10"},
		{"factor of 0", head("##XFACTOR=0\n##FIRSTX=10\n##LASTX=19\n##NPOINTS=10\n") + table +
			"10 1 2 3 4 5\n15 6 7 8 9 10\n##END=", 10, 10, 19, "factor of 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parse(t, c.text)
			tab := f.Blocks[0].Tables[0]
			if tab.Points() != c.points || tab.Partial {
				t.Fatalf("%d points, partial %v, want %d; %v", tab.Points(), tab.Partial, c.points, f.Faults)
			}
			x := tab.X()
			if math.Abs(x[0]-c.first) > 1e-9 || math.Abs(x[len(x)-1]-c.last) > 1e-5*math.Abs(c.last) {
				t.Errorf("x from %v to %v, want %v to %v", x[0], x[len(x)-1], c.first, c.last)
			}
			switch {
			case c.warning == "" && len(f.Faults) == 0:
			case c.warning != "" && len(f.Faults) == 1 && f.Faults[0].Warning &&
				strings.Contains(f.Faults[0].Reason.Error(), c.warning):
			default:
				t.Errorf("faults %v, want one warning of %q", f.Faults, c.warning)
			}
		})
	}
}

// TestMissingPoints: what is missing is found still, and the points before it are kept.
func TestMissingPoints(t *testing.T) {
	lines := strings.SplitAfter(ramp(100, 10, printed(10, 1, 0)), "\n")
	with := func(head string, lines ...string) string {
		return "##TITLE=t\n##FIRSTX=10\n" + head + "##XYDATA=(X++(Y..Y))\n" + strings.Join(lines, "") + "##END="
	}
	for _, head := range []string{"##LASTX=109\n##DELTAX=1\n##NPOINTS=100\n", "##LASTX=109\n##NPOINTS=100\n",
		"##DELTAX=1\n##NPOINTS=100\n", "##DELTAX=1\n"} {
		for name, c := range map[string]struct {
			lines  []string
			points int
		}{
			"a line lost":    {append(append([]string{}, lines[:4]...), lines[5:]...), 40},
			"a line doubled": {append(append([]string{}, lines[:4]...), lines[3:]...), 40},
			"the end lost":   {lines[:7], 70},
		} {
			if name == "the end lost" && !strings.Contains(head, "NPOINTS") {
				continue // nothing says so
			}
			f := parse(t, with(head, c.lines...))
			tab := f.Blocks[0].Tables[0]
			if !tab.Partial || tab.Points() != c.points || len(f.Faults) != 1 || f.Faults[0].Warning {
				t.Errorf("%q, %s: %d points, partial %v, %v", head, name, tab.Points(), tab.Partial, f.Faults)
			}
		}
	}
}

// TestSloppyForms: forms and ends of files as they are met.
func TestSloppyForms(t *testing.T) {
	for name, text := range map[string]string{
		"a bracket forgotten":      spectrum("##XYDATA=(X++(Y..Y)\n10 1 2\n11 3 4\n"),
		"two brackets forgotten":   spectrum("##XYDATA=(X++(Y..Y\n10 1 2\n11 3 4\n"),
		"inner brackets forgotten": spectrum("##XYDATA=(X++Y..Y)\n10 1 2\n11 3 4\n"),
		"outer bracket forgotten":  spectrum("##XYDATA= X++(Y..Y)\n10 1 2\n11 3 4\n"),
		"three points":             spectrum("##XYDATA=(X++(Y...Y))\n10 1 2\n11 3 4\n"),
		"blanks and tabs":          spectrum("##XYDATA=\t( X ++ ( Y .. Y ) )\n10 1 2\n11 3 4\n"),
		"pairs, a bracket too few": "##TITLE=t\n##XYPOINTS=(XY..XY\n10,1 10.5,2\n11,3 11.5,4\n##END=",
		"DOS's end of file":        spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n") + "\x1a",
		"and what follows it": spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n") +
			"\x1arest of another file\n##TITLE=no",
		"behind END": strings.TrimSuffix(spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n"),
			"\n") + "\x1a",
		"instead of END": "##TITLE=t\n##FIRSTX=10\n##DELTAX=0.5\n##NPOINTS=4\n##XYDATA=(X++(Y..Y))\n10 " +
			"1 2\n11 3 4\x1a",
		"zeros at the end":         spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n") + strings.Repeat("\x00", 100),
		"several, with a line end": spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n") + "\x1a\x1a\x1a\r\n",
		"carriage returns doubled": strings.ReplaceAll(spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n"),
			"\n", "\r\r\n"),
		"blank lines in the middle": spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n\n \n11 3 4\n"),
	} {
		f := sound(t, text)
		tab := f.Blocks[0].Tables[0]
		if fmt.Sprint(tab.X(), tab.Y(), tab.Partial) != "[10 10.5 11 11.5] [1 2 3 4] false" {
			t.Errorf("%s: %v %v", name, tab.X(), tab.Y())
		}
	}
}

// TestCases reads the small files that stand for what was read wrongly, where they are.
func TestCases(t *testing.T) {
	for name, want := range map[string]struct {
		points int
		last   float64
	}{"jcamp-01.jdx": {240, 589.461}, "jcamp-03.jdx": {10, 19}, "jcamp-04.jdx": {10, 19}} {
		text, err := os.ReadFile(filepath.Join("../../../../shared/findings/cases", name))
		if err != nil {
			t.Skipf("no cases here: %v", err)
		}
		f := sound(t, string(text))
		tab := f.Blocks[0].Tables[0]
		if x := tab.X(); tab.Points() != want.points || math.Abs(x[len(x)-1]-want.last) > 1e-9 {
			t.Errorf("%s: %d points to %v", name, tab.Points(), x[len(x)-1])
		}
	}
}
