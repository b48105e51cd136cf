// Package robust has the order statistics that drivers and passages use: estimates that a few wrong values do not move.
// It imports none of ours.
//
// The value at a share of n sorted ones is that at int(share*n), so the median of an even number of them is the upper of
// the two in the middle. gonum.org/v1/gonum/stat takes the lower one, or a mean; the thresholds that were tuned with
// these estimates would have to be tuned anew with others.
package robust

import "slices"

// SigmaPerMAD is the standard deviation of a normal distribution over its median absolute deviation.
const SigmaPerMAD = 1.4826

// Quantile returns the value below which a share, 0 to 1, of the values is. They must be sorted. It is 0 for none.
func Quantile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// Median returns the median of the values, which it sorts. It is 0 for none.
func Median(values []float64) float64 {
	slices.Sort(values)
	return Quantile(values, 0.5)
}
