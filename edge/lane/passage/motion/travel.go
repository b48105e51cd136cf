package motion

import "lanewarden/drivers/observation/units"

// travelResidual estimates the travel time between two devices beyond distance over speed, s, in
// raw times. It holds lags, dwell and what is left of clock offsets, of vehicles that nothing held
// up: these agree with each other, those that were held up do not.
type travelResidual struct {
	Window
	median, spread float64 // s, of vehicles that nothing held up
	age            int     // values since these were found
}

// adoptRatio widens the range around the known values in which new values are accepted: more so, the longer ago it was
// found. In a queue that stands for hours nobody drives freely, and what was known before still holds.
const adoptRatio = 1.5

// mixedRatio is the ratio of the spread of agreeing values to the spread of all, below which the others are those of
// vehicles that were held up.
const mixedRatio = 0.5

func (w *travelResidual) known() bool { return w != nil && w.Len() >= minValues }

// add adds a value. late says that it is of a device to which vehicles do not come in a row, so
// that no queue spoils it.
func (w *travelResidual) add(v float64, late bool) {
	w.Add(v)
	w.age++
	if w.Len() < minValues {
		return
	}
	extra, spread := w.Estimate()
	if mode, narrow := w.Mode(); w.Len() >= 4*minValues && narrow < mixedRatio*spread {
		extra, spread = mode, narrow
	}
	if late || w.Len() <= 2*minValues || spread <= max(w.spread, minSigma)*(adoptRatio+float64(w.age)/windowSize) {
		w.median, w.spread, w.age = extra, spread, 0
	}
}

func (w *travelResidual) shift(by float64) {
	w.Shift(by)
	w.median += by
}

// travelResidual returns what is learnt of the way between two devices, and the sign with which it
// holds in this direction; nil when nothing is, unless make asks for a new one.
func (m *Model) travelResidual(from, to int, make bool) (*travelResidual, float64) {
	sign := 1.0
	if from > to {
		from, to, sign = to, from, -1
	}
	w := &m.travelResiduals[from*len(m.hitRates)+to]
	if *w == nil && make {
		*w = &travelResidual{}
	}
	return *w, sign
}

// learnTravel adds the time between two fixes of a vehicle, unless it stood there.
func (m *Model) learnTravel(a, b Fix, speed units.MetresPerSecond) {
	if a.Dev != b.Dev && standingBetween(a, b) == 0 {
		w, sign := m.travelResidual(a.Dev, b.Dev, true)
		w.add(sign*(b.Raw-a.Raw-(b.Position-a.Position).SecondsAt(speed)), a.Late || b.Late)
	}
}

// LearnLate adds the ways from a vehicle's fixes to a late one.
func (m *Model) LearnLate(sights []Fix, late Fix, speed units.MetresPerSecond) {
	if speed <= 0 {
		speed = m.SpeedEstimate()
	}
	for _, a := range sights {
		m.learnTravel(a, late, speed)
	}
}

// ClockStepped records that a device's clock was set forward by so many seconds: what was learnt by
// it is moved. With late it is not known exactly by how much, and everything is learnt anew.
func (m *Model) ClockStepped(dev int, by float64, late bool) {
	for other := range m.hitRates {
		w := &m.travelResiduals[min(dev, other)*len(m.hitRates)+max(dev, other)]
		switch {
		case *w == nil:
		case late:
			*w = nil
		case dev < other:
			(*w).shift(-by)
		default:
			(*w).shift(by)
		}
	}
}

// Orderly reports whether a device sees vehicles soon after others do, and not when a person comes to it: the spread of
// the way from one of the other devices is small.
func (m *Model) Orderly(dev int) bool {
	const row, few = 8.0, 8    // s; values by which a spread is unsure
	const most = 2 * minValues // values from which on a few that agree by chance do not make one
	for other := range m.hitRates {
		if w, _ := m.travelResidual(dev, other, false); w.known() && w.Len() >= most &&
			w.spread*(1+few/float64(w.Len())) < row {
			return true
		}
	}
	return false
}
