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

// maxShift is how many vehicles a reading may push back, each to the reading of the one before.
const maxShift = 5

// attach gives a vehicle an event's sight, and nothing else of it.
func (v *vehicle) attach(e *event) {
	v.anchors = append(v.anchors, anchor{e.station.Position, e.Device, e.raw, e.at, e.until, e.station.Late})
	v.events = append(v.events, e)
}

// sightBy returns the vehicle's event of a device.
func (v *vehicle) sightBy(device string) *event {
	for _, e := range v.events {
		if e.Device == device && !e.linked {
			return e
		}
	}
	return nil
}

// shift explains an event that seems to be of a vehicle that nobody saw before: the readings of this device may each belong to the vehicle
// one further ahead, because the first of them was late. It returns the vehicles, the event's own first, or nil.
func (l *lane) shift(e *event, fresh float64) []*vehicle {
	var best []*vehicle
	gain := fresh + 1
	for i := range l.open {
		chain := []*vehicle{l.open[i]}
		for k := i; l.open[k].sightBy(e.Device) != nil && k > 0 && len(chain) <= maxShift; {
			k--
			chain = append(chain, l.open[k])
		}
		last := chain[len(chain)-1]
		if len(chain) < 2 || last.sightBy(e.Device) != nil || len(last.anchors) == 0 {
			continue
		}
		if g := l.shifted(chain, e); g > gain {
			gain, best = g, chain
		}
	}
	return best
}

// shifted is how much better all readings fit after a shift, the event included.
func (l *lane) shifted(chain []*vehicle, e *event) (gain float64) {
	events := []*event{e} // events[i] goes to chain[i]
	for _, v := range chain[:len(chain)-1] {
		events = append(events, v.sightBy(e.Device))
	}
	score := func(v *vehicle, one *event) float64 {
		back := v.without(one)
		defer back()
		if m, ok := l.score(v, one, l.open); ok {
			return m.score
		}
		return -100
	}
	for i, one := range events[1:] {
		gain -= score(chain[i], one)
	}
	for i, one := range events[1:] {
		chain[i].without(one)
	}
	for i, one := range events {
		chain[i].attach(one)
	}
	for i, one := range events {
		gain += score(chain[i], one)
	}
	for i, one := range events {
		chain[i].without(one)
	}
	for i, one := range events[1:] {
		chain[i].attach(one)
	}
	return gain
}
