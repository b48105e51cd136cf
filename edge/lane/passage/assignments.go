package passage

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
)

// newEvent returns an observation of the agent. The journal takes a key once, so key must name what
// the row says.
func (c *Correlator) newEvent(at float64, key string, body proto.Message) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, detection.Time(at), body)
	o.Device, o.Key = observation.AgentDevice, key
	return o
}

// openedKey and closedKey are the keys of the rows with which a passage begins and ends. Find looks for them.
func openedKey(id string) string { return "opened " + id }
func closedKey(id string) string { return "closed " + id }

// reportAssignments returns the rows that journal new assignments: all when that is due, else only
// alarms that have none yet. Rows that open passages come first, so that no row refers to a passage
// that is not known.
func (c *Correlator) reportAssignments(g *group, due bool) (out []*observation.Observation) {
	news := map[*vehicle][]*reading{}
	var order []*vehicle
	list := func(v *vehicle) {
		if _, ok := news[v]; !ok {
			order, news[v] = append(order, v), nil
		}
	}
	for _, r := range g.unsettled {
		if !r.placed || !due && !(r.det.Class == observation.Class_CLASS_ALARM && r.stated == nil) {
			continue
		}
		now := r.now()
		switch {
		case r.stated == nil && r.vehicle == nil && !r.final, r.stated != nil && !r.stated.differs(now, r.final):
			continue
		case r.stated != nil && r.stated.passage != now.passage:
			out = append(out, c.corrected(r))
			if r.vehicle != nil && !r.vehicle.opened { // it is opened first
				list(r.vehicle)
			}
		case r.vehicle != nil:
			list(r.vehicle)
			news[r.vehicle] = append(news[r.vehicle], r)
		}
		r.stated = &stated{now.passage, now.confidence, now.other}
		c.assigned(r)
	}
	var first []*observation.Observation
	for _, v := range order {
		slices.SortFunc(news[v], byTime)
		if o := c.news(g, v, news[v]); o.Body.GetPassageOpened() != nil {
			first = append(first, o)
		} else {
			out = append(out, o)
		}
	}
	g.releaseSettled(c)
	return append(first, out...)
}

// now returns the present assignment of a reading, in the form in which it is journalled.
func (r *reading) now() stated {
	t := stated{confidence: r.confidence}
	if r.vehicle != nil {
		t.passage = r.vehicle.id
	}
	if r.uncertain() {
		t.other = r.other.id
	}
	if r.pin != nil {
		t.passage = r.pin.passage
	}
	return t
}

// differs reports whether an assignment differs enough from the journalled one to be journalled
// again. While it is open only large changes of confidence count, as a row at each would fill the
// link.
func (t *stated) differs(now stated, final bool) bool {
	least := 0.2
	if final {
		least = 0.02
	}
	return t.passage != now.passage || t.other != now.other || math.Abs(t.confidence-now.confidence) >= least
}

// news returns the row that opens a passage with its first readings, or adds readings to one that
// is open.
func (c *Correlator) news(g *group, v *vehicle, all []*reading) *observation.Observation {
	var readings []*observation.PassageReading
	for _, r := range all {
		readings = append(readings, c.reading(c.where[r.det.Device], r, true))
	}
	if !v.opened {
		v.opened = true
		if v.closed > 0 && !slices.Contains(g.active, v) { // its end is to be told too
			g.active = append(g.active, v)
		}
		p := &observation.PassageOpened{Id: v.id, Lane: g.lanes[v.lane].ID, Readings: readings}
		return c.newEvent(v.facts(g).first, openedKey(v.id), p)
	}
	key := fmt.Sprintf("updated %s %.0f", v.id, c.now)
	p := &observation.PassageUpdated{Id: v.id, Readings: readings, AfterClose: v.closed > 0}
	return c.newEvent(all[0].det.At, key, p)
}

// corrected returns the row that says that a reading was given to another passage on later
// evidence.
func (c *Correlator) corrected(r *reading) *observation.Observation {
	g := c.where[r.det.Device]
	to := r.now().passage
	key := fmt.Sprintf("corrected %d %s %s %.0f", r.det.Idx, r.stated.passage, to, c.now)
	p := &observation.PassageCorrected{
		Idx: r.det.Idx, From: r.stated.passage, To: to, By: byLane, Reading: c.reading(g, r, true),
	}
	why := message.New("passage.since", message.Nested("why", c.reason(g, r)))
	p.Reason, p.Message = why.English(), driver.EncodeMessage(why)
	return c.newEvent(r.det.At, key, p)
}

// assigned calls Assigned, if somebody listens.
func (c *Correlator) assigned(r *reading) {
	if c.Assigned == nil {
		return
	}
	a := Assignment{Idx: r.det.Idx, Confidence: r.confidence, Reason: c.reason(c.where[r.det.Device], r).English()}
	a.Passage = r.now().passage
	if r.other != nil {
		a.Other, a.OtherConfidence = r.other.id, r.otherShare
	}
	c.Assigned(a)
}

// releaseSettled drops readings whose assignment is final and journalled.
func (g *group) releaseSettled(c *Correlator) {
	g.unsettled = slices.DeleteFunc(g.unsettled, func(r *reading) bool {
		if !r.final || r.stated == nil || r.stated.differs(r.now(), true) {
			return false
		}
		if c.past != nil && !c.past.believes(g, r) {
			c.past.unsaid = append(c.past.unsaid, r)
			return true
		}
		if r.vehicle == nil {
			delete(g.readings, r.det.Idx)
		}
		return true
	})
}

// maxVehicles bounds the vehicles that are kept when passages are over and may still get late
// results.
const maxVehicles = 2048

// pending reports whether a reading of the vehicle can still change.
func (v *vehicle) pending() bool {
	return slices.ContainsFunc(v.readings, func(r *reading) bool { return !r.final })
}

// drop removes passages that accept no late results any more, from the oldest on, with everything
// that refers to them.
func (c *Correlator) drop(g *group, now float64) {
	g.sortVehicles()
	n := 0
	for n < len(g.vehicles) {
		v := g.vehicles[n]
		late := g.lanes[v.lane].Late.Seconds()
		if v.closed == 0 || !v.counted || v.pending() || now-v.closed < late && len(g.vehicles)-n <= maxVehicles {
			break
		}
		n++
	}
	for _, v := range g.vehicles[:n] {
		v.home = nil
		delete(g.byID, v.id)
		for _, r := range v.readings {
			if home := c.where[r.det.Device]; home != nil {
				delete(home.readings, r.det.Idx)
			}
			delete(c.strangers, r.det.Idx)
			for _, l := range r.det.Links {
				delete(g.links, l)
			}
			delete(g.byLabel, r.label)
		}
		for _, r := range v.otherCandidateOf {
			r.other = nil
		}
	}
	g.vehicles = slices.Delete(g.vehicles, 0, n)
}
