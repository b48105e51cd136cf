package motion

import (
	"math"

	"lanewarden/drivers/driver/ring"
)

// pairs holds the lengths and weights of the last vehicles, in their order. Where vehicles follow each other evenly,
// all weighings can be given to the vehicle ahead or behind, and what is learnt of the times bears that out. But then
// lengths correlate with the neighbours' weights, and not with their own.
type pairs struct{ ring.Buffer[pair] }

// pair is a vehicle's length and weight: logarithms of m and kg; 0 when unknown.
type pair struct{ length, weight float64 }

const (
	maxPairs        = 96
	minPairs        = 45   // vehicles that are enough to say something
	correlationGain = 0.5  // by how much higher the correlation with the neighbours' weights is then
	minVariety      = 0.01 // standard deviation of logarithms below which vehicles are all alike: what is left is noise
)

func (p *pairs) add(length, kg float64) {
	var one pair
	if length > 0 && length < longestVehicle && kg > 0 {
		one = pair{math.Log(length), math.Log(kg)}
	}
	p.Add(one, maxPairs)
}

// each calls f with each length and the weight of the vehicle that came a step behind.
func (p *pairs) each(step int, f func(length, weight float64)) {
	for i := max(0, -step); i < p.Len()-max(0, step); i++ {
		length, weight := p.At(i).length, p.At(i+step).weight
		if length != 0 && weight != 0 {
			f(length, weight)
		}
	}
}

// correlation returns the correlation of lengths with the weights of vehicles a step behind; ok is false when there are
// few, or all are alike.
func (p *pairs) correlation(step int) (r float64, ok bool) {
	n, x, y, xx, yy, xy := 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
	p.each(step, func(l, w float64) {
		n, x, y, xx, yy, xy = n+1, x+l, y+w, xx+l*l, yy+w*w, xy+l*w
	})
	if n < minPairs {
		return 0, false
	}
	lengths, weights := xx-x*x/n, yy-y*y/n
	if min(lengths, weights) < n*minVariety*minVariety {
		return 0, false
	}
	return (xy - x*y/n) / math.Sqrt(lengths*weights), true
}

// shiftedBy returns by how many vehicles the weighings are off, -1 or 1; 0 when that is not clear.
func (p *pairs) shiftedBy() int {
	own, ok := p.correlation(0)
	ahead, okAhead := p.correlation(-1)
	behind, okBehind := p.correlation(1)
	switch {
	case !ok || !okAhead || !okBehind || max(ahead, behind) < own+correlationGain:
		return 0
	case ahead > behind:
		return -1
	}
	return 1
}

// RealignWeights checks whether a scale's last weighings were given to the vehicle beside the right
// one. If so, what was learnt of the scale's times is moved by the time between vehicles, and the
// usual weights are learnt anew from the right pairs.
func (m *Model) RealignWeights(scale int) {
	step := m.neighbours.shiftedBy()
	if step == 0 {
		return
	}
	m.weightsByLength = bySize[float64]{}
	m.neighbours.each(step, func(l, w float64) { m.weightsByLength.add(math.Exp(l), w) })
	m.neighbours = pairs{}
	m.ClockStepped(scale, float64(step)/m.BirthRate(), false)
}
