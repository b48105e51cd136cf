package associate

import (
	"math"
	"math/bits"
	"slices"

	"lanewarden/edge/lane/passage/motion"
)

// node adds what follows from one hypothesis.
func (s *stepper) node(n *node) {
	queue, gone := s.leave(n.queue)
	if s.d.Reverse {
		s.reversing(n, queue, gone)
		return
	}
	clear(s.unseen)
	for i, t := range queue {
		at := s.layout.position[t.lane][s.d.Dev]
		if at == nowhere || s.unseen[t.lane] < -s.forget {
			continue
		}
		if t.reversed && !(t.turned && (t.front-at).Abs() < motion.SamePlace) {
			s.goingOut(n, queue, i, gone)
			continue
		}
		s.assign(n, queue, i, gone)
		if (t.seen|t.charged)&(1<<s.d.Dev) == 0 && t.front <= at {
			s.unseen[t.lane] += s.miss(s.d.Dev, s.d.At)
		}
	}
	s.births(n, queue, gone)
	s.clutter(n, queue, gone)
}

// clutter gives the detection to no vehicle: a tag, or anything when the lanes can hold no more vehicles.
func (s *stepper) clutter(n *node, queue []*track, gone float64) {
	terms := Terms{From: -1}
	switch {
	case s.d.Tag:
		terms.add(Clutter, logClutterTag)
		terms.add(Strength, s.strength(false))
	case len(queue) >= mostQueue:
		terms.add(Clutter, logClutterAny)
	default:
		return
	}
	s.add(n, queue, gone, None, &terms)
}

// assign gives the detection to a vehicle.
func (s *stepper) assign(n *node, queue []*track, i int, gone float64) {
	queue, i = s.merge(queue, i)
	t, d := queue[i], s.d
	bit := uint64(1) << d.Dev
	terms := Terms{From: -1}
	like := *s.like(t)
	terms.add(Names, like.Score)
	terms.Read, terms.Name = like.A, like.B
	passed := 0.0 // by those behind, whom this device saw
	for k := i + 1; k < len(queue); k++ {
		if o := queue[k]; o.seen&bit != 0 && !o.reversed && t.one(o) {
			passed += logOvertakes
		}
	}
	terms.add(Order, passed)
	if seen := t.at(d.Dev); seen != nil {
		terms.add(Repeated, repeat(d, seen, like.Score >= 0, d.Blind && t.front < s.layout.last[t.lane]))
		if d.Length > 0 {
			terms.add(Lengths, min(lengths(s.model, t, d), 0)) // it tells two vehicles apart, and does not make them one
		}
		if d.Tag {
			terms.add(Strength, s.strength(true))
		}
		s.again(n, queue, i, gone, &terms)
		return
	}
	expected, ok := s.predict(t)
	p := *expected
	if !ok || math.Abs(p.Off) > mostIdle {
		return
	}
	var ahead *clearing
	row := 0.0
	beside := p.Ahead.Abs() < motion.SamePlace && !d.Tag && !s.layout.Devices[p.Dev].Hears
	if !beside { // else the row has said it of the sight beside this one
		ahead = s.aheadOf(queue, i, t)
		row = s.behind(queue, i+1, t) + s.packed(queue, i+1, t) + s.spaced(queue, i, t) + s.roomHeard(queue, i+1, t)
	}
	score, waited := arrival(p, s.model.Delays(), d.At, ahead, s.layout.Timeout)
	score += s.layout.onward(s.model, t, d) + row
	terms.Off, terms.Sigma, terms.From = float32(p.Off), float32(p.Sigma), int16(p.Dev)
	terms.Waited = waited
	terms.add(Arrival, score)
	terms.add(Lengths, lengths(s.model, t, d))
	terms.add(Size, s.sizes(t))
	terms.add(Missed, s.cost[d.Dev].seen)
	if t.charged&bit != 0 {
		terms.add(Missed, -s.miss(d.Dev, d.At))
	}
	if d.Tag {
		terms.add(Strength, s.strength(true))
	}
	if s.hopeless(n, gone, &terms) {
		return
	}
	now := s.next(t)
	over, cost := s.passesOver(queue, i, t, now)
	if terms.add(Missed, cost); s.drops(n, gone, &terms) {
		return
	}
	next := slices.Clone(queue)
	next[i] = now
	s.passOver(next, over)
	s.add(n, next, gone, t.birth.Idx, &terms)
}

// merge puts a track that is seen for the first time where lanes are one row ahead of those of other lanes that have not
// come so far: it went in before them, and the devices before this one missed it.
func (s *stepper) merge(queue []*track, i int) ([]*track, int) {
	t := queue[i]
	if !s.layout.merges[s.d.Dev] || t.merged {
		return queue, i
	}
	at, k := s.layout.position[t.lane][s.d.Dev], i
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

// goingOut gives the detection to a vehicle that turned back: devices that cannot tell directions see it once more, on its
// way out.
func (s *stepper) goingOut(n *node, queue []*track, i int, gone float64) {
	t, d := queue[i], s.d
	if !d.Blind || s.layout.position[t.lane][d.Dev] > t.front+longVehicle {
		return
	}
	terms := Terms{From: -1}
	like := *s.like(t)
	terms.add(Names, like.Score)
	terms.Read, terms.Name = like.A, like.B
	if seen := t.out(d.Dev); seen != nil {
		terms.add(Repeated, repeat(d, seen, like.Score >= 0, false))
	} else {
		terms.add(Repeated, -math.Abs(d.At-t.last)/outWithin-math.Log(outWithin))
	}
	if d.Tag {
		terms.add(Strength, s.strength(true))
	}
	s.again(n, queue, i, gone, &terms)
}

// again adds a hypothesis in which the device has seen the i-th vehicle once more.
func (s *stepper) again(n *node, queue []*track, i int, gone float64, terms *Terms) {
	if s.drops(n, gone, terms) {
		return
	}
	next := slices.Clone(queue)
	next[i] = s.next(queue[i])
	s.add(n, next, gone, queue[i].birth.Idx, terms)
}

// hopeless reports whether a hypothesis is dropped anyway: what is still to be added makes it less likely.
func (s *stepper) hopeless(n *node, gone float64, terms *Terms) bool {
	return len(s.nodes) > 0 && n.weight+gone+terms.Sum() < s.best-s.forget
}

// passesOver returns which vehicles a detection of the i-th one passes over: those ahead of it that this device should
// have seen, by their bits, and what that costs, with what the i-th one is charged for the stations before this one.
// was is its track without the detection, now with it.
func (s *stepper) passesOver(queue []*track, i int, was, now *track) (ahead uint64, cost float64) {
	d := s.d
	bit := uint64(1) << d.Dev
	cost = s.misses(now.charged &^ was.charged)
	for k, o := range queue[:i] {
		at := s.layout.position[o.lane][d.Dev]
		if o.reversed || at == nowhere || o.front > at || (o.seen|o.charged)&bit != 0 || !now.one(o) && !was.one(o) {
			continue
		}
		cost += s.miss(d.Dev, d.At)
		ahead |= 1 << k
	}
	return ahead, cost
}

// passOver charges tracks for the device that passes them over, and sets those that have merged into their row.
func (s *stepper) passOver(queue []*track, ahead uint64) {
	for ; ahead != 0; ahead &= ahead - 1 {
		k := bits.TrailingZeros64(ahead)
		queue[k] = s.passed(queue[k])
	}
	if s.layout.merges[s.d.Dev] {
		slices.SortStableFunc(queue, func(a, b *track) int { return merged(b) - merged(a) })
	}
}

func merged(t *track) int {
	if t.merged {
		return 1
	}
	return 0
}
