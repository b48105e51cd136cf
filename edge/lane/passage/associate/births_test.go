package associate

import (
	"math"
	"testing"
)

// TestBirth: a vehicle that is seen first at the lane's begin is likelier than one further on, which pays for each
// device that missed it, unless that was down.
func TestBirth(t *testing.T) {
	l := layouts["one lane"]()
	birth := func(dev int, down ...int) float64 {
		s := newScene(t, l, known(l))
		s.w.down = func(dev int, at float64) bool {
			for _, d := range down {
				if d == dev && at > 900 {
					return true
				}
			}
			return false
		}
		d := s.sees(dev, 1000)
		return s.of(d.Idx, d).sum
	}
	falls(t, "at the first device, the second, the third", birth(0), birth(1), birth(2))
	falls(t, "at the second while the first is down, and not", birth(1, 0), birth(1))
	equal(t, "at the second while the first is down, and at the first", birth(1, 0), birth(0))
}

// TestBirthRate: where vehicles come often, a new one is likelier.
func TestBirthRate(t *testing.T) {
	birth := func(gap float64) float64 {
		l := layouts["one lane"]()
		m := known(l)
		for range 41 {
			m.AddHeadway(gap)
		}
		s := newScene(t, l, m)
		d := s.sees(0, 1000)
		return s.score(Birth, d.Idx, d)
	}
	falls(t, "one in 6 s, in 30 s, in 100 s", birth(6), birth(30), birth(100))
}

// TestBirthBehind: a vehicle does not come in where another one still is, nor right in front of one that has been
// further on.
func TestBirthBehind(t *testing.T) {
	birth := func(stands, at float64) float64 {
		s := one(t)
		s.born(0, 1000, lasting(stands))
		d := s.sees(0, at)
		return s.score(Birth, d.Idx, d)
	}
	falls(t, "behind one that has left, and one that is there", birth(4, 1020), birth(40, 1020)+2)
	equal(t, "behind one that has left long ago", birth(4, 1040), birth(4, 1050))
}

// TestBirthLanes: a device of two lanes opens a track in either, each as likely, together as likely as in one.
func TestBirthLanes(t *testing.T) {
	l := layouts["shared first"]()
	s := newScene(t, l, known(l))
	d := s.sees(0, 1000)
	step := newStepper(s.w, d)
	step.expand(s.n)
	if len(step.nodes) != 2 {
		t.Fatalf("%d tracks", len(step.nodes))
	}
	equal(t, "the other lane", step.nodes[1].weight, step.nodes[0].weight)
	single := filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(0, 8)})
	o := newScene(t, single, known(single))
	equal(t, "both together", logAdd(step.nodes[0].weight, step.nodes[1].weight), o.of(0, o.sees(0, 1000)).sum)
}

// TestMissed: who is seen beyond a device pays for that one's miss, and gets it back when the device's report comes
// after all; a device that sees nearly all costs more than one that sees half.
func TestMissed(t *testing.T) {
	inOrder, late := one(t), one(t)
	v := inOrder.born(0, 1000)
	b, c := inOrder.goes(v, inOrder.sees(1, 1004)), inOrder.goes(v, inOrder.sees(2, 1008))
	w := late.born(0, 1000)
	first, second := late.goes(w, late.sees(2, 1008)), late.goes(w, late.sees(1, 1004))
	falls(t, "with the device between, without it", float64(c.terms.Score[Missed]), float64(first.terms.Score[Missed]))
	equal(t, "in another order it costs the same", float64(first.terms.Score[Missed]+second.terms.Score[Missed]),
		float64(b.terms.Score[Missed]+c.terms.Score[Missed]))
	l := layouts["one lane"]()
	m := known(l)
	for i := range 200 {
		m.HitRate(1).Add(i%2 == 0)
	}
	half := newScene(t, l, m)
	falls(t, "without one that sees half, and one that sees nearly all",
		half.score(Missed, half.born(0, 1000), half.sees(2, 1008)), float64(first.terms.Score[Missed]))
}

// TestPassedOver: when the vehicle behind is seen, the one ahead has been missed: that costs once.
func TestPassedOver(t *testing.T) {
	s := one(t)
	s.born(0, 1000)
	second := s.born(0, 1008)
	alone := one(t)
	v := alone.born(0, 1008)
	falls(t, "the only one, and behind one that was not seen", alone.score(Missed, v, alone.sees(1, 1012)),
		s.score(Missed, second, s.sees(1, 1012)))
	s.goes(second, s.sees(1, 1012))
	third := s.born(0, 1020)
	equal(t, "once more", s.score(Missed, third, s.sees(1, 1024)), alone.score(Missed, v, alone.sees(1, 1012)))
}

// TestReversing: who goes out backwards is the last that came in, rather than one that others followed, rather than
// nobody that was seen.
func TestReversing(t *testing.T) {
	s := one(t)
	a, b := s.born(0, 1000), s.born(0, 1020)
	d := s.sees(0, 1040, backwards)
	falls(t, "the last, the one ahead of it", s.of(b, d).sum, s.of(a, d).sum)
	falls(t, "the last, a new one", s.of(b, d).sum, s.of(d.Idx, d).sum)
	plated := one(t)
	a, b = plated.born(0, 1000, named("plate", "ABC123")), plated.born(0, 1020, named("plate", "XYZ987"))
	d = plated.sees(0, 1040, backwards, named("plate", "ABC123"))
	falls(t, "the one with this plate, the last", plated.of(a, d).sum, plated.of(b, d).sum)
	plated.goes(b, plated.sees(0, 1040, backwards))
	if plated.can(b, plated.sees(1, 1044)) {
		t.Error("who went out backwards is seen further on")
	}
	if !plated.can(a, plated.sees(1, 1044)) {
		t.Error("the other one cannot go on")
	}
}

// TestBirthTerms: a new vehicle is seen by the device that saw it, and a tag that is heard first as loudly as this
// lane's are; what is no tag has no loudness.
func TestBirthTerms(t *testing.T) {
	s := one(t)
	loop := s.sees(0, 1000)
	equal(t, "seen by a loop", s.score(Missed, loop.Idx, loop), s.w.detectionLogs[0].hit)
	equal(t, "how loud a loop is", s.score(Strength, loop.Idx, loop), 0)
	for faint, want := range map[bool]float64{false: 0.99, true: 0.01} {
		tag := s.sees(0, 1000, tagged("urn:1", 0, faint))
		equal(t, "seen by a reader", s.score(Missed, tag.Idx, tag), s.w.detectionLogs[0].hit)
		equal(t, "how loud a tag is", s.score(Strength, tag.Idx, tag), math.Log(want))
	}
	beyond := s.sees(2, 1000)
	want := s.w.detectionLogs[2].hit + s.w.detectionLogs[0].miss + s.w.detectionLogs[1].miss
	equal(t, "seen beyond two others", s.score(Missed, beyond.Idx, beyond), want)
}
