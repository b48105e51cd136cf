package associate

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// sound fails unless the weights of a window's graph are those that follow from its edges: a node's weight is the sum
// over the paths to it, its best that of the likeliest; all layers are of one probability in total; and what is kept
// leads on.
func sound(t *rapid.T, what string, w *Window) {
	t.Helper()
	w.backwardPass()
	totals := make([]float64, len(w.layers))
	for i, l := range w.layers {
		totals[i] = math.Inf(-1)
		led := map[*node]bool{}
		if i+1 < len(w.layers) {
			for _, n := range w.layers[i+1].nodes {
				for _, e := range n.edges {
					led[e.from] = true
				}
			}
		}
		for _, n := range l.nodes {
			totals[i] = logAdd(totals[i], n.weight+n.after)
			if i == 0 {
				continue
			}
			weight, best, by := math.Inf(-1), math.Inf(-1), -1
			for k, e := range n.edges {
				if !slices.Contains(w.layers[i-1].nodes, e.from) {
					t.Fatalf("%s: a node of layer %d comes from one that was dropped", what, i)
				}
				weight = logAdd(weight, e.from.weight+e.sum)
				if e.from.best+e.sum > best {
					best, by = e.from.best+e.sum, k
				}
			}
			if math.Abs(weight-n.weight) > 1e-6 || math.Abs(best-n.best) > 1e-6 || by < 0 {
				t.Fatalf("%s: layer %d: a node weighs %.6f and %.6f, its edges say %.6f and %.6f", what, i, n.weight, n.best,
					weight, best)
			}
			if e := n.edges[n.bestEdge]; math.Abs(e.from.best+e.sum-best) > 1e-6 {
				t.Fatalf("%s: layer %d: the best edge is not %d", what, i, n.bestEdge)
			}
		}
	}
	for i, total := range totals {
		if math.Abs(total-totals[0]) > 1e-6 {
			t.Fatalf("%s: layer %d sums to %.6f, the first to %.6f", what, i, total, totals[0])
		}
	}
}

// TestWeights: the weights stay those of the graph when detections come and go, when unlikely hypotheses are dropped
// and when the past is decided; after that they begin at nothing, so that they do not grow without end.
func TestWeights(t *testing.T) {
	everywhere(t, func(t *rapid.T, l *Layout, m *motion.Model) {
		w := NewWindow(l, m, nil)
		dets := someDetections(t, l)
		for _, d := range dets {
			w.Insert(d)
		}
		sound(t, "filled", w)
		if len(dets) == 0 {
			return
		}
		w.dropUnlikely()
		for i, l := range w.layers[:len(w.layers)-1] {
			top := math.Inf(-1)
			for _, n := range l.nodes {
				top = max(top, n.weight+n.after)
			}
			for _, n := range l.nodes {
				if i > 0 && n.weight+n.after < top-w.pruneAt-dropMargin {
					t.Fatalf("layer %d keeps a node that is e^%.1f less likely", i, top-n.weight-n.after)
				}
			}
		}
		w.backwardDone = false
		sound(t, "thinned", w)
		cut := rapid.IntRange(1, len(w.layers)-1).Draw(t, "cut")
		on := w.likeliestPath()
		n := on[len(on)-1]
		w.keepBest(cut)
		if len(w.layers[cut].nodes) != 1 || n == nil {
			t.Fatalf("%d nodes are left where the past is decided", len(w.layers[cut].nodes))
		}
		w.backwardDone = false
		sound(t, "forced", w)
		last := slices.MaxFunc(dets, compareDetections)
		w.Settle(last.Order+1, last.Order+1)
		if root := w.layers[0].nodes[0]; w.hasRoot && (root.weight != 0 || root.best != 0) {
			t.Fatalf("the root weighs %.6f and %.6f", root.weight, root.best)
		}
		if w.hasRoot {
			w.backwardDone = false
			for _, n := range w.layers[0].nodes {
				n.edges = nil
			}
			sound(t, "settled", w)
		}
	})
}

