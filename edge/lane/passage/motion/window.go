// Package motion holds what is learnt of how vehicles move through a lane and of how its devices see them: travel times
// between devices, speeds, headways, shares seen, clocks. It is pure and not for concurrent use. Times are in seconds
// since 1970, distances in metres. docs/association.md has the model and each parameter.
package motion

import (
	"math"

	"lanewarden/drivers/driver/robust"
)

// Window holds the last values of something, and their median and spread.
type Window struct {
	sortedRing
	median, spread float64
	known          bool // middle and spread are of what values holds
}

// windowSize is the number of values of a window: the median of 41 is sure to a fifth of the spread, and 41 vehicles
// are half an hour of a busy lane, in which a clock of 100 ppm drifts by 0.2 s.
const windowSize = 41

// Add adds a value in place of the oldest one.
func (w *Window) Add(v float64) {
	w.add(v, windowSize)
	w.known = false
}

// Shift adds a constant to all values.
func (w *Window) Shift(by float64) {
	w.shift(by)
	w.known = false
}

// Len returns how many values there are.
func (w *Window) Len() int {
	if w == nil {
		return 0
	}
	return w.last.Len()
}

// Estimate returns the median and the spread: 1.4826 times the median absolute deviation, which is the standard
// deviation of a normal distribution.
func (w *Window) Estimate() (middle, spread float64) {
	if w.Len() == 0 {
		return 0, 0
	}
	if !w.known {
		w.median, w.spread, w.known = robust.Quantile(w.sorted, 0.5), robust.SigmaPerMAD*w.deviation(), true
	}
	return w.median, w.spread
}

// Mode returns where the values lie closest together, and the spread there: middle and width of the shortest interval
// that holds two in five of them (Andrews et al. 1972 have it with a half, the shorth), the width as the standard
// deviation of a normal distribution. Up to half of the values may lie anywhere.
func (w *Window) Mode() (middle, spread float64) {
	n := w.Len()
	if n == 0 {
		return 0, 0
	}
	const share, width = 0.4, 1.049 // of a normal distribution, two in five lie within 1.049 standard deviations
	s := w.sorted
	k := max(int(math.Ceil(share*float64(n))), 2)
	at := 0
	for i := 1; i+k <= n; i++ {
		if s[i+k-1]-s[i] < s[at+k-1]-s[at] {
			at = i
		}
	}
	spread = (s[min(at+k, n)-1] - s[at]) / width
	middle = (s[at] + s[min(at+k, n)-1]) / 2
	// All that belongs there tells the middle better than the two ends do.
	sum, of := 0.0, 0.0
	for _, v := range s {
		if math.Abs(v-middle) <= 2*spread {
			sum, of = sum+v, of+1
		}
	}
	return sum / of, spread
}

// Quantile returns the value below which a share of the values is, 0 when there are none.
func (w *Window) Quantile(share float64) float64 {
	if w.Len() == 0 { // or there is no window
		return 0
	}
	return robust.Quantile(w.sorted, share)
}
