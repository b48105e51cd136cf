package associate

import (
	"math"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// way makes a track of one lane of some detections.
func way(l *Layout, dets ...*detection.Detection) *track {
	t := born(l, 0, dets[0])
	for _, d := range dets[1:] {
		t = t.with(l, d)
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
		Device{ID: "tags", Places: append(at(0, 6), at(1, 8)...), Hears: true},
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
		"a loop": {func(*detection.Detection) {}, true}, "no end": {bare, false}, "a tag": {func(d *detection.Detection) { d.Tag = true }, false},
		"a scale": {func(d *detection.Detection) { d.Weighs = true }, false}, "backwards": {backwards, false},
	} {
		if d := s.sees(0, 1000, c.with); exact(d) != c.want {
			t.Errorf("%s: %v", name, exact(d))
		}
	}
	other := s.sees(0, 1000)
	if other.Raw++; exact(other) {
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
		s.sees(3, 1005, weighing(1), func(d *detection.Detection) { d.Kg = 4000 }), s.sees(3, 1006, weighed(9000)), s.sees(3, 1007, weighed(8000)))
	if v.speed != 3 || v.length != 7 || v.kg != 9000 || v.front != 24 || v.first != 1000 || v.last != 1010 || v.seen != 15 {
		t.Errorf("%+v", v)
	}
	back := v.with(l, s.sees(0, 1050, backwards, long(2)))
	if !back.reversed || back.turned || back.front != 24 || v.reversed {
		t.Errorf("backwards: %+v", back)
	}
	only := way(l, s.sees(2, 1000, backwards))
	if only.front != 0 || only.speed != 0 {
		t.Errorf("seen backwards only: front %v, speed %v", only.front, only.speed)
	}
	if d := v.at(2); d == nil || d.At != 1004 || v.at(1).At != 1000 || way(l, s.sees(0, 1)).at(2) != nil {
		t.Error("the latest sight by a device")
	}
	if v.out(0) != nil || back.out(0) == nil || back.out(3) != nil {
		t.Error("the latest sight since it turned back")
	}
	a, b := &track{lane: 0}, &track{lane: 1}
	if a.one(b) || !a.one(a) {
		t.Error("one row")
	}
	if a.merged = true; a.one(b) || b.one(a) {
		t.Error("one row where only one has merged")
	}
	if b.merged = true; !a.one(b) {
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
		"seen there":                {way(l, s.sees(0, 1000, none)), s.sees(0, 1000, lasting(6)), 6, 0},
		"seen beside it":            {way(l, s.sees(1, 1000, lasting(7))), s.sees(0, 1000, none), 7, besideSigma},
		"a tag's time is no stay":   {way(l, s.sees(0, 1000, none)), s.sees(0, 1000, lasting(6), tag), 4, 1.5},
		"a tag beside it is none":   {way(l, s.sees(1, 1000, lasting(7), tag)), s.sees(0, 1000, none), 4, 1.5},
		"seen going back beside it": {way(l, s.sees(0, 999, none), s.sees(1, 1000, lasting(7), backwards)), s.sees(0, 1000, none), 4, 1.5},
		"seen elsewhere":            {way(l, s.sees(2, 1000, lasting(7))), s.sees(0, 1000, none), 4, 1.5},
		"measured nowhere":          {way(l, s.sees(2, 1000, bare)), s.sees(0, 1000, bare), 0, 0},
	} {
		stay, sigma := l.stay(m, c.of, c.d)
		if name == "measured nowhere" {
			c.stay, c.sigma = m.Stay(motion.Sight{}, 0, m.Speed())
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
	at, sigma, by := l.there(m, way(l, s.sees(0, 990), s.sees(1, 991)), d)
	if at != 990 || sigma != 0 || by == nil || by.Dev != 0 {
		t.Errorf("seen there: %.1f, %.2f, %v", at, sigma, by)
	}
	at, sigma, by = l.there(m, way(l, s.sees(1, 991), s.sees(3, 1003)), d)
	if math.Abs(at-991) > 1 || sigma <= 0 || by == nil || by.Dev != 1 {
		t.Errorf("seen beside it: %.1f, %.2f, %v", at, sigma, by)
	}
	for name, v := range map[string]*track{
		"seen elsewhere": way(l, s.sees(2, 991)), "seen going back": way(l, s.sees(0, 991, backwards)),
		"heard": way(l, s.sees(0, 991, tagged("urn:1", -50, false))),
	} {
		if _, _, by := l.there(m, v, d); by != nil {
			t.Errorf("%s: %v", name, by)
		}
	}
}

// TestRear: a vehicle whose front is seen a little beyond a place stands there still until it has gone its length, and a
// metre, from there.
func TestRear(t *testing.T) {
	s := close4(t)
	l, m := s.w.layout, s.w.model
	length := float64(m.Least(8))
	if length < 6 {
		t.Fatalf("vehicles are %.1f m long at the least", length)
	}
	at, ok := l.rear(m, way(l, s.sees(2, 1020)), 0)
	if !ok {
		t.Fatal("nothing says so")
	}
	equal(t, "seen 4 m beyond", at, 1020+(length+1-4)/2)
	at, _ = l.rear(m, way(l, s.sees(2, 1020), s.sees(2, 1010)), 0)
	equal(t, "of two sights the later counts", at, 1020+(length+1-4)/2)
	at, _ = l.rear(m, way(l, s.sees(2, 1010), s.sees(2, 1020)), 0)
	equal(t, "of two sights the later counts, also when it came last", at, 1020+(length+1-4)/2)
	for name, v := range map[string]*track{
		"as far on as it is long": way(l, s.sees(3, 1020)), "in the place": way(l, s.sees(1, 1020)),
		"not exactly": way(l, s.sees(2, 1020, lasting(0))), "not measured": way(l, s.sees(2, 1020, long(0))),
	} {
		if at, ok := l.rear(m, v, 0); ok {
			t.Errorf("%s: until %.1f", name, at)
		}
	}
}

// TestClears: when the vehicle ahead lets the next one come: one gap after its end has left, as seen or worked out; a tag
// may be heard early.
func TestClears(t *testing.T) {
	s := close4(t)
	l, m := s.w.layout, s.w.model
	d, gap := s.sees(0, 1050), m.Gap(0)
	c, ok := l.clears(m, way(l, s.sees(0, 1000, lasting(6))), d)
	if !ok || !c.held || c.again >= m.Delays().Share {
		t.Errorf("seen: %+v, %v", c, ok)
	}
	equal(t, "seen", c.at, 1006+gap.Mean)
	equal(t, "seen, sigma", c.sigma, gap.Sigma)
	length := float64(m.Least(8))
	c, ok = l.clears(m, way(l, s.sees(2, 1020)), d)
	if !ok || !c.held || c.again != m.Delays().Share {
		t.Errorf("seen 4 m beyond: %+v, %v", c, ok)
	}
	equal(t, "seen 4 m beyond", c.at, 1020+(length+1-4)/2+gap.Mean)
	c, _ = l.clears(m, way(l, s.sees(0, 1000, lasting(0)), s.sees(2, 1040)), d)
	equal(t, "it stood between", c.at, 1040+(length+1-4)/2+gap.Mean)
	if c.held {
		t.Error("it stood between: who comes then is held up")
	}
	c, _ = l.clears(m, way(l, s.sees(0, 1000, lasting(0)), s.sees(2, 1002)), d)
	equal(t, "it went on", c.at, 1004+gap.Mean)
	if _, ok := l.clears(m, way(l, s.sees(3, 1020)), d); ok {
		t.Error("seen far on it says when there is room")
	}
	tags := tagged("urn:1", -50, false)
	c, ok = l.clears(m, way(l, s.sees(0, 1000, tags, long(8), func(d *detection.Detection) { d.Speed = 2 })), s.sees(0, 1050, tags))
	if !ok || c.held || c.again != 0 {
		t.Errorf("heard: %+v, %v", c, ok)
	}
	equal(t, "heard: the stay less twice the reach", c.at, 1000+4-2*tagReach/2)
	equal(t, "heard, sigma", c.sigma, 2*stayGuess)
}

// TestForemost: the exact sight that is farthest on before a place.
func TestForemost(t *testing.T) {
	s := one(t)
	l := s.w.layout
	v := way(l, s.sees(2, 1008), s.sees(0, 1000), s.sees(1, 1004), s.sees(3, 1012, lasting(0)))
	for place, want := range map[units.Metres]int{100: 2, 24: 2, 17.5: 2, 16.5: 1, 16: 1, 8: 0, 1.5: 0} {
		if d := l.foremost(v, place); d == nil || d.Dev != want {
			t.Errorf("before %.1f m: %v", place, d)
		}
	}
	if d := l.foremost(v, 0.5); d != nil {
		t.Errorf("in the place of the first: %v", d)
	}
}

// TestSpacingRoom: vehicles that just fit, with three metres between them, and a vehicle that just could drive so far, do
// so with a probability of a half; so do those that just fill the way, but for one queue in ten with a hole.
func TestSpacingRoom(t *testing.T) {
	score := func(ahead float64, came bool, own, arrives float64) float64 {
		s := one(t)
		l := s.w.layout
		var row []*track
		if ahead > 0 {
			o := way(l, s.sees(0, 900, lasting(50), long(ahead)))
			if at := 1180.0; came {
				o = o.with(l, s.sees(3, 1050, long(ahead)))
			} else {
				o = o.with(l, s.sees(3, at, long(ahead)))
			}
			row = append(row, o)
		}
		from, to := s.sees(0, 1000, lasting(100), long(own)), s.sees(3, arrives, long(own))
		v := way(l, from)
		return newStepper(s.w, to).spacing(append(row, v), len(row), v, from, to)
	}
	const drive = 1100 + (24-8)/(1.3*2)
	equal(t, "as fast as it can", score(0, false, 8, drive), half)
	falls(t, "slower than that, and faster", score(0, false, 8, drive+2), score(0, false, 8, drive), score(0, false, 8, drive-2))
	equal(t, "two that just fit", score(13, false, 8, 1300), half)
	falls(t, "with more room and less", score(10, false, 8, 1300), score(13, false, 8, 1300), score(16, false, 8, 1300))
	equal(t, "the one ahead had just come", score(13, true, 8, 1300), math.Log(1-0.9*0.5))
	falls(t, "it fills the way more, and less", score(16, true, 8, 1300), score(13, true, 8, 1300), score(8, true, 8, 1300))
	if hole := score(3, true, 3, 1300); math.Abs(hole-math.Log(0.1)) > 0.05 {
		t.Errorf("a hole is %.3f", hole)
	}
	equal(t, "it is as long as the way", score(0, false, 24, 1099), half)
	equal(t, "who came less than 10 s late was in no queue", score(13, false, 13, 1012+9), 0)
}

// TestSpacedOnce: each two places of a vehicle's way count once, when it is seen beyond them, and the last two when it
// comes to the last.
func TestSpacedOnce(t *testing.T) {
	s := one(t)
	l := s.w.layout
	a, b, c := s.sees(0, 1000, lasting(100)), s.sees(1, 1150, lasting(50)), s.sees(2, 1250, lasting(50))
	d := s.sees(3, 1350)
	other := way(l, s.sees(0, 900, lasting(50)), s.sees(1, 1130, lasting(40)), s.sees(2, 1230, lasting(40)), s.sees(3, 1330))
	at := func(v *track, d *detection.Detection) float64 {
		return newStepper(s.w, d).spaced([]*track{other, v}, 1, v)
	}
	between := func(v *track, from, to *detection.Detection) float64 {
		return newStepper(s.w, to).spacing([]*track{other, v}, 1, v, from, to)
	}
	v := way(l, a)
	equal(t, "at the second", at(v, b), 0)
	v = v.with(l, b)
	equal(t, "at the third", at(v, c), between(v, a, b))
	v = v.with(l, c)
	equal(t, "at the last", at(v, d), between(v, b, c)+between(v, c, d))
	if between(v, a, b) == 0 || between(v, b, c) == 0 || between(v, c, d) == 0 {
		t.Error("it says nothing of a queue")
	}
	equal(t, "a tag", at(v, s.sees(3, 1350, tagged("urn:1", -50, false))), 0)
	equal(t, "the last, which saw no end", at(v, s.sees(3, 1350, lasting(0))), between(v, b, c))
	equal(t, "before the first", newStepper(s.w, a).spaced([]*track{v}, 0, way(l, b)), 0)
}

// TestHeardRoom: a tag is heard 3.5 m before the antenna: a vehicle that with the next one just fits behind that has a
// probability of a half.
func TestHeardRoom(t *testing.T) {
	l := filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(0, 11.5)}, Device{ID: "r", Places: at(0, 24), Hears: true})
	s := newScene(t, l, known(l))
	tag := s.sees(2, 1030, tagged("urn:1", -50, false))
	score := func(d *detection.Detection, behind ...*detection.Detection) float64 {
		row := []*track{way(l, s.sees(0, 1000))}
		if len(behind) > 0 {
			row = append(row, way(l, behind...))
		}
		return newStepper(s.w, d).roomHeard(row, 1, row[0])
	}
	equal(t, "8 m, and 12.5 m to the next one", score(tag, s.sees(1, 1020)), half)
	equal(t, "it had been there before", score(tag, s.sees(1, 1020), s.sees(0, 1010)), half)
	equal(t, "it came later", score(tag, s.sees(1, 1030)), 0)
	equal(t, "it was not seen exactly", score(tag, s.sees(1, 1020, lasting(0))), 0)
	equal(t, "nobody is behind it", score(tag), 0)
	equal(t, "not a tag", score(s.sees(2, 1030), s.sees(1, 1020)), 0)
	late := s.sees(2, 1030, tagged("urn:1", -50, false))
	late.Raw++
	equal(t, "by a clock of its own", score(late, s.sees(1, 1020)), 0)
}

// TestPackedRoom: who stands behind a vehicle needs his length and a metre; with just so much room it is a half.
func TestPackedRoom(t *testing.T) {
	s := one(t)
	length := float64(s.w.model.Least(8))
	l := filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(0, length+2*(length+1))})
	s.w = wide(l, s.w.model)
	score := func(d *detection.Detection, behind int, with ...func(*detection.Detection)) float64 {
		row := []*track{way(l, s.sees(0, 1000))}
		for i := range behind {
			row = append(row, way(l, s.sees(0, 1010+10*float64(i), with...)))
		}
		return newStepper(s.w, d).packed(row, 1, row[0])
	}
	d := s.sees(1, 1100)
	equal(t, "nobody", score(d, 0), 0)
	equal(t, "as many as fit", score(d, 2), 0)
	equal(t, "one more", score(d, 3), logBelow(-length-1, packedSigma))
	equal(t, "not seen exactly", score(d, 3, lasting(0)), 0)
	equal(t, "they had not left by then", score(d, 3, lasting(200)), 0)
	equal(t, "a tag", score(s.sees(1, 1100, tagged("urn:1", -50, false)), 3), 0)
	away := s.sees(1, 1100)
	away.Raw++
	equal(t, "by a clock of its own", score(away, 3), 0)
}

