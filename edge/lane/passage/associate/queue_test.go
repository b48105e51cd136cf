package associate

import (
	"math"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// TestForemost: the exact detection that is farthest on before a place.
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

// TestSpacingRoom: vehicles that just fit, with three metres between them, and a vehicle that just could drive so far,
// do so with a probability of a half; so do those that just fill the way, but for one queue in ten with a hole.
func TestSpacingRoom(t *testing.T) {
	score := func(ahead float64, came bool, own, arrives float64) float64 {
		s := one(t)
		l := s.w.layout
		var row []*track
		if ahead > 0 {
			o := way(l, s.sees(0, 900, lasting(50), long(ahead)))
			if at := 1180.0; came {
				o = o.withDetection(l, s.sees(3, 1050, long(ahead)))
			} else {
				o = o.withDetection(l, s.sees(3, at, long(ahead)))
			}
			row = append(row, o)
		}
		from, to := s.sees(0, 1000, lasting(100), long(own)), s.sees(3, arrives, long(own))
		v := way(l, from)
		return newStepper(s.w, to).spacingBetween(append(row, v), len(row), v, from, to)
	}
	const drive = 1100 + (24-8)/(1.3*2)
	equal(t, "as fast as it can", score(0, false, 8, drive), half)
	falls(t, "slower than that, and faster", score(0, false, 8, drive+2), score(0, false, 8, drive), score(0, false, 8,
		drive-2))
	equal(t, "two that just fit", score(13, false, 8, 1300), half)
	falls(t, "with more room and less", score(10, false, 8, 1300), score(13, false, 8, 1300), score(16, false, 8, 1300))
	equal(t, "the one ahead had just come", score(13, true, 8, 1300), math.Log(1-0.9*0.5))
	falls(t, "it fills the way more, and less", score(16, true, 8, 1300), score(13, true, 8, 1300), score(8, true, 8,
		1300))
	if hole := score(3, true, 3, 1300); math.Abs(hole-math.Log(0.1)) > 0.05 {
		t.Errorf("a hole is %.3f", hole)
	}
	equal(t, "it is as long as the way", score(0, false, 24, 1099), half)
	equal(t, "exactly, with one ahead", score(13, false, 24, 1100), half)
	equal(t, "who came less than 10 s late was in no queue", score(13, false, 13, 1012+9), 0)
}

// TestSpacedOnce: each two places of a vehicle's way count once, when it is seen beyond them, and the last two when it
// comes to the last.
func TestSpacedOnce(t *testing.T) {
	s := one(t)
	l := s.w.layout
	a, b, c := s.sees(0, 1000, lasting(100)), s.sees(1, 1150, lasting(50)), s.sees(2, 1250, lasting(50))
	d := s.sees(3, 1350)
	other := way(l, s.sees(0, 900, lasting(50)), s.sees(1, 1130, lasting(40)), s.sees(2, 1230, lasting(40)), s.sees(3,
		1330))
	at := func(v *track, d *detection.Detection) float64 {
		return newStepper(s.w, d).spacingTerm([]*track{other, v}, 1, v)
	}
	between := func(v *track, from, to *detection.Detection) float64 {
		return newStepper(s.w, to).spacingBetween([]*track{other, v}, 1, v, from, to)
	}
	v := way(l, a)
	equal(t, "at the second", at(v, b), 0)
	v = v.withDetection(l, b)
	equal(t, "at the third", at(v, c), between(v, a, b))
	v = v.withDetection(l, c)
	equal(t, "at the last", at(v, d), between(v, b, c)+between(v, c, d))
	if between(v, a, b) == 0 || between(v, b, c) == 0 || between(v, c, d) == 0 {
		t.Error("it says nothing of a queue")
	}
	equal(t, "a tag", at(v, s.sees(3, 1350, tagged("urn:1", -50, false))), 0)
	equal(t, "the last, which saw no end", at(v, s.sees(3, 1350, lasting(0))), between(v, b, c))
	equal(t, "before the first", newStepper(s.w, a).spacingTerm([]*track{v}, 0, way(l, b)), 0)
}

// TestHeardRoom: a tag is heard 3.5 m before the antenna: a vehicle that with the next one just fits behind that has a
// probability of a half.
func TestHeardRoom(t *testing.T) {
	l := filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(0, 11.5)}, Device{ID: "r", Places: at(0,
		24), HearsTags: true})
	s := newScene(t, l, known(l))
	tag := s.sees(2, 1030, tagged("urn:1", -50, false))
	score := func(d *detection.Detection, behind ...*detection.Detection) float64 {
		row := []*track{way(l, s.sees(0, 1000))}
		if len(behind) > 0 {
			row = append(row, way(l, behind...))
		}
		return newStepper(s.w, d).roomForTag(row, 1, row[0])
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
	length := float64(s.w.model.MinLength(8))
	l := filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(0, length+2*(length+1))})
	s.w = wide(l, s.w.model)
	score := func(d *detection.Detection, behind int, with ...func(*detection.Detection)) float64 {
		row := []*track{way(l, s.sees(0, 1000))}
		for i := range behind {
			row = append(row, way(l, s.sees(0, 1010+10*float64(i), with...)))
		}
		return newStepper(s.w, d).roomForQueue(row, 1, row[0])
	}
	d := s.sees(1, 1100)
	equal(t, "nobody", score(d, 0), 0)
	equal(t, "as many as fit", score(d, 2), 0)
	equal(t, "one more", score(d, 3), logBelow(-length-1, queueWaySigma))
	equal(t, "not seen exactly", score(d, 3, lasting(0)), 0)
	equal(t, "they had not left by then", score(d, 3, lasting(200)), 0)
	equal(t, "a tag", score(s.sees(1, 1100, tagged("urn:1", -50, false)), 3), 0)
	away := s.sees(1, 1100)
	away.Raw++
	equal(t, "by a clock of its own", score(away, 3), 0)
}

