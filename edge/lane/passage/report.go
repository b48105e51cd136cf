package passage

import (
	"cmp"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
)

// report groups the readings that a device reports late of one vehicle: an image and all that is
// about it, or a detection that came when the vehicles of its time had been decided.
type report struct {
	readings []*reading
	at       float64  // s, of the first detection
	arrived  float64  // s, of the first
	again    float64  // s, when it is looked at next
	vehicle  *vehicle // that it was given to
	final    bool
}

// When a late result is decided, s after it came: at once when its names are sure, provisionally for an alarm; else
// when what it is about will have been named, and the results beside it have come.
const (
	reportSoon = 30.0
	reportLast = 120.0
)

// byLink returns the report that a detection belongs to by the names of its scan and images, and
// remembers its other names for the next ones; ok is false when there is none.
func (g *group) byLink(d *detection.Detection) (*report, bool) {
	for _, l := range d.Links {
		if p := g.links[l]; p != nil {
			for _, l := range d.Links {
				g.link(l, p)
			}
			return p, true
		}
	}
	return nil, false
}

// maxLinks bounds the names of scans and images that are remembered.
const maxLinks = 1 << 14

func (g *group) link(name string, p *report) {
	if len(g.links) < maxLinks {
		g.links[name] = p
	}
}

// newReport makes a reading a late result of its own.
func (g *group) newReport(r *reading) *report {
	p := &report{at: r.det.At, arrived: r.det.Arrived, again: r.det.Arrived}
	p.readings = []*reading{r}
	for _, l := range r.det.Links {
		g.link(l, p)
	}
	all := g.reports[r.det.Device]
	i, _ := slices.BinarySearchFunc(all, p, func(a, b *report) int { return cmp.Or(cmp.Compare(a.at, b.at), -1) })
	g.reports[r.det.Device] = slices.Insert(all, i, p)
	return p
}

// add adds a reading that is about the same scan or image. It goes where the first one goes.
func (p *report) add(r *reading) {
	p.readings = append(p.readings, r)
	first := p.readings[0]
	p.again = min(p.again, r.det.Arrived)
	r.assign(first.vehicle)
	r.setOther(first.other, first.otherShare, first.otherTerms)
	r.confidence, r.placed, r.final, r.linked = first.confidence, first.placed, p.final, true
}

// align decides the late results that are due; with due false, only alarms. Results of one device
// that are close in time are decided together.
func (g *group) align(c *Correlator, due bool) {
	g.finishFixed(c.now)
	for _, device := range g.deviceOrder() {
		all := g.reports[device]
		if !slices.ContainsFunc(all, func(p *report) bool { return c.now >= p.again && (due || p.alarm()) }) {
			continue
		}
		g.sortVehicles()
		for _, some := range splitReports(all) {
			if slices.ContainsFunc(some, func(p *report) bool { return c.now >= p.again }) {
				g.alignDevice(c, some)
			}
		}
		g.reports[device] = slices.DeleteFunc(all, func(p *report) bool { return p.final })
	}
}

// farApart is the time between two reports of a device, s, from which they say nothing of each
// other.
const farApart = 240.0

// splitReports splits reports, which are in the order of their times, where they are far apart.
func splitReports(all []*report) (out [][]*report) {
	begin := 0
	for i := 1; i <= len(all); i++ {
		if i == len(all) || all[i].at-all[i-1].at > farApart {
			out = append(out, all[begin:i])
			begin = i
		}
	}
	return out
}

// deviceOrder returns the devices that have late results, in the layout's order.
func (g *group) deviceOrder() (out []string) {
	for i := range g.layout.Devices {
		if id := g.layout.Devices[i].ID; len(g.reports[id]) > 0 {
			out = append(out, id)
		}
	}
	return out
}

// alarm reports whether the report has an alarm that was not journalled yet.
func (p *report) alarm() bool {
	return slices.ContainsFunc(p.readings, func(r *reading) bool {
		return r.det.Class == observation.Class_CLASS_ALARM && r.stated == nil
	})
}

// alignDevice assigns late results of one device together, and sets when each is looked at next.
func (g *group) alignDevice(c *Correlator, all []*report) {
	now := c.now
	dev := all[0].readings[0].det.Dev
	vehicles := g.around(dev, all)
	asked := map[*reading]bool{}
	for _, p := range all {
		for _, r := range p.readings {
			asked[r] = true
		}
	}
	g.room = g.room[:0]
	known := make([]*associate.Vehicle, len(vehicles))
	for i, v := range vehicles {
		known[i] = g.vehicle(v, asked)
	}
	reports := make([]*associate.Report, len(all))
	for i, p := range all {
		reports[i] = &associate.Report{}
		for _, r := range p.readings {
			reports[i].Detections = append(reports[i].Detections, r.det)
		}
	}
	for i, fits := range g.layout.Align(g.model, known, reports, g.wasDown) {
		p := all[i]
		p.assign(vehicles, fits, now)
		for _, r := range p.readings {
			if r.pin == nil {
				c.doubt(g, r)
				r.limitByName(lateDoubtLeft)
			}
		}
		if now < p.again {
			continue
		}
		switch {
		case now >= p.arrived+reportLast:
			g.finish(p)
		case now >= p.arrived+reportSoon:
			p.again = p.arrived + reportLast
		default:
			p.again = max(p.arrived+reportSoon, now+1)
		}
	}
}

// assign gives all readings of a report to its likeliest vehicle, but for those that a person has
// assigned.
func (p *report) assign(vehicles []*vehicle, fits []associate.Candidate, now float64) {
	of := func(f *associate.Candidate) *vehicle {
		if f.Vehicle == associate.None {
			return nil
		}
		return vehicles[f.Vehicle]
	}
	p.vehicle = of(&fits[0])
	certain := fits[0].Probability >= sure && p.vehicle != nil
	for i, r := range p.readings {
		if r.pin != nil {
			continue
		}
		r.assign(p.vehicle)
		r.confidence, r.terms, r.linked = fits[0].Probability, &fits[0].Terms, i > 0
		r.setOther(nil, 0, nil)
		if len(fits) > 1 {
			r.setOther(of(&fits[1]), fits[1].Probability, &fits[1].Terms)
		}
		r.placed = r.placed || certain || r.det.Class == observation.Class_CLASS_ALARM || now >= p.arrived+reportLast
	}
}

// finish decides a report for good, and learns from it if it is sure.
func (g *group) finish(p *report) {
	p.final = true
	for _, r := range p.readings {
		r.final = true
	}
	first, v := p.readings[0], p.vehicle
	if v == nil || first.pin != nil {
		return
	}
	dev := first.det.Dev
	if v.seen&(1<<dev) == 0 && v.counted {
		g.model.HitRate(dev).AddLateHit()
	}
	v.seen |= 1 << dev
	if first.teaches() && !v.facts(g).reversed {
		g.model.LearnLate(v.fixes(g, true, nil), g.fix(v, first.det), v.facts(g).speed)
	}
}

// vehicle returns what association needs to know of a vehicle, without the readings that are asked
// about. Its fixes are in g.room, which the next alignment overwrites.
func (g *group) vehicle(v *vehicle, asked map[*reading]bool) *associate.Vehicle {
	f, n := v.factsWithout(g, asked), len(g.room)
	g.room = v.fixes(g, false, g.room)
	return &associate.Vehicle{
		Lane: v.lane, Fixes: g.room[n:len(g.room):len(g.room)], Speed: f.speed, Length: f.length, Names: f.names,
		First: f.first, Last: f.last, Reversed: f.reversed, Reported: v.seen,
	}
}
