package associate

import (
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// memo caches the comparison of one track with the detection of a step. Many hypotheses share a track, and each asks
// for it several times; memos last for the step.
type memo struct {
	of *track

	predicted, expected bool // p was asked for, and something predicts it
	p                   motion.Prediction

	cleared, hinders bool // clearing was asked for, and something says when the next one can come
	clearing         clearing

	extended            bool // extent was asked for
	length, lengthSigma units.Metres

	compared   bool // sizes were asked for
	comparison float64

	liked bool // like was asked for
	like  detection.Likeness

	awaited bool // silence was asked for
	silence float64

	next    *track // with the detection; nil when not made yet
	charged *track // charged for the detection's device; nil when not made yet
}

// memo returns a track's memo of this step. It is valid until another one is asked for.
func (s *stepper) memo(t *track) *memo {
	if t.slot >= len(s.memos) || s.memos[t.slot].of != t {
		t.slot = len(s.memos)
		s.memos = append(s.memos, memo{of: t})
	}
	return &s.memos[t.slot]
}

// predict returns when the detection's device should see a track.
func (s *stepper) predict(t *track) (p *motion.Prediction, ok bool) {
	m := s.memo(t)
	if !m.predicted {
		m.predicted = true
		m.p, m.expected = s.layout.predict(s.model, t, s.d)
	}
	return &m.p, m.expected
}

// clears returns when a track's vehicle, being ahead, lets the next one come to the detection's device; nil when
// nothing says so.
func (s *stepper) clears(t *track) *clearing {
	m := s.memo(t)
	if !m.cleared {
		m.cleared = true
		m.clearing, m.hinders = s.layout.clears(s.model, t, s.d)
	}
	if !m.hinders {
		return nil
	}
	return &m.clearing
}

// like returns what the names of a track and of the detection say together.
func (s *stepper) like(t *track) *detection.Likeness {
	m := s.memo(t)
	if !m.liked {
		m.liked, m.like = true, detection.Like(s.d.Names, t.names)
	}
	return &m.like
}

// next returns a track with the detection, charged for the devices that saw nothing of it until then.
func (s *stepper) next(t *track) *track {
	m := s.memo(t)
	if m.next == nil {
		now := t.with(s.layout, s.d)
		bit := uint64(1) << s.d.Dev
		if missed := s.layout.behind[t.lane][s.d.Dev] &^ now.seen; now.charged&bit != 0 || missed&^now.charged != 0 {
			now.recharge((now.charged | missed) &^ bit)
		}
		m.next = now
	}
	return m.next
}

// passed returns a track that the detection's device should have seen, and did not.
func (s *stepper) passed(t *track) *track {
	m := s.memo(t)
	if m.charged == nil {
		m.charged = t.charge(t.charged | 1<<s.d.Dev)
		m.charged.merged = t.merged || s.layout.merges[s.d.Dev]
	}
	return m.charged
}

// born returns the track of the detection in a lane, as of a vehicle that nobody saw before.
func (s *stepper) born(lane int) *track {
	if s.newborn[lane] == nil {
		t := born(s.layout, lane, s.d)
		t.recharge(s.layout.behind[lane][s.d.Dev])
		s.newborn[lane] = t
	}
	return s.newborn[lane]
}
