package reports

import (
	"math"

	"lanewarden/sync/hub/hubapi"
)

// z95 is the quantile of the normal distribution for intervals of 95 %.
const z95 = 1.959963984540054

// rateOf returns n among so many, with Wilson's score interval (E. B. Wilson, JASA 22 (1927) 209): unlike the usual one
// it holds for few, and says of none how many there may be. Of none to count among, and of more than these, there is no
// share.
func rateOf(n, of int64) hubapi.Rate {
	r := hubapi.Rate{N: n, Of: of}
	if of <= 0 || n < 0 || n > of {
		return r
	}
	share, size := float64(n)/float64(of), float64(of)
	centre := share + z95*z95/(2*size)
	half := z95 * math.Sqrt(share*(1-share)/size+z95*z95/(4*size*size))
	low, high := (centre-half)/(1+z95*z95/size), (centre+half)/(1+z95*z95/size)
	if n == 0 {
		low = 0
	}
	if n == of {
		high = 1
	}
	r.Share, r.Low, r.High = &share, &low, &high
	return r
}
