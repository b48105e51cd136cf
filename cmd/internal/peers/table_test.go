package peers

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestTable: the tables say what was measured, what was skipped and why.
func TestTable(t *testing.T) {
	parts := []PartUse{{Name: "laned", Where: atLane, Memory: 50e6, Processor: 3 * time.Millisecond}, {Name: "lanehub", Where: atCentre, Memory: 70e6}}
	first := &Result{N: 1000, Begun: 500 * time.Millisecond, Whole: time.Second, Up: 4000, Down: 100, Disk: 2e6, Parts: parts}
	half := *first
	half.Whole, half.Lost, half.Doubled = 1500*time.Millisecond, 0, 7
	table := Table{N: 1000, Killed: 100, Outage: time.Minute, Rows: []Row{
		{Kind: Kind{Name: "A", Settings: []string{"one", "two"}}, Result: first, Killed: []*Result{first, &half}},
		{Kind: Kind{Name: "B"}, Result: &half},
		{Kind: Kind{Name: "C"}, Missing: errors.New("it is not installed")},
	}}
	var out strings.Builder
	if err := table.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| A | 0.50 s | 1.0 s | 2000 | 1.000 | 4.0, 0.10 | 2 | laned 50, lanehub 70 | laned 3.0, lanehub 0.0 | 0 | 0 |",
		"| B | 0.50 s | 1.5 s | 1000 | 0.500 |", "| A | laned | 0 | 0 | 1.0 s |", "| A | lanehub | 0 | 7 | 1.5 s |",
		"C is skipped: it is not installed", "A:\n- one\n- two\n", "on the link 4.0 with A",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}
