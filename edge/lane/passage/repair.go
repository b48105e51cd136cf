package passage

import (
	"fmt"
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

const (
	repairReach = 2 * time.Minute // of readings beside one that named its vehicle
	repairGain  = 2.5             // by how much another passage must fit better
)

// repair looks again at readings around an event that named its vehicle: with that sight known, some may fit another passage better. What
// moves is said in a correction.
func (c *Correlator) repair(l *lane, named *vehicle, e *event) (out []*observation.Observation) {
	around := l.around(e)
	for range 2 { // what moves may free what was pushed away
		moved := false
		for _, o := range slices.Clone(around) {
			for _, one := range slices.Clone(o.events) {
				if one == e || one.station.Late || one.reverse || one.back || one.at.Sub(e.at).Abs() > repairReach || len(one.ids) > 0 && one.kind != observation.Kind_KIND_VEHICLE_TAG {
					continue
				}
				if to, why := l.better(o, one, around); to != nil {
					out = append(out, c.move(l, o, to, one, why)...)
					moved = true
				}
			}
		}
		if !moved {
			break
		}
	}
	return out
}

// better finds a passage that a reading fits clearly better than the one it is in.
func (l *lane) better(o *vehicle, e *event, around []*vehicle) (*vehicle, string) {
	back := o.without(e)
	defer back()
	now := newLater
	if m, ok := l.score(o, e, around); ok && len(o.anchors) > 0 {
		now = m.score
	}
	best := match{score: now + repairGain}
	for _, v := range around {
		if v == o || len(v.anchors) == 0 || v.seenBy(e) != nil {
			continue
		}
		if m, ok := l.score(v, e, around); ok && m.score > best.score {
			best = m
		}
	}
	return best.v, best.reason
}

// move moves a reading to another passage.
func (c *Correlator) move(l *lane, from, to *vehicle, e *event, why string) []*observation.Observation {
	from.without(e)
	l.place(to, e, false)
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