// TestPredictFrom: a vehicle is predicted from its most advanced sight before the place, else from the hindmost beyond;
// neither from the device's own nor from one on its way back.
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
		{3, []*detection.Detection{a, b, c}, 2}, {3, []*detection.Detection{c, b, a}, 2}, {2, []*detection.Detection{a, d}, 0},
		{2, []*detection.Detection{d, a}, 0}, {0, []*detection.Detection{d, b, c}, 1}, {0, []*detection.Detection{b, c, d}, 1},
		{1, []*detection.Detection{b}, -1}, {1, []*detection.Detection{a, c, b}, 0},
		{1, []*detection.Detection{s.sees(0, 1000, backwards)}, -1},
	} {
		if got := from(x.dev, x.dets...); got != x.want {
			t.Errorf("device %d is predicted from %d, not %d", x.dev, got, x.want)
		}
	}
	reader := filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "r", Places: at(0, 5), Hears: true}, Device{ID: "b", Places: at(0, 12)})
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

// TestGone: when a vehicle is not in the lane any more.
func TestGone(t *testing.T) {
	s := one(t)
	l := s.w.layout
	gone := func(at float64, i int, queue ...*track) (through, gone bool) {
		d := s.sees(1, at)
		return newStepper(s.w, d).gone(queue, i)
	}
	entered, out := way(l, s.sees(0, 996)), way(l, s.sees(0, 984), s.sees(3, 996)) // their ends left at 1000.2
	back := way(l, s.sees(0, 900), s.sees(0, 996, backwards))
	ahead := way(l, s.sees(0, 900), s.sees(1, 905))
	freed := *entered
	freed.free = 1030
	const end, timeout = 1000.2, 60
	for _, c := range []struct {
		name          string
		at            float64
		i             int
		queue         []*track
		through, gone bool
	}{
		{"at the exit", end + left - 0.1, 0, []*track{out}, true, false},
		{"left", end + left + 0.1, 0, []*track{out}, true, true},
		{"in the lane", end + timeout - 0.1, 0, []*track{entered}, false, false},
		{"timed out", end + timeout + 0.1, 0, []*track{entered}, false, true},
		{"on its way back", end + timeout/4 - 0.1, 0, []*track{back}, false, false},
		{"gone back", end + timeout/4 + 0.1, 0, []*track{back}, false, true},
		{"behind another one", end + timeout + 0.1, 1, []*track{ahead, entered}, false, false},
		{"behind another one for an hour", end + mostIdle + 0.1, 1, []*track{ahead, entered}, false, true},
		{"behind one that turned back", end + timeout + 0.1, 1, []*track{back, entered}, false, true},
		{"the one ahead left a while ago", 1030 + timeout - 0.1, 0, []*track{&freed}, false, false},
		{"the one ahead left long ago", 1030 + timeout + 0.1, 0, []*track{&freed}, false, true},
		{"one behind it went through", end + timeout + 0.1, 1, []*track{ahead, entered, out}, false, true},
		{"one behind it is no farther", end + timeout + 0.1, 1, []*track{ahead, entered, ahead}, false, false},
	} {
		if through, gone := gone(c.at, c.i, c.queue...); gone != c.gone || through != c.through {
			t.Errorf("%s: gone %v, through %v", c.name, gone, through)
		}
	}
}

