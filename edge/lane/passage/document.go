package passage

import (
	"cmp"
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

// document makes the whole passage of a vehicle.
func (c *Correlator) document(l *lane, v *vehicle) *observation.PassageClosed {
	d := &observation.PassageClosed{
		Id: v.id, Lane: l.ID, OpenedNs: v.opened.UnixNano(), ClosedNs: nanos(v.closed), End: v.end, WeightKg: v.weight, SpeedKph: float32(v.speed * 3.6), LengthM: float32(v.length),
		State: observation.PassageState_PASSAGE_STATE_OPEN, Direction: observation.PassageDirection_PASSAGE_DIRECTION_FORWARD, Confidence: 1,
	}
	if !v.closed.IsZero() {
		d.State = observation.PassageState_PASSAGE_STATE_CLOSED
	}
	if v.reversed {
		d.Direction = observation.PassageDirection_PASSAGE_DIRECTION_REVERSE
	}
	best := 0.0
	for _, id := range v.ids {
		switch id.kind {
		case "plate":
			if id.sure > best {
				best, d.Plate = id.sure, id.shown
			}
		case "tag":
			d.Tags = append(d.Tags, id.shown)
		case "container":
			d.Containers = append(d.Containers, id.shown)
		case "code", "party":
			d.Codes = append(d.Codes, id.shown)
		}
	}
	d.Readings = slices.Clone(v.readings)
	slices.SortStableFunc(d.Readings, func(a, b *observation.PassageReading) int { return cmp.Compare(a.TimeNs, b.TimeNs) })
	for _, r := range d.Readings {
		d.Alarm = d.Alarm || observation.Class(r.Class) == observation.Class_CLASS_ALARM
		d.Confidence = min(d.Confidence, r.Confidence)
	}
	for i := range l.Stations {
		d.Stations = append(d.Stations, c.station(l, v, &l.Stations[i]))
	}
	return d
}

// station says what a passage looks like at a station: seen, or why not.
func (c *Correlator) station(l *lane, v *vehicle, s *Station) *observation.PassageStation {
	out := &observation.PassageStation{Station: s.ID}
	for _, a := range v.anchors {
		if a.position == s.Position && slices.Contains(s.Devices, a.device) {
			if at := a.at.UnixNano(); out.ArrivedNs == 0 || at < out.ArrivedNs {
				out.ArrivedNs = at
			}
			out.LeftNs = max(out.LeftNs, later(a.at, a.until).UnixNano())
			out.Seen = true
		}
	}
	if out.Seen = out.Seen || v.at(s); out.Seen {
		return out
	}
	expected := v.last
	if len(v.anchors) > 0 {
		speed := v.speed
		if speed <= 0 {
			speed = l.usual()
		}
		a := v.anchors[0]
		expected = a.at.Add(time.Duration((s.Position - a.position) / speed * float64(time.Second)))
		if !s.Late {
			out.ArrivedNs = expected.UnixNano()
		}
	}
	down := 0
	for _, d := range s.Devices {
		if c.wasDown(d, expected) {
			down++
		}
	}
	switch {
	case v.closed.IsZero() && (s.Late || !v.beyond(s.Position)):
		out.Gap = observation.PassageGap_PASSAGE_GAP_NOT_YET
	case down == len(s.Devices) && down > 0:
		out.Gap = observation.PassageGap_PASSAGE_GAP_BLIND
	case s.Late || v.reversed || v.end == observation.PassageEnd_PASSAGE_END_TIMEOUT && !v.beyond(s.Position):
		out.Gap = observation.PassageGap_PASSAGE_GAP_NOT_EXPECTED
	case !l.always(s):
		out.Gap = observation.PassageGap_PASSAGE_GAP_NOTHING_READ
	default:
		out.Gap = observation.PassageGap_PASSAGE_GAP_MISSED
	}
	return out
}

// beyond reports whether a vehicle was seen at a place or further on.
func (v *vehicle) beyond(position float64) bool {
	return slices.ContainsFunc(v.anchors, func(a anchor) bool { return !a.late && a.position >= position })
}

// nanos returns a time in ns UTC, 0 for the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
