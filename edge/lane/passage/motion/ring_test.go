package motion

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// same reports whether two numbers are equal, or both no number.
func same(a, b float64) bool { return cmp.Compare(a, b) == 0 }

// TestRing holds a ring, and median and spread of it, against sorting the last values each time.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 9).Draw(t, "size")
		var r ring
		var all []float64
		for _, v := range rapid.SliceOfN(rapid.Float64Range(-3, 3), 1, 40).Draw(t, "values") {
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0, 1, 2: // some are equal
				v = math.Round(v)
			case 3:
				v = math.NaN()
			}
			if r.add(v, size); v == 2 {
				r.shift(0.3)
			}
			if all = append(all[max(0, len(all)+1-size):], v); v == 2 {
				for i := range all {
					all[i] += 0.3
				}
			}
			want := slices.Sorted(slices.Values(all))
			if !slices.EqualFunc(r.sorted, want, same) {
				t.Fatalf("sorted %v, want %v", r.sorted, want)
			}
			middle := want[len(want)/2]
			for i := range want {
				want[i] = math.Abs(want[i] - middle)
			}
			slices.Sort(want)
			if got := r.deviation(); !same(got, want[len(want)/2]) {
				t.Fatalf("deviation %v of %v, want %v", got, r.sorted, want[len(want)/2])
			}
		}
	})
}
