package associate

import (
	"math"

	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// presence returns how long a track's vehicle is at the place of a device from its front's arrival,
// s, and the standard deviation of that: as a device there measured it, else by length and speed.
func (l *Layout) presence(m *motion.Model, t *track, d *detection.Detection) (seconds, sigma float64) {
	lasts, beside := 0.0, 0.0
	if !d.Tag {
		lasts = d.Lasts
	}
	place := l.position[t.lane][d.Dev]
	for s := t; s != nil && lasts == 0; s = s.prev {
		o := s.latest
		if o.Lasts > 0 && !o.Tag && !o.Reverse && (l.position[t.lane][o.Dev]-place).Abs() < motion.SamePlace {
			lasts, beside = o.Lasts, besideSigma
		}
	}
	seconds, sigma = m.PresenceTime(motion.Fix{Length: m.PlausibleLength(t.length)}, lasts, t.speedEstimate(m))
	return seconds, math.Hypot(sigma, beside)
}

// fixAt returns when a device saw a track's vehicle, or should have, as another device of the same
// place saw it; by is nil when none did.
func (l *Layout) fixAt(m *motion.Model, t *track, d *detection.Detection) (at, sigma float64, by *detection.Detection) {
	to := t.fix(l, m, d)
	for s := t; s != nil; s = s.prev {
		o := s.latest
		if o.Reverse || o.Tag != d.Tag {
			continue
		}
		if o.Dev == d.Dev {
			return o.At, 0, o
		}
		if (l.position[t.lane][o.Dev]-to.Position).Abs() < motion.SamePlace && by == nil {
			p := m.Predict(t.fix(l, m, o), to, t.speed)
			at, sigma, by = d.At-p.Residual, p.Sigma, o
		}
	}
	return at, sigma, by
}

// queueRoom is the distance between two vehicles in a queue, m, and what detectors see beyond the ends.
const queueRoom = 1.0

// speedEstimate returns the track's speed, the median of vehicles here when nobody measured it.
func (t *track) speedEstimate(m *motion.Model) units.MetresPerSecond {
	if t.speed > 0 {
		return t.speed
	}
	return m.SpeedEstimate()
}

// timesFront reports whether a detection's time is exactly that of the vehicle's front, by the
// agent's clock: of a device that sees begin and end.
func timesFront(d *detection.Detection) bool {
	return d.Lasts > 0 && !d.Tag && !d.Weighs && !d.Reverse && d.Raw == d.At
}

// frontDetection returns a track's exact detection at a place; nil for none.
func (l *Layout) frontDetection(t *track, place units.Metres) *detection.Detection {
	for s := t; s != nil; s = s.prev {
		if timesFront(s.latest) && (l.position[t.lane][s.latest.Dev]-place).Abs() < motion.SamePlace {
			return s.latest
		}
	}
	return nil
}

// earliestRear returns when a track's end left a place at the earliest: it was seen so near beyond
// that, by its length, it still stood there. ok is false when no detection says so.
func (l *Layout) earliestRear(m *motion.Model, t *track, place units.Metres) (at float64, ok bool) {
	length := m.MinLength(t.length)
	if length <= 0 {
		return 0, false
	}
	for s := t; s != nil; s = s.prev {
		beyond := l.position[t.lane][s.latest.Dev] - place
		if !timesFront(s.latest) || beyond < motion.SamePlace || beyond > length {
			continue
		}
		if end := s.latest.At + (length + queueRoom - beyond).SecondsAt(t.speedEstimate(m)); !ok || end > at {
			at, ok = end, true
		}
	}
	return at, ok
}

// clearingBy returns when the vehicle ahead lets the next one reach a device, from where it was
// seen there and beyond; ok is false when nothing says so.
func (l *Layout) clearingBy(m *motion.Model, ahead *track, d *detection.Detection) (c clearing, ok bool) {
	at, sigma, by := l.fixAt(m, ahead, d)
	rear, near := 0.0, false
	if timesFront(d) && (by == nil || !timesFront(by)) {
		rear, near = l.earliestRear(m, ahead, l.position[ahead.lane][d.Dev])
	}
	if by == nil {
		return clearingAfter(m, d.Dev, rear, lengthTimeSigma, false), near
	}
	stay, unsure := l.presence(m, ahead, by)
	if d.Tag { // it may be heard late, and the next one early: they come one after the other
		return clearing{at: at + stay - 2*tagReach/float64(ahead.speedEstimate(m)), sigma: 2 * lengthTimeSigma}, true
	}
	c = clearingAfter(m, d.Dev, at+stay, math.Hypot(sigma, unsure), unsure <= besideSigma)
	if near && rear > at+stay+2*c.sigma { // it stood between
		c = clearingAfter(m, d.Dev, rear, lengthTimeSigma, false)
		c.held = false
	}
	return c, true
}

// clearingAfter returns when there is room for the next vehicle, given when the end of one left a
// place and the standard deviation of that, both s. When that was not seen but computed, it may
// have stood there.
func clearingAfter(m *motion.Model, dev int, end, sigma float64, seen bool) clearing {
	gap, by := m.Gap(dev), m.Delays()
	c := clearing{
		at: end + gap.Mean, sigma: math.Hypot(sigma, gap.Sigma), stopsAgain: by.Share, stopMean: by.Mean, held: true,
	}
	if seen {
		c.stopsAgain *= stopAgainShare
	}
	return c
}

// roomBehind returns the log-probability that the vehicle behind, which was seen at this place or
// near it already, came after this one had made room.
func (l *Layout) roomBehind(m *motion.Model, t, behind *track, d *detection.Detection) float64 {
	if d.Tag {
		return 0
	}
	worst := 0.0
	if at, sigma, by := l.fixAt(m, behind, d); by != nil {
		stay, unsure := l.presence(m, t, d)
		c := clearingAfter(m, d.Dev, d.At+stay, math.Hypot(sigma, unsure), true)
		worst = math.Log(c.freeBy(at))
	}
	length := m.MinLength(t.length)
	if length <= 0 || !timesFront(d) {
		return worst
	}
	place := l.position[t.lane][d.Dev]
	for s := behind; s != nil; s = s.prev {
		beyond := place - l.position[behind.lane][s.latest.Dev]
		if !timesFront(s.latest) || beyond < motion.SamePlace || beyond > length {
			continue
		}
		rear := d.At + (length + queueRoom - beyond).SecondsAt(t.speedEstimate(m))
		if own := l.frontDetection(t, l.position[behind.lane][s.latest.Dev]); own != nil {
			rear = own.End()
		}
		worst = min(worst, logBelow(s.latest.At-rear, lengthTimeSigma))
	}
	return worst
}

// impossible is the probability of what cannot be, but for a device that errs.
const impossible = 1e-5

// laterDetections returns the log-probability that the track's detections farther on, if any, came
// after this one.
func (l *Layout) laterDetections(m *motion.Model, t *track, d *detection.Detection) float64 {
	to := t.fix(l, m, d)
	worst := 0.0
	for s := t; s != nil; s = s.prev {
		if s.latest.Reverse || l.position[t.lane][s.latest.Dev] <= to.Position+motion.SamePlace {
			continue
		}
		p := m.Predict(t.fix(l, m, s.latest), to, t.speed)
		off := p.Residual
		if d.Tag { // it is heard for as long as it is near
			off -= tagHeardBefore
		}
		if off > 0 {
			worst = min(worst, math.Log(max(2*below(-off, p.Sigma), impossible)))
		}
	}
	return worst
}
