package passage

import (
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

// anchor is a vehicle's sight at a place.
type anchor struct {
	position float64
	device   string
	raw      time.Time // as the device says
	at       time.Time
	until    time.Time
	late     bool // of a late result: it tells the order, and predicts nothing
}

// vehicle is a passage under way, or one that is over and takes late results.
type vehicle struct {
	id       string
	opened   time.Time
	last     time.Time              // of its latest sight
	closed   time.Time              // zero while it is open
	end      observation.PassageEnd // unspecified while it is open
	speed    float64                // m/s; 0 when nothing has measured it
	length   float64
	reversed bool
	anchors  []anchor
	events   []*event // of the anchors
	riders   []*event // what is about a scan or an image among them
	ids      []identity
	readings []*observation.PassageReading
	weight   float64
	rank     int  // order of entry
	stripped bool // its events hold no bodies any more
}

// lane is one lane's vehicles.
type lane struct {
	Lane
	open    []*vehicle // by rank
	recent  []*vehicle // closed ones, oldest first
	links   map[string]*vehicle
	travels map[[2]string]*travel
	speeds  travel // of vehicles, m/s
	reach   travel // of portals: extent beyond the vehicle's length, m
	gaps    map[string]*gaps
	sights  map[string]*sights // of stations
	seen    map[string]*sights // of devices
	misses  map[string]*misses // of devices, those of seen
	ranks   int
}

// maxOpen and maxRecent bound what is kept.
const (
	maxOpen   = 64
	maxRecent = 2048
	maxLinks  = 1 << 14
)

func newLane(l Lane) *lane {
	l.fill()
	return &lane{Lane: l, links: map[string]*vehicle{}, travels: map[[2]string]*travel{}, gaps: map[string]*gaps{}, sights: map[string]*sights{}, seen: map[string]*sights{}, misses: map[string]*misses{}}
}

// at reports whether a vehicle was seen at a station.
func (v *vehicle) at(s *Station) bool {
	return slices.ContainsFunc(v.readings, func(r *observation.PassageReading) bool { return r.Station == s.ID })
}

// seenBy returns the vehicle's sight by the event's device.
func (v *vehicle) seenBy(e *event) *anchor {
	for i := range v.anchors {
		if v.anchors[i].device == e.Device {
			return &v.anchors[i]
		}
	}
	return nil
}

// place puts an event into a vehicle.
func (l *lane) place(v *vehicle, e *event, learn bool) {
	if learn && !e.reverse && !e.back && !e.linked {
		speed := v.speed
		if speed <= 0 {
			speed = l.usual()
		}
		for _, a := range v.anchors {
			if a.device == e.Device || a.late && a.position != e.station.Position {
				continue
			}
			key := [2]string{a.device, e.Device}
			if l.travels[key] == nil {
				l.travels[key] = &travel{}
			}
			l.travels[key].add(e.raw.Sub(a.raw).Seconds() - (e.station.Position-a.position)/speed)
			back := [2]string{e.Device, a.device}
			if l.travels[back] == nil {
				l.travels[back] = &travel{}
			}
			l.travels[back].add(a.raw.Sub(e.raw).Seconds() - (a.position-e.station.Position)/speed)
		}
	}
	if learn && e.extent > 0 && v.length > 0 {
		l.reach.add(e.extent - v.length)
	}
	if e.speed > 0.2 && !e.reverse {
		if v.speed == 0 {
			v.speed = e.speed
			l.speeds.add(e.speed)
		} else {
			v.speed = (v.speed + e.speed) / 2
		}
	}
	v.learn(e)
	for _, link := range e.links {
		if link != "" && len(l.links) < maxLinks {
			l.links[link] = v
		}
	}
	v.reversed = v.reversed || e.reverse || e.back
	if w := e.Body.GetVehicleWeight(); w != nil {
		if w.Axle > 0 {
			v.weight += w.Kg
		} else {
			v.weight = max(v.weight, w.Kg)
		}
	}
	if e.linked {
		v.riders = append(v.riders, e)
		return
	}
	if v.seenBy(e) == nil {
		if l.gaps[e.Device] == nil {
			l.gaps[e.Device] = &gaps{}
		}
		l.gaps[e.Device].seen(e.at)
	}
	v.anchors = append(v.anchors, anchor{e.station.Position, e.Device, e.raw, e.at, e.until, e.station.Late})
	v.events = append(v.events, e)
	if e.station.Late {
		return
	}
	if end := later(e.at, e.until); end.After(v.last) {
		v.last = end
	}
}

// learn takes what an event says of a vehicle itself.
func (v *vehicle) learn(e *event) {
	if v.length == 0 {
		v.length = e.length
	}
	for _, id := range e.ids {
		if !id.guess && !slices.ContainsFunc(v.ids, func(x identity) bool { return x.kind == id.kind && x.value == id.value }) && len(v.ids) < 16 {
			v.ids = append(v.ids, id)
		}
	}
}

// recall learns anew what a vehicle's events say of it.
func (v *vehicle) recall() {
	v.length, v.ids = 0, nil
	for _, e := range v.events {
		v.learn(e)
	}
}

// lose removes an event's sight.
func (v *vehicle) lose(e *event) {
	if i := slices.Index(v.events, e); i >= 0 {
		v.anchors, v.events = slices.Delete(v.anchors, i, i+1), slices.Delete(v.events, i, i+1)
	}
	v.recall()
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
