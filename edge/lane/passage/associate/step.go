package associate

import (
	"math"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
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
		if t.reversed && !(t.turned && math.Abs(t.front-at) < motion.SamePlace) {
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

// mostUnseen is how many vehicles in a row are looked at that a device did not see, for when they let the next one come.
const mostUnseen = 4

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
	like := detection.Like(d.Names, t.names)
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
		terms.add(Repeated, repeat(d, seen, like.Score >= 0, blindly(d) && t.front < s.layout.last[t.lane]))
		if d.Tag {
			terms.add(Strength, s.strength(true))
		}
		s.add(n, s.with(queue, i, t), gone, t.birth.Idx, &terms)
		return
	}
	p, ok := s.layout.predict(s.model, t, d)
	if !ok || math.Abs(p.Off) > mostIdle {
		return
	}
	score, waited := arrival(p, s.model.Delays(), d.At, s.aheadOf(queue, i, t), s.layout.Timeout)
	score += s.layout.onward(s.model, t, d) + s.behind(queue, i+1, t) + s.packed(queue, i+1, t)
	terms.Off, terms.Sigma, terms.From = float32(p.Off), float32(p.Sigma), int16(p.Dev)
	terms.Waited = waited
	terms.add(Arrival, score)
	terms.add(Lengths, lengths(s.model, t, d))
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
	next := s.with(queue, i, t)
	terms.add(Missed, s.passOver(next, t, i))
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

// goingOut gives the detection to a vehicle that turned back: devices that cannot tell directions see it once more.
func (s *stepper) goingOut(n *node, queue []*track, i int, gone float64) {
	t, d := queue[i], s.d
	if !blindly(d) || s.layout.position[t.lane][d.Dev] > t.front+longVehicle {
		return
	}
	terms := Terms{From: -1}
	like := detection.Like(d.Names, t.names)
	terms.add(Names, like.Score)
	terms.Read, terms.Name = like.A, like.B
	terms.add(Repeated, math.Log(math.Exp(-math.Abs(d.At-t.last)/outWithin)/outWithin))
	if d.Tag {
		terms.add(Strength, s.strength(true))
	}
	s.add(n, s.with(queue, i, t), gone, t.birth.Idx, &terms)
}

// blindly reports whether a device cannot tell which way a vehicle goes.
func blindly(d *detection.Detection) bool {
	return d.Tag || d.Kind == observation.Kind_KIND_RADIATION_OCCUPANCY
}

// hopeless reports whether a hypothesis is dropped anyway: what is still to be added makes it less likely.
func (s *stepper) hopeless(n *node, gone float64, terms *Terms) bool {
	return len(s.nodes) > 0 && n.weight+gone+terms.Sum() < s.best-s.forget
}

// with returns the queue with the detection in one of its tracks.
func (s *stepper) with(queue []*track, i int, t *track) []*track {
	next := slices.Clone(queue)
	now := t.with(s.layout, s.d)
	bit := uint64(1) << s.d.Dev
	if missed := s.layout.behind[t.lane][s.d.Dev] &^ now.seen; now.charged&bit != 0 || missed&^now.charged != 0 {
		now = now.charge((now.charged | missed) &^ bit)
	}
	next[i] = now
	return next
}

// passOver charges tracks for the devices that passed them over: those ahead of track i that this device should have
// seen, and track i for the stations before this one. It sets the tracks that have merged into their row.
func (s *stepper) passOver(queue []*track, was *track, i int) (cost float64) {
	d := s.d
	bit := uint64(1) << d.Dev
	cost = s.misses(queue[i].charged &^ was.charged)
	for k := range i {
		o := queue[k]
		at := s.layout.position[o.lane][d.Dev]
		if o.reversed || at == nowhere || o.front > at || (o.seen|o.charged)&bit != 0 || !queue[i].one(o) && !was.one(o) {
			continue
		}
		cost += s.miss(d.Dev, d.At)
		n := o.charge(o.charged | bit)
		n.merged = n.merged || s.layout.merges[d.Dev]
		queue[k] = n
	}
	if s.layout.merges[d.Dev] {
		slices.SortStableFunc(queue, func(a, b *track) int { return merged(b) - merged(a) })
	}
	return cost
}

func merged(t *track) int {
	if t.merged {
		return 1
	}
	return 0
}

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
		c := s.layout.clears(s.model, o, s.d)
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

// births opens a track in each lane that the device sees.
func (s *stepper) births(n *node, queue []*track, gone float64) {
	if len(queue) >= mostQueue {
		return
	}
	d := s.d
	places := s.layout.Devices[d.Dev].Places
	for _, p := range places {
		t := born(s.layout, p.Lane, d)
		missed := s.layout.behind[p.Lane][d.Dev]
		t = t.charge(missed)
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
		next := slices.Insert(slices.Clone(queue), i, t)
		terms.add(Missed, s.misses(missed)+s.passOver(next, t, i))
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
		if p, ok := s.layout.predict(s.model, o, d); !ok || p.Off > 0 {
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
