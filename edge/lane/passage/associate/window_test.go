package associate

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/drivers/kinds"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// agree fails unless two lists of assignments say the same but for a difference of probabilities.
func agree(t *rapid.T, what string, got, want []Assignment, within float64) {
	if len(got) != len(want) {
		t.Fatalf("%s: %d assignments, not %d", what, len(got), len(want))
	}
	for i := range want {
		a, b := got[i], want[i]
		if a.Detection != b.Detection || a.Label != b.Label {
			t.Fatalf("%s: detection %d is of %d, not detection %d of %d", what, a.Detection.Idx, a.Label,
				b.Detection.Idx, b.Label)
		}
		p := map[int64]float64{}
		for _, s := range a.Shares {
			p[s.Label] = s.Probability
		}
		for _, s := range b.Shares {
			if math.Abs(p[s.Label]-s.Probability) > within {
				t.Errorf("%s: detection %d is of %d with %.5f, not %.5f", what, a.Detection.Idx, s.Label,
					p[s.Label], s.Probability)
			}
		}
	}
}

// TestOrder: in which order detections come changes nothing.
func TestOrder(t *testing.T) {
	everywhere(t, func(t *rapid.T, l *Layout, m *motion.Model) {
		dets := someDetections(t, l)
		a, b := NewWindow(l, m, nil), NewWindow(l, m, nil)
		for _, d := range dets {
			a.Insert(d)
		}
		for _, d := range rapid.Permutation(dets).Draw(t, "order") {
			b.Insert(d)
		}
		agree(t, "another order", b.Assignments(), a.Assignments(), 1e-9)
	})
}

// TestRemove: a detection that is taken out leaves nothing behind.
func TestRemove(t *testing.T) {
	everywhere(t, func(t *rapid.T, l *Layout, m *motion.Model) {
		dets := someDetections(t, l)
		out := rapid.IntRange(-1, len(dets)-1).Draw(t, "out")
		a, b := NewWindow(l, m, nil), NewWindow(l, m, nil)
		for i, d := range dets {
			if a.Insert(d); i != out {
				b.Insert(d)
			}
		}
		if a.Remove(int64(out)) != (out >= 0) {
			t.Errorf("removing %d", out)
		}
		agree(t, "without one", a.Assignments(), b.Assignments(), 1e-9)
		if a.Len() != b.Len() {
			t.Errorf("%d are undecided, not %d", a.Len(), b.Len())
		}
	})
}

// TestSettle: deciding for good does not change what was said before, but for what is not worth looking at or into; and
// what is decided is not said again. Of what is left, shares are compared by label: how its vehicles were held against
// others before rests on what is decided now.
func TestSettle(t *testing.T) {
	everywhere(t, func(t *rapid.T, l *Layout, m *motion.Model) {
		w := NewWindow(l, m, nil)
		dets := someDetections(t, l)
		slices.SortFunc(dets, compareDetections)
		for i, d := range dets {
			w.Insert(d)
			if i%3 != 2 {
				continue
			}
			said := w.Assignments()
			byLabel := w.byLabel(w.likeliestPath())
			settled := w.Settle(d.Order-rapid.Float64Range(0, 10).Draw(t, "wait"), d.Order)
			if w.Len() != len(said)-len(settled) {
				t.Fatalf("%d of %d are undecided after %d were settled", w.Len(), len(said), len(settled))
			}
			agree(t, "settled", settled, said[:len(settled)], 2*disagreement+1-certain)
			w.backwardPass()
			agree(t, "left", w.byLabel(w.likeliestPath()), byLabel[len(settled):], 2*disagreement)
		}
	})
}

// TestTooLate: what happened before what is decided is refused, and changes nothing.
func TestTooLate(t *testing.T) {
	l := layouts["one lane"]()
	w := NewWindow(l, taught(l), nil)
	sight := func(idx int64, dev int, at float64) *detection.Detection {
		return &detection.Detection{Idx: idx, Dev: dev, Device: l.Devices[dev].ID, At: at, Raw: at, Order: at, Evidence: kinds.Evidence{Lasts: 4, Speed: 2, Length: 8}}
	}
	for i, d := range []*detection.Detection{sight(0, 0, 1000), sight(1, 1, 1004), sight(2, 2, 1008), sight(3, 3, 1012)} {
		if !w.Insert(d) {
			t.Fatalf("detection %d is refused", i)
		}
	}
	n := len(w.Settle(1006, 1012))
	if n == 0 {
		t.Fatal("none is settled")
	}
	if w.Insert(sight(9, 0, 999)) || w.Len() != 4-n {
		t.Error("a detection of before is taken")
	}
	if !w.Insert(sight(10, 0, 1007)) {
		t.Error("a detection of afterwards is refused")
	}
	if w.Remove(0) || !w.Remove(10) {
		t.Error("what is settled is removed, or what is not is not")
	}
}

// TestBounds: however many vehicles come, the window stays bounded.
func TestBounds(t *testing.T) {
	l := layouts["one lane"]()
	w := NewWindow(l, taught(l), nil)
	for i := range 300 {
		at := 1000 + 0.5*float64(i)
		w.Insert(&detection.Detection{Idx: int64(i), Dev: i % 4, Device: l.Devices[i%4].ID, At: at, Raw: at, Order: at})
		last := w.layers[len(w.layers)-1]
		if len(last.nodes) == 0 || len(last.nodes) > beam {
			t.Fatalf("%d hypotheses", len(last.nodes))
		}
		for _, n := range last.nodes {
			if len(n.queue) > maxTracks {
				t.Fatalf("%d vehicles", len(n.queue))
			}
		}
	}
	if all := w.Assignments(); len(all) != 300 {
		t.Errorf("%d assignments", len(all))
	}
}
