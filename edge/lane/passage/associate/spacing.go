package associate

import (
	"math"

	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// In a queue each vehicle stands a gap behind the one ahead (Newell 2002): so many vehicles are between two places as
// have room there, by their lengths. That tells when a device missed one, which shifts all behind it.
const (
	queuedDelay = 10.0 // s later than predicted, from which on a vehicle was in a queue
	spaceGap    = 3.0  // m between vehicles in a queue that moves on
	spaceSigma  = 1.0  // m, of that
	holeShare   = 0.1  // of vehicles in a queue, with more room ahead
	overSpeed   = 1.3  // times its usual speed, at the most
	runSigma    = 1.5  // m, of how far a vehicle goes in a time
	heardAhead  = 3.5  // m before the antenna, where a tag is heard first
)

// spacingTerm returns the log-probability that the vehicles between two places had room there, of
// which a track, the i-th of the row, is the last. It counts once for each pair of places, when the
// vehicle is seen beyond them: by then it has been weighed, which tells the length of one that
// stood over the detector at the entry.
func (s *stepper) spacingTerm(row []*track, i int, t *track) (sum float64) {
	d := s.detection
	if d.Tag {
		return 0
	}
	here := s.layout.position[t.lane][d.Dev]
	b := s.layout.foremost(t, here)
	if b == nil {
		return 0
	}
	place := s.layout.position[t.lane][b.Dev]
	if a := s.layout.foremost(t, place); a != nil && t.front < place+motion.SamePlace {
		sum = s.spacingBetween(row, i, t, a, b)
	}
	if timesFront(d) && here > s.layout.last[t.lane]-motion.SamePlace {
		sum += s.spacingBetween(row, i, t, b, d)
	}
	return sum
}

// foremost returns the track's exact detection that is farthest on before a place; nil for none.
func (l *Layout) foremost(t *track, place units.Metres) (d *detection.Detection) {
	for s := t; s != nil; s = s.prev {
		at := l.position[t.lane][s.latest.Dev]
		if timesFront(s.latest) && at < place-motion.SamePlace && (d == nil || at > l.position[t.lane][d.Dev]) {
			d = s.latest
		}
	}
	return d
}

// spacingBetween looks at the moment at which a track's end left the place of a detection: with the
// vehicles ahead that had not reached the next place yet it has room between the two, and with the
// first that had reached it they fill the way.
func (s *stepper) spacingBetween(row []*track, i int, t *track, from, to *detection.Detection) float64 {
	position := s.layout.position[t.lane]
	way := position[to.Dev] - position[from.Dev]
	p := s.model.Predict(t.fix(s.layout, s.model, from), t.fix(s.layout, s.model, to), t.speed)
	if p.Residual < queuedDelay || way > maxQueueWay {
		return 0
	}
	left := from.End()
	length, sigma := s.lengthWith(t)
	run := max(to.At-left, 0) * overSpeed * float64(t.speedEstimate(s.model))
	sum := logBelow(run-float64(way-length), math.Hypot(float64(sigma), runSigma))
	if to.At <= left { // it is as long as the way
		return sum
	}
	between := occupied{length, float64(sigma * sigma)}
	all, others := between, false
ahead:
	for k := i - 1; k >= 0; k-- {
		o := row[k]
		if o.reversed || !t.sameRow(o) {
			continue
		}
		length, sigma := s.lengthOf(o)
		all.add(length, sigma)
		came := o.detectionBy(to.Dev)
		switch {
		case came == nil && o.front > position[to.Dev]: // the device missed it: it was before the place then, or beyond
		case came == nil || came.At > left:
			between.add(length, sigma)
			others = true
		default:
			sum += math.Log(1 - (1-holeShare)*(1-below(float64(all.length-way), all.sigma())))
			break ahead
		}
	}
	if others {
		sum += logBelow(float64(way-between.length), between.sigma())
	}
	return sum
}

// occupied is the length of road that vehicles of a queue occupy, m, with its variance, m².
type occupied struct {
	length   units.Metres
	variance float64
}

// add adds a vehicle and the gap behind it.
func (s *occupied) add(length, sigma units.Metres) {
	s.length += length + spaceGap
	s.variance += float64(sigma*sigma) + spaceSigma*spaceSigma
}

func (s *occupied) sigma() float64 { return math.Sqrt(s.variance + spaceSigma*spaceSigma) }

// logBelow is the logarithm of below, limited by the probability that a device errs.
func logBelow(x, sigma float64) float64 { return math.Log(max(below(x, sigma), impossible)) }

// roomForTag returns the log-probability that a tag is of a track although the next vehicle behind
// it, from the i-th of the row on, had reached a place before the antenna already: the track's
// vehicle must have made room there.
func (s *stepper) roomForTag(row []*track, i int, t *track) (worst float64) {
	d := s.detection
	if !d.Tag || d.Raw != d.At {
		return 0
	}
	i = nextBehind(row, i, t)
	if i < 0 {
		return 0
	}
	length, sigma := s.lengthOf(t)
	for o := row[i]; o != nil; o = o.prev {
		way := s.layout.position[t.lane][d.Dev] - s.layout.position[t.lane][o.latest.Dev]
		if timesFront(o.latest) && o.latest.At < d.At && way > motion.SamePlace && way < maxQueueWay {
			worst = min(worst, logBelow(float64(way-heardAhead-length-queueRoom), math.Hypot(float64(sigma), runSigma)))
		}
	}
	return worst
}
