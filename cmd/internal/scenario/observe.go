package scenario

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// sight is a vehicle before a device.
type sight struct {
	index int
	*Vehicle
	Device
	position float64 // m, of the station
	path     *path
	alarm    bool // it carries what portals alarm at
	crossing      // the time for which it is there
}

// observe lets the devices of its lane see a vehicle.
func (g *generator) observe(i int, p *path) {
	v := &g.day.Vehicles[i]
	alarm := g.rng.Float64() < g.Faults.Alarms
	swab := g.rng.Float64() < g.Faults.Swabs && v.name() != "" && v.Case != "reversing"
	for k, st := range g.lanes[v.Lane].Stations {
		for _, d := range st.Devices {
			switch {
			case d.Kind == "swab":
				if swab {
					g.swab(i, d.ID)
				}
			case st.secondary() || v.Arrive[k].IsZero() || g.isDead(d.ID, v.Arrive[k]):
			default:
				g.observeAt(sight{index: i, Vehicle: v, Device: d, position: st.Position, path: p, alarm: alarm})
			}
		}
	}
}

// observeAt lets a device see a vehicle each time it is there, and now and then a tag of the neighbouring lane.
func (g *generator) observeAt(s sight) {
	for _, s.crossing = range s.path.passes(s.position, s.Vehicle) {
		if !g.misses(s.Vehicle) && !g.isDead(s.ID, g.at(s.from)) {
			g.see(s)
		}
	}
	if s.Kind == "tag" && g.rng.Float64() < g.Faults.Neighbour {
		g.neighbour(s.ID, g.at(s.path.at(s.position)+between(g.rng, 0, 180)))
	}
}

// name returns an officer's name for a vehicle: its plate, or what it carries.
func (v *Vehicle) name() string {
	if v.Plate != "" {
		return v.Plate
	}
	return v.Container
}

// report is an observation of a device with its time of arrival.
type report struct {
	vehicle int // index; -1 for nobody in these lanes
	device  string
	special string    // what is special about the vehicle
	at      time.Time // of what it is about
	told    time.Time // the agent would have it then
	class   observation.Class
	body    proto.Message
}

// shown is a moment as a device stamps it.
func (g *generator) shown(device string, at time.Time) time.Time {
	if c := g.clocks[device]; c != nil {
		return c.show(at, g.begin)
	}
	return at
}

// ns is a moment, seconds since the day began, as a device stamps it, ns of Unix time.
func (g *generator) ns(device string, s float64) int64 { return g.shown(device, g.at(s)).UnixNano() }

// tell lets a report reach the journal, sometimes twice.
func (g *generator) tell(r report) {
	n := 1
	if g.rng.Float64() < g.Faults.Twice {
		n = 2
	}
	for k := range n {
		shown := g.shown(r.device, r.at)
		o := observation.New(r.class, shown, r.body)
		if g.clocks[r.device] != nil {
			o.Body.DeviceTimeNs = shown.UnixNano()
		}
		g.number++
		o.Device, o.Key = r.device, fmt.Sprintf("%s-%d", r.device, g.number)
		told := r.told
		if k > 0 {
			told = told.Add(sec(between(g.rng, 2, 5)))
		}
		if b := g.bursts[r.device]; b != nil {
			told = b.next(told)
		}
		g.day.Told = append(g.day.Told, Told{told, o, r.vehicle, r.special})
	}
}

// report begins a report of a vehicle: at and told are seconds since the day began.
func (g *generator) report(s sight, at, told float64, body proto.Message) report {
	return report{s.index, s.ID, s.Case, g.at(at), g.at(told), observation.Class_CLASS_EVENT, body}
}
