package associate

import (
	"math"
	"math/bits"
	"slices"

	"lanewarden/edge/lane/passage/motion"
)

// expand adds the hypotheses that follow from one: the detection is of each of its vehicles, of a
// new one, or of none.
func (s *stepper) expand(n *node) {
	queue, departureCost := s.dropDeparted(n.queue)
	if s.detection.Reverse {
		s.assignReversing(n, queue, departureCost)
		return
	}
	clear(s.missCosts)
	for i, t := range queue {
		at := s.layout.position[t.lane][s.detection.Dev]
		if at == nowhere || s.missCosts[t.lane] < -s.pruneAt {
			continue
		}
		if t.reversed && !(t.turned && (t.front-at).Abs() < motion.SamePlace) {
			s.assignOutbound(n, queue, i, departureCost)
			continue
		}
		s.assign(n, queue, i, departureCost)
		if (t.seen|t.missed)&(1<<s.detection.Dev) == 0 && t.front <= at {
			s.missCosts[t.lane] += s.missedDetectionCost(s.detection.Dev, s.detection.At)
		}
	}
	s.newTracks(n, queue, departureCost)
	s.clutter(n, queue, departureCost)
}

// clutter adds the hypothesis that the detection is of no vehicle here: a tag, or anything when the
// lanes are full.
func (s *stepper) clutter(n *node, queue []*track, departureCost float64) {
	terms := Terms{From: -1}
	switch {
	case s.detection.Tag:
		terms.add(Clutter, s.detectionLogs[s.detection.Dev].stray)
		terms.add(Strength, s.strengthTerm(false))
	case len(queue) >= maxTracks:
		terms.add(Clutter, logClutterAny)
	default:
		return
	}
	s.add(n, queue, departureCost, None, &terms)
}

// assign adds the hypothesis that the detection is of the i-th vehicle.
func (s *stepper) assign(n *node, queue []*track, i int, departureCost float64) {
	queue, i = s.mergeRow(queue, i)
	t, d := queue[i], s.detection
	bit := uint64(1) << d.Dev
	terms := Terms{From: -1}
	identity := *s.identityScore(t)
	terms.add(Names, identity.Score)
	terms.Read, terms.Name = identity.A, identity.B
	passed := 0.0 // by those behind, whom this device saw
	for k := i + 1; k < len(queue); k++ {
		if o := queue[k]; o.seen&bit != 0 && !o.reversed && t.sameRow(o) {
			passed += logOvertakes
		}
	}
	terms.add(Order, passed)
	if seen := t.detectionBy(d.Dev); seen != nil {
		terms.add(Repeated, repeatLogDensity(d, seen, identity.Score >= 0, d.Blind && t.front < s.layout.last[t.lane]))
		if d.Length > 0 {
			// A second length tells two vehicles apart, but the same length does not make them one.
			terms.add(Lengths, min(lengthLogRatio(s.model, t, d), 0))
		}
		if d.Tag {
			terms.add(Strength, s.strengthTerm(true))
		}
		s.assignRepeat(n, queue, i, departureCost, &terms)
		return
	}
	expected, ok := s.predict(t)
	p := *expected
	if !ok || math.Abs(p.Residual) > maxIdle {
		return
	}
	var ahead *clearing
	row := 0.0
	beside := p.Distance.Abs() < motion.SamePlace && !d.Tag && !s.layout.Devices[p.Dev].HearsTags
	if !beside { // else the row has said it of the detection beside this one
		ahead = s.clearingAhead(queue, i, t)
		row = s.roomBehind(queue, i+1, t) + s.roomForQueue(queue, i+1, t) +
			s.spacingTerm(queue, i, t) + s.roomForTag(queue, i+1, t)
	}
	score, waited := arrivalLogLikelihood(p, s.model.Delays(), d.At, ahead, s.layout.Timeout)
	score += s.layout.laterDetections(s.model, t, d) + row
	terms.Residual, terms.Sigma, terms.From = float32(p.Residual), float32(p.Sigma), int16(p.Dev)
	terms.Queued = waited
	terms.add(Arrival, score)
	terms.add(Lengths, lengthLogRatio(s.model, t, d))
	terms.add(Size, s.sizeTerm(t))
	terms.add(Missed, s.detectionLogs[d.Dev].hit)
	if t.missed&bit != 0 {
		terms.add(Missed, -s.missedDetectionCost(d.Dev, d.At))
	}
	if d.Tag {
		terms.add(Strength, s.strengthTerm(true))
	}
	if s.prunes(n, departureCost, &terms) { // what is still to be added only makes it less likely
		return
	}
	now := s.extend(t)
	over, cost := s.passedOver(queue, i, t, now)
	if terms.add(Missed, cost); s.prunes(n, departureCost, &terms) {
		return
	}
	next := slices.Clone(queue)
	next[i] = now
	s.chargePassed(next, over)
	s.add(n, next, departureCost, t.firstDetection.Idx, &terms)
}

