package motion

import (
	"math"

	"lanewarden/drivers/observation/units"
)

// Gap is the time between a vehicle's end leaving a place and the next one's front coming to it, in a queue.
type Gap struct {
	Mean, Sigma float64 // s
}

// usualGap is the gap before it is learnt: a driver's reaction of 0.6 to 1.2 s, and one or two metres at walking pace.
var usualGap = Gap{1.5, 0.7}

// Bounds of gaps, s. Longer ones are of vehicles that nobody held up; narrower ones than leastGapSigma are chance.
const (
	longestGap    = 20.0
	leastGapSigma = 0.3
	mostGapSigma  = 5.0
)

// gaps learns the gap at a device.
type gaps struct {
	window Window
	gap    Gap
	clear  float64 // s, by its clock: when the last vehicle had left
}

// passed notes that a vehicle's front came at a time by the device's clock, and stayed for so many seconds.
func (g *gaps) passed(at, stay float64) {
	if gap := at - g.clear; gap > -longestGap/4 && gap < longestGap {
		g.window.Add(gap)
		mean, sigma := g.window.Mode()
		g.gap = Gap{mean, min(max(sigma, leastGapSigma), mostGapSigma)}
	}
	if g.clear > at+longestGap { // the clock was set back
		g.clear = 0
	}
	g.clear = max(g.clear, at+stay)
}

// Gap returns the gap at a device.
func (m *Model) Gap(dev int) Gap {
	if g := &m.gaps[dev]; g.window.Len() >= 2*least {
		return g.gap
	}
	return usualGap
}

// Stay returns how long a vehicle stays at a place, s, and how sure that is: as a device there says that saw begin and
// end, in lasts, else by length and speed.
func (m *Model) Stay(s Sight, lasts float64, speed units.MetresPerSecond) (seconds, sigma float64) {
	switch {
	case lasts > 0:
		return lasts, 0
	case s.Length > 0:
		return s.Length.SecondsAt(speed), staySigma
	}
	length := unknownLength
	if m.lengths.Len() >= 2*least { // who stops is measured too long, so that most vehicles are shorter than the median
		length = m.shorter
	}
	seconds = length / float64(speed)
	return seconds, math.Hypot(staySigma, unknownSpread*length/float64(speed))
}

const (
	staySigma     = 1.5 // s, of how long a vehicle stays by its length
	unknownLength = 8.0 // m, of vehicles until some are measured
	unknownSpread = 0.5 // of that
)

// lasting returns for how long a vehicle was seen at the place of one of its sights, s; 0 when no device says it.
func lasting(sights []Sight, at Sight) float64 {
	if at.Lasts > 0 {
		return at.Lasts
	}
	for _, s := range sights {
		if s.Lasts > 0 && math.Abs(float64(s.Position-at.Position)) < SamePlace {
			return s.Lasts
		}
	}
	return 0
}
