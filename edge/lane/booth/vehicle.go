package booth

import (
	"slices"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/clearance"
)

// vehicle returns what the lane's devices say of a presentation's vehicle.
func (b *Booth) vehicle(p *Presentation, now time.Time) clearance.Vehicle {
	id, certain := b.passageOf(p)
	v := clearance.Vehicle{Stations: map[string]clearance.Seen{}, SeenBefore: p.seenBefore}
	if certain {
		v.Passage, p.passage = id, id
	}
	v.Alarms = b.alarms(p, id, certain)
	v.Cases = b.casesOf(&v)
	v.WeightKg, v.TareKg = b.weight(p, id, certain)
	for i := range b.lane.Stations {
		s := &b.lane.Stations[i]
		v.Stations[s.ID] = b.seen(p, s, id, certain, now)
	}
	return v
}

// alarms returns the alarms that are, or may be, of a presentation's vehicle, by row.
func (b *Booth) alarms(p *Presentation, passage string, certain bool) (out []clearance.Alarm) {
	for _, row := range b.order {
		s := b.sightings[row]
		if s.alarm == nil {
			continue
		}
		sure, possible := b.alarmOf(s, p, passage, certain)
		if sure || possible {
			a := *s.alarm
			a.Possible = !sure
			out = append(out, a)
		}
	}
	return out
}

// alarmOf reports whether an alarm is, or may be, of a presentation's vehicle.
func (b *Booth) alarmOf(s *sighting, p *Presentation, passage string, certain bool) (sure, possible bool) {
	switch {
	case slices.Contains(p.sightings, s) && s.of.passage == "":
		return true, false // at the booth while the vehicle stood there
	case s.of.told && passage != "" && s.of.passage == passage:
		return certain && s.of.other == "", true
	case s.of.told && passage != "" && s.of.other == passage:
		return false, true
	case s.of.told: // to another vehicle, which may be this one while it is not known which vehicle this is
		return false, s.of.passage != "" && !certain && !b.taken(s.of.passage, p) && b.mayBeOf(s, p)
	}
	return false, b.mayBeOf(s, p)
}

// mayBeOf reports whether an alarm that the association has not given to a passage may be of a vehicle: it was at the
// alarm's station before it came to the booth, or stands there. Late results may come long after that. Stations behind the
// booth have not seen a vehicle that is still there; of one that has left, only what was told of its passage counts.
func (b *Booth) mayBeOf(s *sighting, p *Presentation) bool {
	left := !p.Ended.IsZero() && !s.at.Before(p.Ended)
	switch {
	case left, s.station.Position > b.position, s.at.Before(p.Begun.Add(-alarmWindow)), s.at.After(p.last.Add(alarmWindow)):
		return false
	case s.station.Late, s.station.Position == b.position:
		return true
	}
	return s.began.Before(p.Begun)
}

// alarmRows returns the rows of the alarms of a presentation's vehicle; the value is whether it may be another's.
func (b *Booth) alarmRows(p *Presentation) map[int64]bool {
	id, certain := b.passageOf(p)
	out := map[int64]bool{}
	for _, a := range b.alarms(p, id, certain) {
		out[a.Row] = a.Possible
	}
	return out
}

// weight returns the vehicle's last weighing as a whole, else the sum of its axles, kg, and its tare where the scale
// tells it; 0 for none.
func (b *Booth) weight(p *Presentation, passage string, certain bool) (kg, tareKg float64) {
	axles := map[uint32]float64{}
	for _, s := range b.of(p, passage, certain) {
		switch e := &s.evidence; {
		case e.Weighs && e.Axle == 0:
			kg = e.Kg
		case e.Weighs:
			axles[e.Axle] = e.Kg
		}
	}
	if kg > 0 {
		return kg, 0
	}
	for _, axle := range axles {
		kg += axle
	}
	return kg, 0
}

// toldAfter is how long after a vehicle came to the booth all that was seen of it before is told: the association waits
// some seconds for what is late, and tells new readings each ten seconds.
const toldAfter = 20 * time.Second

// pendingFor is how long before that what was seen may not have been told yet: a vehicle waits at the stations before.
const pendingFor = 2 * toldAfter

// seen returns what a station saw of a presentation's vehicle.
func (b *Booth) seen(p *Presentation, s *Station, passage string, certain bool, now time.Time) clearance.Seen {
	if slices.ContainsFunc(p.sightings, func(x *sighting) bool { return x.station.ID == s.ID }) {
		return clearance.SeenYes
	}
	one := b.passages[passage]
	switch {
	case one != nil && one.seen[s.ID]: // also of the vehicle that is next to come, as alarms are judged apart
		return clearance.SeenYes
	case b.pending(p, s):
		return clearance.SeenYes
	case s.ID != b.lane.Booth && b.blind(s, now):
		return clearance.SeenBlind
	case one != nil && certain && !one.closed.IsZero() && missed(one.stations[s.ID]):
		return clearance.SeenNothing
	case s.Late || s.Position >= b.position || now.Sub(p.Begun) < toldAfter:
		return clearance.SeenNotYet
	}
	return clearance.SeenNothing
}

// pending reports whether a station saw a vehicle before this one came to the booth, and the association has not said yet
// which: most likely it is this one. An alarm among what is pending counts as possible, and what was not of this vehicle
// is missed once that is told.
func (b *Booth) pending(p *Presentation, s *Station) bool {
	for _, row := range slices.Backward(b.order) {
		x := b.sightings[row]
		if x.at.Before(p.Begun.Add(-pendingFor)) {
			return false
		}
		if x.station == s && !x.of.told && x.began.Before(p.Begun) {
			return true
		}
	}
	return false
}

// blind reports whether no device of a station can see a vehicle: it does not run, or somebody works on it.
func (b *Booth) blind(s *Station, now time.Time) bool {
	sees := func(device string) bool { return !b.down[device] && !now.Before(b.maintained[device]) }
	return len(s.Devices) > 0 && !slices.ContainsFunc(s.Devices, sees)
}

func missed(gap observation.PassageGap) bool {
	return gap == observation.PassageGap_PASSAGE_GAP_MISSED || gap == observation.PassageGap_PASSAGE_GAP_BLIND
}
