package associate

import (
	"math"
	"slices"

	"lanewarden/edge/lane/passage/detection"
)

// births opens a track in each lane that the device sees.
func (s *stepper) births(n *node, queue []*track, gone float64) {
	if len(queue) >= mostQueue {
		return
	}
	d := s.d
	places := s.layout.Devices[d.Dev].Places
	for _, p := range places {
		t := s.born(p.Lane)
		i := s.rank(queue, t)
		terms := Terms{From: -1}
		terms.add(Birth, math.Log(s.model.BirthRate()/float64(len(places))))
		if q := s.aheadOf(queue, i, t); q != nil {
			terms.add(Birth, math.Log(q.after(d.At)))
		}
		terms.add(Birth, s.behind(queue, i, t)+s.packed(queue, i, t))
		if k := next(queue, i, t); k >= 0 && !d.Tag {
			terms.add(Birth, s.layout.before(s.model, t, queue[k], d))
		}
		terms.add(Missed, s.cost[d.Dev].seen)
		if d.Tag {
			terms.add(Strength, s.strength(true))
		}
		if s.hopeless(n, gone, &terms) {
			continue
		}
		ahead, cost := s.passesOver(queue, i, t, t)
		if terms.add(Missed, s.misses(t.charged)+cost); s.drops(n, gone, &terms) {
			continue
		}
		next := make([]*track, 0, len(queue)+1)
		next = append(append(append(next, queue[:i]...), t), queue[i:]...)
		s.passOver(next, ahead)
		s.add(n, next, gone, d.Idx, &terms)
	}
}

// rank returns where in the queue a vehicle stands that is seen for the first time: behind those that are further on,
// or are predicted to come to this device before.
func (s *stepper) rank(queue []*track, t *track) int {
	d := s.d
	i := len(queue)
	for ; i > 0; i-- {
		o := queue[i-1]
		if o.reversed || !t.one(o) {
			continue
		}
		if o.seen&(1<<d.Dev) != 0 || o.front > t.front {
			break
		}
		if p, ok := s.predict(o); !ok || p.Off > 0 {
			break
		}
	}
	return i
}

// reversing gives the detection of a vehicle that goes out backwards to the last that came in, or to another one.
func (s *stepper) reversing(n *node, queue []*track, gone float64) {
	d := s.d
	behind := 0
	for i := len(queue) - 1; i >= 0; i-- {
		t := queue[i]
		if s.layout.position[t.lane][d.Dev] == nowhere {
			continue
		}
		terms := Terms{From: -1}
		like := detection.Like(d.Names, t.names)
		terms.add(Names, like.Score)
		within := s.layout.Timeout / 2
		if t.reversed {
			within = outWithin
		}
		terms.add(Arrival, -math.Log(within))
		terms.add(Order, math.Log(notLast)*float64(behind))
		if !t.reversed {
			behind++
		}
		next := slices.Clone(queue)
		next[i] = t.with(s.layout, d)
		s.add(n, next, gone, t.birth.Idx, &terms)
	}
	terms := Terms{From: -1}
	terms.add(Birth, math.Log(s.model.BirthRate())+math.Log(notLast))
	if len(queue) >= mostQueue {
		s.clutter(n, queue, gone)
	} else {
		lane := s.layout.Devices[d.Dev].Places[0].Lane
		s.add(n, append(slices.Clone(queue), born(s.layout, lane, d)), gone, d.Idx, &terms)
	}
}
