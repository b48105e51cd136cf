package motion

import (
	"cmp"
	"slices"

	"lanewarden/drivers/observation/units"
)

// PlausibleSpeed reports whether a measured speed is one at which vehicles drive here: a vehicle
// that stops over a detector is measured too slow.
func (m *Model) PlausibleSpeed(speed units.MetresPerSecond) bool {
	low, high := m.defaultSpeed/3, 4*m.defaultSpeed
	if m.speeds.Len() >= 2*minValues {
		low, high = m.minSpeed, m.maxSpeed
	}
	return float64(speed) >= low && float64(speed) <= high
}

// LearnLength adds a vehicle's measured length, unless it is that of one that stopped over the
// detector.
func (m *Model) LearnLength(length units.Metres) {
	if length > 0 && length <= longestVehicle {
		m.lengths.Add(float64(length))
		m.maxLength, m.shortLength = 1.15*m.lengths.Quantile(0.9), m.lengths.Quantile(0.3)
	}
}

// PlausibleLength returns a measured length, or the longest that vehicles have here when it is
// more: a vehicle that stops over a detector is measured too long.
func (m *Model) PlausibleLength(length units.Metres) units.Metres {
	if m.lengths.Len() < 2*minValues {
		return min(length, 26)
	}
	return min(length, units.Metres(m.maxLength))
}

// MinLength returns how long a vehicle is at least, as far as a measurement says: it may have
// stopped over the detector.
func (m *Model) MinLength(length units.Metres) units.Metres {
	if m.lengths.Len() < 2*minValues {
		return min(length, 4)
	}
	return min(length, units.Metres(m.shortLength))
}

// StandingTime returns how long a vehicle stood at a device that saw it for lasts seconds: the time
// beyond what it takes to pass at its speed; 0 when that is not known, or short.
func (m *Model) StandingTime(dev int, lasts float64, length units.Metres, speed units.MetresPerSecond) float64 {
	w := &m.excessTimes[dev]
	if lasts <= 0 || length <= 0 || speed <= 0 || w.Len() < minValues {
		return 0
	}
	if stood := lasts - length.SecondsAt(speed) - m.freeExcess[dev]; stood > minStanding {
		return stood
	}
	return 0
}

// leastStood is the least time that is called standing, s; throughRatio and throughMore say how much longer a way
// must be than a vehicle, whose length is not known exactly, in parts and m.
const (
	minStanding     = 1.5
	rearPassedRatio = 1.15
	rearPassedSlack = 1.0
)

// LearnPresence adds for how long a device saw a vehicle.
func (m *Model) LearnPresence(dev int, lasts float64, length units.Metres, speed units.MetresPerSecond) {
	if lasts > 0 && length > 0 && speed > 0 {
		m.excessTimes[dev].Add(lasts - length.SecondsAt(speed))
		m.freeExcess[dev] = m.excessTimes[dev].Quantile(0.25)
	}
}

// LearnTagLevel adds how strongly a tag of the lane was received, dBm.
func (m *Model) LearnTagLevel(dev int, dbm float64) { m.tagLevels[dev].Add(dbm) }

// TagLevel returns how strongly the lane's own tags are received, dBm, and the spread of that; ok
// is false until it is learnt.
func (m *Model) TagLevel(dev int) (dbm, spread float64, ok bool) {
	dbm, spread = m.tagLevels[dev].Estimate()
	return dbm, spread, m.tagLevels[dev].Len() >= minValues
}

// standingBetween returns how much of the time between two fixes the vehicle stood at the first of
// the two places that it passed.
func standingBetween(from, to Fix) float64 {
	switch way := to.Position - from.Position; {
	case way < -SamePlace:
		return -to.Standing
	case way > SamePlace:
		return from.Standing
	}
	return 0
}

// SamePlace is the distance in m up to which two devices detect a vehicle's front at the same moment.
const SamePlace = 1.0

// Delays is the distribution of the time for which vehicles are held up between two devices: none,
// or exponential.
type Delays struct {
	Share float64 // of ways on which they are
	Mean  float64 // s, of those
}

// Delays returns how vehicles were held up lately: much more in a queue than when they drive
// freely.
func (m *Model) Delays() Delays { return m.holdups }

// How vehicles are held up before that is known: a share of ways, and for so long, s.
const (
	defaultHeldShare = 0.06
	defaultHeldMean  = 10.0
)

// minDelay is the delay from which a vehicle counts as held up, s.
const minDelay = 3.0

// learnDelays learns how a vehicle was held up on each of its ways. Delays over 300 s count as
// that.
func (m *Model) learnDelays(sights []Fix, speed units.MetresPerSecond) {
	sorted := slices.Clone(sights)
	slices.SortStableFunc(sorted, func(a, b Fix) int { return cmp.Compare(a.Position, b.Position) })
	for i := 1; i < len(sorted); i++ {
		a, b := sorted[i-1], sorted[i]
		if b.Position-a.Position < SamePlace {
			continue
		}
		if p := m.Predict(a, b, speed); p.Learned {
			m.delays.Add(max(p.Residual, 0))
		}
	}
	n, sum := 0.0, 0.0
	for _, v := range m.delays.last.Values() {
		if v > minDelay {
			n, sum = n+1, sum+min(v, 300)
		}
	}
	const of, weight = 20, 3 // ways and delays that are taken for known before
	m.holdups = Delays{
		Share: min((n+defaultHeldShare*of)/(float64(m.delays.Len())+of), 0.8),
		Mean:  (sum + defaultHeldMean*weight) / (n + weight),
	}
}
