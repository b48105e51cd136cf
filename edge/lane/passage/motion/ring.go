package motion

import "slices"

// ring holds the last values of something, in the order in which they came and sorted: medians and quantiles are asked
// for far more often than values come.
type ring struct {
	values []float64 // the oldest is at at, when the ring is full
	sorted []float64
	at     int
}

// add adds a value, in place of the oldest one when there are size of them.
func (r *ring) add(v float64, size int) {
	to, _ := slices.BinarySearch(r.sorted, v)
	if len(r.values) < size {
		r.values = append(r.values, v)
		r.sorted = slices.Insert(r.sorted, to, v)
		return
	}
	from, _ := slices.BinarySearch(r.sorted, r.values[r.at])
	if to > from { // the values between move into the gap that the oldest leaves
		to--
		copy(r.sorted[from:to], r.sorted[from+1:to+1])
	} else {
		copy(r.sorted[to+1:from+1], r.sorted[to:from])
	}
	r.sorted[to] = v
	r.values[r.at] = v
	r.at = (r.at + 1) % size
}

// shift adds a constant to all values, which leaves them in their order.
func (r *ring) shift(by float64) {
	for i := range r.values {
		r.values[i] += by
		r.sorted[i] += by
	}
}

// deviation returns the median of the values' distances from their median.
func (r *ring) deviation() float64 {
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
