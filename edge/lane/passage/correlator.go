package passage

import (
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
)

func distance(a, b string) int { return identifier.Distance(a, b) }

// Correlator assigns readings to passages. It does no I/O, and knows no clock but the times of what it is given. Not for concurrent use.
type Correlator struct {
	lanes  []*lane
	where  map[string]place // device: its station
	clocks clocks
	down   map[string][]outage // of devices, oldest first
	now    time.Time
	// conditions are of devices that read nothing while vehicles pass.
	conditions driver.Conditions
	held       []*event         // that wait for what happened before them
	waiting    []*event         // tags without a vehicle so far
	moves      []move           // of the review under way
	inserted   []*vehicle       // by it
	Assigned   func(Assignment) // called with each decision; may be nil
}

// Assignment is a decision about one reading. A later one for the same Idx replaces it.
type Assignment struct {
	Idx             int64   // of the reading's row in the journal
	Passage         string  // "" for no passage of these lanes
	Confidence      float64 // probability, 0 to 1, that Passage is right; 0 when none is known
	Other           string  // the runner-up, shown beside Passage when Confidence is below 0.95; "" for none
	OtherConfidence float64 // probability, 0 to 1, that Other is right
	Reason          string  // in words, for people
}

type place struct {
	lane    *lane
	station *Station
}

// hold is how long an event waits, so that those that happened before it but were told later come first.
const hold = 8 * time.Second

// New makes a correlator.
func New(lanes []Lane) *Correlator {
	c := &Correlator{where: map[string]place{}, clocks: clocks{map[string]*deviceClock{}}, down: map[string][]outage{}}
	for _, l := range lanes {
		one := newLane(l)
		c.lanes = append(c.lanes, one)
		for i := range one.Stations {
			for _, d := range one.Stations[i].Devices {
				c.where[d] = place{one, &one.Stations[i]}
			}
		}
	}
	return c
}

// outage is a time in which a device did not run; to is zero while it lasts.
type outage struct{ from, to time.Time }

const (
	maxOutages  = 16
	outageSlack = 10 * time.Second // it had stopped before that was noticed, and a vehicle comes when it comes
)

// outage notes that a device stopped, or runs again.
func (c *Correlator) outage(device string, at time.Time, down bool) {
	all := c.down[device]
	n := len(all)
	lasting := n > 0 && all[n-1].to.IsZero()
	switch {
	case down && !lasting:
		c.down[device] = append(all[max(0, n-maxOutages+1):], outage{from: at})
	case !down && lasting:
		all[n-1].to = at
	}
}

// wasDown reports whether a device did not run at a time.
func (c *Correlator) wasDown(device string, at time.Time) bool {
	return slices.ContainsFunc(c.down[device], func(o outage) bool {
		return at.After(o.from.Add(-outageSlack)) && (o.to.IsZero() || at.Before(o.to.Add(outageSlack/2)))
	})
}

// Offset is how far a device's clock is ahead of the agent's.
func (c *Correlator) Offset(device string) time.Duration {
	if d := c.clocks.devices[device]; d != nil {
		return d.offset
	}
	return 0
}

// Take takes a row of the journal, in the journal's order, and returns what is to be committed.
func (c *Correlator) Take(r Row) []*observation.Observation {
	at, ok := c.where[r.Device]
	kind := r.Body.Kind()
	if s := r.Body.GetDeviceState(); s != nil && ok {
		c.outage(r.Device, r.Time(), s.State != observation.DeviceState_STATE_RUNNING && s.State != observation.DeviceState_STATE_CONNECTING)
	}
	if !ok || !relevant(kind) {
		return c.Tick(arrival(r.Observation))
	}
	t, _ := c.clocks.correct(r.Observation)
	e := eventOf(r, at.station, t)
	i := len(c.held)
	for i > 0 && c.held[i-1].at.After(e.at) {
		i--
	}
	c.held = slices.Insert(c.held, i, e)
	return c.Tick(arrival(r.Observation))
}

// Tick tells what time it is, and returns what is to be committed because of it.
func (c *Correlator) Tick(now time.Time) (out []*observation.Observation) {
	if now.After(c.now) || c.now.Sub(now) > clockStep { // the agent's clock may have been set back
		c.now = now
	}
	for len(c.held) > 0 && c.now.Sub(c.held[0].at) >= hold {
		e := c.held[0]
		c.held = c.held[1:]
		out = append(out, c.assign(e)...)
	}
	for i := 0; i < len(c.waiting); {
		if e := c.waiting[i]; !c.now.Before(e.due) {
			c.waiting = slices.Delete(c.waiting, i, i+1)
			out = append(out, c.assign(e)...)
			continue
		}
		i++
	}
	for _, l := range c.lanes {
		out = append(out, c.close(l)...)
	}
	return out
}

