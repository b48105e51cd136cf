package motion

import (
	"math"

	"lanewarden/drivers/observation/units"
)

// Gap is the distribution of the time between a vehicle's end leaving a place and the next one's
// front reaching it, in a queue: normal with this mean and standard deviation.
type Gap struct {
	Mean, Sigma float64 // s
}

// defaultGap is the gap before it is learnt: a driver's reaction of 0.6 to 1.2 s, and one or two metres at walking pace.
var defaultGap = Gap{1.5, 0.7}

// Bounds of gaps, s. Longer ones are of vehicles that nobody held up; narrower ones than leastGapSigma are chance.
const (
	maxGap      = 20.0
	minGapSigma = 0.3
	maxGapSigma = 5.0
)

// gapEstimator learns the gap at one device.
type gapEstimator struct {
	window  Window
	gap     Gap
	cleared float64 // s, by its clock: when the last vehicle had left
}

// add adds a vehicle whose front came at a time by the device's clock, and which stayed for so many
// seconds. Gaps beyond maxGap are of vehicles that nobody held up, and are left out.
func (g *gapEstimator) add(at, stay float64) {
	if gap := at - g.cleared; gap > -maxGap/4 && gap < maxGap {
		g.window.Add(gap)
		mean, sigma := g.window.Mode()
		g.gap = Gap{mean, min(max(sigma, minGapSigma), maxGapSigma)}
	}
	if g.cleared > at+maxGap { // the clock was set back
		g.cleared = 0
	}
	g.cleared = max(g.cleared, at+stay)
}

// Gap returns the gap at a device, the default until enough were seen.
func (m *Model) Gap(dev int) Gap {
	if g := &m.gaps[dev]; g.window.Len() >= 2*minValues {
		return g.gap
	}
	return defaultGap
}

// PresenceTime returns how long a vehicle stays at a place, s, and the standard deviation of that:
// as measured in lasts, by a device there that saw begin and end; else by length and speed.
func (m *Model) PresenceTime(s Fix, lasts float64, speed units.MetresPerSecond) (seconds, sigma float64) {
	switch {
	case lasts > 0:
		return lasts, 0
	case s.Length > 0:
		return s.Length.SecondsAt(speed), presenceSigma
	}
	length := unknownLength
	// Who stops is measured too long, so that most vehicles are shorter than the median.
	if m.lengths.Len() >= 2*minValues {
		length = m.shortLength
	}
	seconds = length / float64(speed)
	return seconds, math.Hypot(presenceSigma, unknownSpread*length/float64(speed))
}

const (
	presenceSigma = 1.5 // s, of how long a vehicle stays by its length
	unknownLength = 8.0 // m, of vehicles until some are measured
	unknownSpread = 0.5 // of that
)

// presenceAt returns for how long a vehicle was seen at the place of one of its fixes, s; 0 when no
// device says it.
func presenceAt(sights []Fix, at Fix) float64 {
	if at.Presence > 0 {
		return at.Presence
	}
	for _, s := range sights {
		if s.Presence > 0 && math.Abs(float64(s.Position-at.Position)) < SamePlace {
			return s.Presence
		}
	}
	return 0
}
