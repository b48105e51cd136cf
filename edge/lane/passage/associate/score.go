package associate

import (
	"math"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// Parameters of the model that are not learnt at the lane. Probabilities; times in s. docs/association.md says on which
// data each was fitted.
const (
	unexplained = 0.003 // share of arrivals that no prediction explains
	queueGap    = 0.9   // s between a vehicle's end and the next one's front, in a queue
	queueSigma  = 0.45  // s, of that, where a device says when the end left
	tagLead     = 2.0   // s by which a tag is heard before the vehicle's front comes to the antenna
	queueGuess  = 1.5   // s, where that is worked out from length, speed and pace
	toldTwice   = 0.02  // share of detections that a device reports twice
	seenAgain   = 0.004 // share of vehicles that a device sees at two moments
	otherAgain  = 0.002 // share of vehicles at which a device reads two names
	againWithin = 3.0   // s, mean time between these
	turnsBack   = 0.01  // share of vehicles that turn back in the lane
	turnsWithin = 60.0  // s, mean until they come by again
	overtakes   = 1e-4  // share of vehicles that pass another one in the lane
	notLast     = 0.002 // share of reversing vehicles that others had followed
	faintOwn    = 0.01  // share of a lane's own tags that are hardly heard
	faintOther  = 0.9   // of neighbouring lanes' tags
	clutterTag  = 1.0 / 3600
	clutterAny  = 1e-7  // detections a second that are of nothing
	strayRest   = -14.0 // log-probability, at the least, of what nobody else sees of a vehicle that was seen
)

var (
	logClutterTag, logClutterAny = math.Log(clutterTag), math.Log(clutterAny)
	logOvertakes                 = math.Log(overtakes)
)

// normal is the density of a normal distribution.
func normal(x, sigma float64) float64 {
	x /= sigma
	return math.Exp(-0.5*x*x) / (sigma * 2.5066282746310002)
}

// below is the distribution function of a normal distribution.
func below(x, sigma float64) float64 { return 0.5 * math.Erfc(-x/(sigma*math.Sqrt2)) }

// free returns density and distribution of an arrival off seconds later than predicted, of a vehicle that something may
// hold up.
func free(off, sigma float64, by motion.Delays) (density, share float64) {
	density, share = (1-by.Share)*normal(off, sigma), (1-by.Share)*below(off, sigma)
	if off > 0 && by.Share > 0 {
		tail := math.Exp(-off / by.Mean)
		density += by.Share * tail / by.Mean
		share += by.Share * (1 - tail)
	}
	return density, share
}

// comes returns density and distribution of an arrival, of a vehicle that may have stood where it was seen: with its front
// there, or with its end, when it had come on already.
func comes(p motion.Prediction, by motion.Delays) (density, share float64) {
	sign := 1.0
	if p.Ahead < 0 { // seen further on already: what it stood before that place was after this one
		sign = -1
	}
	density, share = free(sign*p.Off, p.Sigma, by)
	if p.Stood != 0 {
		d, s := free(sign*(p.Off-p.Stood), math.Hypot(p.Sigma, stoodSigma), by)
		if p.Through {
			return d, s
		}
		density, share = (density+d)/2, (share+s)/2
	}
	return density, share
}

// stoodSigma is the uncertainty of how long a vehicle stood, s: its end is seen exactly, its length and speed are not.
const stoodSigma = 1.0

// clearing is when the vehicle ahead lets the next one come to a device.
type clearing struct {
	clear float64 // s
	sigma float64 // s
	here  bool    // it was seen at the place: the next one comes right then when it had to wait
}

// arrival returns the log-density of an arrival: the later of when the vehicle would come by itself, and of when the one
// ahead has cleared the place. early is how long before its front a vehicle is seen, s. q is nil when nobody is known to
// be ahead.
func arrival(p motion.Prediction, by motion.Delays, at, early float64, q *clearing, timeout float64) (score float64, waited bool) {
	if math.Abs(p.Ahead) < samePlace {
		by = motion.Delays{Share: 0.01, Mean: 10}
	}
	density, share := comes(p, by)
	if q != nil {
		since := at + early - q.clear - queueGap
		density *= max(below(since+queueGap/2, q.sigma), impossible)
		if q.here {
			held := normal(since, q.sigma) * share
			waited = held > density
			density += held
		}
	}
	return math.Log((1-unexplained)*density + unexplained/(2*timeout)), waited
}

// predict returns when a device should see a track: from its most advanced sight before the place, else from its
// hindmost one behind it.
func (l *Layout) predict(m *motion.Model, t *track, d *detection.Detection) (p motion.Prediction, ok bool) {
	to := t.sight(l, m, d)
	best := math.Inf(-1)
	for s := t; s != nil; s = s.prev {
		if s.det.Reverse || s.det.Dev == d.Dev || l.position[t.lane][s.det.Dev] == nowhere {
			continue
		}
		from := t.sight(l, m, s.det)
		one := m.Predict(from, to, t.speed)
		// Nearer is better, as the vehicle may have stopped on the way; then what is surer.
		rank := from.Position - 0.01*one.Sigma
		if from.Position > to.Position {
			rank = -from.Position - 1e6
		}
		if rank > best {
			best, p, ok = rank, one, true
		}
	}
	return p, ok
}

// stay returns how long a track's vehicle is in the place of a device from its front's coming on, s, and how sure that is:
// as a device there says that saw begin and end, else by length, speed and the pace of queues.
func (l *Layout) stay(m *motion.Model, t *track, d *detection.Detection) (seconds, sigma float64) {
	if d.Lasts > 0 && !d.Tag {
		return d.Lasts, queueSigma
	}
	place := l.position[t.lane][d.Dev]
	for s := t; s != nil; s = s.prev {
		if o := s.det; o.Lasts > 0 && !o.Tag && !o.Reverse && math.Abs(l.position[t.lane][o.Dev]-place) < samePlace {
			return o.Lasts, 2 * queueSigma
		}
	}
	seconds = m.Pace(d.Dev) - queueGap
	if reach, ok := m.Reach(); ok && t.length > 0 && t.speed > 0.2 {
		seconds = max(seconds, (m.Plausible(t.length)+reach)/t.speed)
	}
	return max(seconds, 0.5), queueGuess
}

// samePlace is how near to each other, in m, devices see one place.
const samePlace = 1.0

// there returns when a device saw a track's vehicle, or should have as another device of the same place saw it; ok is
// false when none did.
func (l *Layout) there(m *motion.Model, t *track, d *detection.Detection) (at, sigma float64, by *detection.Detection) {
	to := t.sight(l, m, d)
	for s := t; s != nil; s = s.prev {
		o := s.det
		if o.Reverse || o.Tag != d.Tag {
			continue
		}
		if o.Dev == d.Dev {
			return o.At, 0, o
		}
		if math.Abs(l.position[t.lane][o.Dev]-to.Position) < samePlace && by == nil {
			p := m.Predict(t.sight(l, m, o), to, t.speed)
			at, sigma, by = d.At-p.Off, p.Sigma, o
		}
	}
	return at, sigma, by
}

// lead is how long before its front comes to a device a vehicle is seen, s.
func lead(d *detection.Detection) float64 {
	if d.Tag {
		return tagLead
	}
	return 0
}

// queueRoom is the distance between two vehicles in a queue, m, and what detectors see beyond the ends.
const queueRoom = 1.0

// pace returns a track's speed, the usual one when nobody measured it, m/s.
func (t *track) pace(m *motion.Model) float64 {
	if t.speed > 0.2 {
		return t.speed
	}
	return m.Speed()
}

// exact reports whether a detection's time is that of the vehicle's front, by the agent's clock: of a device that sees
// begin and end.
func exact(d *detection.Detection) bool { return d.Lasts > 0 && !d.Tag && !d.Reverse && d.Raw == d.At }

// exactly returns a track's sight at a place by a device that saw its begin and end there; nil for none.
func (l *Layout) exactly(t *track, place float64) *detection.Detection {
	for s := t; s != nil; s = s.prev {
		if exact(s.det) && math.Abs(l.position[t.lane][s.det.Dev]-place) < samePlace {
			return s.det
		}
	}
	return nil
}

// rear returns when a track's end left a place, at the least: it was seen so near beyond that the vehicle, by its length,
// still stood there. ok is false when no sight says so.
func (l *Layout) rear(m *motion.Model, t *track, place float64) (at float64, ok bool) {
	length := m.Least(t.length)
	if length <= 0 {
		return 0, false
	}
	for s := t; s != nil; s = s.prev {
		beyond := l.position[t.lane][s.det.Dev] - place
		if !exact(s.det) || beyond < samePlace || beyond > length {
			continue
		}
		if end := s.det.At + (length+queueRoom-beyond)/t.pace(m); !ok || end > at {
			at, ok = end, true
		}
	}
	return at, ok
}

// clears returns when the vehicle ahead lets the next one come to a device, as it is seen there and further on; nil when
// nothing says so.
func (l *Layout) clears(m *motion.Model, ahead *track, d *detection.Detection) *clearing {
	at, sigma, by := l.there(m, ahead, d)
	rear, near := 0.0, false
	if exact(d) && (by == nil || !exact(by)) {
		rear, near = l.rear(m, ahead, l.position[ahead.lane][d.Dev])
	}
	if by == nil {
		if !near {
			return nil
		}
		return &clearing{clear: rear, sigma: queueGuess}
	}
	stay, unsure := l.stay(m, ahead, by)
	if d.Tag {
		return &clearing{at + stay, 2 * queueGuess, true}
	}
	c := &clearing{at + stay, math.Hypot(sigma, unsure), true}
	if near && rear > c.clear+2*c.sigma { // it stood between
		c.clear, c.sigma, c.here = rear, queueGuess, false
	}
	return c
}

// room returns the log-probability that the vehicle behind, which was seen in this place or near it already, came after
// this one.
func (l *Layout) room(m *motion.Model, t, behind *track, d *detection.Detection) float64 {
	if d.Tag {
		return 0
	}
	worst := 0.0
	if at, sigma, by := l.there(m, behind, d); by != nil {
		stay, unsure := l.stay(m, t, d)
		worst = math.Log(max(below(at-d.At-stay-queueGap/2, math.Hypot(sigma, unsure)), impossible))
	}
	length := m.Least(t.length)
	if length <= 0 || !exact(d) {
		return worst
	}
	place := l.position[t.lane][d.Dev]
	for s := behind; s != nil; s = s.prev {
		beyond := place - l.position[behind.lane][s.det.Dev]
		if !exact(s.det) || beyond < samePlace || beyond > length {
			continue
		}
		rear := d.At + (length+queueRoom-beyond)/t.pace(m)
		if own := l.exactly(t, l.position[behind.lane][s.det.Dev]); own != nil {
			rear = own.End()
		}
		worst = min(worst, math.Log(max(below(s.det.At-rear, queueGuess), impossible)))
	}
	return worst
}

// impossible is the probability of what cannot be, but for a device that errs.
const impossible = 1e-5

// onward returns the log-probability that the sights further on, if any, came after this one.
func (l *Layout) onward(m *motion.Model, t *track, d *detection.Detection) float64 {
	to := t.sight(l, m, d)
	worst := 0.0
	for s := t; s != nil; s = s.prev {
		if s.det.Reverse || l.position[t.lane][s.det.Dev] <= to.Position+samePlace {
			continue
		}
		p := m.Predict(t.sight(l, m, s.det), to, t.speed)
		off := p.Off
		if d.Tag { // it is heard for as long as it is near
			off -= tagLead
		}
		if off > 0 {
			worst = min(worst, math.Log(max(2*below(-off, p.Sigma), impossible)))
		}
	}
	return worst
}

// lengths returns the log-likelihood ratio of two lengths being of one vehicle.
func lengths(m *motion.Model, t *track, d *detection.Detection) float64 {
	const (
		sigma, sigmaExtent = 0.07, 0.15 // relative, of one length measured twice
		differ             = 0.35       // relative, of two vehicles' lengths
		worst              = -3.0       // a vehicle that stopped, a detector that errs
		stopping           = -0.5       // one is longer than vehicles are here: it stopped
	)
	ratio, width, floor := 0.0, 0.0, worst
	switch {
	case t.length <= 0:
		return 0
	case d.Length > 0:
		ratio, width = d.Length/t.length, sigma
		if m.Plausible(d.Length) < d.Length || m.Plausible(t.length) < t.length {
			floor = stopping
		}
	case d.Extent > 0:
		reach, ok := m.Reach()
		if !ok {
			return 0
		}
		ratio, width = d.Extent/max(t.length+reach, 1), sigmaExtent
		if m.Plausible(d.Extent-reach) < d.Extent-reach || m.Plausible(t.length) < t.length {
			floor = stopping
		}
	default:
		return 0
	}
	x := math.Log(ratio) / width
	return max(floor, -0.5*x*x+math.Log(differ/width))
}

// repeat returns the log-density of a device seeing a vehicle again. alike says that names, if any, are the same, foremost
// that the device is the farthest that saw it: it may have turned back.
func repeat(d, before *detection.Detection, alike, foremost bool) float64 {
	apart := math.Abs(d.At - before.At)
	switch {
	case d.Axle > 0 || before.Axle > 0: // one weighing after the other
		return math.Log(0.8 * math.Exp(-apart/5) / 5)
	case apart < 0.05 && alike:
		return math.Log(toldTwice / 0.1)
	}
	if !alike { // another tag: a vehicle seldom carries two
		return math.Log(otherAgain / 60)
	}
	again := seenAgain * (0.9*math.Exp(-apart/againWithin)/againWithin + 0.1*math.Exp(-apart/60)/60)
	if foremost {
		again += turnsBack * math.Exp(-apart/turnsWithin) / turnsWithin
	}
	return math.Log(again)
}

// strength returns the log-density of a tag being heard so well that is of this lane, or of the next one.
func (s *stepper) strength(own bool) float64 {
	share := faintOther
	if own {
		share = faintOwn
	}
	if !s.d.Faint {
		share = 1 - share
	}
	score := math.Log(share)
	if usual, sigma, ok := s.model.Loudness(s.d.Dev); ok && s.d.Rssi != 0 {
		sigma = math.Hypot(sigma, loudSigma)
		if !own {
			usual, sigma = usual-quieter, sigma+loudSigma
		}
		x := min(math.Abs(s.d.Rssi-usual)/sigma, 3)
		score += -0.5*x*x - math.Log(sigma)
	}
	return score
}

// How loudly the neighbouring lane's tags are heard, dB: so much less than this lane's, and that is as uncertain.
const (
	quieter   = 15.0
	loudSigma = 3.0
)
