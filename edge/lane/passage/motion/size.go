package motion

import (
	"math"

	"lanewarden/drivers/driver/ring"
	"lanewarden/drivers/observation/units"
)

// bySize holds what was noted of the last sizesKept vehicles, with the logarithms of their lengths, m.
type bySize[T any] struct{ ring.Buffer[sized[T]] }

// sized is a vehicle's length with a value that is learnt by length.
type sized[T any] struct {
	length float64 // logarithm of m
	noted  T
}

func (s *bySize[T]) add(length float64, noted T) {
	s.Add(sized[T]{logLength(length), noted}, maxSizes)
}

// Load is the set of kinds of names that a vehicle carries and others of its size may not.
type Load uint8

// Kinds of load.
const (
	Tagged Load = 1 << iota
	Container
)

const (
	maxSizes = 128
	minSizes = 20 // vehicles that are enough to say something

	// Relative standard deviations: of one vehicle's length measured twice, and of the weights of vehicles of one kind.
	lengthWidth = 0.1
	weightWidth = 0.25
	// sizesPrior is the number of vehicles of each length that are assumed before any is known; they are like all
	// others.
	sizesPrior = 0.2
	// weightFloor is the density of a weight that none of the last vehicles had, relative to the kernel's top.
	weightFloor = 0.01

	// longestVehicle is the longest on a road, m. What is measured longer stopped over the detector. Long vehicles do
	// so more often, so that such a measurement says something too.
	longestVehicle = 26.0
	// Length of a vehicle that was measured too long or not at all, and its standard deviation, m.
	stoppedLength, stoppedSigma = 14.0, 7.0
	// lengthSigma is the relative standard deviation of a length that was measured while the vehicle drove.
	lengthSigma = 0.07
	// weighedSigma is the least uncertainty of a length that the weight tells, m.
	weighedSigma = 1.0
)

// LearnSize adds a vehicle's length as measured, its weight, and what it carries. 0 stands for what
// is not known.
func (m *Model) LearnSize(length units.Metres, kg units.Kilograms, load Load) {
	m.neighbours.add(float64(length), float64(kg))
	if length <= 0 {
		return
	}
	m.loadsByLength.add(float64(length), load)
	if kg > 0 {
		m.weightsByLength.add(float64(length), math.Log(float64(kg)))
	}
}

func logLength(length float64) float64 { return math.Log(min(length, longestVehicle)) }

// kernel is a normal density, relative to its top.
func kernel(x, width float64) float64 {
	x /= width
	return math.Exp(-0.5 * x * x)
}

// WeightLogRatio returns the log-likelihood ratio of a length and a weight being of one vehicle
// against of two, from the last vehicles: a kernel estimate (Nadaraya 1964, Watson 1964). It is 0
// when length or weight is not known.
func (m *Model) WeightLogRatio(length units.Metres, kg units.Kilograms) float64 {
	s := &m.weightsByLength
	if length <= 0 || kg <= 0 || s.Len() < minSizes {
		return 0
	}
	size, weight := logLength(float64(length)), math.Log(float64(kg))
	alike, both, all := 0.0, 0.0, 0.0
	for _, v := range s.Values() {
		l, w := kernel(v.length-size, lengthWidth), kernel(v.noted-weight, weightWidth)
		alike, both, all = alike+l, both+l*w, all+w
	}
	usual := all/float64(s.Len()) + weightFloor
	return math.Log((both + sizesPrior*usual) / (alike + sizesPrior) / usual)
}

// LoadLogRatio returns the log-likelihood ratio of a vehicle of a length carrying something,
// against any vehicle doing so.
func (m *Model) LoadLogRatio(length units.Metres, load Load) float64 {
	s := &m.loadsByLength
	if length <= 0 || s.Len() < minSizes {
		return 0
	}
	size := logLength(float64(length))
	alike, both, all := 0.0, 0.0, 0.5
	for _, v := range s.Values() {
		l := kernel(v.length-size, lengthWidth)
		alike += l
		if v.noted&load != 0 {
			both, all = both+l, all+1
		}
	}
	usual := all / float64(s.Len()+1)
	return math.Log((both + sizesPrior*usual) / (alike + sizesPrior) / usual)
}

// LengthEstimate returns a vehicle's length and its standard deviation: as measured, else as
// vehicles of its weight are, else as vehicles are that stopped over the detector.
func (m *Model) LengthEstimate(length units.Metres, kg units.Kilograms) (extent, sigma units.Metres) {
	if length > 0 && length <= longestVehicle {
		return length, lengthSigma * length
	}
	s := &m.weightsByLength
	if kg <= 0 {
		return stoppedLength, stoppedSigma
	}
	weight := math.Log(float64(kg))
	of, sum, square := 0.0, 0.0, 0.0
	for _, v := range s.Values() {
		if v.length >= logLongest {
			continue
		}
		w, l := kernel(v.noted-weight, weightWidth), math.Exp(v.length)
		of, sum, square = of+w, sum+w*l, square+w*l*l
	}
	if of < 1 {
		return stoppedLength, stoppedSigma
	}
	metres := sum / of
	return units.Metres(metres), units.Metres(math.Sqrt(max(square/of-metres*metres, 0)) + weighedSigma)
}

var logLongest = math.Log(longestVehicle)
