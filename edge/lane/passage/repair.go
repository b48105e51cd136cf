package passage

import (
	"fmt"
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

const repairReach = 2 * time.Minute // of readings beside one that is not decided

// move moves a reading to another passage.
func (c *Correlator) move(l *lane, from, to *vehicle, e *event, why string) (out []*observation.Observation) {
	from.without(e)
	l.place(to, e, false)
	out = c.tellMoved(from, to, e, why)
	for _, r := range slices.Clone(from.riders) {
		if slices.ContainsFunc(r.links, func(link string) bool { return link != "" && slices.Contains(e.links, link) }) {
			from.riders = slices.DeleteFunc(from.riders, func(o *event) bool { return o == r })
			to.riders = append(to.riders, r)
			out = append(out, c.tellMoved(from, to, r, why)...)
		}
	}
	for _, named := range slices.Clone(from.events) { // what was of this vehicle by that name
		if len(e.ids) == 0 || !named.station.Late || len(named.ids) == 0 || named == e {
			continue
		}
		here, _ := from.identity(named)
		if there, why := to.identity(named); here < nearID && there >= nearID {
			out = append(out, c.move(l, from, to, named, why)...)
		}
	}
	return out
}

// tellMoved moves what documents say of an event.
func (c *Correlator) tellMoved(from, to *vehicle, e *event, why string) []*observation.Observation {
	i := slices.IndexFunc(from.readings, func(r *observation.PassageReading) bool { return r.Idx == e.Idx })
	if i < 0 {
		return nil
	}
	r := from.readings[i]
	from.readings = slices.Delete(from.readings, i, i+1)
	r.Reason, r.Confidence = why, 0.9
	to.readings = append(to.readings, r)
	if w := e.Body.GetVehicleWeight(); w != nil {
		from.weight = max(0, from.weight-w.Kg)
	}
	from.ids = slices.DeleteFunc(from.ids, func(id identity) bool {
		return slices.ContainsFunc(e.ids, func(x identity) bool { return x.kind == id.kind && x.value == id.value })
	})
	c.tell(e.Idx, to.id, 0.9, why)
	key := fmt.Sprintf("corrected %d %s %s %d", e.Idx, from.id, to.id, e.at.UnixNano())
	return []*observation.Observation{c.said(e.at, key, &observation.PassageCorrected{Idx: e.Idx, From: from.id, To: to.id, Reason: "with what came since: " + why, By: "lane"})}
}

// doubles are the events of devices that saw a vehicle at a second moment, by device.
func (v *vehicle) doubles() map[string][]*event {
	first := map[string]time.Time{}
	for _, e := range v.events {
		if at, ok := first[e.Device]; !ok || e.raw.Before(at) {
			first[e.Device] = e.raw
		}
	}
	out := map[string][]*event{}
	for _, e := range v.events {
		if !e.many && !e.faint && !e.reverse && !e.back && e.raw.Sub(first[e.Device]) > twoMoments {
			out[e.Device] = append(out[e.Device], e)
		}
	}
	return out
}

const splitAt = 2

const twoMoments = 2 * time.Second

// split makes two passages of one that several devices saw twice: two vehicles close together, of which the entry saw one.
func (c *Correlator) split(l *lane, v *vehicle) (out []*observation.Observation) {
	twice := v.doubles()
	plates := 0
	for _, events := range twice {
		if events[0].kind == observation.Kind_KIND_VEHICLE_PLATE && len(v.ids) > 1 {
			plates = 1
		}
	}
	if v.reversed || len(twice)+plates < splitAt {
		return nil
	}
	var moved []*event
	for _, events := range twice {
		moved = append(moved, events...)
	}
	slices.SortFunc(moved, func(a, b *event) int { return int(a.Idx - b.Idx) })
	for _, o := range l.all() {
		if o.rank > v.rank {
			o.rank++
		}
	}
	l.ranks++
	first := moved[0]
	w := &vehicle{id: fmt.Sprintf("%s-%s-%d", l.ID, first.at.UTC().Format("20060102T150405"), first.Idx), opened: first.at, last: first.at, rank: v.rank + 1}
	l.open = slices.Insert(l.open, slices.Index(l.open, v)+1, w)
	for _, e := range moved {
		out = append(out, c.move(l, v, w, e, "two vehicles close together")...)
	}
	return out
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
