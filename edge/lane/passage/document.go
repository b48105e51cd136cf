package passage

import (
	"cmp"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
)

// maxShown is the number of passages that are listed.
const maxShown = 100

// documents returns the documents of the passages that are open and the last ones that are closed,
// newest first.
func (c *Correlator) documents() (out []*observation.PassageClosed) {
	for _, g := range c.groups {
		g.sortVehicles()
		for _, v := range g.vehicles[max(0, len(g.vehicles)-2*maxShown):] {
			if v.opened && len(v.readings) > 0 {
				out = append(out, c.document(g, v))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *observation.PassageClosed) int {
		return cmp.Or(cmp.Compare(b.OpenedNs, a.OpenedNs), cmp.Compare(a.Id, b.Id))
	})
	return out[:min(len(out), maxShown)]
}

// document folds a passage's document from its readings, and from nothing else, so that a
// correction leaves no trace of what was said before.
func (c *Correlator) document(g *group, v *vehicle) *observation.PassageClosed {
	d := &observation.PassageClosed{
		Id: v.id, Lane: g.lanes[v.lane].ID, OpenedNs: nanos(v.facts(g).first), ClosedNs: nanos(v.closed), End: v.end,
		State:     observation.PassageState_PASSAGE_STATE_OPEN,
		Direction: observation.PassageDirection_PASSAGE_DIRECTION_FORWARD,
		WeightKg:  v.weight(), SpeedKph: float32(v.facts(g).speed * 3.6), LengthM: float32(v.facts(g).measured),
		Confidence: 1,
	}
	if v.closed > 0 {
		d.State = observation.PassageState_PASSAGE_STATE_CLOSED
	}
	if v.facts(g).reversed {
		d.Direction = observation.PassageDirection_PASSAGE_DIRECTION_REVERSE
	}
	v.call(g, d)
	for _, r := range v.readings {
		d.Readings = append(d.Readings, c.reading(c.where[r.det.Device], r, false))
		d.Alarm = d.Alarm || r.det.Class == observation.Class_CLASS_ALARM
		d.Confidence = min(d.Confidence, float32(r.confidence))
	}
	for _, r := range v.otherCandidateOf {
		if r.uncertain() {
			p := c.reading(g, r, false)
			p.Confidence, p.OtherConfidence = p.OtherConfidence, p.Confidence
			p.Other = ""
			if r.vehicle != nil {
				p.Other = r.vehicle.id
			}
			d.Possible = append(d.Possible, p)
			d.AlarmPossible = d.AlarmPossible || r.det.Class == observation.Class_CLASS_ALARM
		}
	}
	for i := range g.lanes[v.lane].Stations {
		d.Stations = append(d.Stations, c.station(g, v, &g.lanes[v.lane].Stations[i]))
	}
	return d
}

// call fills in the names of the vehicle: of several plates, the one that was read surest.
func (v *vehicle) call(g *group, d *observation.PassageClosed) {
	best := 0.0
	for _, n := range v.facts(g).names {
		switch n.Kind {
		case "plate":
			if n.Sure > best {
				best, d.Plate = n.Sure, n.Shown
			}
		case "tag":
			d.Tags = append(d.Tags, n.Shown)
		case "container":
			d.Containers = append(d.Containers, n.Shown)
		case "code", "party":
			d.Codes = append(d.Codes, n.Shown)
		}
	}
}

// weight returns the last weighing of the whole vehicle, else the sum of the last weighings of its
// axles, kg; 0 for none.
func (v *vehicle) weight() float64 {
	whole, axles := 0.0, map[uint32]float64{}
	for _, r := range v.readings {
		switch d := r.det; {
		case d.Weighs && d.Axle == 0:
			whole = d.Kg
		case d.Weighs:
			axles[d.Axle] = d.Kg
		}
	}
	if whole > 0 {
		return whole
	}
	sum := 0.0
	for _, kg := range axles {
		sum += kg
	}
	return sum
}

// station describes a passage at a station: when it came and left, or why nothing was seen of it.
// Readings that belong to a scan say nothing of when the vehicle was there.
func (c *Correlator) station(g *group, v *vehicle, s *Station) *observation.PassageStation {
	out := &observation.PassageStation{Station: s.ID}
	for _, r := range v.readings {
		d := r.det
		if r.foreign || !slices.Contains(s.Devices, d.Device) {
			continue
		}
		out.Seen = true
		if r.linked || d.Reverse {
			continue
		}
		if at := nanos(d.At); out.ArrivedNs == 0 || at < out.ArrivedNs {
			out.ArrivedNs = at
		}
		out.LeftNs = max(out.LeftNs, nanos(d.End()))
	}
	if out.Seen || len(v.readings) == 0 {
		return out
	}
	expected := g.expectedAt(v, s.Position)
	if !s.Late {
		out.ArrivedNs = nanos(expected)
	}
	out.Gap = g.gap(v, s, expected)
	return out
}

// gap explains why a station saw nothing of a vehicle that was expected there at a time.
func (g *group) gap(v *vehicle, s *Station, expected float64) observation.PassageGap {
	beyond := v.facts(g).front >= s.Position
	blind := len(s.Devices) > 0
	for _, d := range s.Devices {
		blind = blind && g.wasDown(g.devices[d], expected)
	}
	switch {
	case v.closed == 0 && (s.Late || !beyond):
		return observation.PassageGap_PASSAGE_GAP_NOT_YET
	case blind:
		return observation.PassageGap_PASSAGE_GAP_BLIND
	case s.Late || v.facts(g).reversed || v.end == observation.PassageEnd_PASSAGE_END_TIMEOUT && !beyond:
		return observation.PassageGap_PASSAGE_GAP_NOT_EXPECTED
	case !g.always(s):
		return observation.PassageGap_PASSAGE_GAP_NOTHING_READ
	}
	return observation.PassageGap_PASSAGE_GAP_MISSED
}

// always reports whether a station sees nearly every vehicle: tags and container numbers are only
// on some.
func (g *group) always(s *Station) bool {
	const enough, nearly = 10, 0.85
	for _, d := range s.Devices {
		if r := g.model.HitRate(g.devices[d]); r.Total() >= enough && r.Hits() >= nearly*r.Total() {
			return true
		}
	}
	return false
}

// nanos returns ns since 1970 of seconds, to the microsecond; 0 for 0.
func nanos(s float64) int64 { return detection.Time(s).UnixNano() }
