package passage

import (
	"cmp"
	"fmt"
	"math"
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
	last     time.Time // of its latest sight
	closed   time.Time // zero while it is open
	end      string
	speed    float64 // m/s; 0 when nothing has measured it
	length   float64
	reversed bool
	anchors  []anchor
	events   []*event // of the anchors
	ids      []identity
	readings []*observation.PassageReading
	weight   float64
	rank     int // order of entry
}

// travel is what was learnt of the way from one device to another: the time beyond distance over speed.
type travel struct {
	extra          []float64 // s, the last ones
	at             int
	middle, spread float64
}

const travelWindow = 41

func (t *travel) add(v float64) {
	if len(t.extra) < travelWindow {
		t.extra = append(t.extra, v)
	} else {
		t.extra[t.at] = v
		t.at = (t.at + 1) % travelWindow
	}
	s := slices.Clone(t.extra)
	slices.Sort(s)
	t.middle = s[len(s)/2]
	for i := range s {
		s[i] = math.Abs(s[i] - t.middle)
	}
	slices.Sort(s)
	t.spread = 1.4826 * s[len(s)/2]
}

// estimate returns the median and the spread (MAD, as a standard deviation).
func (t *travel) estimate() (middle, spread float64, n int) {
	return t.middle, t.spread, len(t.extra)
}

// gaps are the times between a device's sights of one vehicle and the next, s: their low end is the pace of a queue.
type gaps struct {
	travel
	last time.Time
}

// pace returns how soon after a vehicle the next one follows in a queue.
func (g *gaps) pace() time.Duration {
	if g == nil || len(g.extra) < 10 {
		return 5 * time.Second
	}
	s := slices.Clone(g.extra)
	slices.Sort(s)
	return time.Duration(s[len(s)/8] * float64(time.Second))
}

func (g *gaps) seen(at time.Time) {
	if d := at.Sub(g.last).Seconds(); !g.last.IsZero() && d > 0 && d < maxGap {
		g.add(d)
	}
	g.last = later(g.last, at)
}

const maxGap = 40 // s; a longer one is no queue

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
	ranks   int
}

// maxOpen and maxRecent bound what is kept.
const (
	maxOpen   = 64
	maxRecent = 4096
	maxLinks  = 1 << 14
)

func newLane(l Lane) *lane {
	l.fill()
	return &lane{Lane: l, links: map[string]*vehicle{}, travels: map[[2]string]*travel{}, gaps: map[string]*gaps{}, sights: map[string]*sights{}}
}

// sights counts how many of the vehicles that went through a lane a station saw. Both are halved now and then: what was long ago fades.
type sights struct{ seen, of float64 }

// count notes at which stations a vehicle that went through was seen.
func (l *lane) count(v *vehicle) {
	for i := range l.Stations {
		s := &l.Stations[i]
		if l.sights[s.ID] == nil {
			l.sights[s.ID] = &sights{}
		}
		n := l.sights[s.ID]
		if n.of++; n.of > 200 {
			n.seen, n.of = n.seen/2, n.of/2
		}
		if v.at(s) {
			n.seen++
		}
	}
}

// always reports whether a station sees nearly every vehicle: tags and container numbers are only on some.
func (l *lane) always(s *Station) bool {
	n := l.sights[s.ID]
	return n != nil && n.of >= 10 && n.seen >= 0.85*n.of
}

// at reports whether a vehicle was seen at a station.
func (v *vehicle) at(s *Station) bool {
	return slices.ContainsFunc(v.readings, func(r *observation.PassageReading) bool { return r.Station == s.ID })
}

// usual is the usual speed, m/s.
func (l *lane) usual() float64 {
	if v, _, n := l.speeds.estimate(); n >= 5 {
		return v
	}
	return l.SpeedKph / 3.6
}

// match is a vehicle that an event may belong to.
type match struct {
	v      *vehicle
	score  float64
	reason string
}

// Scores are logarithms of probabilities, of arrival per second.
const (
	newFirst   = -4.5  // that a vehicle is seen for the first time, at the lane's beginning
	newLater   = -11.0 // or further on: the stations before missed it
	overtaking = 9.0
	missing    = 3.5 // that a device that works saw nothing of a vehicle
	sameID     = 12.0
	nearID     = 5.0
	otherID    = 7.0
	seenTwice  = 5.0

	stops     = 0.06 // share of vehicles that stop on their way between two devices
	stopsFor  = 15.0 // s, the mean
	unlikely  = 0.01 // share of what no prediction explains
	queueSlow = 2.0  // s, by which an arrival in a queue differs
)

// arrives is the logarithm of how likely it is that a vehicle comes so much later than predicted, per second.
func (l *lane) arrives(off, sigma float64) float64 {
	p := (1 - stops - unlikely) * math.Exp(-0.5*off*off/(sigma*sigma)) / (sigma * 2.5066)
	if off > 0 {
		p += stops * math.Exp(-off/stopsFor) / stopsFor
	}
	return math.Log(p + unlikely/(2*l.Timeout.Seconds()))
}

