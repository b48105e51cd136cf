package motion

import "math"

// sizes holds what vehicles of a length are like: the logarithms of lengths, m, and of weights, kg, or what they carried.
// That is learnt at the lane, of the last sizesKept vehicles of which it is known.
type sizes struct {
	lengths, weights [sizesKept]float64
	loads            [sizesKept]Load
	n, at            int
}

func (s *sizes) add(length, kg float64, load Load) {
	s.lengths[s.at], s.weights[s.at], s.loads[s.at] = logLength(length), math.Log(kg), load
	s.at = (s.at + 1) % sizesKept
	s.n = min(s.n+1, sizesKept)
}

// Load is what is read at some vehicles only.
type Load uint8

// Kinds of load.
const (
	Tagged Load = 1 << iota
	Container
)

const (
	sizesKept = 128
	sizesAre  = 20 // vehicles that are enough to say something

	// Relative standard deviations: of one vehicle's length measured twice, and of the weights of vehicles of one kind.
	lengthWidth = 0.1
	weightWidth = 0.25
	// sizesKnown is how many vehicles of a length are taken for known before, which are like all others.
	sizesKnown = 0.2
	// rareWeight is the share of vehicles with a weight that none of the last had.
	rareWeight = 0.01

	// longestVehicle is the longest on a road, m. Who stops over a detector is measured longer: that says that a vehicle is
	// long, as short ones seldom stop there.
	longestVehicle = 26.0
	// Length and its uncertainty of a vehicle of which nothing else is known than that it was measured too long, m.
	stoppedLength, stoppedSigma = 14.0, 7.0
	// lengthSigma is the relative standard deviation of a length that was measured while the vehicle drove.
	lengthSigma = 0.07
	// weighedSigma is the least uncertainty of a length that the weight tells, m.
	weighedSigma = 1.0
)

// Sized notes a vehicle's length as it was measured, m, its weight, kg, or 0, and what it carries.
func (m *Model) Sized(length, kg float64, load Load) {
	m.pairs.add(length, kg)
	if length <= 0 {
		return
	}
	m.loaded.add(length, kg, load)
	if kg > 0 {
		m.weighed.add(length, kg, load)
	}
}

func logLength(length float64) float64 { return math.Log(min(length, longestVehicle)) }

// kernel is a normal density, relative to its top.
func kernel(x, width float64) float64 {
	x /= width
	return math.Exp(-0.5 * x * x)
}

// Weighs returns the log-likelihood ratio of a length, m, and a weight, kg, being of one vehicle, by those of the last
// vehicles: a kernel estimate (Nadaraya 1964, Watson 1964). It is 0 when one of them is not known.
func (m *Model) Weighs(length, kg float64) float64 {
	s := &m.weighed
	if length <= 0 || kg <= 0 || s.n < sizesAre {
		return 0
	}
	length, kg = logLength(length), math.Log(kg)
	alike, both, all := 0.0, 0.0, 0.0
	for i := range s.n {
		l, w := kernel(s.lengths[i]-length, lengthWidth), kernel(s.weights[i]-kg, weightWidth)
		alike, both, all = alike+l, both+l*w, all+w
	}
	usual := all/float64(s.n) + rareWeight
	return math.Log((both + sizesKnown*usual) / (alike + sizesKnown) / usual)
}

// Carries returns the log-likelihood ratio of a vehicle of a length, m, carrying something, against any vehicle doing so.
func (m *Model) Carries(length float64, load Load) float64 {
	s := &m.loaded
	if length <= 0 || s.n < sizesAre {
		return 0
	}
	length = logLength(length)
	alike, both, all := 0.0, 0.0, 0.5
	for i := range s.n {
		l := kernel(s.lengths[i]-length, lengthWidth)
		alike += l
		if s.loads[i]&load != 0 {
			both, all = both+l, all+1
		}
	}
	usual := all / float64(s.n+1)
	return math.Log((both + sizesKnown*usual) / (alike + sizesKnown) / usual)
}

// Extent returns how long a vehicle is, m, and how sure that is: as it was measured, or by its weight when it stopped over
// the detector. Both are 0 when unknown.
func (m *Model) Extent(length, kg float64) (metres, sigma float64) {
	if length > 0 && length <= longestVehicle {
		return length, lengthSigma * length
	}
	s := &m.weighed
	if kg <= 0 {
		return stoppedLength, stoppedSigma
	}
	kg = math.Log(kg)
	of, sum, square := 0.0, 0.0, 0.0
	for i := range s.n {
		if s.lengths[i] >= logLongest {
			continue
		}
		w, l := kernel(s.weights[i]-kg, weightWidth), math.Exp(s.lengths[i])
		of, sum, square = of+w, sum+w*l, square+w*l*l
	}
	if of < 1 {
		return stoppedLength, stoppedSigma
	}
	metres = sum / of
	return metres, math.Sqrt(max(square/of-metres*metres, 0)) + weighedSigma
}

var logLongest = math.Log(longestVehicle)
