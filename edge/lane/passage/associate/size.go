package associate

import (
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// sized returns the log-likelihood ratio of what a detection tells for the first time, weight, load or a better length,
// being of a track's vehicle, as vehicles of its size are here.
func sized(m *motion.Model, t *track, d *detection.Detection) float64 {
	sum := 0.0
	better := d.Length > 0 && (t.length <= 0 || d.Length < t.length)
	switch {
	case weighsAll(d):
		sum = m.Weighs(t.length, d.Kg)
	case better && t.kg > 0:
		sum = m.Weighs(d.Length, t.kg) - m.Weighs(t.length, t.kg)
	}
	told, had := Load(d.Names), Load(t.names)
	for _, l := range [...]motion.Load{motion.Tagged, motion.Container} {
		switch {
		case told&^had&l != 0:
			sum += m.Carries(t.length, l)
		case better && had&l != 0:
			sum += m.Carries(d.Length, l) - m.Carries(t.length, l)
		}
	}
	return sum
}

// weighsAll reports whether a detection is the weighing of a whole vehicle.
func weighsAll(d *detection.Detection) bool { return d.Weighs && d.Axle == 0 }

// Load returns what a vehicle carries by names that were read there.
func Load(names []detection.Name) (l motion.Load) {
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

// extent returns how long a track's vehicle is, m, and how sure that is, with the weight that the step's detection tells if
// it is the vehicle's.
func (s *stepper) extent(t *track, told bool) (metres, sigma float64) {
	if told && t.kg == 0 && weighsAll(s.d) {
		return s.model.Extent(t.length, s.d.Kg)
	}
	m := s.memo(t)
	if !m.measured {
		m.measured = true
		m.metres, m.unsure = s.model.Extent(t.length, t.kg)
	}
	return m.metres, m.unsure
}
