package torture

import (
	"strings"
	"testing"
	"time"
)

// The oracle finds what is lost, changed or doubled, and does not mind what was sent and not acknowledged.
func TestCompare(t *testing.T) {
	a, b, c := item{document, "a"}, item{document, "b"}, item{read, "a"}
	one, two := digest{1}, digest{2}
	for _, test := range []struct {
		name          string
		rows          []stored
		lost, doubled int
	}{
		{"all once", []stored{{a, one}, {b, two}}, 0, 0},
		{"one sent and not acknowledged", []stored{{a, one}, {b, two}, {c, digest{}}}, 0, 0},
		{"one is missing", []stored{{a, one}}, 1, 0},
		{"one has other bytes", []stored{{a, one}, {b, one}}, 1, 0},
		{"one is not whole", []stored{{a, one}, {b, digest{}}}, 1, 0},
		{"one is there twice", []stored{{a, one}, {b, two}, {a, one}}, 0, 1},
		{"one that was not acknowledged, three times", []stored{{a, one}, {b, two}, {c, one}, {c, one}, {c, one}}, 0, 1},
		{"nothing is there", nil, 2, 0},
	} {
		o := newOracle()
		o.acknowledged(a, one)
		o.acknowledged(b, two)
		o.acknowledged(b, two) // a device that was told twice sent it twice
		v := o.compare(test.rows)
		if len(v.lost) != test.lost || len(v.doubled) != test.doubled || v.acknowledged != 2 {
			t.Errorf("%s: %+v", test.name, v)
		}
	}
}

// The same seed draws the same faults, with every kind and as many power cuts under each disk as were asked for.
func TestPlan(t *testing.T) {
	c := Config{Seed: 7, Faults: 200, Cuts: 20}
	first, again := plan(c), plan(c)
	cuts, seen := map[string]int{}, map[string]bool{}
	for i, f := range first {
		if f != again[i] {
			t.Fatalf("fault %d is %v, then %v", i, f, again[i])
		}
		if seen[f.kind] = true; f.kind == powerCut {
			cuts[f.target]++
		}
	}
	if cuts[agentName] != 20 || cuts[hubName] != 20 || len(first) != 240 {
		t.Errorf("%d faults, power cuts %v", len(first), cuts)
	}
	for _, name := range kindNames {
		if !seen[name] {
			t.Errorf("%s was not drawn", name)
		}
	}
}

// A kind of fault that was drawn and injected nothing is a problem: the table would claim what did not happen.
func TestNothingInjected(t *testing.T) {
	r := &Result{}
	r.count(ioError, 0, time.Second)
	r.count(kill, 1, time.Second)
	if p := r.Problems(); len(p) != 1 || !strings.Contains(p[0], ioError) {
		t.Errorf("%q", p)
	}
	r.count(ioError, 3, time.Second)
	if p := r.Problems(); len(p) != 0 || r.Broken() {
		t.Errorf("%q", p)
	}
}
