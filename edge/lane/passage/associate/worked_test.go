package associate

import (
	"math"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// The tests of this file work the model's formulas out by hand, with the figures of docs/association.md.

// wideNormal is a normal density of which one error in ten is 2.5 times as wide.
func wideNormal(x, sigma float64) float64 {
	n := func(s float64) float64 { return math.Exp(-x*x/2/s/s) / s / math.Sqrt(2*math.Pi) }
	return 0.9*n(sigma) + 0.1*n(2.5*sigma)
}

// wideBelow is its distribution function.
func wideBelow(x, sigma float64) float64 {
	p := func(s float64) float64 { return (1 + math.Erf(x/s/math.Sqrt2)) / 2 }
	return 0.9*p(sigma) + 0.1*p(2.5*sigma)
}

// TestRepeatWorked: the density of seeing a vehicle again so many seconds later.
func TestRepeatWorked(t *testing.T) {
	plain, axle := &detection.Detection{At: 1000}, &detection.Detection{At: 1000, Evidence: kinds.Evidence{Axle: 1}}
	again := func(e kinds.Evidence, apart float64) *detection.Detection {
		return &detection.Detection{At: 1000 + apart, Evidence: e}
	}
	moment := func(s float64) float64 { return 0.004 * (0.9*math.Exp(-s/3)/3 + 0.1*math.Exp(-s/60)/60) }
	several := kinds.Evidence{Several: true}
	for name, c := range map[string]struct {
		d, before   *detection.Detection
		alike, back bool
		want        float64
	}{
		"told twice":                {again(kinds.Evidence{}, 0.04), plain, true, false, 0.02 / 0.1},
		"a moment later":            {again(kinds.Evidence{}, 0.06), plain, true, false, moment(0.06)},
		"ten seconds later":         {again(kinds.Evidence{}, 10), plain, true, false, moment(10)},
		"a minute later":            {again(kinds.Evidence{}, 60), plain, true, false, moment(60)},
		"before it":                 {again(kinds.Evidence{}, -10), plain, true, false, moment(10)},
		"it may have turned back":   {again(kinds.Evidence{}, 30), plain, true, true, moment(30) + 0.01*math.Exp(-0.5)/60},
		"another name":              {again(kinds.Evidence{}, 10), plain, false, true, 0.002 / 60},
		"another name at once":      {again(kinds.Evidence{}, 0), plain, false, false, 0.002 / 60},
		"another container":         {again(several, 2), plain, false, false, 0.1*math.Exp(-2) + 0.002/60},
		"the same container":        {again(several, 2), plain, true, false, moment(2)},
		"the next axle":             {again(kinds.Evidence{Axle: 2}, 1), axle, true, false, 0.8 * math.Exp(-0.2) / 5},
		"an axle, and the whole":    {again(kinds.Evidence{}, 1), axle, true, false, 0.8 * math.Exp(-0.2) / 5},
		"the whole, and an axle":    {again(kinds.Evidence{Axle: 1}, 1), plain, true, false, 0.8 * math.Exp(-0.2) / 5},
		"the next axle at the same": {again(kinds.Evidence{Axle: 2}, 0), axle, true, false, 0.8 / 5},
	} {
		equal(t, name, repeatLogDensity(c.d, c.before, c.alike, c.back), math.Log(c.want))
	}
}

// TestArrivalWorked: the density of an arrival and its distribution, of vehicles that drive freely, are held up, or stood.
func TestArrivalWorked(t *testing.T) {
	by := motion.Delays{Share: 0.3, Mean: 20}
	held := func(off float64) (density, share float64) {
		density, share = 0.7*wideNormal(off, 2), 0.7*wideBelow(off, 2)
		if off > 0 {
			density, share = density+0.3*math.Exp(-off/20)/20, share+0.3*(1-math.Exp(-off/20))
		}
		return density, share
	}
	for _, off := range []float64{-3, -0.5, 0.5, 3, 20} {
		d, s := heldUpArrival(off, 2, by)
		wantD, wantS := held(off)
		equal(t, "held up", d, wantD)
		equal(t, "held up by then", s, wantS)
		d, s = freeFlowArrival(motion.Prediction{Residual: off, Sigma: 2, Distance: 5}, by)
		equal(t, "from before", d, wantD)
		equal(t, "from before by then", s, wantS)
		backD, backS := held(-off)
		d, s = freeFlowArrival(motion.Prediction{Residual: off, Sigma: 2, Distance: -5}, by)
		equal(t, "from beyond", d, backD)
		equal(t, "from beyond by then", s, backS)
		d, s = freeFlowArrival(motion.Prediction{Residual: off, Sigma: 2, Distance: 5, EitherSide: true}, by)
		equal(t, "beside an antenna", d, (wantD+backD)/2)
		equal(t, "beside an antenna by then", s, (wantS+backS)/2)
		for passed, w := range map[bool]float64{false: 0.5, true: 0.9} {
			p := motion.Prediction{Residual: off, Sigma: 2, Distance: 5, Standing: 7, RearPassed: passed}
			d, s = freeFlowArrival(p, by)
			stoodD, stoodS := heldUpArrival(off-7, math.Hypot(2, 1), by)
			equal(t, "of one that stood", d, (1-w)*wantD+w*stoodD)
			equal(t, "of one that stood by then", s, (1-w)*wantS+w*stoodS)
		}
	}
	if d, s := heldUpArrival(9, 2, motion.Delays{Mean: 20}); math.Abs(d-wideNormal(9, 2)) > 1e-9 || math.Abs(s-wideBelow(9, 2)) > 1e-9 {
		t.Errorf("nobody is held up: %g, %g", d, s)
	}
}

// TestClearingWorked: when there is room behind a vehicle that stops once more in one case of five.
func TestClearingWorked(t *testing.T) {
	c := &clearing{at: 1000, sigma: 2, stopsAgain: 0.2, stopMean: 10, held: true}
	for _, off := range []float64{-3, 0, 3, 15} {
		free, density := 0.8*wideBelow(off, 2), 0.8*wideNormal(off, 2)
		if off > 0 {
			free, density = free+0.2*(1-math.Exp(-off/10)), density+0.2*math.Exp(-off/10)/10
		}
		equal(t, "free by then", c.freeBy(1000+off), free)
		equal(t, "just then", c.density(1000+off), density)
		by := motion.Delays{Share: 0.3, Mean: 20}
		p := motion.Prediction{Residual: 4, Sigma: 2, Distance: 5}
		own, came := freeFlowArrival(p, by)
		for held, waits := range map[bool]float64{false: 0, true: density * came} {
			q := *c
			q.held = held
			got, waited := arrivalLogLikelihood(p, by, 1000+off, &q, 60)
			equal(t, "an arrival behind it", got, math.Log(0.997*(own*free+waits)+0.003/120))
			if waited != (waits > own*free) {
				t.Errorf("%.0f s after it left, held %v: waited %v", off, held, waited)
			}
		}
		alone, _ := arrivalLogLikelihood(p, by, 1000+off, nil, 60)
		equal(t, "an arrival with nobody ahead", alone, math.Log(0.997*own+0.003/120))
		p.TooFast = true
		fast, _ := arrivalLogLikelihood(p, by, 1000+off, nil, 60)
		equal(t, "an arrival that is too fast", fast, math.Log(0.997*own*1e-5+0.003/120))
	}
	if got := c.freeBy(0); got != impossible {
		t.Errorf("long before: %g", got)
	}
	beside := motion.Prediction{Residual: 4, Sigma: 2, Distance: 0.9}
	own, _ := heldUpArrival(4, 2, motion.Delays{Share: 0.002, Mean: 10})
	got, _ := arrivalLogLikelihood(beside, motion.Delays{Share: 0.5, Mean: 50}, 1000, nil, 60)
	equal(t, "in one place", got, math.Log(0.997*own+0.003/120))
}

// TestLengthByWeighing: the length of a vehicle that nobody measured is told by its weight, by that of the step's own
// detection when it was not weighed before.
func TestLengthByWeighing(t *testing.T) {
	s := one(t)
	m := motion.New(4, 2)
	for range 10 {
		m.LearnSize(10, 20_000, 0)
		m.LearnSize(5, 2000, 0)
	}
	s.w.model = m
	for name, c := range map[string]struct {
		had, now float64
		axle     uint32
		want     units.Metres
	}{
		"never weighed": {0, 0, 0, 14}, "weighed now": {0, 2000, 0, 5}, "weighed before": {20_000, 0, 0, 10},
		"weighed twice": {20_000, 2000, 0, 10}, "an axle was weighed": {0, 2000, 1, 14},
	} {
		d := s.sees(3, 1100, bare, func(d *detection.Detection) { d.Weighs, d.Kg, d.Axle = c.now > 0, c.now, c.axle })
		v := &track{kg: units.Kilograms(c.had)}
		if got, _ := newStepper(s.w, d).lengthWith(v); (got - c.want).Abs() > 0.01 {
			t.Errorf("%s: %.2f m, not %.2f m", name, got, c.want)
		}
	}
}

// TestMixReference: mix is SplitMix64's, by that generator's published first numbers for the seed 1234567.
func TestMixReference(t *testing.T) {
	const gamma = 0x9e3779b97f4a7c15
	state := uint64(1234567)
	for _, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423} {
		if state += gamma; mix(state) != want {
			t.Errorf("%d, not %d", mix(state), want)
		}
	}
}

