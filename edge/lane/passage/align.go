package passage

import (
	"cmp"
	"math"
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

// sighting is what a device told of one vehicle at one moment; more than one event when it was told twice.
type sighting struct {
	events []*event
	in     *vehicle // nil when it is not decided
	free   bool     // it may go elsewhere
}

// alignment assigns the sightings of some devices together, each to one vehicle, in order: what is ambiguous of one reading is often clear
// of the row. The vehicles' sights by those devices are taken out while it lasts.
type alignment struct {
	*lane
	vehicles  []*vehicle // by rank
	sightings []sighting // in their order
	pairs     [][]pair   // [sighting][vehicle]
	missed    []float64  // what it costs that a vehicle has no sighting
	passed    []bool     // a vehicle is beyond the stations: it should have one
}

// pair is how a sighting fits a vehicle, apart from the vehicle ahead.
type pair struct {
	prediction
	more float64 // names, length
	free float64 // the score of a vehicle that did not have to wait
	ok   bool
}

const (
	unmatched  = 13.0 // what it costs that a sighting is of no vehicle
	maxSkips   = 4    // vehicles in a row that a device missed
	maxStray   = 2    // sightings in a row that are of no vehicle
	maxAlign   = 16   // vehicles
	maxEvents  = 512  // of them: a device that chatters is not put in order
	alignGain  = 2.0  // by how much the new assignment must be better
	bundleGain = 8.0  // of all from one station on, of which only the first reading is predicted
)

// part is what an alignment moves: what the devices of one place see of a vehicle at one moment, or all that is seen from one station on.
type part struct {
	stations []*Station
	devices  []string        // of one place; nil for all devices of the stations
	shifts   []time.Duration // of the devices' own times, to that of the first
}

const sameMoment = 1500 * time.Millisecond

func (p part) bundle() bool { return p.devices == nil }

func (p part) has(e *event) bool {
	if !slices.Contains(p.stations, e.station) || e.reverse || e.back || e.linked {
		return false
	}
	return p.bundle() || slices.Contains(p.devices, e.Device) && !e.many && !e.weak
}

// knows reports whether a device is of the part.
func (p part) knows(device string) bool {
	if p.bundle() {
		return slices.ContainsFunc(p.stations, func(s *Station) bool { return slices.Contains(s.Devices, device) })
	}
	return slices.Contains(p.devices, device)
}

// moment is when the vehicle of an event is at the part's first station, by the clock of its first device.
func (p part) moment(e *event, speed float64) time.Time {
	if p.bundle() {
		return e.at.Add(-time.Duration((e.station.Position - p.stations[0].Position) / speed * float64(time.Second)))
	}
	return e.raw.Add(p.shifts[slices.Index(p.devices, e.Device)])
}

// newAlignment collects a part's sightings of some vehicles, and takes them out of these; restore puts them back.
func (c *Correlator) newAlignment(l *lane, p part, vehicles []*vehicle, undecided []*event) (a *alignment, restore func()) {
	a = &alignment{lane: l, vehicles: vehicles}
	late := p.stations[0].Late
	speed := l.usual()
	collect := func(v *vehicle, events []*event) {
		slices.SortStableFunc(events, func(x, y *event) int {
			if p.bundle() { // what is late predicts nothing
				late := func(e *event) int { return map[bool]int{true: 1}[e.station.Late] }
				return cmp.Or(late(x)-late(y), cmp.Compare(x.station.Position, y.station.Position), x.raw.Compare(y.raw))
			}
			return p.moment(x, speed).Compare(p.moment(y, speed))
		})
		for i, e := range events {
			if n := len(a.sightings); i > 0 && (p.bundle() || p.moment(e, speed).Sub(p.moment(events[i-1], speed)) < sameMoment) {
				a.sightings[n-1].events = append(a.sightings[n-1].events, e)
				continue
			}
			a.sightings = append(a.sightings, sighting{[]*event{e}, v, v == nil || !late})
		}
	}
	var saved []vehicle
	for _, v := range a.vehicles {
		saved = append(saved, *v)
		var mine []*event
		for _, e := range v.events {
			if p.has(e) {
				mine = append(mine, e)
			}
		}
		collect(v, mine)
		v.forget(p)
	}
	collect(nil, undecided)
	slices.SortStableFunc(a.sightings, func(x, y sighting) int { return p.moment(x.events[0], speed).Compare(p.moment(y.events[0], speed)) })
	merged := a.sightings[:0]
	for _, s := range a.sightings { // an undecided one beside one that is
		if n := len(merged); n > 0 && !p.bundle() && merged[n-1].in != s.in && (s.in == nil || merged[n-1].in == nil) && p.moment(s.events[0], speed).Sub(p.moment(merged[n-1].events[0], speed)) < sameMoment {
			o := &merged[n-1]
			if o.in == nil {
				o.in, o.free = s.in, s.free
			}
			o.events = append(o.events, s.events...)
			continue
		}
		merged = append(merged, s)
	}
	a.sightings = merged
	if len(a.sightings) > maxEvents {
		a.sightings = nil
	}
	a.weigh(c, p)
	return a, func() {
		for i, v := range a.vehicles {
			*v = saved[i]
		}
	}
}

// forget takes out what a part knows of a vehicle.
func (v *vehicle) forget(p part) {
	var anchors []anchor
	var events []*event
	for i, e := range v.events {
		if !p.has(e) {
			anchors, events = append(anchors, v.anchors[i]), append(events, e)
		}
	}
	v.anchors, v.events = anchors, events
	// Two readers that read one plate hold it in place together, were it the wrong one: who read it first is not helped by the other.
	ids := slices.DeleteFunc(slices.Clone(v.ids), func(id identity) bool { return p.knows(id.by) })
	v.recall()
	v.ids = ids
}

// predictable reports whether something tells when a vehicle is where: a tag alone may be the neighbouring lane's.
func (v *vehicle) predictable() bool {
	return slices.ContainsFunc(v.events, func(e *event) bool { return !e.station.Late && !e.weak })
}

// weigh finds out how well each sighting fits each vehicle, and what it costs that a vehicle has none.
func (a *alignment) weigh(c *Correlator, p part) {
	first := p.stations[0]
	for _, s := range a.sightings {
		row := make([]pair, len(a.vehicles))
		for i, v := range a.vehicles {
			x := &row[i]
			if s.in != nil && s.in != v && !s.free {
				continue
			}
			if !v.predictable() { // nobody else saw it
				x.ok, x.free = s.in == v, newLater
				if first.Position <= a.Stations[0].Position {
					x.free = newFirst
				}
				continue
			}
			if x.prediction, x.ok = a.predict(v, s.events[0]); !x.ok {
				continue
			}
			for _, e := range s.events {
				id := v.identity(e).score
				if id > x.more || x.more <= 0 && id < x.more {
					x.more = id
				}
			}
			for _, e := range s.events {
				if fit := a.fits(v, e); fit != 0 {
					x.more += fit
					break
				}
			}
			x.free = a.comes(x.prediction, 0) + x.more
		}
		a.pairs = append(a.pairs, row)
	}
	plates := len(a.sightings) > 0 && !p.bundle() && a.sightings[0].events[0].kind == observation.Kind_KIND_VEHICLE_PLATE
	for _, v := range a.vehicles {
		cost := 0.0
		switch {
		case !v.predictable():
		case plates && !v.named("plate"):
			cost = 0.5
		default:
			for _, s := range p.stations {
				if s.Late && p.bundle() || v.reversed && !v.beyond(s.Position) {
					continue
				}
				at := v.anchors[0].at.Add(time.Duration((s.Position - v.anchors[0].position) / a.usual() * float64(time.Second)))
				for _, d := range s.Devices {
					if p.knows(d) && !c.wasDown(d, at) {
						cost += a.miss(d)
					}
				}
			}
			cost = min(cost, 2*missing)
		}
		a.missed = append(a.missed, cost)
		a.passed = append(a.passed, v.beyond(first.Position) || !v.closed.IsZero())
	}
}

// score is how well sighting j fits vehicle i, when the last sighting before is jb, of vehicle ib; ib < 0 for none.
func (a *alignment) score(j, i, jb, ib int) float64 {
	p := &a.pairs[j][i]
	switch {
	case !p.ok:
		return math.Inf(-1)
	case ib != i-1 || ib < 0 || p.sigma == 0 || p.off <= 0 && !p.torn():
		return p.free
	}
	e := a.sightings[j].events[0]
	k := slices.IndexFunc(a.sightings[jb].events, func(o *event) bool { return o.Device == e.Device })
	if k < 0 {
		return p.free
	}
	ahead := a.sightings[jb].events[k]
	clear := a.clears(a.vehicles[ib], e.Device, ahead.at, ahead.until)
	wait := max(0, p.off-e.at.Sub(clear.Add(time.Second)).Seconds())
	return a.comes(p.prediction, wait) + p.more
}

// between is what it costs that the vehicles between two were not seen.
func (a *alignment) between(ib, i int) (cost float64) {
	for k := ib + 1; k < i; k++ {
		cost += a.missed[k]
	}
	return cost
}

// after is the same of the vehicles behind the last one that was, as far as they are past the place.
func (a *alignment) after(i int) (cost float64) {
	for k := i + 1; k < len(a.vehicles); k++ {
		if a.passed[k] {
			cost += a.missed[k]
		}
	}
	return cost
}

// total is how well an assignment fits as a whole; in holds the vehicle of each sighting, -1 for none.
func (a *alignment) total(in []int) (sum float64) {
	jb, ib := -1, -1
	seen := map[int]bool{}
	last := -1
	for j, i := range in {
		if i < 0 {
			sum -= unmatched
			continue
		}
		if seen[i] {
			sum -= seenTwice
		} else if ib > i {
			sum -= overtaking
		}
		sum += a.score(j, i, jb, ib)
		seen[i] = true
		jb, ib, last = j, i, max(last, i)
	}
	for k := range a.vehicles {
		if !seen[k] && (k < last || a.passed[k]) {
			sum -= a.missed[k]
		}
	}
	return sum
}

// best finds the assignment in order that fits best, by dynamic programming: table[j][i] is the best one that ends with sighting j in vehicle i.
func (a *alignment) best() []int {
	n, m := len(a.sightings), len(a.vehicles)
	type cell struct {
		sum    float64
		jb, ib int
	}
	table := make([][]cell, n)
	end := cell{math.Inf(-1), -1, -1}
	for j := range table {
		table[j] = make([]cell, m)
		for i := range table[j] {
			best := cell{math.Inf(-1), -1, -1}
			if a.pairs[j][i].ok {
				best.sum = -float64(j)*unmatched - a.between(-1, i) + a.score(j, i, -1, -1)
				for jb := max(0, j-1-maxStray); jb < j; jb++ {
					for ib := max(0, i-1-maxSkips); ib < i; ib++ {
						before := table[jb][ib].sum
						if math.IsInf(before, -1) {
							continue
						}
						if sum := before - float64(j-jb-1)*unmatched - a.between(ib, i) + a.score(j, i, jb, ib); sum > best.sum {
							best = cell{sum, jb, ib}
						}
					}
				}
			}
			table[j][i] = best
			if sum := best.sum - float64(n-1-j)*unmatched - a.after(i); sum > end.sum {
				end = cell{sum, j, i}
			}
		}
	}
	in := slices.Repeat([]int{-1}, n)
	for j, i := end.jb, end.ib; j >= 0 && i >= 0; {
		in[j] = i
		j, i = table[j][i].jb, table[j][i].ib
	}
	return in
}

// current is the assignment as it is, -1 for what is not decided.
func (a *alignment) current() (in []int) {
	for _, s := range a.sightings {
		in = append(in, slices.Index(a.vehicles, s.in))
	}
	return in
}

// realign assigns the sightings of some vehicles anew: of all devices from each station on, then of each device.
func (c *Correlator) realign(l *lane, around []*vehicle) {
	var cuts, parts []part
	var from []*Station
	for i := len(l.Stations) - 1; i >= 0; i-- {
		s := &l.Stations[i]
		from = slices.Insert(slices.Clone(from), 0, s)
		if s.Late {
			continue
		}
		cuts = append(cuts, part{stations: from})
		for _, d := range s.Devices {
			parts = append(parts, part{[]*Station{s}, []string{d}, []time.Duration{0}})
		}
	}
	if len(cuts) > 0 {
		cuts = cuts[:len(cuts)-1] // from the first station on is everything
	}
	for _, p := range append(cuts, parts...) {
		c.realignPart(l, p, around)
	}
	c.adopt(l, around)
}

// plain reports whether a part's sightings leave nothing to ask: each vehicle that is past the place has one, of which we were sure.
func plain(p part, vehicles []*vehicle) bool {
	if p.bundle() {
		return false
	}
	for _, v := range vehicles {
		var first *event
		for _, r := range v.readings {
			if p.knows(r.Device) && r.Confidence < 0.99 {
				return false
			}
		}
		for _, e := range v.events {
			if p.has(e) {
				if first == nil {
					first = e
				}
				if e.raw.Sub(first.raw).Abs() >= sameMoment {
					return false
				}
			}
		}
		if first == nil && !v.reversed && (v.beyond(p.stations[0].Position) || !v.closed.IsZero()) {
			return false
		}
	}
	return true
}

func (c *Correlator) realignPart(l *lane, p part, around []*vehicle) {
	if plain(p, around) {
		return
	}
	a, restore := c.newAlignment(l, p, around, nil)
	old := a.current()
	in := a.best()
	gain := alignGain
	if p.bundle() {
		gain = bundleGain
	}
	better := a.total(in) > a.total(old)+gain
	restore()
	if !better {
		return
	}
	rank := around[0].rank // behind the vehicle of the sighting before
	for j, s := range a.sightings {
		to := s.in
		switch {
		case in[j] >= 0:
			to = a.vehicles[in[j]]
			rank = to.rank + 1
		case slices.Contains(in, old[j]): // another one takes its place: it is of a vehicle that nobody saw before
			to = c.insert(l, rank, s.events[0])
			rank++
		}
		for _, e := range s.events {
			if to != s.in {
				c.move(l, s.in, to, e, "better match for the queue order")
			}
		}
	}
}

// adopt gives what is left of vehicles that lost their sightings to others.
func (c *Correlator) adopt(l *lane, around []*vehicle) {
	whole := slices.DeleteFunc(slices.Clone(around), func(v *vehicle) bool { return !v.predictable() })
	for _, v := range around {
		if v.predictable() {
			continue
		}
		for _, e := range slices.Clone(v.events) {
			if all := l.candidates(e, whole); len(all) > 0 && all[0].score > newLater {
				c.move(l, v, all[0].v, e, all[0].reason())
			}
		}
	}
}

// decide finds the vehicle of an event of a late station, beside the other sightings there.
func (c *Correlator) decide(l *lane, e *event) (*vehicle, float64) {
	p := part{[]*Station{e.station}, []string{e.Device}, []time.Duration{0}}
	for _, d := range e.station.Devices {
		if t := l.travels[[2]string{d, e.Device}]; t != nil && d != e.Device {
			if middle, spread, n := t.estimate(); n >= 5 && spread < sameMoment.Seconds() {
				p.devices, p.shifts = append(p.devices, d), append(p.shifts, time.Duration(middle*float64(time.Second)))
			}
		}
	}
	undecided := []*event{e}
	for _, o := range append(slices.Clone(c.held), c.waiting...) {
		if o != e && !o.follows && (o.kind == e.kind || o.Device != e.Device) && o.kind != observation.Kind_KIND_XRAY_THREAT_REPORT && p.has(o) && p.moment(o, 1).Sub(e.raw).Abs() < repairReach {
			undecided = append(undecided, o)
		}
	}
	around := l.around(e)
	nearest, off := 0, math.Inf(1)
	for i, v := range around {
		if m, ok := l.predict(v, e); ok && math.Abs(m.off) < off {
			nearest, off = i, math.Abs(m.off)
		}
	}
	a, restore := c.newAlignment(l, p, window(around, nearest), undecided)
	defer restore()
	in := a.best()
	for j, s := range a.sightings {
		if slices.Contains(s.events, e) && in[j] >= 0 {
			return a.vehicles[in[j]], a.pairs[j][in[j]].off
		}
	}
	return nil, 0
}
