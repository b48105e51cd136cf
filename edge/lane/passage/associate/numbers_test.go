package associate

import (
	"math"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// TestRepeatShares: over all times the density of seeing a vehicle again sums to the share of vehicles that are seen
// again, with those that turn back where they may; that of another axle to eight in ten.
func TestRepeatShares(t *testing.T) {
	first := &detection.Detection{At: 1000}
	total := func(alike, back bool, with func(*detection.Detection)) (sum float64) {
		for at := 1000.06; at < 1600; at += 0.01 {
			d := &detection.Detection{At: at}
			with(d)
			sum += 0.01 * math.Exp(repeatLogDensity(d, first, alike, back))
		}
		return sum
	}
	plain := func(*detection.Detection) {}
	several := func(d *detection.Detection) { d.Several = true }
	for _, c := range []struct {
		name string
		got  float64
		want float64
	}{
		{"seen again", total(true, false, plain), secondMomentShare}, {"seen again, or turned back", total(true,
			true, plain),
			secondMomentShare + turnBackShare},
		{"the next axle", total(true, false, func(d *detection.Detection) { d.Axle = 2 }), 0.8},
		{"a second container", total(false, false, several), twinContainerShare + otherNameShare*10},
		{"another name", total(false, false,
			plain), otherNameShare * 10},
	} {
		if math.Abs(c.got-c.want) > 0.05*c.want {
			t.Errorf("%s: %.5f, not %.5f", c.name, c.got, c.want)
		}
	}
	at := func(apart float64, alike bool) float64 {
		return repeatLogDensity(&detection.Detection{At: 1000 + apart}, first, alike, false)
	}
	equal(t, "told twice", at(0.04, true), math.Log(repeatedShare/0.1))
	equal(t, "told twice, before", at(-0.04, true), at(0.04, true))
	equal(t, "seen again, before", at(-4, true), at(4, true))
	equal(t, "another name at once", at(0, false), math.Log(otherNameShare/60))
	axle := &detection.Detection{At: 1002, Evidence: kinds.Evidence{Axle: 1}}
	equal(t, "a weighing after an axle", repeatLogDensity(&detection.Detection{At: 1003}, axle, true, false),
		repeatLogDensity(axle,
			&detection.Detection{At: 1003}, true, false))
}

// TestLengthsScale: two lengths of one vehicle differ by 7 %, by 15 % where a portal measured one, those of two
// vehicles by 35 %: what is alike counts for the ratio of these, what is one deviation off for e^-0.5 of that.
func TestLengthsScale(t *testing.T) {
	m := motion.New(4, 2)
	for i := range 41 {
		m.LearnLength(units.Metres(4 + 14*float64(i%8)/7))
		m.Learn(nil, 2, 10, 11)
	}
	of := func(had float64, with func(*detection.Detection)) float64 {
		d := &detection.Detection{}
		with(d)
		return lengthLogRatio(m, &track{length: units.Metres(had)}, d)
	}
	same := math.Log(0.35 / 0.07)
	equal(t, "the same", of(10, long(10)), same)
	equal(t, "one deviation more", of(10, long(10*math.Exp(0.07))), same-0.5)
	equal(t, "two deviations less", of(10, long(10*math.Exp(-0.14))), same-2)
	equal(t, "at the worst", of(10, long(4)), -3)
	equal(t, "longer than vehicles are here", of(10, long(25)), -0.5)
	equal(t, "longer than vehicles are here, before", of(25, long(10)), -0.5)
	portal := math.Log(0.35 / 0.15)
	equal(t, "by a portal, the same", of(10, extending(11)), portal)
	equal(t, "by a portal, one deviation more", of(10, extending(11*math.Exp(0.15))), portal-0.5)
	equal(t, "by a portal, at the worst", of(10, extending(4)), -3)
	equal(t, "by a portal, longer than vehicles are here", of(10, extending(40)), -0.5)
	equal(t, "by a portal, longer before", of(25, extending(11)), -0.5)
	equal(t, "not measured", of(10, long(0)), 0)
	equal(t, "not measured before", of(0, long(10)), 0)
}

// TestStrengthScale: one or two reads are 1 % of the lane's own tags and 90 % of the neighbour's; loudness is a normal
// density around the usual one, the neighbour's 15 dB below it, and counts for three deviations at the most.
func TestStrengthScale(t *testing.T) {
	l := layouts["tags of both"]()
	m := known(l)
	const reader = 2
	s := newScene(t, l, m)
	strength := func(own bool, dbm float64, faint bool) float64 {
		return newStepper(s.w, s.sees(reader, 1000, tagged("urn:1", dbm, faint))).strengthTerm(own)
	}
	equal(t, "own, well heard", strength(true, 0, false), math.Log(0.99))
	equal(t, "own, hardly heard", strength(true, 0, true), math.Log(0.01))
	equal(t, "the neighbour's, well heard", strength(false, 0, false), math.Log(0.1))
	equal(t, "the neighbour's, hardly heard", strength(false, 0, true), math.Log(0.9))
	usual, spread, ok := m.TagLevel(reader)
	if !ok {
		t.Fatal("loudness is not known")
	}
	own := math.Hypot(spread, levelSigma)
	other := own + levelSigma
	log := func(x, sigma float64) float64 { return -0.5*x*x - math.Log(sigma) }
	for _, x := range []float64{0, 1, -2, 3} {
		equal(t, "own", strength(true, usual+x*own, false), math.Log(0.99)+log(x, own))
		equal(t, "the neighbour's", strength(false, usual-15+x*other, false), math.Log(0.1)+log(x, other))
	}
	equal(t, "at the most", strength(true, usual-90, false), math.Log(0.99)+log(3, own))
}

// TestPassing: how long a vehicle passes a place in the row of late results: its length and a metre, 6 m where it was
// not measured, at its speed or the usual one.
func TestPassing(t *testing.T) {
	m := motion.New(1, 2.5)
	a := aligner{model: m}
	equal(t, "measured", a.passing(&Vehicle{Speed: 2, Length: 7}), 4)
	equal(t, "no speed", a.passing(&Vehicle{Length: 9}), 4)
	equal(t, "no length", a.passing(&Vehicle{Speed: 2}), 3.5)
}

// TestNextReport: a report right behind that of the vehicle ahead fits better when that vehicle was late; one of a
// vehicle that nobody saw is as it was.
func TestNextReport(t *testing.T) {
	m := imaging(true)
	next := func(gap float64, behind *Vehicle) float64 {
		ahead := passed(1000, "")
		reports := []*Report{imaged(1038, ""), imaged(1038+gap, "")}
		a := aligner{Layout: lateLane(), model: m, vehicles: []*Vehicle{ahead, behind}, reports: reports, down: works,
			orderly: true}
		a.score()
		return a.queueGain(1, 1)
	}
	held := &Vehicle{First: 1006, Last: 1022, Speed: 2, Length: 8, Fixes: []motion.Fix{sightOf(0, 0, 1006), sightOf(1,
		10, 1011)}}
	leaves := 9/2.0 + m.Gap(imager).Mean
	falls(t, "when there is room, and as the other one still stands there", next(leaves, held), next(0.5, held))
	if got := next(leaves, held); got <= 0 {
		t.Errorf("when there is room: %.3f", got)
	}
	equal(t, "nobody saw it", next(leaves, &Vehicle{First: 1006, Last: 1022}), 0)
}

// TestAheadInRow: who lets a vehicle come is the first ahead of it in its row that is not on its way back; of four
// that nobody saw each must have come by before.
func TestAheadInRow(t *testing.T) {
	s := one(t)
	l := s.w.layout
	d := s.sees(1, 1100)
	own := way(l, s.sees(0, 1090))
	seen := func(at float64) *track { return way(l, s.sees(0, at-4), s.sees(1, at)) }
	ahead := func(row ...*track) *clearing {
		return newStepper(s.w, d).clearingAhead(append(row, own), len(row), own)
	}
	gap := s.w.model.Gap(1).Mean
	back := seen(1080).withDetection(l, s.sees(0, 1095, backwards))
	for name, c := range map[string]struct {
		row  []*track
		want float64
	}{
		"one":                          {[]*track{seen(1050)}, 1054.2 + gap},
		"two":                          {[]*track{seen(1000), seen(1050)}, 1054.2 + gap},
		"behind it one that went back": {[]*track{seen(1050), back}, 1054.2 + gap},
		"one that nobody saw there":    {[]*track{seen(1050), way(l, s.sees(0, 1060))}, 1064.1 + 4.2 + gap},
	} {
		q := ahead(c.row...)
		if q == nil || math.Abs(q.at-c.want) > 0.5 {
			t.Errorf("%s: %+v, not %.1f", name, q, c.want)
		}
	}
	if q := ahead(back); q != nil {
		t.Errorf("one that went back lets it come: %+v", q)
	}
	if q := ahead(); q != nil {
		t.Errorf("nobody is ahead: %+v", q)
	}
	two := layouts["shared first"]()
	o := newScene(t, two, known(two))
	other, mine := born(two, 1, o.sees(2, 1050)), born(two, 0, o.sees(0, 1090))
	if q := newStepper(o.w, o.sees(1, 1100)).clearingAhead([]*track{other, mine}, 1, mine); q != nil {
		t.Errorf("one of the other lane lets it come: %+v", q)
	}
}

// TestUnseenRoom: a vehicle that the device did not see comes there by itself or when the one ahead lets it, the later
// of the two.
func TestUnseenRoom(t *testing.T) {
	s := one(t)
	l, m := s.w.layout, s.w.model
	v, d := way(l, s.sees(0, 1000)), s.sees(1, 1050)
	alone := l.clearingByMissed(m, v, d, nil)
	equal(t, "the one ahead left before", l.clearingByMissed(m, v, d, &clearing{at: 990, sigma: 1}).at, alone.at)
	equal(t, "the one ahead leaves later", l.clearingByMissed(m, v, d, &clearing{at: 1040, sigma: 1}).at,
		1040+4+m.Gap(1).Mean)
	if alone.at < 1007 || alone.at > 1011 || !alone.held {
		t.Errorf("alone: %+v", alone)
	}
	if c := l.clearingByMissed(m, way(l, s.sees(1, 1000)), d, nil); c != nil {
		t.Errorf("nothing predicts it: %+v", c)
	}
}

// TestBeforeBehind: who is said to have gone ahead of another one must have left each place where that one was seen,
// one gap before it.
func TestBeforeBehind(t *testing.T) {
	s := one(t)
	l, m := s.w.layout, s.w.model
	d := s.sees(2, 1016)
	own := way(l, d) // at 8 m since 1012, at 0 m since 1008
	cost := func(dev int, at float64, with ...func(*detection.Detection)) float64 {
		return l.enteredAhead(m, own, way(l, s.sees(dev, at, with...)), d)
	}
	falls(t, "it came later and later after that", cost(0, 1040)+1e-3, cost(0, 1013.5), cost(0, 1012), cost(0, 1008),
		cost(0, 1004))
	equal(t, "long after", cost(0, 1040), 0)
	if share := math.Exp(cost(0, 1008+4+m.Gap(0).Mean)); share < 0.45 || share > 0.65 {
		t.Errorf("just when there was room: %.3f", share)
	}
	by := m.Delays() // it may have been held up since
	if got, want := cost(0, 990), math.Log(by.Share)-(18+4+m.Gap(0).Mean)/by.Mean; math.Abs(got-want) > 0.1 {
		t.Errorf("long before there was room: %.3f, not %.3f", got, want)
	}
	equal(t, "not seen exactly", cost(0, 1004, lasting(0)), 0)
	equal(t, "seen in this place", cost(2, 1004), 0)
	equal(t, "seen beyond", cost(3, 1004), 0)
	if worst := cost(0, 100); worst < math.Log(impossible)-1e-9 {
		t.Errorf("at the worst %.2f", worst)
	}
}

// TestRankOfNew: a vehicle that is seen first stands behind those that this device saw, that are farther on or that
// should have come by before; not behind those of another lane.
func TestRankOfNew(t *testing.T) {
	s := one(t)
	l := s.w.layout
	d := s.sees(1, 1020)
	step := newStepper(s.w, d)
	was, due := way(l, s.sees(0, 1000), s.sees(1, 1010)), way(l, s.sees(0, 1014))
	far, soon := way(l, s.sees(0, 1000), s.sees(2, 1012)), way(l, s.sees(0, 1019))
	back := soon.withDetection(l, s.sees(0, 1019.5, backwards))
	for name, c := range map[string]struct {
		queue []*track
		want  int
	}{
		"nobody": {nil, 0}, "seen there": {[]*track{was}, 1}, "should have come": {[]*track{due}, 1},
		"is farther":  {[]*track{far}, 1},
		"comes later": {[]*track{soon}, 0}, "one of each": {[]*track{far, was, due, soon}, 3}, "goes back": {[]*track{was,
			back}, 1},
		"comes later, behind one that goes back": {[]*track{back, soon}, 0},
	} {
		if got := step.insertionIndex(c.queue, step.newTrack(0)); got != c.want {
			t.Errorf("%s: %d, not %d", name, got, c.want)
		}
	}
}

// TestPassedOverBy: a detection of one vehicle passes over those ahead of it in its row that this device has not seen,
// was not charged for, and can see yet; the costs are those of the devices that missed it and them.
func TestPassedOverBy(t *testing.T) {
	s := one(t)
	l := s.w.layout
	d := s.sees(1, 1020)
	step := newStepper(s.w, d)
	fresh, seen := way(l, s.sees(0, 1000)), way(l, s.sees(0, 1000), s.sees(1, 1004))
	paid, far := fresh.withMisses(2), way(l, s.sees(0, 1000), s.sees(2, 1008))
	back := fresh.withDetection(l, s.sees(0, 1010, backwards))
	own := way(l, s.sees(0, 1015))
	queue := []*track{far, seen, paid, back, fresh, fresh, own}
	ahead, cost := step.passedOver(queue, 6, own, step.extend(own))
	if ahead != 0b110000 {
		t.Errorf("passed over are %b", ahead)
	}
	equal(t, "two are", cost, 2*s.w.detectionLogs[1].miss)
	third := newStepper(s.w, s.sees(2, 1024))
	_, cost = third.passedOver([]*track{own}, 0, own, third.extend(own))
	equal(t, "it was missed by the second", cost, s.w.detectionLogs[1].miss)
	next := []*track{fresh, own}
	if step.chargePassed(next, 1); next[0].missed != 2 || next[1] != own || fresh.missed != 0 {
		t.Errorf("charged for %b", next[0].missed)
	}
}

// TestRoomBehind: the vehicle behind, seen in this place or just before it, must have come when there was room: with
// just so much time it is a half or so; a tag says nothing.
func TestRoomBehind(t *testing.T) {
	s := close4(t)
	l, m := s.w.layout, s.w.model
	d := s.sees(2, 1010) // at 4 m
	own := way(l, s.sees(0, 1008, lasting(0)))
	room := func(dev int, at float64, with ...func(*detection.Detection)) float64 {
		return l.roomBehind(m, own, way(l, s.sees(dev, at, with...)), d)
	}
	gap := m.Gap(2).Mean
	if share := math.Exp(room(2, 1014.2+gap)); share < 0.45 || share > 0.55 {
		t.Errorf("in this place, just when there is room: %.3f", share)
	}
	falls(t, "in this place, later and earlier", room(2, 1020), room(2, 1014.2+gap), room(2, 1013))
	rear := 1010 + (float64(m.MinLength(8))+1-4)/2
	equal(t, "4 m behind, where its end just left", room(0, rear), half)
	falls(t, "4 m behind, later and earlier", room(0, rear+3)+1e-3, room(0, rear), room(0, rear-3))
	equal(t, "4 m behind, not seen exactly", room(0, rear-9, lasting(0)), 0)
	own = way(l, s.sees(0, 1000, lasting(3)))
	equal(t, "the first was seen to leave there", room(0, 1003), half)
	equal(t, "a tag", l.roomBehind(m, own, way(l, s.sees(2, 1010)), s.sees(2, 1010, tagged("urn:1", -50, false))), 0)
	equal(t, "far behind", l.roomBehind(m, own, way(l, s.sees(0, 1000)), s.sees(3, 1010)), 0)
}

// TestOnwardLater: a detection further on came after this one: how late this one may be for it is as sure as the
// prediction; a tag is heard two seconds before.
func TestOnwardLater(t *testing.T) {
	s := one(t)
	l, m := s.w.layout, s.w.model
	v := way(l, s.sees(0, 1000), s.sees(2, 1008))
	at := func(t float64, with ...func(*detection.Detection)) float64 {
		return l.laterDetections(m, v, s.sees(1, t, with...))
	}
	p := m.Predict(v.fix(l, m, v.latest), v.fix(l, m, s.sees(1, 1010)), v.speed)
	equal(t, "late", at(1010), math.Log(max(2*below(-p.Residual, p.Sigma), impossible)))
	equal(t, "in time", at(1003), 0)
	falls(t, "later and later", at(1003)+1e-3, at(1005), at(1006), at(1007))
	if worst := at(1400); worst != math.Log(impossible) {
		t.Errorf("at the worst %.3f", worst)
	}
	equal(t, "the sight behind says nothing", l.laterDetections(m, way(l, s.sees(0, 1000)), s.sees(1, 1400)), 0)
	tag := func(d *detection.Detection) { d.Tag = true }
	equal(t, "a tag two seconds later", at(1007, tag), at(1005))
}
