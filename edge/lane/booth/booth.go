// Package booth follows what is presented at a lane's booth. Rows of the journal are folded into presentations: what is
// scanned, keyed in or read of one vehicle until it leaves, and what the lane's devices say of that vehicle. Each is
// decided by package clearance; the decision is journalled, and lights and barrier follow it.
package booth

import (
	"maps"
	"slices"
	"time"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/lane/clearance"
)

// Lane is a lane with a booth.
type Lane struct {
	Site, SiteKind, ID string
	Stations           []Station // in the order in which vehicles come to them
	Booth              string    // id of the station at which vehicles stop and present
	Journal            []byte    // id of the journal whose rows come
	// Leaving is the detector whose detections mean that the vehicle has left the booth; zero when there is none.
	Leaving Detector
	// Idle ends a presentation to which nothing came for so long.
	Idle time.Duration
}

// Station is a place at which devices see vehicles.
type Station struct {
	ID       string
	Position float64 // m
	Devices  []string
	Late     bool // results come some time after the vehicle
}

// Detector is a loop or beam: a device and the name of its station in vehicle.detection.
type Detector struct{ Device, Station string }

// Row is an observation of the journal.
type Row struct {
	Idx int64
	*observation.Observation
}

// Bounds of what is kept of a lane.
const (
	keptSightings = 2048
	keptPassages  = 256
	keptEnded     = 64
	// alarmWindow is how long an alarm that is of no passage yet may be of the vehicle at the booth. Passages are told of
	// an alarm within seconds; one that is never told is of no vehicle.
	alarmWindow = 10 * time.Minute
)

// Booth is what is known at one booth. It does no I/O and knows no clock but the times of what it is given, so that the
// same rows give the same presentations. Not for concurrent use.
type Booth struct {
	lane      Lane
	at        map[string]*Station // device: its station
	position  float64             // of the booth, m
	sightings map[int64]*sighting // by row
	order     []int64             // rows of sightings, oldest first
	passages  map[string]*passage // by id
	opened    []string            // ids of passages in the order in which they opened
	down      map[string]bool     // devices that do not run
	// maintained says until when somebody works on a device; the zero time, or one that is past, is nobody.
	maintained map[string]time.Time
	cases      *cases.Book
	current    *Presentation   // nil while nobody is there
	ended      []*Presentation // oldest first

	alarmsChanged bool // an alarm came, or was given to another vehicle, since Due was asked
}

// New returns the booth of a lane.
func New(lane Lane) *Booth {
	b := &Booth{lane: lane, at: map[string]*Station{}, sightings: map[int64]*sighting{}, passages: map[string]*passage{},
		down: map[string]bool{}, maintained: map[string]time.Time{}, cases: cases.NewBook(keptCases)}
	for i := range lane.Stations {
		s := &lane.Stations[i]
		if s.ID == lane.Booth {
			b.position = s.Position
		}
		for _, d := range s.Devices {
			b.at[d] = s
		}
	}
	return b
}

// Current returns the presentation of the vehicle at the booth; nil when there is none.
func (b *Booth) Current() *Presentation { return b.current }

// Take processes a row. It reports whether that may change a decision.
func (b *Booth) Take(r Row) bool {
	at := arrival(r.Observation)
	changed := b.Tick(at)
	if r.Device == observation.AgentDevice {
		return b.takeWord(r) || changed
	}
	station := b.at[r.Device]
	if station == nil {
		return changed
	}
	if state, ok := r.Body.Typed().(*observation.DeviceState); ok {
		down := state.State != observation.DeviceState_STATE_RUNNING
		changed = changed || b.down[r.Device] != down
		b.down[r.Device] = down
		return changed
	}
	if m, ok := r.Body.Typed().(*observation.DeviceMaintenance); ok {
		b.maintained[r.Device] = time.Unix(0, m.UntilNs) // 0, long past, where it is over
		return true
	}
	if !kinds.IsOfVehicle(r.Body.Kind()) || r.Body.Maintenance {
		return changed
	}
	s := newSighting(r, station, at)
	b.keep(s)
	if b.leaves(r) {
		return b.end(at) || changed
	}
	if station.ID == b.lane.Booth {
		b.present(s)
	}
	return true
}