// candidates scores vehicles for an event, best first. They are in their order of entry.
func (l *lane) candidates(e *event, vehicles []*vehicle) []match {
	var out []match
	for _, v := range vehicles {
		if m, ok := l.score(v, e, vehicles); ok {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b match) int { return cmp.Compare(b.score, a.score) })
	return out
}

// score says how well an event fits a vehicle.
func (l *lane) score(v *vehicle, e *event, among []*vehicle) (match, bool) {
	m := match{v: v}
	if e.reverse || e.back {
		return l.scoreReverse(v, e)
	}
	off, sigma, from, ok := l.predict(v, e)
	if !ok {
		return m, false
	}
	m.score = l.arrives(off, sigma)
	if wait := l.waits(v, e, among); wait > 0 && off > 0 { // behind one that is slow
		if late := off - wait; late > -3*queueSlow {
			m.score = max(m.score, l.arrives(max(late, 0), math.Hypot(sigma, queueSlow))-0.5)
		}
	}
	m.reason = fmt.Sprintf("%.1f s %s than predicted from %s (± %.1f s)", math.Abs(off), map[bool]string{true: "later", false: "earlier"}[off >= 0], from, sigma)
	m.score += l.fits(v, e)
	idScore, idReason := v.identity(e)
	m.score += idScore
	if idReason != "" {
		m.reason = idReason + "; " + m.reason
	}
	if again := v.seenBy(e); again != nil && !e.many {
		if idScore < sameID && e.at.Sub(again.at).Abs() > time.Second {
			m.score -= seenTwice
		}
	}
	m.score -= l.disorder(v, e, among)
	return m, true
}

const (
	lengthSigma = 0.07 // of two measurements of one length, relative
	extentSigma = 0.15
	lengthWorst = -5.0 // a detector that errs, a vehicle that stopped
)

// fits compares lengths: what is likelier of the same vehicle than of another one.
func (l *lane) fits(v *vehicle, e *event) float64 {
	likelier := func(ratio, sigma, worst float64) float64 {
		x := math.Log(ratio) / sigma
		return max(worst, -0.5*x*x+math.Log(0.35/sigma)) // lengths of vehicles differ by some third
	}
	switch {
	case e.length > 0 && v.length > 0:
		return likelier(e.length/v.length, lengthSigma, lengthWorst)
	case e.extent > 0 && v.length > 0:
		if _, _, n := l.reach.estimate(); n < 5 {
			return 0
		}
		own, _, _ := l.reach.estimate()
		return likelier(e.extent/max(v.length+own, 1), extentSigma, lengthWorst/2)
	}
	return 0
}

// scoreReverse: who goes out backwards is the last that came in.
func (l *lane) scoreReverse(v *vehicle, e *event) (match, bool) {
	last := v.anchors[len(v.anchors)-1]
	for _, a := range v.anchors {
		if a.at.After(last.at) {
			last = a
		}
	}
	if e.at.Before(v.opened.Add(-time.Second)) {
		return match{}, false
	}
	m := match{v: v, score: 1, reason: "reversing: the last vehicle that came in"}
	for _, o := range l.open {
		if o.rank > v.rank && !o.opened.After(e.at) {
			m.score -= overtaking
		}
	}
	if v.reversed {
		m.score += 2
	}
	m.score -= 0.01 * e.at.Sub(last.at).Seconds()
	return m, true
}

// predict says how much later than predicted an event is, and how sure the prediction is: from the surest sights before and behind the
// place. ok is false when it cannot be this vehicle.
func (l *lane) predict(v *vehicle, e *event) (off, sigma float64, from string, ok bool) {
	speed := v.speed
	if speed <= 0 {
		speed = l.usual()
	}
	type guess struct {
		off, sigma float64
		from       string
	}
	var before, behind guess
	for i := range v.anchors {
		a := &v.anchors[i]
		if a.late {
			continue
		}
		d := e.station.Position - a.position
		run := d / speed
		extra, spread, n := 0.0, 0.0, 0
		if t := l.travels[[2]string{a.device, e.Device}]; t != nil {
			extra, spread, n = t.estimate()
		}
		g := guess{e.at.Sub(a.at).Seconds() - run, 1.5 + 0.3*math.Abs(run), a.device} // nothing was learnt yet
		if n >= 5 {                                                                   // what was learnt is by the devices' own clocks, and holds their offsets
			g.off, g.sigma = e.raw.Sub(a.raw).Seconds()-run-extra, math.Sqrt(0.36+0.01*run*run+spread*spread)
		}
		side := &before
		if d < 0 {
			side = &behind
		}
		if side.from == "" || g.sigma < side.sigma {
			*side = g
		}
	}
	switch {
	case before.from == "" && behind.from == "":
		return 0, 0, "", false
	case before.from == "":
		off, sigma, from = behind.off, behind.sigma, behind.from
	case behind.from == "":
		off, sigma, from = before.off, before.sigma, before.from
	default: // each by how sure it is
		a, b := 1/(before.sigma*before.sigma), 1/(behind.sigma*behind.sigma)
		off, sigma, from = (before.off*a+behind.off*b)/(a+b), 1/math.Sqrt(a+b), before.from+" and "+behind.from
	}
	return off, sigma, from, math.Abs(off) <= l.Timeout.Seconds()
}

