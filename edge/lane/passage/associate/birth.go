package associate

import (
	"math"
	"slices"

	"lanewarden/edge/lane/passage/detection"
)

// newTracks adds hypotheses in which the detection is the first of a new track, one in each lane
// that the device sees.
func (s *stepper) newTracks(n *node, queue []*track, departureCost float64) {
	if len(queue) >= maxTracks {
		return
	}
	d := s.detection
	places := s.layout.Devices[d.Dev].Places
	for _, p := range places {
		t := s.newTrack(p.Lane)
		i := s.insertionIndex(queue, t)
		terms := Terms{From: -1}
		terms.add(Birth, math.Log(s.model.BirthRate()/float64(len(places))))
		if q := s.clearingAhead(queue, i, t); q != nil {
			terms.add(Birth, math.Log(q.freeBy(d.At)))
		}
		terms.add(Birth, s.roomBehind(queue, i, t)+s.roomForQueue(queue, i, t))
		if k := nextBehind(queue, i, t); k >= 0 && !d.Tag {
			terms.add(Birth, s.layout.enteredAhead(s.model, t, queue[k], d))
		}
		terms.add(Missed, s.detectionLogs[d.Dev].hit)
		if d.Tag {
			terms.add(Strength, s.strengthTerm(true))
		}
		if s.prunes(n, departureCost, &terms) { // what is still to be added only makes it less likely
			continue
		}
		ahead, cost := s.passedOver(queue, i, t, t)
		if terms.add(Missed, s.missedDetectionCosts(t.missed)+cost); s.prunes(n, departureCost, &terms) {
			continue
		}
		next := make([]*track, 0, len(queue)+1)
		next = append(append(append(next, queue[:i]...), t), queue[i:]...)
		s.chargePassed(next, ahead)
		s.add(n, next, departureCost, d.Idx, &terms)
	}
}

// insertionIndex returns where in the queue a vehicle stands that is seen for the first time:
// behind those that are farther on, or are predicted to come to this device earlier.
func (s *stepper) insertionIndex(queue []*track, t *track) int {
	d := s.detection
	i := len(queue)
	for ; i > 0; i-- {
		o := queue[i-1]
		if o.reversed || !t.sameRow(o) {
			continue
		}
		if o.seen&(1<<d.Dev) != 0 || o.front > t.front {
			break
		}
		if p, ok := s.predict(o); !ok || p.Residual > 0 {
			break
		}
	}
	return i
}

// assignReversing adds hypotheses in which the detection is of a vehicle that goes out backwards:
// the last that came in, or another one at a cost.
func (s *stepper) assignReversing(n *node, queue []*track, departureCost float64) {
	d := s.detection
	behind := 0
	for i := len(queue) - 1; i >= 0; i-- {
		t := queue[i]
		if s.layout.position[t.lane][d.Dev] == nowhere {
			continue
		}
		terms := Terms{From: -1}
		identity := detection.CompareNames(d.Names, t.names)
		terms.add(Names, identity.Score)
		within := s.layout.Timeout / 2
		if t.reversed {
			within = outboundMean
		}
		terms.add(Arrival, -math.Log(within))
		terms.add(Order, math.Log(notLastShare)*float64(behind))
		if !t.reversed {
			behind++
		}
		next := slices.Clone(queue)
		next[i] = t.withDetection(s.layout, d)
		s.add(n, next, departureCost, t.firstDetection.Idx, &terms)
	}
	terms := Terms{From: -1}
	terms.add(Birth, math.Log(s.model.BirthRate())+math.Log(notLastShare))
	if len(queue) >= maxTracks {
		s.clutter(n, queue, departureCost)
	} else {
		lane := s.layout.Devices[d.Dev].Places[0].Lane
		s.add(n, append(slices.Clone(queue), born(s.layout, lane, d)), departureCost, d.Idx, &terms)
	}
}