// TestOccupiedWorked: vehicles of a queue need their lengths and three metres behind each; what is not known of lengths and
// gaps adds up.
func TestOccupiedWorked(t *testing.T) {
	room := occupied{8, 4}
	room.add(12, 3)
	room.add(5, 0)
	equal(t, "the length", float64(room.length), 8+12+5+2*3)
	equal(t, "its spread", room.sigma(), math.Sqrt(4+9+1+0+1+1))
}

// TestFromNothing: an assignment that no detection predicted names none: of a new vehicle, of none, of what is told again or
// goes back. One that was predicted names the device.
func TestFromNothing(t *testing.T) {
	s := one(t)
	tag := s.sees(0, 1000, tagged("urn:1", -50, false))
	v := s.born(0, 1000)
	if c := s.of(v, s.sees(1, 1004)); c.terms.From != 0 {
		t.Errorf("predicted from %d", c.terms.From)
	}
	again, back := s.sees(0, 1001), s.sees(0, 1002, backwards)
	for name, terms := range map[string]Terms{
		"new": s.of(again.Idx, again).terms, "again": s.of(v, again).terms, "of none": s.of(None, tag).terms,
		"back": s.of(v, back).terms, "a new one that goes back": s.of(back.Idx, back).terms,
	} {
		if terms.From != -1 {
			t.Errorf("%s: from device %d", name, terms.From)
		}
	}
	s.goes(v, back)
	if out := s.of(v, s.sees(1, 1010, portal)).terms; out.From != -1 {
		t.Errorf("on its way out: from device %d", out.From)
	}
}

