package motion

import "lanewarden/drivers/observation/units"

// way estimates the travel residual between two devices: s beyond distance over speed, of raw times. It holds lags,
// dwell and what is left of clock offsets, of vehicles that nothing held up: these agree with each other, those that
// were held up do not.
type way struct {
	Window
	extra, spread float64 // s, of vehicles that nothing held up
	old           int     // values since these were found
}

// adopting widens the range around the known values in which new values are accepted: more so, the longer ago it was
// found. In a queue that stands for hours nobody drives freely, and what was known before still holds.
const adopting = 1.5

// mixed is the ratio of the spread of agreeing values to the spread of all, below which the others are those of
// vehicles that were held up.
const mixed = 0.5

func (w *way) known() bool { return w != nil && w.Len() >= least }

// add takes a value. late says that it is of a device to which vehicles do not come in a row, so that no queue spoils
// it.
func (w *way) add(v float64, late bool) {
	w.Add(v)
	w.old++
	if w.Len() < least {
		return
	}
	extra, spread := w.Estimate()
	if mode, narrow := w.Mode(); w.Len() >= 4*least && narrow < mixed*spread {
		extra, spread = mode, narrow
	}
	if late || w.Len() <= 2*least || spread <= max(w.spread, sigmaLeast)*(adopting+float64(w.old)/windowSize) {
		w.extra, w.spread, w.old = extra, spread, 0
	}
}

func (w *way) shift(by float64) {
	w.Shift(by)
	w.extra += by
}

// travel returns what was learnt of the way between two devices and the sign with which it holds for this direction.
func (m *Model) travel(from, to int, make bool) (*way, float64) {
	sign := 1.0
	if from > to {
		from, to, sign = to, from, -1
	}
	w := &m.travels[from*len(m.rates)+to]
	if *w == nil && make {
		*w = &way{}
	}
	return *w, sign
}

// learnWay takes the time between two sights of a vehicle that did not stand there.
func (m *Model) learnWay(a, b Sight, speed units.MetresPerSecond) {
	if a.Dev != b.Dev && stood(a, b) == 0 {
		w, sign := m.travel(a.Dev, b.Dev, true)
		w.add(sign*(b.Raw-a.Raw-(b.Position-a.Position).SecondsAt(speed)), a.Late || b.Late)
	}
}

// LearnLate takes the way from a vehicle's sights to a late one.
func (m *Model) LearnLate(sights []Sight, late Sight, speed units.MetresPerSecond) {
	if speed <= 0 {
		speed = m.Speed()
	}
	for _, a := range sights {
		m.learnWay(a, late, speed)
	}
}

// Stepped notes that a device's clock was set forward by so many seconds: what was learnt by it holds on. When
// reports come late it is not known exactly by how much, and is learnt anew.
func (m *Model) Stepped(dev int, by float64, late bool) {
	for other := range m.rates {
		w := &m.travels[min(dev, other)*len(m.rates)+max(dev, other)]
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
	const row, few = 8.0, 8 // s; values by which a spread is unsure
	const most = 2 * least  // values from which on a few that agree by chance do not make one
	for other := range m.rates {
		if w, _ := m.travel(dev, other, false); w.known() && w.Len() >= most && w.spread*(1+few/float64(w.Len())) < row {
			return true
		}
	}
	return false
}