// TestForget: with the bounds of the search, a step keeps exactly those hypotheses of all that are not less likely
// than the best by more than the bound; what is dropped early would have been dropped in the end.
func TestForget(t *testing.T) {
	everywhere(t, func(t *rapid.T, l *Layout, m *motion.Model) {
		narrow, all := NewWindow(l, m, nil), wide(l, m)
		narrow.pruneAt = rapid.Float64Range(9, 14).Draw(t, "forget")
		narrow.beam = math.MaxInt
		from := []*node{{}}
		dets := someDetections(t, l)
		slices.SortFunc(dets, compareDetections)
		for _, d := range dets[:min(len(dets), 5)] {
			kept, any := narrow.step(from, d).nodes, all.step(from, d).nodes
			best := math.Inf(-1)
			for _, n := range any {
				best = max(best, n.weight)
			}
			weights := map[uint64]float64{}
			for _, n := range kept {
				weights[n.hash] = n.weight
			}
			for _, n := range any {
				_, ok := weights[n.hash]
				if clear := math.Abs(n.weight-best+narrow.pruneAt) > 0.01; clear && len(n.edges) == 1 &&
					ok != (n.weight > best-narrow.pruneAt) {
					t.Fatalf("a hypothesis e^%.2f less likely than the best is kept: %v, with a bound of %.2f", best-n.weight, ok,
						narrow.pruneAt)
				}
			}
			from = kept
		}
	})
}

// TestPatience: hypotheses may differ for a quarter of an hour, and over so many detections; then the likeliest
// counts.
func TestPatience(t *testing.T) {
	open := func() (*scene, *Window) { // whose the last detection is cannot be told
		s := one(t)
		w := NewWindow(s.w.layout, s.w.model, nil)
		w.Insert(s.sees(0, 1000, bare))
		w.Insert(s.sees(0, 1003, bare))
		w.Insert(s.sees(1, 1006, bare))
		return s, w
	}
	_, w := open()
	if out := w.Settle(1007, 1007); len(out) == 3 {
		t.Skip("this model is sure at once")
	}
	if out := w.Settle(1006+patience-1, 1007); len(out) == 3 {
		t.Error("it is decided before patience ends")
	}
	_, w = open()
	out := w.Settle(1006+patience+1, 1007)
	if len(out) != 3 || w.Len() != 0 {
		t.Errorf("%d are decided when patience ends, %d are open", len(out), w.Len())
	}
	s, w := open()
	for i := range maxLayers - 2 {
		w.Insert(s.sees(0, 1007+0.05*float64(i), bare))
	}
	if out := w.Settle(1004, 1100); len(out) > 2 {
		t.Fatalf("%d are decided", len(out))
	}
	for w.Len() < maxLayers+2 {
		w.Insert(s.sees(0, 1050+0.05*float64(w.Len()), bare))
	}
	w.Settle(1006.5, 1100)
	if n := w.Len(); n != maxLayers {
		t.Errorf("%d are undecided", n)
	}
}

// TestSettleNothing: what is not older than asked for is not decided, and an empty window decides nothing.
func TestSettleNothing(t *testing.T) {
	s := one(t)
	w := NewWindow(s.w.layout, s.w.model, nil)
	if out := w.Settle(2000, 2000); out != nil {
		t.Errorf("an empty window decides %v", out)
	}
	w.Insert(s.sees(0, 1000))
	w.Insert(s.sees(1, 1004))
	if out := w.Settle(1000, 1010); out != nil || w.Len() != 2 {
		t.Errorf("%d are decided at the moment of the first", len(out))
	}
	if out := w.Settle(1004, 1010); len(out) != 1 || out[0].Detection.At != 1000 {
		t.Errorf("%d are decided at the moment of the second", len(out))
	}
	if out := w.Settle(1004.1, 1010); len(out) != 1 || out[0].Detection.At != 1004 {
		t.Errorf("%d are decided after the second", len(out))
	}
}

// TestTrackHash: the hash of a track is of its detections and of the devices that it was charged for, in whatever
// order these came.
func TestTrackHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts["one lane"]()
		dets := someDetections(t, l)
		if len(dets) < 3 {
			return
		}
		build := func(order []*detection.Detection) *track {
			out := born(l, 0, order[0])
			for _, d := range order[1:] {
				out = out.withDetection(l, d)
			}
			return out
		}
		a, b := build(dets), build(rapid.Permutation(dets).Draw(t, "order"))
		if a.state() != b.state() || a.seen != b.seen || a.front != b.front || a.last != b.last || a.length != b.length {
			t.Errorf("in another order the track is another one: %+v, %+v", a, b)
		}
		if build(dets[1:]).state() == a.state() || a.withMisses(1).state() == a.state() {
			t.Error("tracks that differ have one hash")
		}
		if a.withMisses(1).withMisses(6).state() != a.withMisses(6).state() ||
			a.withMisses(6).withMisses(a.missed).state() != a.state() {
			t.Error("what it was charged for before is in the hash")
		}
		moved := *a
		if moved.merged = true; moved.state() == a.state() {
			t.Error("merged or not is one state")
		}
		moved = *a
		if moved.aheadGone = 7; moved.state() == a.state() {
			t.Error("when the vehicle ahead left is not in the state")
		}
	})
}