// TestBesideIsBefore: a detection in the place of a late device tells its time from before, not from beyond.
func TestBesideIsBefore(t *testing.T) {
	got, ok := momentOf(imaging(true), 1008, sightOf(1, 16, 1008))
	if !ok || got.before == nil || got.beyond != nil {
		t.Errorf("before %v, beyond %v", got.before, got.beyond)
	}
}

// TestMergedFirst: where lanes become one row, those that are in it stand before those that are not.
func TestMergedFirst(t *testing.T) {
	l := filled(2, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(1, 0)},
		Device{ID: "c", Places: append(at(0, 16), at(1, 16)...)})
	s := newScene(t, l, known(l))
	one, other, in := &track{lane: 0}, &track{lane: 1}, &track{lane: 1, merged: true}
	queue := []*track{one, in, other}
	newStepper(s.w, s.sees(2, 1000)).chargePassed(queue, 0)
	if queue[0] != in || queue[1] != one || queue[2] != other {
		t.Errorf("merged are %v, %v, %v", queue[0].merged, queue[1].merged, queue[2].merged)
	}
	queue = []*track{one, in}
	if newStepper(s.w, s.sees(0, 1000)).chargePassed(queue, 0); queue[0] != one {
		t.Error("a device of one lane sorts the row")
	}
}

