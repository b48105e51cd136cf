package passage

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
)

// replay is the correlator's state while it reads the journal's past after a restart. Rows come in three parts. The
// first were decided long before the stop: they are put where the journal says, and the lanes learn from them. The
// next go through the association, so that the window knows the vehicles in the lanes, but what the journal says of
// them holds. The last may not have been decided, or their decision was lost: the association decides.
type replay struct {
	*history
	decided  int64 // rows below are of the first part
	believed int64 // rows below are not of the last part
	unsaid   []*reading
}

// begin makes the correlator read the journal's past. Until resume is called, what its methods
// return is not committed.
func (c *Correlator) begin(p *replay) { c.past = p }

// addPast adds a detection of the journal's past.
func (c *Correlator) addPast(g *group, d *detection.Detection) {
	s, ok := c.past.lane[d.Idx]
	if d.Idx >= c.past.decided {
		g.addDetection(d)
		if r := g.readings[d.Idx]; ok {
			r.past = s.assignment()
		}
		return
	}
	g.prepare(d)
	if ok && s.passage != "" {
		g.restored(d, s)
	}
}

// why returns the reason that the journal has for the assignment.
func (s statement) why() message.Message {
	return driver.DecodeMessage(s.reading.GetMessage(), s.reading.GetReason())
}

// restored puts a reading where the journal says that it is.
func (g *group) restored(d *detection.Detection, s statement) {
	correctAs(d, s.reading)
	r := &reading{
		det: d, placed: true, final: true, confidence: float64(s.reading.GetConfidence()), why: s.why(),
		label: noLabel, stated: s.assignment(),
	}
	g.readings[d.Idx] = r
	v := g.known(s.passage)
	r.assign(v)
	if p, ok := g.byLink(d); ok {
		p.readings = append(p.readings, r)
		r.linked, r.final = true, p.final
	} else if g.layout.Late(d.Dev) {
		r.final = false // until all that belongs to it has come
		g.settleReport(g.newReport(r), v)
	}
}

// correctAs sets a detection's time to the journalled one, which was corrected by the clock offset
// of its day.
func correctAs(d *detection.Detection, r *observation.PassageReading) {
	const resolution = 1e-5 // s, of what is journalled
	if at := float64(r.GetTimeNs()) / 1e9; at != 0 && math.Abs(at-d.At) > resolution {
		if d.At = at; math.Abs(at-d.Raw) < resolution {
			d.At = d.Raw
		}
	}
}

// believes reports whether the present assignment of a reading is what the journal says. For
// readings that were decided before the stop it makes it so.
func (p *replay) believes(g *group, r *reading) bool {
	s, ok := p.lane[r.det.Idx]
	switch {
	case r.pin != nil:
		return true
	case ok && !s.assignment().differs(r.now(), true), !ok && r.vehicle == nil:
		return true
	case r.det.Idx >= p.believed:
		return false
	}
	r.assign(nil)
	if ok && s.passage != "" {
		r.assign(g.known(s.passage))
	}
	r.confidence, r.why, r.terms = float64(s.reading.GetConfidence()), s.why(), nil
	r.setOther(nil, 0, nil)
	r.stated = s.assignment()
	return true
}

// resume ends the reading of the past. It returns what is to be committed at once; what was decided
// and not journalled follows within the next seconds.
func (c *Correlator) resume() (out []*observation.Observation) {
	p := c.past
	c.past = nil
	for _, r := range p.unsaid {
		g := c.where[r.det.Device]
		g.unsettled = append(g.unsettled, r)
	}
	for _, g := range c.groups {
		slices.SortFunc(g.unsettled, func(a, b *reading) int { return cmp.Compare(a.det.Idx, b.det.Idx) })
		for _, r := range g.unsettled {
			r.stated = nil
			if s, ok := p.last[r.det.Idx]; ok {
				r.stated = s.assignment()
			}
		}
		g.resume(p)
	}
	for _, id := range slices.Sorted(maps.Keys(p.opened)) {
		if v, _ := c.passage(id); v == nil && p.closed[id] == nil {
			out = append(out, c.newEvent(c.now, closedKey(id), p.lost(id, c.now)))
		}
	}
	return append(out, c.resumeConditions(p)...)
}

// resume adopts what the journal says of a group's passages: which are open, closed or ended, and
// the other candidates.
func (g *group) resume(p *replay) {
	for _, idx := range slices.Sorted(maps.Keys(g.readings)) {
		r := g.readings[idx]
		r.past = nil
		s := p.last[r.det.Idx]
		if v := g.byID[s.reading.GetOther()]; v != nil && r.det.Idx < p.believed && r.other == nil && r.pin == nil {
			r.setOther(v, float64(s.reading.GetOtherConfidence()), nil)
		}
	}
	for _, v := range g.vehicles {
		_, v.opened = p.opened[v.id]
		v.ended = false
		if doc := p.closed[v.id]; doc != nil {
			v.opened, v.ended = true, true
			v.closed, v.end = float64(doc.ClosedNs)/1e9, doc.End
		}
		if !v.ended && !slices.Contains(g.active, v) {
			g.active = append(g.active, v)
		}
	}
}

// resumeConditions adopts which devices are said to read nothing, and returns the rows for what has
// changed since.
func (c *Correlator) resumeConditions(p *replay) (out []*observation.Observation) {
	c.conditions = driver.Conditions{}
	for device := range p.mute {
		c.conditions.Resume(muteCondition, device)
	}
	for _, g := range c.groups {
		for _, device := range slices.Sorted(maps.Keys(g.missRuns)) {
			out = append(out, c.evaluateMute(device, g.missRuns[device])...)
		}
	}
	return out
}