// TestFreed: who leaves frees the first behind it in its row from then on, and nobody else; the queue that was given stays
// as it was.
func TestFreed(t *testing.T) {
	s := one(t)
	l := s.w.layout
	out, back := way(l, s.sees(0, 984), s.sees(3, 996)), way(l, s.sees(0, 1000), s.sees(0, 1012, backwards))
	a, b := way(l, s.sees(0, 1006)), way(l, s.sees(0, 1012))
	queue := []*track{out, back, a, b}
	d := s.sees(1, 1020)
	stay, cost := newStepper(s.w, d).leave(queue)
	if len(stay) != 3 || stay[0] != back || stay[1].free != 1020 || stay[2] != b || a.free != 0 || queue[0] != out || queue[2] != a {
		t.Errorf("%d stay, the first is free since %.0f", len(stay), stay[1].free)
	}
	equal(t, "it was missed by two", cost, 2*s.w.cost[1].missed)
	stay, cost = newStepper(s.w, s.sees(1, 1010)).leave(queue)
	if len(stay) != 4 || cost != 0 {
		t.Errorf("%d stay for %.2f", len(stay), cost)
	}
	lost := way(l, s.sees(0, 900))
	stay, _ = newStepper(s.w, d).leave([]*track{lost, a})
	if len(stay) != 1 || stay[0] != a {
		t.Error("who vanished frees the one behind it")
	}
}