// TestReversingWorked: each vehicle that followed the one that goes back makes that 500 times less likely.
func TestReversingWorked(t *testing.T) {
	s := one(t)
	first, second, last := s.born(0, 1000), s.born(0, 1020), s.born(0, 1040)
	d := s.sees(0, 1050, backwards)
	equal(t, "the last", s.score(Order, last, d), 0)
	equal(t, "the one ahead of it", s.score(Order, second, d), math.Log(0.002))
	equal(t, "the one ahead of both", s.score(Order, first, d), 2*math.Log(0.002))
	equal(t, "when", s.score(Arrival, last, d), -math.Log(s.w.layout.Timeout/2))
	s.goes(last, d)
	again := s.sees(0, 1052, backwards)
	equal(t, "once more", s.score(Order, last, again), 0)
	equal(t, "then", s.score(Arrival, last, again), -math.Log(20))
	equal(t, "another one then", s.score(Order, second, again), 0)
}

// TestOutboundName: the names that were compared on a vehicle's way out are told with the assignment.
func TestOutboundName(t *testing.T) {
	s := one(t)
	v := s.born(0, 1000, named("plate", "ABC123"))
	s.goes(v, s.sees(0, 1020, backwards))
	out := s.of(v, s.sees(1, 1024, named("plate", "ABC123"), portal)).terms
	if out.Read == nil || out.Name == nil || out.Read.Value != "ABC123" || out.Name.Value != "ABC123" || out.Score[Names] != 11 {
		t.Errorf("%v and %v count %.1f", out.Read, out.Name, out.Score[Names])
	}
}

// TestSlowFirst: a vehicle's speed is what was measured first, however slow, and not what was measured on its way back.
func TestSlowFirst(t *testing.T) {
	s := one(t)
	speed := func(v float64) func(*detection.Detection) { return func(d *detection.Detection) { d.Speed = v } }
	for _, c := range []struct{ first, second, want float64 }{{0.5, 3, 0.5}, {0, 3, 3}, {3, 0.5, 3}} {
		v := way(s.w.layout, s.sees(0, 1000, speed(c.first)), s.sees(1, 1004, speed(c.second)))
		equal(t, "the speed", float64(v.speed), c.want)
	}
	back := way(s.w.layout, s.sees(0, 1000, speed(3), backwards), s.sees(1, 1004, speed(2)))
	equal(t, "the speed of one that came back", float64(back.speed), 2)
}

// TestFullLanes: when as many vehicles are in the lanes as are followed, what is seen may be of nothing, and of no new one.
func TestFullLanes(t *testing.T) {
	for tracks, full := range map[int]bool{maxTracks - 1: false, maxTracks: true} {
		s := one(t)
		for i := range tracks {
			s.n.queue = append(s.n.queue, way(s.w.layout, s.sees(0, 1000+float64(i)/10)))
		}
		d := s.sees(0, 1008)
		if s.can(None, d) != full || s.can(d.Idx, d) == full {
			t.Errorf("with %d vehicles: of none %v, a new one %v", tracks, s.can(None, d), s.can(d.Idx, d))
		}
	}
}

