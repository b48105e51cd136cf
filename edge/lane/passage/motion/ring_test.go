package motion

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestRing holds a ring, and median and spread of it, against sorting the last values each time.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 9).Draw(t, "size")
		var r sortedRing
		var all []float64
		for _, v := range rapid.SliceOfN(rapid.Float64Range(-3, 3), 1, 40).Draw(t, "values") {
			if rapid.Bool().Draw(t, "round") { // some are equal
				v = math.Round(v)
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
			if !slices.Equal(r.sorted, want) {
				t.Fatalf("sorted %v, want %v", r.sorted, want)
			}
			middle := want[len(want)/2]
			for i := range want {
				want[i] = math.Abs(want[i] - middle)
			}
			slices.Sort(want)
			if got := r.deviation(); got != want[len(want)/2] {
				t.Fatalf("deviation %v of %v, want %v", got, r.sorted, want[len(want)/2])
			}
		}
	})
}
