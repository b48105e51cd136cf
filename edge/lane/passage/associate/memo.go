package associate

import (
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// memo caches the comparison of one track with the detection of a step. Many hypotheses share a
// track, and each asks for it several times. A memo lasts for the step.
type memo struct {
	track *track

	predicted, hasPrediction bool // p was asked for, and something predicts it
	prediction               motion.Prediction

	clearingKnown, hasClearing bool // clearing was asked for, and something says when the next one can come
	clearing                   clearing

	lengthKnown         bool // extent was asked for
	length, lengthSigma units.Metres

	sizeKnown bool // sizes were asked for
	sizeScore float64

	identityKnown bool // like was asked for
	identity      detection.IdentityScore

	silenceKnown bool // silence was asked for
	silence      float64

	extended *track // with the detection; nil when not made yet
	missed   *track // charged for the detection's device; nil when not made yet
}

// memo returns a track's memo of this step. It is valid until another one is asked for.
func (s *stepper) memo(t *track) *memo {
	if t.slot >= len(s.memos) || s.memos[t.slot].track != t {
		t.slot = len(s.memos)
		s.memos = append(s.memos, memo{track: t})
	}
	return &s.memos[t.slot]
}

// predict returns when the detection's device should see a track; ok is false when nothing predicts
// it.
func (s *stepper) predict(t *track) (p *motion.Prediction, ok bool) {
	m := s.memo(t)
	if !m.predicted {
		m.predicted = true
		m.prediction, m.hasPrediction = s.layout.predict(s.model, t, s.detection)
	}
	return &m.prediction, m.hasPrediction
}

// clearingBy returns when a track's vehicle, being ahead, lets the next one come to the detection's device; nil when
// nothing says so.
func (s *stepper) clearingBy(t *track) *clearing {
	m := s.memo(t)
	if !m.clearingKnown {
		m.clearingKnown = true
		m.clearing, m.hasClearing = s.layout.clearingBy(s.model, t, s.detection)
	}
	if !m.hasClearing {
		return nil
	}
	return &m.clearing
}

// identityScore returns the comparison of the names of a track with those of the detection.
func (s *stepper) identityScore(t *track) *detection.IdentityScore {
	m := s.memo(t)
	if !m.identityKnown {
		m.identityKnown, m.identity = true, detection.CompareNames(s.detection.Names, t.names)
	}
	return &m.identity
}

// extend returns a track with the detection added, charged for the devices that should have seen it
// before and did not.
func (s *stepper) extend(t *track) *track {
	m := s.memo(t)
	if m.extended == nil {
		now := t.withDetection(s.layout, s.detection)
		missed := s.layout.behind[t.lane][s.detection.Dev] &^ now.seen
		now.setMisses((now.missed | missed) &^ (1 << s.detection.Dev))
		m.extended = now
	}
	return m.extended
}

// chargeMiss returns a track that the detection's device should have seen, charged for that.
func (s *stepper) chargeMiss(t *track) *track {
	m := s.memo(t)
	if m.missed == nil {
		m.missed = t.withMisses(t.missed | 1<<s.detection.Dev)
		m.missed.merged = t.merged || s.layout.merges[s.detection.Dev]
	}
	return m.missed
}

// newTrack returns the detection as the first of a new track in a lane.
func (s *stepper) newTrack(lane int) *track {
	if s.newTracksByLane[lane] == nil {
		t := born(s.layout, lane, s.detection)
		t.setMisses(s.layout.behind[lane][s.detection.Dev])
		s.newTracksByLane[lane] = t
	}
	return s.newTracksByLane[lane]
}
