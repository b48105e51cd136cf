package passage

import (
	"cmp"
	"math"
	"slices"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
)

// Correlator assigns readings to passages. It does no I/O and knows no clock but the times of what
// it is given, so that the same rows give the same passages. Not for concurrent use.
type Correlator struct {
	groups     []*group
	where      map[string]*group // device: its lanes
	clocks     map[string]*clock
	now        float64 // s; whole seconds have been dealt with up to here
	conditions driver.Conditions
	past       *replay            // while the journal's past is read again
	strangers  map[int64]*reading // of devices in no lane, which persons put into passages
	Assigned   func(Assignment)   // called with each decision; may be nil

	// Fetch reads a row of the journal that the correlator has let go, for a person's correction; may be nil.
	Fetch func(idx int64) (Row, bool)
}

// Row is an observation of the journal.
type Row struct {
	Idx int64
	*observation.Observation
}

// Assignment is a decision about one reading. A later one for the same Idx replaces it.
type Assignment struct {
	Idx             int64   // of the reading's row in the journal
	Passage         string  // "" for no passage of these lanes
	Confidence      float64 // probability, 0 to 1, that Passage is right
	Other           string  // the runner-up, shown beside Passage when Confidence is below 0.95; "" for none
	OtherConfidence float64 // probability, 0 to 1, that Other is right
	Reason          string  // in words, for people
}

// New returns a correlator of some lanes. Lanes that share devices are associated together.
func New(lanes []Lane) *Correlator {
	c := &Correlator{
		where: map[string]*group{}, clocks: map[string]*clock{}, groups: newGroups(slices.Clone(lanes)),
		strangers: map[int64]*reading{},
	}
	for _, g := range c.groups {
		g.clocks = c.clocks
		for id := range g.devices {
			c.where[id] = g
		}
	}
	return c
}

const (
	// hold is the time that a detection waits, s.
	hold = 8.0
	// tell is the interval at which new assignments are journalled, s; alarms are told every second.
	tell = 10
	// settle is the time for which later detections can change an assignment on which the hypotheses agree, s.
	settle = 60.0
	// clockStep is a step back of the agent's clock, s, that is more than rows coming late.
	clockStep = 30.0
)

// Take processes a row of the journal, in the journal's order, and returns what is to be committed
// because of it. Of the agent's own rows only corrections by persons count: what it says itself
// follows from the devices' rows.
func (c *Correlator) Take(r Row) []*observation.Observation {
	if r.Device == observation.AgentDevice {
		return c.applyCorrection(r)
	}
	out := c.Tick(detection.Arrival(r.Observation))
	g := c.where[r.Device]
	if g == nil {
		return out
	}
	g.noteOutage(r)
	if kinds.IsOfVehicle(r.Body.Kind()) && !r.Body.Maintenance {
		d := detection.Of(r.Idx, r.Observation, c.offset(g, r.Observation))
		if c.past != nil {
			c.addPast(g, d)
		} else {
			g.addDetection(d)
		}
	}
	return out
}

// prepare fills in what the group knows of a detection of one of its devices: its index, its order,
// and whether its speed can be one of a vehicle that drives.
func (g *group) prepare(d *detection.Detection) {
	d.Dev = g.devices[d.Device]
	d.Order = d.At
	if d.Tag {
		d.Order += min(tagAhead, d.Lasts)
		if dev := &g.layout.Devices[d.Dev]; !dev.HearsTags {
			dev.HearsTags = true
			g.layout.Fill()
		}
	}
	if !g.model.PlausibleSpeed(units.MetresPerSecond(d.Speed)) { // nor are what follows from it
		d.Speed, d.Length, d.Extent = 0, 0, 0
	}
}

