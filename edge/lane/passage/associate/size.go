package associate

import (
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// sizeTerm returns the log-likelihood ratio of what the step's detection adds (weight, load, a
// better length) being of a track's vehicle, given what vehicles of its size are like here.
func (s *stepper) sizeTerm(t *track) float64 {
	m := s.memo(t)
	if !m.sizeKnown {
		m.sizeKnown, m.sizeScore = true, sizeLogRatio(s.model, t, s.detection)
	}
	return m.sizeScore
}

// sizeLogRatio is sizeTerm without the memo.
func sizeLogRatio(m *motion.Model, t *track, d *detection.Detection) (sum float64) {
	length := units.Metres(d.Length)
	better := length > 0 && (t.length <= 0 || length < t.length)
	switch {
	case wholeWeighing(d):
		sum = m.WeightLogRatio(t.length, units.Kilograms(d.Kg))
	case better && t.kg > 0:
		sum = m.WeightLogRatio(length, t.kg) - m.WeightLogRatio(t.length, t.kg)
	}
	told, had := Load(d.Names), Load(t.names)
	for _, l := range [...]motion.Load{motion.Tagged, motion.Container} {
		switch {
		case told&^had&l != 0:
			sum += m.LoadLogRatio(t.length, l)
		case better && had&l != 0:
			sum += m.LoadLogRatio(length, l) - m.LoadLogRatio(t.length, l)
		}
	}
	return sum
}

// wholeWeighing reports whether a detection is the weighing of a whole vehicle, and not of an axle.
func wholeWeighing(d *detection.Detection) bool { return d.Weighs && d.Axle == 0 }

// Load returns what a vehicle carries, from the names that were read at it.
func Load(names []kinds.Name) (l motion.Load) {
	for i := range names {
		switch n := &names[i]; {
		case n.Guess:
		case n.Kind == "tag":
			l |= motion.Tagged
		case n.Kind == "container":
			l |= motion.Container
		}
	}
	return l
}

// lengthOf returns the length of a track's vehicle and its standard deviation.
func (s *stepper) lengthOf(t *track) (length, sigma units.Metres) {
	m := s.memo(t)
	if !m.lengthKnown {
		m.lengthKnown = true
		m.length, m.lengthSigma = s.model.LengthEstimate(t.length, t.kg)
	}
	return m.length, m.lengthSigma
}

// lengthWith is lengthOf when the step's detection, which may weigh the vehicle, is of it.
func (s *stepper) lengthWith(t *track) (length, sigma units.Metres) {
	if t.kg == 0 && wholeWeighing(s.detection) {
		return s.model.LengthEstimate(t.length, units.Kilograms(s.detection.Kg))
	}
	return s.lengthOf(t)
}