const (
	clockStep = 30 * time.Second // more than what is told late
	tagWait   = 15 * time.Second // after a tag its vehicle may be seen for the first time
	nameWait  = 60 * time.Second // after a name that may be of two vehicles, both have been seen further on
	lateWait  = 90 * time.Second // after a late result, what it is about has been named
)

// wait lets an event be looked at again, once, when more is known.
func (c *Correlator) wait(e *event, d time.Duration) []*observation.Observation {
	e.again, e.due = true, c.now.Add(d)
	c.waiting = append(c.waiting, e)
	return nil
}

// Flush assigns what is held, as at the end of a day.
func (c *Correlator) Flush() (out []*observation.Observation) {
	for _, e := range append(c.held, c.waiting...) {
		e.again = true
		out = append(out, c.assign(e)...)
	}
	c.held, c.waiting = nil, nil
	return out
}

// assign decides where an event belongs.
func (c *Correlator) assign(e *event) []*observation.Observation {
	l := c.where[e.Device].lane
	if v, why := l.linked(e); v != nil {
		e.linked = true
		return c.put(l, v, e, 1, why)
	}
	if e.follows && !e.again {
		return c.wait(e, lateWait+tagWait)
	}
	if e.station.Late {
		return c.assignLate(l, e)
	}
	among := l.open
	if e.again {
		among = l.around(e)
	}
	all := l.candidates(e, among)
	fresh := newLater
	if e.station.Position <= l.Stations[0].Position {
		fresh = newFirst
	}
	if e.weak {
		fresh = newLater - 2
	}
	if e.reverse || e.back {
		fresh = -8
	}
	best := match{score: math.Inf(-1)}
	second := fresh
	if len(all) > 0 {
		best = all[0]
	}
	if len(all) > 1 {
		second = max(second, all[1].score)
	}
	limit := weakLimit
	if e.faint {
		limit = faintLimit
	}
	if e.weak && best.score < limit && !e.again { // perhaps its vehicle is seen a little later
		return c.wait(e, tagWait)
	}
	if e.kind == observation.Kind_KIND_VEHICLE_CODE && best.score-second < 4 && !e.again {
		return c.wait(e, nameWait)
	}
	if e.faint && best.score < limit {
		c.tell(e.Idx, "", 0, "no vehicle is where this tag was read: the neighbouring lane's?")
		return nil
	}
	if best.score > fresh {
		return c.put(l, best.v, e, confidence(best.score-second), best.reason())
	}
	v := l.enter(e)
	return c.put(l, v, e, confidence(fresh-best.score), "first detection")
}

// Scores below which a tag, and one that was hardly heard, is not believed to be of any vehicle here.
const (
	weakLimit  = -4.5
	faintLimit = -4.0
	lateLimit  = -30.0 // a late result is of somebody
)

// around are the vehicles that may have been in the lane at an event, in their order: those that closed a while ago, and the open ones.
func (l *lane) around(e *event) []*vehicle {
	var out []*vehicle
	for _, v := range l.recent {
		if e.at.Sub(v.last) < l.Timeout && v.opened.Sub(e.at) < l.Timeout {
			out = append(out, v)
		}
	}
	out = append(out, l.open...)
	slices.SortStableFunc(out, func(a, b *vehicle) int { return a.rank - b.rank })
	return out
}

func confidence(margin float64) float64 { return 1 / (1 + math.Exp(-min(max(margin, -20), 20))) }

// linked finds the passage of the scan or image that an observation is about.
func (l *lane) linked(e *event) (*vehicle, string) {
	for _, link := range e.links {
		if v := l.links[link]; v != nil && link != "" {
			return v, "of the same scan"
		}
	}
	return nil, ""
}