// TestMemoOnce: what a track and a detection say together is worked out once a step.
func TestMemoOnce(t *testing.T) {
	s := one(t)
	v := way(s.w.layout, s.sees(0, 1000, named("plate", "ABC123")))
	step := newStepper(s.w, s.sees(1, 1004, named("plate", "ABC123")))
	p, _ := step.predict(v)
	step.clears(v)
	like := step.like(v)
	step.extent(v)
	step.sizes(v)
	m := step.memo(v)
	if !m.predicted || !m.cleared || !m.liked || !m.extended || !m.compared || p != &m.p || like != &m.like {
		t.Errorf("%+v", m)
	}
	if step.next(v) != step.next(v) || step.passed(v) != step.passed(v) || step.born(0) != step.born(0) {
		t.Error("a track is made twice")
	}
	if next := step.next(v); next.charged != 0 || next.seen != 3 || step.passed(v).charged != 2 || step.born(0).charged != 1 {
		t.Errorf("charged are %b, %b, %b", next.charged, step.passed(v).charged, step.born(0).charged)
	}
	far := newStepper(s.w, s.sees(3, 1012))
	if next := far.next(v); next.charged != 0b0110 {
		t.Errorf("charged are %b", next.charged)
	}
	paid := v.charge(0b0010)
	if next := newStepper(s.w, s.sees(1, 1004)).next(paid); next.charged != 0 || next.hash == paid.hash {
		t.Errorf("who came after all is charged for %b", next.charged)
	}
}

