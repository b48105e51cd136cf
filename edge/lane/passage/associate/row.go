package associate

import (
	"math"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// mostUnseen is the number of consecutive vehicles, missed by a device, that are searched for the time at which they
// let the next one come.
const mostUnseen = 4

// aheadOf returns when the vehicle ahead of a track that stands before the i-th one clears the detection's device;
// nil when nothing says so.
func (s *stepper) aheadOf(row []*track, i int, t *track) *clearing {
	return s.ahead(row, i, t, mostUnseen)
}

// ahead looks at so many vehicles that the device did not see, at most.
func (s *stepper) ahead(row []*track, i int, t *track, most int) *clearing {
	for k := i - 1; k >= 0; k-- {
		o := row[k]
		if o.reversed || !t.one(o) && !s.layout.merges[s.d.Dev] || s.layout.position[o.lane][s.d.Dev] == nowhere {
			continue
		}
		c := s.clears(o)
		switch {
		case c == nil && !t.one(o): // of another lane: who comes first is not known yet
			continue
		case c != nil || s.d.Tag || most == 0:
			return c
		}
		return s.layout.unseen(s.model, o, s.d, s.ahead(row, k, o, most-1))
	}
	return nil
}

// behind returns the log-probability that a track is where it is, with the vehicle behind it, from the i-th one on.
func (s *stepper) behind(row []*track, i int, t *track) float64 {
	for ; i < len(row); i++ {
		if o := row[i]; !o.reversed && t.one(o) {
			return s.layout.room(s.model, t, o, s.d)
		}
	}
	return 0
}

// unseen returns when a vehicle lets the next one come to a device that saw nothing of it: it came there by itself, or
// when the one ahead of it, if any, let it.
func (l *Layout) unseen(m *motion.Model, t *track, d *detection.Detection, ahead *clearing) *clearing {
	p, ok := l.predict(m, t, d)
	if !ok {
		return nil
	}
	at, sigma := d.At-p.Off, p.Sigma
	if ahead != nil && ahead.at > at {
		at, sigma = ahead.at, ahead.sigma
	}
	stay, unsure := l.stay(m, t, d)
	if d.Lasts > 0 { // that is how long the next one stayed
		stay, unsure = m.Stay(motion.Sight{Length: m.Plausible(t.length)}, 0, t.pace(m))
	}
	c := leaves(m, d.Dev, at+stay, math.Hypot(sigma, unsure), false)
	return &c
}

// before returns the log-probability that a track, first seen by the detection, had gone ahead of another one by the
// places where that one was seen before: it must have left each of them by then, and may have stood since.
func (l *Layout) before(m *motion.Model, t, behind *track, d *detection.Detection) float64 {
	worst := 0.0
	here, by := t.sight(l, m, d), m.Delays()
	for s := behind; s != nil; s = s.prev {
		o := s.det
		at := l.position[t.lane][o.Dev]
		if !exact(o) || at == nowhere || at > here.Position-motion.SamePlace {
			continue
		}
		p := m.Predict(here, behind.sight(l, m, o), t.speed)
		gap := m.Gap(o.Dev)
		stay, unsure := m.Stay(motion.Sight{Length: m.Plausible(t.length)}, 0, t.pace(m))
		early := p.Off - stay - gap.Mean
		share := (1 - by.Share) * below(early, math.Hypot(p.Sigma, math.Hypot(unsure, gap.Sigma)))
		share += by.Share * math.Exp(min(early, 0)/by.Mean)
		worst = min(worst, math.Log(max(share, impossible)))
	}
	return worst
}

// packed returns the log-probability that all vehicles that stand behind a track, from the i-th of the row on, have
// room between the detection's place and one that they had left by then.
func (s *stepper) packed(row []*track, i int, t *track) float64 {
	d, worst := s.d, 0.0
	if d.Tag || d.Raw != d.At || i >= len(row) {
		return 0
	}
	for dev := range s.layout.Devices {
		way := s.layout.position[t.lane][d.Dev] - s.layout.position[t.lane][dev]
		if !(way > motion.SamePlace && way < mostPacked) {
			continue
		}
		need, behind := s.model.Least(t.length), 0
		for _, o := range row[i:] {
			if o.reversed || !t.one(o) {
				continue
			}
			left := o.at(dev)
			if left == nil || !exact(left) || left.End() > d.At {
				break
			}
			need, behind = need+s.model.Least(o.length)+queueRoom, behind+1
		}
		if behind > 0 && need > way {
			worst = min(worst, logBelow(float64(way-need), packedSigma))
		}
	}
	return worst
}

// mostPacked is the longest way on which vehicles are counted that stand behind each other, m; packedSigma is how much
// less room than their lengths say they need, m.
const (
	mostPacked  = 100.0
	packedSigma = 3.0
)