// TestDepartedAt: to the second when a vehicle has left: 15 s after the last station, a quarter of the timeout after it
// turned back, the timeout after all others, an hour where one ahead stands.
func TestDepartedAt(t *testing.T) {
	s := one(t)
	l := s.w.layout
	gone := func(idle float64, queue ...*track) bool {
		d := s.sees(0, queue[len(queue)-1].last+idle)
		_, gone := newStepper(s.w, d).departed(queue, len(queue)-1)
		return gone
	}
	through, in := way(l, s.sees(3, 1000, lasting(4))), way(l, s.sees(1, 1000, lasting(4)))
	back, ahead := way(l, s.sees(1, 1000, lasting(4))), way(l, s.sees(2, 990, lasting(4)))
	back.reversed = true
	for name, c := range map[string]struct {
		queue []*track
		after float64
	}{
		"through": {[]*track{through}, 15}, "going back": {[]*track{back}, l.Timeout / 4},
		"alone": {[]*track{in}, l.Timeout}, "behind another one": {[]*track{ahead, in}, 3600},
	} {
		if gone(c.after, c.queue...) || !gone(c.after+0.25, c.queue...) {
			t.Errorf("%s: gone after %.0f s %v, after that %v", name, c.after, gone(c.after, c.queue...),
				gone(c.after+0.25, c.queue...))
		}
	}
}

// TestRoomBehindTag: a tag is heard somewhere near the antenna, so that it says nothing of the room for the one behind;
// but it is not of a vehicle whose end would be where the next one stands already.
func TestRoomBehindTag(t *testing.T) {
	s := one(t)
	l := s.w.layout
	behind := way(l, s.sees(0, 1000), s.sees(1, 1004))
	room := func(with ...func(*detection.Detection)) float64 {
		d := s.sees(1, 1004, with...)
		return l.roomBehind(s.w.model, way(l, d), behind, d)
	}
	falls(t, "a tag, and a loop, while the next one stands there", room(tagged("urn:1", -50, false)), room())
	equal(t, "a tag", room(tagged("urn:1", -50, false)), 0)
	arrival := func(nextComes bool) float64 {
		s := one(t)
		first, next := s.born(0, 1000), s.born(0, 1012)
		if nextComes {
			s.goes(next, s.sees(2, 1020))
		}
		return s.score(Arrival, first, s.sees(3, 1021, tagged("urn:1", -50, false)))
	}
	falls(t, "a tag 8 m on, the next one comes later, and stands there", arrival(false), arrival(true))
}

// TestLoadOfLength: a better length changes what is said of what a vehicle carries, and says nothing of what it does not.
func TestLoadOfLength(t *testing.T) {
	m := motion.New(4, 2)
	for range 10 {
		m.LearnSize(10, 20_000, motion.Tagged)
		m.LearnSize(5, 2000, 0)
	}
	d := &detection.Detection{Evidence: kinds.Evidence{Length: 5}}
	equal(t, "without a tag", sizeLogRatio(m, &track{length: 10}, d), 0)
	tagged := &track{length: 10, names: []kinds.Name{{Kind: "tag", Value: "urn:1"}}}
	equal(t, "with a tag", sizeLogRatio(m, tagged, d), m.LoadLogRatio(5, motion.Tagged)-m.LoadLogRatio(10, motion.Tagged))
}

// TestPassedOverBeside: who was seen in the very place of a device, by another one there, was missed by it when it sees
// the next vehicle.
func TestPassedOverBeside(t *testing.T) {
	s := close4(t)
	l := s.w.layout
	first, next := way(l, s.sees(0, 1000)), way(l, s.sees(0, 1010))
	d := s.sees(1, 1010)
	ahead, cost := newStepper(s.w, d).passedOver([]*track{first, next}, 1, next, next.withDetection(l, d))
	if ahead != 1 {
		t.Errorf("passed over are %b", ahead)
	}
	equal(t, "that costs", cost, s.w.detectionLogs[1].miss)
}
