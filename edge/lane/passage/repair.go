package passage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

const repairReach = 2 * time.Minute // of readings beside one that is not decided

// review looks again at a vehicle that is about to leave, and at those around it: with what came since, readings may fit others better. What
// moves is said in corrections.
func (c *Correlator) review(l *lane, v *vehicle) []*observation.Observation {
	c.split(l, v)
	around := slices.DeleteFunc(l.around(v.events[0]), func(v *vehicle) bool { return v.stripped })
	reorder(around)
	slices.SortStableFunc(l.open, func(a, b *vehicle) int { return a.rank - b.rank })
	c.realign(l, window(around, slices.Index(around, v)))
	return c.corrections(l)
}

// window is the vehicles around one that are put in order: most of them behind it, since those ahead have been.
func window(vehicles []*vehicle, i int) []*vehicle {
	first := max(0, i-maxAlign/2)
	return vehicles[first:min(first+maxAlign, len(vehicles))]
}

// move is a reading that goes to another passage.
type move struct {
	e        *event
	from, to *vehicle
	why      string
}

// move moves a reading to another passage, and what goes with it.
func (c *Correlator) move(l *lane, from, to *vehicle, e *event, why string) {
	from.lose(e)
	l.place(to, e, false)
	c.moveReading(from, to, e, why)
	for _, r := range slices.Clone(from.riders) {
		if slices.ContainsFunc(r.links, func(link string) bool { return link != "" && slices.Contains(e.links, link) }) {
			from.riders = slices.DeleteFunc(from.riders, func(o *event) bool { return o == r })
			to.riders = append(to.riders, r)
			c.moveReading(from, to, r, why)
		}
	}
	for _, named := range slices.Clone(from.events) { // what was of this vehicle by that name
		if len(e.ids) == 0 || !named.station.Late || len(named.ids) == 0 {
			continue
		}
		if there := to.identity(named); there.score >= nearID && from.identity(named).score < nearID {
			c.move(l, from, to, named, there.reason())
		}
	}
}

// moveReading moves what documents say of an event.
func (c *Correlator) moveReading(from, to *vehicle, e *event, why string) {
	i := slices.IndexFunc(from.readings, func(r *observation.PassageReading) bool { return r.Idx == e.Idx })
	if i < 0 {
		return
	}
	r := from.readings[i]
	from.readings = slices.Delete(from.readings, i, i+1)
	r.Reason, r.Confidence = why, 0.9
	to.readings = append(to.readings, r)
	if w := e.Body.GetVehicleWeight(); w != nil {
		from.weight = max(0, from.weight-w.Kg)
	}
	if i := slices.IndexFunc(c.moves, func(m move) bool { return m.e == e }); i >= 0 {
		c.moves[i].to, c.moves[i].why = to, why
		return
	}
	c.moves = append(c.moves, move{e, from, to, why})
}

// reading returns a copy of what documents say of an observation; nil when the vehicle does not have it.
func (v *vehicle) reading(idx int64) *observation.PassageReading {
	for _, r := range v.readings {
		if r.Idx == idx {
			return proto.CloneOf(r)
		}
	}
	return nil
}

// corrections says what has moved.
func (c *Correlator) corrections(l *lane) (out []*observation.Observation) {
	l.open = slices.DeleteFunc(l.open, func(v *vehicle) bool { return slices.Contains(c.inserted, v) && len(v.readings) == 0 })
	for _, v := range c.inserted {
		if len(v.readings) > 0 {
			out = append(out, c.said(v.opened, "opened "+v.id, &observation.PassageOpened{
				Id: v.id, Lane: l.ID, Readings: []*observation.PassageReading{proto.CloneOf(v.readings[0])},
			}))
		}
	}
	for _, m := range c.moves {
		if m.from == m.to {
			continue
		}
		c.tell(m.e.Idx, m.to.id, 0.9, m.why)
		key := fmt.Sprintf("corrected %d %s %s %d", m.e.Idx, m.from.id, m.to.id, c.now.UnixNano())
		out = append(out, c.said(m.e.at, key, &observation.PassageCorrected{
			Idx: m.e.Idx, From: m.from.id, To: m.to.id, Reason: "with what came since: " + m.why, By: "lane", Reading: m.to.reading(m.e.Idx),
		}))
	}
	c.moves, c.inserted = nil, nil
	return out
}

const (
	twoMoments = 2 * time.Second // of one vehicle a device speaks at one moment
	splitAt    = 2               // devices that saw two; two different plates count twice
)

// doubles are the events of devices that saw a vehicle at a second moment, and did not read the same name there, by device.
func (v *vehicle) doubles() map[string][]*event {
	first := map[string]*event{}
	for _, e := range v.events {
		if o := first[e.Device]; o == nil || e.raw.Before(o.raw) {
			first[e.Device] = e
		}
	}
	out := map[string][]*event{}
	for _, e := range v.events {
		o := first[e.Device]
		if e.many || e.faint || e.reverse || e.back || e.raw.Sub(o.raw) <= twoMoments || (&vehicle{ids: o.ids}).identity(e).score >= nearID {
			continue
		}
		out[e.Device] = append(out[e.Device], e)
	}
	return out
}

// split makes two passages of one that several devices saw twice: two vehicles close together, of which the entry saw one.
func (c *Correlator) split(l *lane, v *vehicle) {
	twice := v.doubles()
	weight := len(twice)
	if slices.ContainsFunc(v.events, func(e *event) bool {
		return e.kind == observation.Kind_KIND_VEHICLE_PLATE && slices.Contains(twice[e.Device], e)
	}) {
		weight++
	}
	if v.reversed || weight < splitAt {
		return
	}
	var moved []*event
	for _, events := range twice {
		moved = append(moved, events...)
	}
	slices.SortFunc(moved, func(a, b *event) int { return cmp.Compare(a.Idx, b.Idx) })
	w := c.insert(l, v.rank+1, moved[0])
	for _, e := range moved {
		c.move(l, v, w, e, "two vehicles close together")
	}
}

// insert opens a passage for an event that was taken for another vehicle's, before the vehicles of a rank on.
func (c *Correlator) insert(l *lane, rank int, e *event) *vehicle {
	for _, o := range l.all() {
		if o.rank >= rank {
			o.rank++
		}
	}
	l.ranks++
	v := &vehicle{id: l.passageID(e), opened: e.at, last: e.at, rank: rank}
	i := slices.IndexFunc(l.open, func(o *vehicle) bool { return o.rank > rank })
	if i < 0 {
		i = len(l.open)
	}
	l.open = slices.Insert(l.open, i, v)
	c.inserted = append(c.inserted, v)
	return v
}

// reorder puts vehicles into the order in which most devices saw them.
func reorder(vehicles []*vehicle) {
	votes := func(a, b *vehicle) (n int) { // for a before b
		for i := range a.anchors {
			for j := range b.anchors {
				if x, y := &a.anchors[i], &b.anchors[j]; x.device == y.device && !x.late {
					n += y.raw.Compare(x.raw)
				}
			}
		}
		return n
	}
	for i := 1; i < len(vehicles); i++ {
		for k := i; k > 0; k-- {
			a, b := vehicles[k-1], vehicles[k]
			if a.reversed || b.reversed || votes(a, b) >= 0 {
				break
			}
			a.rank, b.rank = b.rank, a.rank
			vehicles[k-1], vehicles[k] = b, a
		}
	}
}