// waits is how much later than predicted a vehicle comes because the one ahead of it was there, s; 0 for not at all.
func (l *lane) waits(v *vehicle, e *event, among []*vehicle) float64 {
	var ahead *vehicle
	for _, o := range among {
		if o.rank < v.rank && !o.reversed && (ahead == nil || o.rank > ahead.rank) {
			ahead = o
		}
	}
	if ahead == nil {
		return 0
	}
	a := ahead.seenBy(e)
	if a == nil {
		return 0
	}
	clear := a.until
	if clear.IsZero() {
		clear = a.at.Add(l.gaps[e.Device].pace())
	}
	off, _, _, ok := l.predict(v, e)
	if !ok {
		return 0
	}
	return max(0, off-e.at.Sub(clear.Add(time.Second)).Seconds())
}

// identity compares what names the event with what names the vehicle.
func (v *vehicle) identity(e *event) (score float64, reason string) {
	for _, a := range e.ids {
		for _, b := range v.ids {
			if a.kind != b.kind {
				continue
			}
			s, why := compare(a, b)
			if s > score || score <= 0 && s < score {
				score, reason = s, why
			}
		}
	}
	return score, reason
}

// compare compares two names of one kind.
func compare(a, b identity) (float64, string) {
	if a.value == b.value {
		return sameID, fmt.Sprintf("%s %s", a.kind, a.shown)
	}
	if a.kind != "plate" {
		if a.kind == "tag" {
			return -2, "" // a vehicle may carry several, and hear the neighbour's
		}
		return -otherID * 0.5, ""
	}
	switch distance(a.value, b.value) {
	case 1:
		return nearID, fmt.Sprintf("plate %s, nearly %s", a.shown, b.shown)
	case 2:
		return 0, ""
	}
	return -otherID * min(a.sure, b.sure), ""
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

// disorder is what it costs that vehicles in a lane stay in their order: those that would have been overtaken, and those ahead that this
// device would have missed.
func (l *lane) disorder(v *vehicle, e *event, among []*vehicle) (cost float64) {
	const slack = time.Second
	for _, o := range among {
		if o == v || o.reversed {
			continue
		}
		seen, passed := false, false
		for i := range o.anchors {
			a := &o.anchors[i]
			if a.device == e.Device {
				seen = true
				if o.rank < v.rank && a.raw.After(e.raw.Add(slack)) || o.rank > v.rank && a.raw.Before(e.raw.Add(-slack)) {
					cost += overtaking
					break
				}
			}
			passed = passed || !a.late && a.position > e.station.Position && a.at.Before(e.at)
		}
		if o.rank < v.rank && !seen && !passed && o.closed.IsZero() && !e.weak && !e.station.Late && !(e.kind == observation.Kind_KIND_VEHICLE_CODE || e.kind == observation.Kind_KIND_VEHICLE_PLATE && !o.named("plate")) {
			cost += missing
		}
	}
	return cost
}

// named reports whether something of a kind names the vehicle.
func (v *vehicle) named(kind string) bool {
	return slices.ContainsFunc(v.ids, func(i identity) bool { return i.kind == kind })
}

// place puts an event into a vehicle.
func (l *lane) place(v *vehicle, e *event, learn bool) {
	if learn && !e.reverse && !e.back && !e.linked {
		speed := v.speed
		if speed <= 0 {
			speed = l.usual()
		}
		for _, a := range v.anchors {
			if a.device == e.Device || a.late {
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
	if e.length > 0 && v.length == 0 {
		v.length = e.length
	}
	for _, id := range e.ids {
		if !id.guess && !slices.ContainsFunc(v.ids, func(x identity) bool { return x.kind == id.kind && x.value == id.value }) && len(v.ids) < 16 {
			v.ids = append(v.ids, id)
		}
	}
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

// without removes an event's sight, and returns how to put it back.
func (v *vehicle) without(e *event) (back func()) {
	i := slices.Index(v.events, e)
	if i < 0 {
		return func() {}
	}
	a := v.anchors[i]
	v.anchors, v.events = slices.Delete(v.anchors, i, i+1), slices.Delete(v.events, i, i+1)
	return func() { v.anchors, v.events = slices.Insert(v.anchors, i, a), slices.Insert(v.events, i, e) }
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
