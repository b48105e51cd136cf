package associate

import (
	"math"
	"runtime"
	"testing"
	"time"
)

// TestDecidedIsFree: what was decided, and hypotheses that were dropped, are not kept in memory by those that are left.
func TestDecidedIsFree(t *testing.T) {
	s := one(t)
	w := NewWindow(s.w.layout, s.w.model, nil)
	const vehicles = 12
	freed, watched := make(chan struct{}, 1<<16), 0
	for v := range vehicles {
		at := 1000 + 200*float64(v)
		w.Insert(s.sees(0, at))
		w.Insert(s.sees(0, at+3)) // a second one, or the first once more
		w.Insert(s.sees(1, at+5))
		w.Insert(s.sees(3, at+13))
		if v < vehicles-2 {
			for _, l := range w.layers[len(w.layers)-4:] {
				for _, n := range l.nodes {
					watched++
					runtime.AddCleanup(n, func(struct{}) { freed <- struct{}{} }, struct{}{})
				}
			}
		}
		w.Settle(at-100, at+20)
	}
	left := 0
	for _, l := range w.layers[:max(0, len(w.layers)-4*2)] {
		left += len(l.nodes)
	}
	deadline := time.After(time.Minute)
	for gone := 0; gone < watched-left; {
		select {
		case <-freed:
			gone++
		case <-deadline:
			t.Fatalf("%d of %d nodes are free, and %d are in the window", gone, watched, left)
		case <-time.After(10 * time.Millisecond):
			runtime.GC() // only when there is nothing left to count: it takes long
		}
	}
	runtime.KeepAlive(w)
}

// TestThin: what has become unlikely by what came since is dropped, and the rest says the same without it.
func TestThin(t *testing.T) {
	s := one(t)
	w := NewWindow(s.w.layout, s.w.model, nil)
	for _, d := range []float64{1000, 1009, 1018} {
		w.Insert(s.sees(0, d, named("plate", string(rune('A'+int(d)%26))+"BC123")))
	}
	for _, d := range []float64{1000, 1009, 1018} {
		w.Insert(s.sees(3, d+12, named("plate", string(rune('A'+int(d)%26))+"BC123")))
	}
	count := func() (n int) {
		for _, l := range w.layers {
			n += len(l.nodes)
		}
		return n
	}
	before, was := count(), w.Assignments()
	w.dropUnlikely()
	if count() >= before {
		t.Errorf("%d nodes, and %d before", count(), before)
	}
	w.backwardDone = false
	for i, a := range w.Assignments() {
		if a.Label != was[i].Label || a.Shares[0].Probability < was[i].Shares[0].Probability-1e-6 {
			t.Errorf("detection %d is of %d with %.6f, and was of %d with %.6f", i, a.Label, a.Shares[0].Probability,
				was[i].Label, was[i].Shares[0].Probability)
		}
	}
}

// TestKeepBest: when patience ends, the likeliest hypothesis is kept, also of the last detection, and all that led to
// it.
func TestKeepBest(t *testing.T) {
	s := one(t)
	w := NewWindow(s.w.layout, s.w.model, nil)
	for _, at := range []float64{1000, 1003, 1006} {
		w.Insert(s.sees(0, at, bare))
	}
	for cut := 3; cut > 0; cut-- {
		best, n := math.Inf(-1), 0
		for _, one := range w.layers[3].nodes {
			best, n = max(best, one.best), n+1
		}
		if cut == 3 && n < 2 {
			t.Fatalf("%d hypotheses", n)
		}
		w.keepBest(cut)
		if left := w.layers[cut].nodes; len(left) != 1 || w.layers[3].nodes[0].best != best {
			t.Errorf("of detection %d are left %d, of which the first has %.3f, not %.3f", cut, len(left),
				w.layers[3].nodes[0].best, best)
		}
	}
}

// TestLikeliestPath: the likeliest path ends in the hypothesis that is likeliest by the detections and by what was not
// seen since.
func TestLikeliestPath(t *testing.T) {
	for _, c := range []struct {
		best, pending [2]float64
		want          int
	}{
		{[2]float64{-1, -2}, [2]float64{-5, -1}, 1}, {[2]float64{-1, -2}, [2]float64{-1, -1}, 0},
		{[2]float64{-2, -1}, [2]float64{-1, -5}, 0}, {[2]float64{-2, -1}, [2]float64{0, 0}, 1},
	} {
		w := NewWindow(one(t).w.layout, one(t).w.model, nil)
		root := w.layers[0].nodes[0]
		var last layer
		for i := range 2 {
			edges := []edge{{from: root, label: int64(i)}}
			last.nodes = append(last.nodes, &node{best: c.best[i], pending: c.pending[i], edges: edges})
		}
		w.layers = append(w.layers, last)
		if path := w.likeliestPath(); path[1].label != int64(c.want) || path[0] != nil {
			t.Errorf("of %v with %v: %d", c.best, c.pending, path[1].label)
		}
	}
}

// TestReadModelAgain: when the model has learnt something, what was worked out with the figures of before does not
// hold.
func TestReadModelAgain(t *testing.T) {
	s := one(t)
	w := NewWindow(s.w.layout, s.w.model, nil)
	w.Insert(s.sees(0, 1000))
	w.Assignments()
	if w.ReadModel(); w.backwardDone {
		t.Error("it holds still")
	}
}