// mergeRow puts a track that is seen for the first time where lanes are one row ahead of those of other lanes that have not
// come so far: it went in before them, and the devices before this one missed it.
func (s *stepper) mergeRow(queue []*track, i int) ([]*track, int) {
	t := queue[i]
	if !s.layout.merges[s.detection.Dev] || t.merged {
		return queue, i
	}
	at, k := s.layout.position[t.lane][s.detection.Dev], i
	for ; k > 0; k-- {
		if o := queue[k-1]; !o.reversed && (o.lane == t.lane || o.merged && o.front >= at) {
			break
		}
	}
	if k == i {
		return queue, i
	}
	moved := slices.Insert(slices.Delete(slices.Clone(queue), i, i+1), k, t)
	return moved, k
}

// assignOutbound adds the hypothesis that the detection is of a vehicle that turned back: devices
// that cannot tell directions see it once more, on its way out.
func (s *stepper) assignOutbound(n *node, queue []*track, i int, departureCost float64) {
	t, d := queue[i], s.detection
	if !d.Blind || s.layout.position[t.lane][d.Dev] > t.front+longVehicle {
		return
	}
	terms := Terms{From: -1}
	identity := *s.identityScore(t)
	terms.add(Names, identity.Score)
	terms.Read, terms.Name = identity.A, identity.B
	if seen := t.outboundBy(d.Dev); seen != nil {
		terms.add(Repeated, repeatLogDensity(d, seen, identity.Score >= 0, false))
	} else {
		terms.add(Repeated, -math.Abs(d.At-t.last)/outboundMean-math.Log(outboundMean))
	}
	if d.Tag {
		terms.add(Strength, s.strengthTerm(true))
	}
	s.assignRepeat(n, queue, i, departureCost, &terms)
}

// assignRepeat adds the hypothesis that the device has detected the i-th vehicle once more.
func (s *stepper) assignRepeat(n *node, queue []*track, i int, departureCost float64, terms *Terms) {
	if s.prunes(n, departureCost, terms) {
		return
	}
	next := slices.Clone(queue)
	next[i] = s.extend(queue[i])
	s.add(n, next, departureCost, queue[i].firstDetection.Idx, terms)
}

// passedOver returns which vehicles a detection of the i-th one passes over: those ahead of it that this device should
// have seen, by their bits, and what that costs, with what the i-th one is charged for the stations before this one.
// was is its track without the detection, now with it.
func (s *stepper) passedOver(queue []*track, i int, was, now *track) (ahead uint64, cost float64) {
	d := s.detection
	bit := uint64(1) << d.Dev
	cost = s.missedDetectionCosts(now.missed &^ was.missed)
	for k, o := range queue[:i] {
		at := s.layout.position[o.lane][d.Dev]
		if o.reversed || at == nowhere || o.front > at || (o.seen|o.missed)&bit != 0 {
			continue
		}
		if !now.sameRow(o) && !was.sameRow(o) {
			continue
		}
		cost += s.missedDetectionCost(d.Dev, d.At)
		ahead |= 1 << k
	}
	return ahead, cost
}

// chargePassed charges tracks for the device that passed them over, and sorts those that have
// merged into their row.
func (s *stepper) chargePassed(queue []*track, ahead uint64) {
	for ; ahead != 0; ahead &= ahead - 1 {
		k := bits.TrailingZeros64(ahead)
		queue[k] = s.chargeMiss(queue[k])
	}
	if s.layout.merges[s.detection.Dev] {
		slices.SortStableFunc(queue, func(a, b *track) int { return merged(b) - merged(a) })
	}
}

// merged orders tracks that have merged before those that have not.
func merged(t *track) int {
	if t.merged {
		return 1
	}
	return 0
}
