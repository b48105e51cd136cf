package motion

import (
	"slices"

	"lanewarden/drivers/driver/ring"
)

// sortedRing holds the last values of something, in the order in which they came and sorted: medians and quantiles are
// asked for far more often than values come.
type sortedRing struct {
	last   ring.Buffer[float64]
	sorted []float64
}

// add adds a value, in place of the oldest one when there are size of them.
func (r *sortedRing) add(v float64, size int) {
	to, _ := slices.BinarySearch(r.sorted, v)
	oldest, dropped := r.last.Add(v, size)
	if !dropped {
		r.sorted = slices.Insert(r.sorted, to, v)
		return
	}
	from, _ := slices.BinarySearch(r.sorted, oldest)
	if to > from { // the values between move into the gap that the oldest leaves
		to--
		copy(r.sorted[from:to], r.sorted[from+1:to+1])
	} else {
		copy(r.sorted[to+1:from+1], r.sorted[to:from])
	}
	r.sorted[to] = v
}

// shift adds a constant to all values, which leaves them in their order.
func (r *sortedRing) shift(by float64) {
	values := r.last.Values()
	for i := range values {
		values[i] += by
		r.sorted[i] += by
	}
}

// deviation returns the median of the values' distances from their median.
func (r *sortedRing) deviation() float64 {
	s, half := r.sorted, len(r.sorted)/2
	middle := s[half]
	low, high := half-1, half+1
	last := 0.0      // of the median itself
	for range half { // the distances from the least on, by the next value on either side
		if low < 0 || high < len(s) && s[high]-middle < middle-s[low] {
			last = s[high] - middle
			high++
		} else {
			last = middle - s[low]
			low--
		}
	}
	return last
}
