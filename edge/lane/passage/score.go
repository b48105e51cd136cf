package passage

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

// match is a vehicle that an event may belong to.
type match struct {
	v     *vehicle
	score float64
	like  likeness
	guess guess
	back  bool // it is the last that came in, and goes out
}

// onTime is the difference from predicted, in seconds, that is not worth a number.
const onTime = 0.5

// reason says in words why an event would be of this vehicle.
func (m match) reason() string {
	if m.back {
		return "reversing: the last vehicle that came in"
	}
	text := fmt.Sprintf("matches %s", m.guess.from)
	if math.Abs(m.guess.off) >= max(m.guess.sigma, onTime) {
		format := "%.1f s later than predicted from %s (± %.1f s)"
		if m.guess.off < 0 {
			format = "%.1f s earlier than predicted from %s (± %.1f s)"
		}
		text = fmt.Sprintf(format, math.Abs(m.guess.off), m.guess.from, m.guess.sigma)
	}
	if name := m.like.reason(); name != "" {
		return name + "; " + text
	}
	return text
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

// comes is how likely an arrival is, for a vehicle that may have had to wait for the one ahead.
func (l *lane) comes(p prediction, wait float64) float64 {
	switch {
	case p.torn(): // it stood somewhere on the way: before this place, or after it
		return math.Log((math.Exp(l.arrivesBehind(p.before.off, p.before.sigma, wait)) + math.Exp(l.arrives(-p.behind.off, p.behind.sigma))) / 2)
	case p.before.from != "" && p.behind.from != "": // nothing held it up
		return l.punctual(p.off, p.sigma)
	case p.before.from == "": // seen further on only: it may have stopped after this place
		return l.arrives(-p.off, p.sigma)
	}
	return l.arrivesBehind(p.off, p.sigma, wait)
}

// punctual is arrives of a vehicle that did not stop.
func (l *lane) punctual(off, sigma float64) float64 {
	return math.Log((1-unlikely)*math.Exp(-0.5*off*off/(sigma*sigma))/(sigma*2.5066) + unlikely/(2*l.Timeout.Seconds()))
}

// arrivesBehind is arrives of a vehicle that had to wait for the one ahead.
func (l *lane) arrivesBehind(off, sigma, wait float64) float64 {
	score := l.arrives(off, sigma)
	if late := off - wait; wait > 0 && off > 0 && late > -3*queueSlow {
		score = max(score, l.arrives(max(late, 0), math.Hypot(sigma, queueSlow))-0.5)
	}
	return score
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
	p, ok := l.predict(v, e)
	if !ok {
		return m, false
	}
	off := p.off
	m.score = l.comes(p, l.waits(v, e, among, off))
	m.score += l.fits(v, e)
	like := v.identity(e)
	m.like, m.guess = like, p.guess
	m.score += like.score
	if again := v.seenBy(e); again != nil && !e.many {
		if like.score < sameID && e.at.Sub(again.at).Abs() > time.Second {
			m.score -= seenTwice
		}
	}
	if !e.station.Late || l.orderly(e.Device) {
		m.score -= l.disorder(v, e, among)
	}
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
	if len(v.anchors) == 0 {
		return match{}, false // what saw it has moved to another
	}
	last := v.anchors[len(v.anchors)-1]
	for _, a := range v.anchors {
		if a.at.After(last.at) {
			last = a
		}
	}
	if e.at.Before(v.opened.Add(-time.Second)) {
		return match{}, false
	}
	m := match{v: v, score: 1, back: true}
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

// guess is how much later than predicted from one sight an event is, s, and how sure that is.
type guess struct {
	off, sigma float64
	from       string
}

// prediction is what the surest sights before and behind a place say together, and each alone.
type prediction struct {
	guess
	before, behind guess
}

// torn reports whether the sights before and behind contradict each other: the vehicle was on its way longer than predicted.
func (p prediction) torn() bool {
	return p.before.from != "" && p.behind.from != "" && p.before.off-p.behind.off > 2*math.Hypot(p.before.sigma, p.behind.sigma)
}

// predict says how much later than predicted an event is, and how sure the prediction is: from the surest sights before and behind the
// place. ok is false when it cannot be this vehicle.
func (l *lane) predict(v *vehicle, e *event) (p prediction, ok bool) {
	speed := v.speed
	if speed <= 0 {
		speed = l.usual()
	}
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
		side := &p.before
		if d < 0 {
			side = &p.behind
		}
		if side.from == "" || g.sigma < side.sigma {
			*side = g
		}
	}
	before, behind := p.before, p.behind
	switch {
	case before.from == "" && behind.from == "":
		return p, false
	case before.from == "":
		p.guess = behind
	case behind.from == "":
		p.guess = before
	default: // each by how sure it is
		a, b := 1/(before.sigma*before.sigma), 1/(behind.sigma*behind.sigma)
		p.guess = guess{(before.off*a + behind.off*b) / (a + b), 1 / math.Sqrt(a+b), before.from + " and " + behind.from}
	}
	return p, math.Abs(p.off) <= l.Timeout.Seconds()
}

// waits is how much of off, the time that a vehicle comes later than predicted, is because the one ahead of it was there, s.
func (l *lane) waits(v *vehicle, e *event, among []*vehicle, off float64) float64 {
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
	clear := l.clears(ahead, a.device, a.at, a.until)
	return max(0, off-e.at.Sub(clear.Add(time.Second)).Seconds())
}

// clears is when a vehicle's end has left the place where a device saw it.
func (l *lane) clears(v *vehicle, device string, at, until time.Time) time.Time {
	if until.IsZero() {
		wait := l.gaps[device].pace()
		if own, _, n := l.reach.estimate(); n >= 5 && v.length > 0 && v.speed > 0 {
			wait = max(wait, time.Duration((v.length+own)/v.speed*float64(time.Second)))
		}
		return at.Add(wait)
	}
	return until
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