// takeWord processes a row of the agent: what was said of passages, of decisions, and by officers.
func (b *Booth) takeWord(r Row) bool {
	if b.takeCase(r) {
		return true
	}
	switch w := r.Body.Typed().(type) {
	case *observation.PassageOpened:
		if w.Lane != b.lane.ID {
			return false
		}
		b.open(w.Id)
		return b.assign(w.Id, w.Readings)
	case *observation.PassageUpdated:
		return b.assign(w.Id, w.Readings)
	case *observation.PassageCorrected:
		return b.correct(w)
	case *observation.PassageClosed:
		return b.closePassage(w, arrival(r.Observation))
	case *observation.ClearanceDecision:
		if p := b.find(w.Presentation); p != nil {
			p.decided(w)
		}
		return false
	case *observation.ClearanceSeen:
		p := b.find(w.Presentation)
		if p != nil {
			p.seenBefore = time.Unix(0, w.AtNs).UTC()
		}
		return p != nil
	case *observation.ClearanceOverride:
		p := b.find(w.Presentation)
		if p != nil {
			p.override(w)
		}
		return p != nil
	}
	return false
}

// Tick lets time go on to now. It reports whether that may change a decision.
func (b *Booth) Tick(now time.Time) bool {
	if b.current != nil && now.Sub(b.current.last) >= b.lane.Idle {
		return b.end(b.current.last.Add(b.lane.Idle))
	}
	return false
}

// keep remembers a sighting, and lets the oldest go.
func (b *Booth) keep(s *sighting) {
	b.alarmsChanged = b.alarmsChanged || s.alarm != nil
	b.sightings[s.row] = s
	b.order = append(b.order, s.row)
	for len(b.order) > keptSightings {
		delete(b.sightings, b.order[0])
		b.order = b.order[1:]
	}
}

// leaves reports whether a row says that the vehicle has left the booth.
func (b *Booth) leaves(r Row) bool {
	d, ok := r.Body.Typed().(*observation.VehicleDetection)
	return ok && d.EndNs > 0 && !d.TurnedBack && b.lane.Leaving == Detector{r.Device, d.Station}
}

// end ends the current presentation. It reports whether there was one.
func (b *Booth) end(at time.Time) bool {
	if b.current == nil {
		return false
	}
	b.current.Ended = at
	b.ended = append(b.ended, b.current)
	b.ended = b.ended[max(0, len(b.ended)-keptEnded):]
	b.current = nil
	return true
}

// find returns the presentation of an id, nil for one that is not kept.
func (b *Booth) find(id string) *Presentation {
	if b.current != nil && b.current.ID == id {
		return b.current
	}
	for _, p := range slices.Backward(b.ended) {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Due returns the presentations whose decision may be another one now: the current one, those that ended without their
// last word, and those that ended and of which an alarm became known since.
func (b *Booth) Due() (out []*Presentation) {
	for _, p := range b.ended {
		if !p.said.GetEnded() || b.alarmsChanged && !maps.Equal(p.judgedAlarms, b.alarmRows(p)) {
			out = append(out, p)
		}
	}
	b.alarmsChanged = false
	if b.current != nil {
		out = append(out, b.current)
	}
	return out
}

// forgetUnsaid lets presentations go that ended before the start and of which nothing was journalled, up to the last of
// which something was: they are from before the booth was there, or too far back to be whole. Those after it are of
// vehicles that left while the agent was killed, before it had decided.
func (b *Booth) forgetUnsaid() {
	last := time.Time{}
	if b.current != nil && b.current.said != nil {
		last = b.current.Begun
	}
	for _, p := range b.ended {
		if p.said != nil && p.Begun.After(last) {
			last = p.Begun
		}
	}
	b.ended = slices.DeleteFunc(b.ended, func(p *Presentation) bool {
		return p.said == nil && (last.IsZero() || p.Begun.Before(last))
	})
	for _, p := range b.ended {
		p.judgedAlarms = b.alarmRows(p)
		maps.DeleteFunc(p.judgedAlarms, func(row int64, _ bool) bool { return !slices.Contains(rowsOf(p.said), row) })
	}
	b.alarmsChanged = true
}

// Input returns what is known of a presentation at a time.
func (b *Booth) Input(p *Presentation, now time.Time) clearance.Input {
	return clearance.Input{
		Site: b.lane.Site, SiteKind: b.lane.SiteKind, Lane: b.lane.ID, Now: now,
		Presented: b.presented(p), Vehicle: b.vehicle(p, now),
	}
}

// arrival returns when the agent had the whole observation, by its own clock.
func arrival(o *observation.Observation) time.Time {
	return time.Unix(0, o.TimeNs+o.GetBody().GetAgentDelayNs()).UTC()
}