// TestSilenceOf: what it says that the next device has not seen a vehicle by now: nothing at first, then more and more; nor
// does a device that is down, sees few, or whose clock is in doubt.
func TestSilenceOf(t *testing.T) {
	silent := func(now float64, change func(*scene)) float64 {
		s := one(t)
		if change != nil {
			change(s)
		}
		v := way(s.w.layout, s.sees(0, 1000))
		s.w.now = now
		return newStepper(s.w, s.sees(0, 1000)).silence(v)
	}
	rates := func(share int) func(*scene) {
		return func(s *scene) {
			for i := range 400 {
				s.w.model.Rate(1).Add(i%10 < share)
			}
			s.w.Learned()
		}
	}
	sees := rates(10)
	falls(t, "longer and longer", silent(1003, sees)+1e-3, silent(1004, sees), silent(1006, sees), silent(1008, sees))
	equal(t, "soon", silent(1001, sees), 0)
	if due := silent(1004.1, sees); due > -0.4 || due < -1.2 {
		t.Errorf("when it should just be there: %.3f", due)
	}
	equal(t, "it is down", silent(1010, func(s *scene) { sees(s); s.w.down = func(dev int, at float64) bool { return dev == 1 && at == 1010 } }), 0)
	equal(t, "its clock is in doubt", silent(1010, func(s *scene) { sees(s); s.w.model.Doubt(1, 1) }), 0)
	few := silent(1008, rates(5)) // then the third counts
	if few < -0.7 || few >= 0 {
		t.Errorf("the next one sees half: %.3f", few)
	}
}

// TestLoadOf: what is read at a vehicle says what it carries, and what is guessed does not.
func TestLoadOf(t *testing.T) {
	names := []kinds.Name{{Kind: "plate"}, {Kind: "tag"}, {Kind: "container", Guess: true}}
	if got := Load(names); got != motion.Tagged {
		t.Errorf("%v", got)
	}
	names[2].Guess = false
	if got := Load(names); got != motion.Tagged|motion.Container {
		t.Errorf("%v", got)
	}
}