// addDetection adds a detection of one of the group's devices: to the report that it belongs to, to
// the late results, or to those that wait for the window.
func (g *group) addDetection(d *detection.Detection) {
	g.prepare(d)
	g.watchDetection(d)
	r := &reading{det: d, label: noLabel}
	g.readings[d.Idx] = r
	g.unsettled = append(g.unsettled, r)
	if p, ok := g.byLink(d); ok {
		p.add(r)
		return
	}
	if g.layout.Late(d.Dev) {
		g.newReport(r)
		return
	}
	behindEqual := func(a, b *detection.Detection) int { return cmp.Or(cmp.Compare(a.Order, b.Order), -1) }
	i, _ := slices.BinarySearchFunc(g.waiting, d, behindEqual)
	g.waiting = slices.Insert(g.waiting, i, d)
}

// tagAhead bounds the time by which a tag is read before the vehicle's front comes to the antenna,
// s.
const tagAhead = 2.5

// Tick advances the correlator to a time, and returns the rows to be committed because of it. What
// is due at each whole second is done as of that second, however often and late Tick is called, so
// that calls do not change the result. A time long before the last one means that the agent's clock
// was set back.
func (c *Correlator) Tick(now time.Time) (out []*observation.Observation) {
	to := math.Floor(detection.Seconds(now))
	if c.now == 0 || to < c.now-clockStep {
		c.now = to
	}
	for c.now < to {
		if next := c.next(); next > to {
			c.now = to
			break
		} else {
			c.now = max(c.now+1, next)
		}
		for _, g := range c.groups {
			out = append(out, c.tick(g)...)
		}
	}
	return out
}

// next returns the next second at which there is something to do; +Inf while all lanes are empty.
func (c *Correlator) next() float64 {
	for _, g := range c.groups {
		if len(g.waiting)+len(g.unsettled)+len(g.active)+len(g.fixed)+g.window.Len() > 0 {
			return c.now + 1
		}
	}
	return math.Inf(1)
}

// Flush decides everything that is open, as at the end of a day. It advances the time by an hour.
func (c *Correlator) Flush() (out []*observation.Observation) {
	return c.Tick(detection.Time(c.now + 3600))
}

// tick does what is due in a group at this second. Alarms are dealt with every second, everything
// else every tell seconds.
func (c *Correlator) tick(g *group) (out []*observation.Observation) {
	n := 0
	for n < len(g.waiting) && g.waiting[n].Order <= c.now-hold {
		g.enter(g.waiting[n])
		n++
	}
	g.waiting = slices.Delete(g.waiting, 0, n)
	due := int64(c.now)%tell == 0
	if due || g.alarmed() {
		g.readWindow(c, c.now)
		g.align(c, due)
		out = append(out, c.reportAssignments(g, due)...)
	}
	if due {
		out = append(out, c.close(g)...)
	}
	return out
}

// lateAfter is the delay of a report, s, from which it is a late result: the window may have
// decided without it.
const lateAfter = 60.0

// The window waits for as long as reports have come after what they report lately: who stands over a detector is
// reported when it goes on. What was long ago fades.
const (
	fading   = 0.99  // a detection
	maxDelay = 300.0 // s
)

// enter inserts a detection into the window, or treats it as a late result when it comes too late
// for that. A detection that a person has assigned is left out.
func (g *group) enter(d *detection.Detection) {
	g.delay *= fading
	if late := d.Arrived - d.At; late > g.delay && d.Arrived-d.End() <= lateAfter {
		g.delay = min(late, maxDelay)
	}
	if r := g.readings[d.Idx]; r != nil && r.pin == nil {
		if d.Arrived-d.End() > lateAfter || g.late[d.Device] || !g.window.Insert(d) {
			g.newReport(r)
			return
		}
		g.dirty = true
	}
}

// alarmed reports whether an alarm has been assigned to nobody yet and waits for that.
func (g *group) alarmed() bool {
	for i := len(g.unsettled) - 1; i >= 0; i-- {
		r := g.unsettled[i]
		untold := r.det.Class == observation.Class_CLASS_ALARM && r.stated == nil && !r.placed
		if untold && !slices.Contains(g.waiting, r.det) {
			return true
		}
	}
	return false
}
