package associate

import (
	"math"
	"testing"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// way makes a track of one lane of some detections.
func way(l *Layout, dets ...*detection.Detection) *track {
	t := born(l, 0, dets[0])
	for _, d := range dets[1:] {
		t = t.withDetection(l, d)
	}
	return t
}

// half is the logarithm of a half: the probability of what is just as long as there is room.
var half = math.Log(0.5)

// TestLayoutFill: where devices are, which are behind each other, where lanes become one row, and where each ends.
func TestLayoutFill(t *testing.T) {
	l := filled(2,
		Device{ID: "a", Places: at(0, 0)},
		Device{ID: "b", Places: append(at(0, 5), at(1, 7)...)},
		Device{ID: "tags", Places: append(at(0, 6), at(1, 8)...), HearsTags: true},
		Device{ID: "x", Places: []Place{{Lane: 0, Position: 30, Late: true}, {Lane: 1, Position: 3}}},
		Device{ID: "y", Places: []Place{{Lane: 0, Position: 40, Late: true}}})
	if l.Last(0) != 6 || l.Last(1) != 8 || l.First(0) != 0 || l.First(1) != 3 {
		t.Errorf("lanes end at %v and %v, and begin at %v and %v", l.Last(0), l.Last(1), l.First(0), l.First(1))
	}
	if l.Position(0, 3) != 30 || l.Position(1, 3) != 3 || l.Position(1, 0) != nowhere || l.Position(1, 4) != nowhere {
		t.Error("positions")
	}
	want := [][]uint64{{0, 1, 3, 7, 7}, {14, 8, 10, 0, 14}} // devices behind, as bits; the late ones are behind nobody
	for lane := range want {
		for dev, behind := range want[lane] {
			if l.position[lane][dev] != nowhere && l.behind[lane][dev] != behind {
				t.Errorf("behind %s in lane %d are %b, not %b", l.Devices[dev].ID, lane, l.behind[lane][dev], behind)
			}
		}
	}
	for dev, merges := range []bool{false, true, false, true, false} {
		if l.merges[dev] != merges {
			t.Errorf("lanes are one row at %s: %v", l.Devices[dev].ID, l.merges[dev])
		}
	}
	for dev, late := range []bool{false, false, false, false, true} {
		if l.Late(dev) != late {
			t.Errorf("%s is late in all lanes: %v", l.Devices[dev].ID, l.Late(dev))
		}
	}
	if !l.late(0, 3) || l.late(1, 3) || l.late(1, 0) {
		t.Error("late in one lane")
	}
}

// TestExact: a time is that of the vehicle's front only when the device saw begin and end, by the agent's clock.
func TestExact(t *testing.T) {
	s := one(t)
	for name, c := range map[string]struct {
		with func(*detection.Detection)
		want bool
	}{
		"a loop": {func(*detection.Detection) {}, true}, "no end": {bare, false},
		"a tag":   {func(d *detection.Detection) { d.Tag = true }, false},
		"a scale": {func(d *detection.Detection) { d.Weighs = true }, false}, "backwards": {backwards, false},
	} {
		if d := s.sees(0, 1000, c.with); timesFront(d) != c.want {
			t.Errorf("%s: %v", name, timesFront(d))
		}
	}
	other := s.sees(0, 1000)
	if other.Raw++; timesFront(other) {
		t.Error("by another clock")
	}
}

// TestTrackAdds: what a track keeps of its detections: the first speed, the least length, the first weight of a whole
// vehicle, how far its front came, when its end left.
func TestTrackAdds(t *testing.T) {
	s := one(t)
	l := s.w.layout
	v := way(l, s.sees(1, 1000, bare), s.sees(0, 1001, long(0), lasting(9), func(d *detection.Detection) { d.Speed = 3 }),
		s.sees(2, 1002, long(9), lasting(1)), s.sees(2, 1003, long(7), lasting(1)), s.sees(2, 1004, long(8), lasting(0)),
		s.sees(3, 1005, weighing(1), func(d *detection.Detection) { d.Kg = 4000 }), s.sees(3, 1006, weighed(9000)),
		s.sees(3, 1007, weighed(8000)))
	if v.speed != 3 || v.length != 7 || v.kg != 9000 || v.front != 24 || v.first != 1000 || v.last != 1010 ||
		v.seen != 15 {
		t.Errorf("%+v", v)
	}
	back := v.withDetection(l, s.sees(0, 1050, backwards, long(2)))
	if !back.reversed || back.turned || back.front != 24 || v.reversed {
		t.Errorf("backwards: %+v", back)
	}
	only := way(l, s.sees(2, 1000, backwards))
	if only.front != 0 || only.speed != 0 {
		t.Errorf("seen backwards only: front %v, speed %v", only.front, only.speed)
	}
	if d := v.detectionBy(2); d == nil || d.At != 1004 || v.detectionBy(1).At != 1000 || way(l, s.sees(0,
		1)).detectionBy(2) != nil {
		t.Error("the latest sight by a device")
	}
	if v.outboundBy(0) != nil || back.outboundBy(0) == nil || back.outboundBy(3) != nil {
		t.Error("the latest sight since it turned back")
	}
	a, b := &track{lane: 0}, &track{lane: 1}
	if a.sameRow(b) || !a.sameRow(a) {
		t.Error("one row")
	}
	if a.merged = true; a.sameRow(b) || b.sameRow(a) {
		t.Error("one row where only one has merged")
	}
	if b.merged = true; !a.sameRow(b) {
		t.Error("one row where both have merged")
	}
}

// TestStay: how long a vehicle stays is as the device saw it, else as another one of the place did, to 0.3 s, else by
// its length and speed.
func TestStay(t *testing.T) {
	s := close4(t)
	l, m := s.w.layout, s.w.model
	tag := func(d *detection.Detection) { d.Tag = true }
	none := lasting(0)
	for name, c := range map[string]struct {
		of          *track
		d           *detection.Detection
		stay, sigma float64
	}{
		"seen there":              {way(l, s.sees(0, 1000, none)), s.sees(0, 1000, lasting(6)), 6, 0},
		"seen beside it":          {way(l, s.sees(1, 1000, lasting(7))), s.sees(0, 1000, none), 7, besideSigma},
		"a tag's time is no stay": {way(l, s.sees(0, 1000, none)), s.sees(0, 1000, lasting(6), tag), 4, 1.5},
		"a tag beside it is none": {way(l, s.sees(1, 1000, lasting(7), tag)), s.sees(0, 1000, none), 4, 1.5},
		"seen going back beside it": {way(l, s.sees(0, 999, none), s.sees(1, 1000, lasting(7), backwards)), s.sees(0, 1000,
			none), 4, 1.5},
		"seen elsewhere":   {way(l, s.sees(2, 1000, lasting(7))), s.sees(0, 1000, none), 4, 1.5},
		"measured nowhere": {way(l, s.sees(2, 1000, bare)), s.sees(0, 1000, bare), 0, 0},
	} {
		stay, sigma := l.presence(m, c.of, c.d)
		if name == "measured nowhere" {
			c.stay, c.sigma = m.PresenceTime(motion.Fix{}, 0, m.SpeedEstimate())
		}
		equal(t, name, stay, c.stay)
		equal(t, name+", sigma", sigma, c.sigma)
	}
}

// TestThere: when a vehicle was at a device: as that saw it, else as another one of the same place did; tags are heard
// elsewhere, and what went back says nothing.
func TestThere(t *testing.T) {
	s := close4(t)
	l, m := s.w.layout, s.w.model
	d := s.sees(0, 1000)
	at, sigma, by := l.fixAt(m, way(l, s.sees(0, 990), s.sees(1, 991)), d)
	if at != 990 || sigma != 0 || by == nil || by.Dev != 0 {
		t.Errorf("seen there: %.1f, %.2f, %v", at, sigma, by)
	}
	at, sigma, by = l.fixAt(m, way(l, s.sees(1, 991), s.sees(3, 1003)), d)
	if math.Abs(at-991) > 1 || sigma <= 0 || by == nil || by.Dev != 1 {
		t.Errorf("seen beside it: %.1f, %.2f, %v", at, sigma, by)
	}
	for name, v := range map[string]*track{
		"seen elsewhere": way(l, s.sees(2, 991)), "seen going back": way(l, s.sees(0, 991, backwards)),
		"heard": way(l, s.sees(0, 991, tagged("urn:1", -50, false))),
	} {
		if _, _, by := l.fixAt(m, v, d); by != nil {
			t.Errorf("%s: %v", name, by)
		}
	}
}

// TestRear: a vehicle whose front is seen a little beyond a place stands there still until it has gone its length, and
// a metre, from there.
func TestRear(t *testing.T) {
	s := close4(t)
	l, m := s.w.layout, s.w.model
	length := float64(m.MinLength(8))
	if length < 6 {
		t.Fatalf("vehicles are %.1f m long at the least", length)
	}
	at, ok := l.earliestRear(m, way(l, s.sees(2, 1020)), 0)
	if !ok {
		t.Fatal("nothing says so")
	}
	equal(t, "seen 4 m beyond", at, 1020+(length+1-4)/2)
	at, _ = l.earliestRear(m, way(l, s.sees(2, 1020), s.sees(2, 1010)), 0)
	equal(t, "of two sights the later counts", at, 1020+(length+1-4)/2)
	at, _ = l.earliestRear(m, way(l, s.sees(2, 1010), s.sees(2, 1020)), 0)
	equal(t, "of two sights the later counts, also when it came last", at, 1020+(length+1-4)/2)
	for name, v := range map[string]*track{
		"as far on as it is long": way(l, s.sees(3, 1020)), "in the place": way(l, s.sees(1, 1020)),
		"not exactly": way(l, s.sees(2, 1020, lasting(0))), "not measured": way(l, s.sees(2, 1020, long(0))),
	} {
		if at, ok := l.earliestRear(m, v, 0); ok {
			t.Errorf("%s: until %.1f", name, at)
		}
	}
}

// TestClears: when the vehicle ahead lets the next one come: one gap after its end has left, as seen or worked out; a
// tag may be heard early.
func TestClears(t *testing.T) {
	s := close4(t)
	l, m := s.w.layout, s.w.model
	d, gap := s.sees(0, 1050), m.Gap(0)
	c, ok := l.clearingBy(m, way(l, s.sees(0, 1000, lasting(6))), d)
	if !ok || !c.held || c.stopsAgain >= m.Delays().Share {
		t.Errorf("seen: %+v, %v", c, ok)
	}
	equal(t, "seen", c.at, 1006+gap.Mean)
	equal(t, "seen, sigma", c.sigma, gap.Sigma)
	length := float64(m.MinLength(8))
	c, ok = l.clearingBy(m, way(l, s.sees(2, 1020)), d)
	if !ok || !c.held || c.stopsAgain != m.Delays().Share {
		t.Errorf("seen 4 m beyond: %+v, %v", c, ok)
	}
	equal(t, "seen 4 m beyond", c.at, 1020+(length+1-4)/2+gap.Mean)
	c, _ = l.clearingBy(m, way(l, s.sees(0, 1000, lasting(0)), s.sees(2, 1040)), d)
	equal(t, "it stood between", c.at, 1040+(length+1-4)/2+gap.Mean)
	if c.held || c.stopsAgain != m.Delays().Share {
		t.Errorf("it stood between: who comes then is held up: %+v", c)
	}
	c, _ = l.clearingBy(m, way(l, s.sees(0, 1000, lasting(0)), s.sees(2, 1002)), d)
	equal(t, "it went on", c.at, 1004+gap.Mean)
	// Two standard deviations of when it should have left are not called standing.
	usual := c
	latest := 1004 + 2*usual.sigma - (length+1-4)/2
	c, _ = l.clearingBy(m, way(l, s.sees(0, 1000, lasting(0)), s.sees(2, latest-0.05)), d)
	equal(t, "it was a little slow", c.at, 1004+gap.Mean)
	c, _ = l.clearingBy(m, way(l, s.sees(0, 1000, lasting(0)), s.sees(2, latest+0.05)), d)
	equal(t, "it was slower than that", c.at, 1004+2*usual.sigma+0.05+gap.Mean)
	if _, ok := l.clearingBy(m, way(l, s.sees(3, 1020)), d); ok {
		t.Error("seen far on it says when there is room")
	}
	tags := tagged("urn:1", -50, false)
	c, ok = l.clearingBy(m, way(l, s.sees(0, 1000, tags, long(8), func(d *detection.Detection) { d.Speed = 2 })),
		s.sees(0,
			1050, tags))
	if !ok || c.held || c.stopsAgain != 0 {
		t.Errorf("heard: %+v, %v", c, ok)
	}
	equal(t, "heard: the stay less twice the reach", c.at, 1000+4-2*tagReach/2)
	equal(t, "heard, sigma", c.sigma, 2*lengthTimeSigma)
}

// TestPredictFrom: a vehicle is predicted from its most advanced detection before the place, else from the hindmost
// beyond; neither from the device's own nor from one on its way back.
func TestPredictFrom(t *testing.T) {
	s := one(t)
	l, m := s.w.layout, s.w.model
	from := func(dev int, dets ...*detection.Detection) int {
		p, ok := l.predict(m, way(l, dets...), s.sees(dev, 1020))
		if !ok {
			return -1
		}
		return p.Dev
	}
	a, b, c, d := s.sees(0, 1000), s.sees(1, 1004), s.sees(2, 1008), s.sees(3, 1012)
	for _, x := range []struct {
		dev  int
		dets []*detection.Detection
		want int
	}{
		{3, []*detection.Detection{a, b, c}, 2}, {3, []*detection.Detection{c, b, a}, 2}, {2, []*detection.Detection{a, d},
			0},
		{2, []*detection.Detection{d, a}, 0}, {0, []*detection.Detection{d, b, c}, 1}, {0, []*detection.Detection{b, c, d},
			1},
		{1, []*detection.Detection{b}, -1}, {1, []*detection.Detection{a, c, b}, 0},
		{1, []*detection.Detection{s.sees(0, 1000, backwards)}, -1},
	} {
		if got := from(x.dev, x.dets...); got != x.want {
			t.Errorf("device %d is predicted from %d, not %d", x.dev, got, x.want)
		}
	}
	reader := filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "r", Places: at(0, 5), HearsTags: true},
		Device{ID: "b", Places: at(0, 12)})
	o := newScene(t, reader, known(reader))
	tag := o.sees(1, 1003, tagged("urn:1", -50, false))
	for _, x := range []struct {
		name string
		of   *track
		d    *detection.Detection
		want bool
	}{
		{"5 m before the antenna", way(reader, o.sees(0, 1000)), tag, true},
		{"heard, and seen 7 m beyond", way(reader, tag), o.sees(2, 1006), false},
		{"heard, and seen 5 m before", way(reader, tag), o.sees(0, 1000), true},
		{"not heard", way(reader, o.sees(0, 1000)), o.sees(2, 1006), false},
	} {
		if p, ok := reader.predict(o.w.model, x.of, x.d); !ok || p.EitherSide != x.want {
			t.Errorf("%s: it may have stood on either side: %v", x.name, p.EitherSide)
		}
	}
}

// TestPredictFromSurer: of two detections in one place a vehicle is predicted from the surer one, whichever came first.
func TestPredictFromSurer(t *testing.T) {
	for unsure := range 2 {
		s := close4(t)
		m := motion.New(4, 2)
		m.SetClock(unsure, 0, 10)
		first, second := s.sees(0, 1000), s.sees(1, 1000)
		for _, v := range []*track{way(s.w.layout, first, second), way(s.w.layout, second, first)} {
			if p, ok := s.w.layout.predict(m, v, s.sees(3, 1012)); !ok || p.Dev != 1-unsure {
				t.Errorf("from device %d, whose clock is unsure: %v", p.Dev, p.Dev == unsure)
			}
		}
	}
}
