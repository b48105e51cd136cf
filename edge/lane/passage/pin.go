package passage

import (
	"cmp"
	"math"
	"slices"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
)

// noLabel is the label of a reading that is not of the window.
const noLabel = associate.None

// applyCorrection applies a row that says where a person put a reading. It stays there: association
// is not asked any more. What is due before the row's time is done first, so that a replay is in
// the same state at this row.
func (c *Correlator) applyCorrection(row Row) (out []*observation.Observation) {
	p := row.Body.GetPassageCorrected()
	if p == nil || p.By == byLane {
		return nil
	}
	if detection.Seconds(row.Time()) > c.now {
		out = c.Tick(row.Time())
	}
	c.pin(p)
	return out
}

// pin puts a reading where a person said that it belongs.
func (c *Correlator) pin(p *observation.PassageCorrected) {
	v, home := c.passage(p.To)
	r, g := c.find(p.Idx)
	if r == nil {
		if v == nil { // neither is in memory, so nothing here changes
			return
		}
		if r, g = c.recall(p); r == nil {
			return
		}
	}
	if g != nil {
		g.release(r)
	}
	r.pin = &pin{passage: p.To, by: p.By, reason: p.Reason}
	r.why, r.terms, r.label, r.linked, r.placed, r.final = message.Message{}, nil, noLabel, false, true, true
	r.foreign = v != nil && (home != g || g == nil || math.IsInf(float64(g.layout.Position(v.lane, r.det.Dev)), 1))
	r.setOther(nil, 0, nil)
	c.assignPinned(r, v)
	r.stated = &stated{passage: p.To, confidence: 1}
	c.assigned(r)
	if g != nil {
		g.follow(r)
	}
}

// assignPinned gives a pinned reading to a vehicle, and moves the note that the device's late
// result is settled with it.
func (c *Correlator) assignPinned(r *reading, v *vehicle) {
	was := r.vehicle
	r.assign(v)
	r.confidence = 1
	if r.det.Dev < 0 {
		return
	}
	bit := uint64(1) << r.det.Dev
	same := func(o *reading) bool { return !o.foreign && o.det.Dev == r.det.Dev && o.final }
	if was != nil && was != v && !slices.ContainsFunc(was.readings, same) {
		was.seen &^= bit
	}
	if g := c.where[r.det.Device]; v != nil && !r.foreign && g.layout.Late(r.det.Dev) {
		v.seen |= bit
	}
}

// release removes a reading from what is still to be decided.
func (g *group) release(r *reading) {
	if g.window.Remove(r.det.Idx) {
		g.dirty = true
	}
	g.waiting = slices.DeleteFunc(g.waiting, func(d *detection.Detection) bool { return d == r.det })
}

// follow moves everything that is of the same scan to where a person put the scan.
func (g *group) follow(first *reading) {
	for _, p := range g.reports[first.det.Device] {
		if p.readings[0] != first {
			continue
		}
		g.settleReport(p, first.vehicle)
		for _, r := range p.readings[1:] {
			if r.pin != nil {
				continue
			}
			r.assign(first.vehicle)
			r.setOther(nil, 0, nil)
			r.confidence, r.foreign, r.placed, r.linked, r.final = 1, first.foreign, true, true, true
		}
		return
	}
}

// settleReport decides for good whose a late result is.
func (g *group) settleReport(p *report, v *vehicle) {
	device := p.readings[0].det.Device
	g.reports[device] = slices.DeleteFunc(g.reports[device], func(o *report) bool { return o == p })
	p.vehicle = v
	g.fixed = append(g.fixed, p)
}

// finishFixed learns from late results that were decided by a person or before a restart, once all
// that belongs to them has come.
func (g *group) finishFixed(now float64) {
	g.fixed = slices.DeleteFunc(g.fixed, func(p *report) bool {
		if now < p.arrived+reportLast {
			return false
		}
		g.finish(p)
		return true
	})
}

// recall makes a reading of a row that was let go, or that is of a device in no lane; nil when the
// row cannot be read.
func (c *Correlator) recall(p *observation.PassageCorrected) (*reading, *group) {
	if c.Fetch == nil {
		return nil, nil
	}
	row, ok := c.Fetch(p.Idx)
	if !ok || row.Device == observation.AgentDevice || !kinds.IsOfVehicle(row.Body.Kind()) {
		return nil, nil
	}
	r := &reading{det: detection.Of(row.Idx, row.Observation, 0), label: noLabel}
	correctAs(r.det, p.Reading)
	g := c.where[row.Device]
	if g == nil {
		r.det.Dev = -1
		c.strangers[row.Idx] = r
		return r, nil
	}
	g.prepare(r.det)
	g.readings[row.Idx] = r
	return r, g
}

// find returns a reading that is in memory and its group; nils when it is not. A device in no lane
// has no group.
func (c *Correlator) find(idx int64) (*reading, *group) {
	for _, g := range c.groups {
		if r := g.readings[idx]; r != nil {
			return r, g
		}
	}
	return c.strangers[idx], nil
}

// passage returns a passage that is in memory and was journalled, and its group; nils otherwise.
func (c *Correlator) passage(id string) (*vehicle, *group) {
	for _, g := range c.groups {
		if v := g.byID[id]; v != nil && v.opened {
			return v, g
		}
	}
	return nil, nil
}

// pinned returns a reading as it will be in the journal when a person has put it into a passage.
func (c *Correlator) pinned(r *reading, by, reason string) *observation.PassageReading {
	as := *r
	as.pin, as.confidence, as.other, as.vehicle = &pin{by: by, reason: reason}, 1, nil, nil
	return c.reading(c.where[r.det.Device], &as, true)
}

// sortReadings puts readings in the order of their times.
func sortReadings(all []*observation.PassageReading) {
	slices.SortFunc(all, func(a, b *observation.PassageReading) int {
		return cmp.Or(cmp.Compare(a.TimeNs, b.TimeNs), cmp.Compare(a.Idx, b.Idx))
	})
}
