package associate

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/edge/lane/passage/motion"
)

// TestRight: the probability that a detection is right in its passage is, but for one point on the mean, what all
// assignments, each with its vehicles held against the likeliest one's, say.
func TestRight(t *testing.T) {
	detections, off := 0, 0.0
	everywhere(t, func(t *rapid.T, l *Layout, m *motion.Model) {
		dets := someDetections(t, l)
		slices.SortFunc(dets, compareDetections)
		w, tree := wide(l, m), wide(l, m)
		tree.keepApart = true
		paths, n := enumerate(tree, dets)
		if n == 0 {
			return
		}
		for _, d := range dets[:n] {
			w.Insert(d)
		}
		all := w.Assignments()
		labels := make([]int64, n)
		for i, a := range all {
			labels[i] = a.Label
		}
		right := rightOf(paths, likeliest(paths, labels))
		for i, a := range all {
			off += math.Abs(right[i] - a.Shares[0].Probability)
			detections++
		}
	})
	if off > 0.01*float64(detections) {
		t.Errorf("%d detections are off by %.4f on the mean", detections, off/float64(detections))
	}
}

// mostly returns the value that comes most often where the keys have a value; of several the smallest.
func mostly(keys, values []int64, key int64) int64 {
	counts := map[int64]int{}
	for i, k := range keys {
		if k == key {
			counts[values[i]]++
		}
	}
	out := int64(None)
	delete(counts, None)
	for v, n := range counts {
		if n > counts[out] || n == counts[out] && v < out {
			out = v
		}
	}
	return out
}

// rightOf returns, for each detection, the probability that it is right in the passage that the best assignment gives it
// to: that its vehicle has most of its detections there, and the passage most of its from that vehicle.
func rightOf(paths []path, best path) []float64 {
	total := math.Inf(-1)
	for _, p := range paths {
		total = logAdd(total, p.weight)
	}
	out := make([]float64, len(best.labels))
	for _, p := range paths {
		for i, on := range best.labels {
			vehicle := p.labels[i]
			right := vehicle == on
			if vehicle != None && on != None {
				right = mostly(p.labels, best.labels, vehicle) == on && mostly(best.labels, p.labels, on) == vehicle
			}
			if right {
				out[i] += math.Exp(p.weight - total)
			}
		}
	}
	return out
}