// TestGone: when a vehicle is not in the lane any more.
func TestGone(t *testing.T) {
	s := one(t)
	l := s.w.layout
	gone := func(at float64, i int, queue ...*track) (through, gone bool) {
		d := s.sees(1, at)
		return newStepper(s.w, d).departed(queue, i)
	}
	entered, out := way(l, s.sees(0, 996)), way(l, s.sees(0, 984), s.sees(3, 996)) // their ends left at 1000.2
	back := way(l, s.sees(0, 900), s.sees(0, 996, backwards))
	ahead := way(l, s.sees(0, 900), s.sees(1, 905))
	freed := *entered
	freed.aheadGone = 1030
	const end, timeout = 1000.2, 60
	for _, c := range []struct {
		name          string
		at            float64
		i             int
		queue         []*track
		through, gone bool
	}{
		{"at the exit", end + exitDwell - 0.1, 0, []*track{out}, true, false},
		{"left", end + exitDwell + 0.1, 0, []*track{out}, true, true},
		{"in the lane", end + timeout - 0.1, 0, []*track{entered}, false, false},
		{"timed out", end + timeout + 0.1, 0, []*track{entered}, false, true},
		{"on its way back", end + timeout/4 - 0.1, 0, []*track{back}, false, false},
		{"gone back", end + timeout/4 + 0.1, 0, []*track{back}, false, true},
		{"behind another one", end + timeout + 0.1, 1, []*track{ahead, entered}, false, false},
		{"behind another one for an hour", end + maxIdle + 0.1, 1, []*track{ahead, entered}, false, true},
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

// TestFreed: who leaves frees the first behind it in its row from then on, and nobody else; the queue that was given
// stays as it was.
func TestFreed(t *testing.T) {
	s := one(t)
	l := s.w.layout
	out, back := way(l, s.sees(0, 984), s.sees(3, 996)), way(l, s.sees(0, 1000), s.sees(0, 1012, backwards))
	a, b := way(l, s.sees(0, 1006)), way(l, s.sees(0, 1012))
	queue := []*track{out, back, a, b}
	d := s.sees(1, 1020)
	stay, cost := newStepper(s.w, d).dropDeparted(queue)
	if len(stay) != 3 || stay[0] != back || stay[1].aheadGone != 1020 || stay[2] != b || a.aheadGone != 0 ||
		queue[0] != out ||
		queue[2] != a {
		t.Errorf("%d stay, the first is free since %.0f", len(stay), stay[1].aheadGone)
	}
	equal(t, "it was missed by two", cost, 2*s.w.detectionLogs[1].miss)
	stay, cost = newStepper(s.w, s.sees(1, 1010)).dropDeparted(queue)
	if len(stay) != 4 || cost != 0 {
		t.Errorf("%d stay for %.2f", len(stay), cost)
	}
	lost := way(l, s.sees(0, 900))
	stay, _ = newStepper(s.w, d).dropDeparted([]*track{lost, a})
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
	step.clearingBy(v)
	like := step.identityScore(v)
	step.lengthOf(v)
	step.sizeTerm(v)
	m := step.memo(v)
	if !m.predicted || !m.clearingKnown || !m.identityKnown || !m.lengthKnown || !m.sizeKnown ||
		p != &m.prediction || like != &m.identity {
		t.Errorf("%+v", m)
	}
	next, passed, born := step.extend(v), step.chargeMiss(v), step.newTrack(0)
	if step.extend(v) != next || step.chargeMiss(v) != passed || step.newTrack(0) != born {
		t.Error("a track is made twice")
	}
	if next.missed != 0 || next.seen != 3 || passed.missed != 2 || born.missed != 1 {
		t.Errorf("charged are %b, %b, %b", next.missed, passed.missed, born.missed)
	}
	far := newStepper(s.w, s.sees(3, 1012))
	if next := far.extend(v); next.missed != 0b0110 {
		t.Errorf("charged are %b", next.missed)
	}
	paid := v.withMisses(0b0010)
	if next := newStepper(s.w, s.sees(1, 1004)).extend(paid); next.missed != 0 || next.hash == paid.hash {
		t.Errorf("who came after all is charged for %b", next.missed)
	}
}

// TestSilenceOf: what it says that the next device has not seen a vehicle by now: nothing at first, then more and
// more; nor does a device that is down, sees few, or whose clock is in doubt.
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
				s.w.model.HitRate(1).Add(i%10 < share)
			}
			s.w.ReadModel()
		}
	}
	sees := rates(10)
	falls(t, "longer and longer", silent(1003, sees)+1e-3, silent(1004, sees), silent(1006, sees), silent(1008, sees))
	equal(t, "soon", silent(1001, sees), 0)
	if due := silent(1004.1, sees); due > -0.4 || due < -1.2 {
		t.Errorf("when it should just be there: %.3f", due)
	}
	equal(t, "it is down", silent(1010, func(s *scene) {
		sees(s)
		s.w.down = func(dev int,
			at float64) bool {
			return dev == 1 && at == 1010
		}
	}), 0)
	equal(t, "its clock is in doubt", silent(1010, func(s *scene) { sees(s); s.w.model.SetClock(1, 0, 1) }), 0)
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