// assignLate finds the passage that a late result says it is about: by name, the newest first; else by when it was.
func (c *Correlator) assignLate(l *lane, e *event) []*observation.Observation {
	best, like := (*vehicle)(nil), likeness{}
	consider := func(v *vehicle) {
		if n := v.identity(e); n.score >= nearID && n.score > like.score {
			best, like = v, n
		}
	}
	for i := len(l.open) - 1; i >= 0; i-- {
		consider(l.open[i])
	}
	for i := len(l.recent) - 1; i >= 0 && e.at.Sub(l.recent[i].closed) < l.Late; i-- {
		consider(l.recent[i])
	}
	if best != nil {
		return c.put(l, best, e, confidence(like.score-2), like.reason())
	}
	if !e.again && (len(e.ids) > 0 || len(e.links) > 0) {
		return c.wait(e, lateWait)
	}
	// It says nothing, or something that nobody else said: the vehicle that would be there by now.
	if l.orderly(e.Device) {
		if v, off := c.decide(l, e); v != nil {
			return c.put(l, v, e, 0.7, fmt.Sprintf("in queue order, %.1f s from predicted", off))
		}
	}
	if all := l.candidates(e, l.around(e)); len(all) > 0 && all[0].score > lateLimit {
		second := newLater
		if len(all) > 1 {
			second = max(second, all[1].score)
		}
		return c.put(l, all[0].v, e, 0.8*confidence(all[0].score-second), all[0].reason())
	}
	c.tell(e.Idx, "", 0, "nothing says which vehicle it is about")
	return nil
}

func (c *Correlator) tell(idx int64, passage string, confidence float64, reason string) {
	if c.Assigned != nil {
		c.Assigned(Assignment{Idx: idx, Passage: passage, Confidence: confidence, Reason: reason})
	}
}

func (l *lane) passageID(e *event) string {
	return fmt.Sprintf("%s-%s-%d", l.ID, e.at.UTC().Format("20060102T150405"), e.Idx)
}

// enter opens a passage.
func (l *lane) enter(e *event) *vehicle {
	l.ranks++
	v := &vehicle{id: l.passageID(e), opened: e.at, last: e.at, rank: l.ranks}
	// One that was missed at the beginning stands before those that came in later than it can have.
	at := len(l.open)
	for at > 0 {
		o := l.open[at-1]
		behind := false
		for i := range o.anchors {
			a := &o.anchors[i]
			behind = behind || a.position < e.station.Position && a.at.Add(time.Duration((e.station.Position-a.position)/l.usual()*float64(time.Second))).After(e.at)
			if a.device == e.Device {
				behind = a.at.After(e.at)
				break
			}
		}
		if !behind {
			break
		}
		v.rank, o.rank = o.rank, v.rank
		at--
	}
	l.open = slices.Insert(l.open, at, v)
	return v
}

// put assigns an event to a vehicle.
func (c *Correlator) put(l *lane, v *vehicle, e *event, sure float64, reason string) []*observation.Observation {
	first := len(v.readings) == 0
	l.place(v, e, sure > 0.9)
	r := &observation.PassageReading{
		Idx: e.Idx, Device: e.Device, Kind: uint32(e.kind), Station: e.station.ID, TimeNs: e.at.UnixNano(), Class: uint32(e.Class), Confidence: float32(sure), Reason: reason,
	}
	for _, a := range e.Body.Artifacts {
		r.Artifacts = append(r.Artifacts, a.Sha256)
	}
	v.readings = append(v.readings, r)
	c.tell(e.Idx, v.id, sure, reason)
	if first {
		return []*observation.Observation{c.said(e.at, "opened "+v.id, &observation.PassageOpened{
			Id: v.id, Lane: l.ID, Readings: []*observation.PassageReading{r},
		})}
	}
	return []*observation.Observation{c.said(e.at, fmt.Sprintf("reading %s %d", v.id, e.Idx), &observation.PassageUpdated{
		Id: v.id, Readings: []*observation.PassageReading{r}, AfterClose: !v.closed.IsZero(),
	})}
}

