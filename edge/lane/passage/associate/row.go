package associate

import (
	"math"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// maxMissedAhead is the number of consecutive vehicles, missed by a device, that are searched for the time at which they
// let the next one come.
const maxMissedAhead = 4

// clearingAhead returns when the vehicle ahead of a track that stands before the i-th one clears
// the detection's device; nil when nothing says so.
func (s *stepper) clearingAhead(row []*track, i int, t *track) *clearing {
	return s.clearingAheadWithin(row, i, t, maxMissedAhead)
}

// clearingAheadWithin is clearingAhead, through at most most vehicles that the device did not see.
func (s *stepper) clearingAheadWithin(row []*track, i int, t *track, most int) *clearing {
	for k := i - 1; k >= 0; k-- {
		o := row[k]
		dev := s.detection.Dev
		if o.reversed || !t.sameRow(o) && !s.layout.merges[dev] || s.layout.position[o.lane][dev] == nowhere {
			continue
		}
		c := s.clearingBy(o)
		switch {
		case c == nil && !t.sameRow(o): // of another lane: who comes first is not known yet
			continue
		case c != nil || s.detection.Tag || most == 0:
			return c
		}
		return s.layout.clearingByMissed(s.model, o, s.detection, s.clearingAheadWithin(row, k, o, most-1))
	}
	return nil
}

// roomBehind returns the log-probability of a track being where it is, given the vehicle behind it,
// from the i-th one on.
func (s *stepper) roomBehind(row []*track, i int, t *track) float64 {
	for ; i < len(row); i++ {
		if o := row[i]; !o.reversed && t.sameRow(o) {
			return s.layout.roomBehind(s.model, t, o, s.detection)
		}
	}
	return 0
}

// clearingByMissed returns when a vehicle lets the next one reach a device that saw nothing of it:
// it came there by itself, or when the one ahead of it, if any, let it. It is nil when nothing
// predicts it.
func (l *Layout) clearingByMissed(m *motion.Model, t *track, d *detection.Detection, ahead *clearing) *clearing {
	p, ok := l.predict(m, t, d)
	if !ok {
		return nil
	}
	at, sigma := d.At-p.Residual, p.Sigma
	if ahead != nil && ahead.at > at {
		at, sigma = ahead.at, ahead.sigma
	}
	stay, unsure := l.presence(m, t, d)
	if d.Lasts > 0 { // that is how long the next one stayed
		stay, unsure = m.PresenceTime(motion.Fix{Length: m.PlausibleLength(t.length)}, 0, t.speedEstimate(m))
	}
	c := clearingAfter(m, d.Dev, at+stay, math.Hypot(sigma, unsure), false)
	return &c
}

// enteredAhead returns the log-probability that a track, first seen by the detection, had passed
// ahead of another one through the places where that one was seen earlier: it must have left each
// of them by then, and may have stood since.
func (l *Layout) enteredAhead(m *motion.Model, t, behind *track, d *detection.Detection) float64 {
	worst := 0.0
	here, by := t.fix(l, m, d), m.Delays()
	for s := behind; s != nil; s = s.prev {
		o := s.latest
		at := l.position[t.lane][o.Dev]
		if !timesFront(o) || at == nowhere || at > here.Position-motion.SamePlace {
			continue
		}
		p := m.Predict(here, behind.fix(l, m, o), t.speed)
		gap := m.Gap(o.Dev)
		stay, unsure := m.PresenceTime(motion.Fix{Length: m.PlausibleLength(t.length)}, 0, t.speedEstimate(m))
		early := p.Residual - stay - gap.Mean
		share := (1 - by.Share) * below(early, math.Hypot(p.Sigma, math.Hypot(unsure, gap.Sigma)))
		share += by.Share * math.Exp(min(early, 0)/by.Mean)
		worst = min(worst, math.Log(max(share, impossible)))
	}
	return worst
}

// roomForQueue returns the log-probability that all vehicles that stand behind a track, from the
// i-th of the row on, have room between the detection's place and one that they had left by then.
func (s *stepper) roomForQueue(row []*track, i int, t *track) float64 {
	d, worst := s.detection, 0.0
	if d.Tag || d.Raw != d.At || i >= len(row) {
		return 0
	}
	for dev := range s.layout.Devices {
		way := s.layout.position[t.lane][d.Dev] - s.layout.position[t.lane][dev]
		if !(way > motion.SamePlace && way < maxQueueWay) {
			continue
		}
		need, behind := s.model.MinLength(t.length), 0
		for _, o := range row[i:] {
			if o.reversed || !t.sameRow(o) {
				continue
			}
			left := o.detectionBy(dev)
			if left == nil || !timesFront(left) || left.End() > d.At {
				break
			}
			need, behind = need+s.model.MinLength(o.length)+queueRoom, behind+1
		}
		if behind > 0 && need > way {
			worst = min(worst, logBelow(float64(way-need), queueWaySigma))
		}
	}
	return worst
}

// mostPacked is the longest way on which vehicles are counted that stand behind each other, m; packedSigma is how much
// less room than their lengths say they need, m.
const (
	maxQueueWay   = 100.0
	queueWaySigma = 3.0
)