// close closes passages that are over.
func (c *Correlator) close(l *lane) (out []*observation.Observation) {
	last := 0.0
	for _, s := range l.Stations {
		if !s.Late {
			last = max(last, s.Position)
		}
	}
	ending := func(v *vehicle) observation.PassageEnd {
		idle := c.now.Sub(v.last)
		switch {
		case len(v.readings) == 0:
			return observation.PassageEnd_PASSAGE_END_MERGED
		case v.reversed && idle > l.Timeout/4:
			return observation.PassageEnd_PASSAGE_END_REVERSED
		case v.beyond(last) && idle > hold+settle:
			return observation.PassageEnd_PASSAGE_END_LEFT
		case idle > l.Timeout:
			return observation.PassageEnd_PASSAGE_END_TIMEOUT
		case len(l.open) > maxOpen && v == l.open[0]:
			return observation.PassageEnd_PASSAGE_END_CROWDED
		}
		return observation.PassageEnd_PASSAGE_END_UNSPECIFIED // it is not over
	}
	if i := slices.IndexFunc(l.open, func(v *vehicle) bool {
		return !v.reversed && len(v.readings) > 0 && len(v.events) > 0 && ending(v) != observation.PassageEnd_PASSAGE_END_UNSPECIFIED
	}); i >= 0 {
		out = append(out, c.review(l, l.open[i])...)
	}
	l.open = slices.DeleteFunc(l.open, func(v *vehicle) bool {
		if v.end = ending(v); v.end == observation.PassageEnd_PASSAGE_END_UNSPECIFIED {
			return false
		}
		v.closed = c.now
		if v.end == observation.PassageEnd_PASSAGE_END_LEFT {
			l.count(v)
		}
		if v.end != observation.PassageEnd_PASSAGE_END_MERGED {
			l.recent = append(l.recent, v)
		}
		out = append(out, c.said(c.now, "closed "+v.id, c.document(l, v)))
		return true
	})
	out = append(out, c.strip(l, c.now)...)
	drop := 0
	for drop < len(l.recent) && (len(l.recent)-drop > maxRecent || c.now.Sub(l.recent[drop].closed) > l.Late) {
		drop++
	}
	if drop > 0 {
		gone := map[*vehicle]bool{}
		for _, v := range l.recent[:drop] {
			gone[v] = true
		}
		l.recent = slices.Delete(l.recent, 0, drop)
		for link, v := range l.links {
			if gone[v] {
				delete(l.links, link)
			}
		}
	}
	return out
}

// strip lets go of what passages hold of observations, when nothing moves between them any more, and counts what devices saw of them.
func (c *Correlator) strip(l *lane, now time.Time) (out []*observation.Observation) {
	first := len(l.recent)
	for first > 0 && !l.recent[first-1].stripped {
		first--
	}
	for _, v := range l.recent[first:] {
		if now.Sub(v.closed) < l.Timeout+repairReach {
			continue
		}
		v.stripped = true
		if v.end == observation.PassageEnd_PASSAGE_END_LEFT {
			out = append(out, c.countDevices(l, v)...)
		}
		for _, e := range append(slices.Clone(v.events), v.riders...) {
			e.Observation = &observation.Observation{Class: e.Class, TimeNs: e.TimeNs, Device: e.Device, Body: &observation.Body{}}
		}
	}
	return out
}

// settle is how long after a vehicle left the last station its passage stays open for what is told late.
const settle = 12 * time.Second

func (c *Correlator) said(at time.Time, key string, body proto.Message) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, at, body)
	o.Device, o.Key = observation.AgentDevice, key
	return o
}

// Correct moves a reading to another passage, because a person says so.
func (c *Correlator) Correct(idx int64, to, reason, by string) ([]*observation.Observation, error) {
	for _, l := range c.lanes {
		from, target := l.holding(idx), l.named(to)
		if from == nil && target == nil {
			continue
		}
		if to != "" && target == nil {
			return nil, fmt.Errorf("there is no passage %s among those that are open or take late results", to)
		}
		if from == nil {
			return nil, fmt.Errorf("reading %d belongs to no passage of lane %s that is open or takes late results", idx, l.ID)
		}
		i := slices.IndexFunc(from.readings, func(r *observation.PassageReading) bool { return r.Idx == idx })
		r := from.readings[i]
		from.readings = slices.Delete(from.readings, i, i+1)
		if target != nil {
			target.readings = append(target.readings, r)
		}
		r.Reason, r.Confidence, r.PinnedBy = reason, 1, by
		key := fmt.Sprintf("corrected %d %s %s", idx, from.id, to)
		return []*observation.Observation{c.said(c.now, key, &observation.PassageCorrected{
			Idx: idx, From: from.id, To: to, Reason: reason, By: by, Reading: proto.CloneOf(r),
		})}, nil
	}
	return nil, fmt.Errorf("reading %d belongs to no passage that is open or takes late results", idx)
}

func (l *lane) all() []*vehicle { return append(slices.Clone(l.open), l.recent...) }

func (l *lane) holding(idx int64) *vehicle {
	for _, v := range l.all() {
		if slices.ContainsFunc(v.readings, func(r *observation.PassageReading) bool { return r.Idx == idx }) {
			return v
		}
	}
	return nil
}

func (l *lane) named(id string) *vehicle {
	for _, v := range l.all() {
		if v.id == id && id != "" {
			return v
		}
	}
	return nil
}
