package associate

import (
	"math"
	"testing"

	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// TestLengths: two measurements that are alike speak for one vehicle, those that differ against it, the more the more,
// but not without bound; and what was not measured says nothing.
func TestLengths(t *testing.T) {
	l := layouts["one lane"]()
	m := known(l)
	for i := range 41 { // vehicles are 4 to 18 m long here, and portals see 1 m more
		m.LearnLength(units.Metres(4 + 14*float64(i%8)/7))
		m.Learn(nil, 2, 10, 11)
	}
	score := func(first float64, with func(*detection.Detection)) float64 {
		s := newScene(t, l, m)
		v := s.born(0, 1000, long(first))
		return s.score(Lengths, v, s.sees(1, 1004, with))
	}
	for _, c := range []struct {
		name string
		of   func(metres float64) func(*detection.Detection)
		more float64 // m, that it measures beyond the vehicle
	}{{"by a loop", long, 0}, {"by a portal", extending, 1}} {
		t.Run(c.name, func(t *testing.T) {
			of := func(metres float64) float64 { return score(10, c.of(metres+c.more)) }
			falls(t, "longer and longer", of(10), of(10.6), of(11.2), of(11.9))
			falls(t, "shorter and shorter", of(10), of(9.4), of(8.9), of(8.4))
			if of(10) <= 0 || of(10) > 4 {
				t.Errorf("the same length is worth %.2f", of(10))
			}
			if worst := of(3); worst >= 0 || worst < -8 || math.Abs(worst-of(3.3)) > 2 {
				t.Errorf("far too short is %.2f, %.2f", of(3.3), worst)
			}
			equal(t, "not measured before", score(0, c.of(10+c.more)), 0)
		})
	}
	equal(t, "not measured", score(10, long(0)), 0)
	falls(t, "a loop tells the same length better than a portal", score(10, long(10)), score(10, extending(11)))
	falls(t, "longer than vehicles are here: it stopped", score(10, long(60)), score(10, long(17)))
	falls(t, "longer than vehicles are here, by a portal", score(10, extending(60)), score(10, extending(18)))
	fresh := newScene(t, l, taught(l))
	v := fresh.born(0, 1000, long(10))
	equal(t, "by a portal of which it is not known how far it sees", fresh.score(Lengths, v, fresh.sees(1, 1004, extending(11))), 0)
}

// TestOutOnce: a vehicle that turned back is seen once more by a portal on its way out, and not for every vehicle after it.
func TestOutOnce(t *testing.T) {
	s := one(t)
	v := s.born(0, 1000)
	s.goes(v, s.sees(1, 1004, portal))
	s.goes(v, s.sees(0, 1020, backwards))
	first := s.goes(v, s.sees(1, 1024, portal)).terms.Score[Repeated]
	second := s.score(Repeated, v, s.sees(1, 1034, portal))
	falls(t, "the first sight on its way out, and a second one", float64(first), second+2)
}

// TestRepeat: what a device sees again of a vehicle.
func TestRepeat(t *testing.T) {
	score := func(after float64, first, again []func(*detection.Detection), beyond bool) float64 {
		s := one(t)
		v := s.born(0, 1000, first...)
		if beyond {
			s.goes(v, s.sees(3, 1012))
		}
		return s.score(Repeated, v, s.sees(0, 1000+after, again...))
	}
	all := func(f ...func(*detection.Detection)) []func(*detection.Detection) { return f }
	plain := func(after float64) float64 { return score(after, nil, nil, false) }
	falls(t, "told twice, a second later, and later", plain(0), plain(1), plain(10), plain(40))
	if twice := plain(0) - plain(0.2); twice < 1 {
		t.Errorf("told twice is only e^%.2f likelier than seen again at once", twice)
	}
	same, other := all(named("plate", "ABC123")), all(named("plate", "XYZ987"))
	falls(t, "the same plate a second later, and another one", score(1, same, same, false), score(1, same, other, false))
	falls(t, "the same plate at once, and another one", score(0, same, same, false), score(0, same, other, false))
	equal(t, "a plate where none was read", score(1, nil, same, false), plain(1))
	falls(t, "the next axle, and the vehicle once more", score(2, all(weighing(1)), all(weighing(2)), false), plain(2))
	falls(t, "axle after axle", score(2, all(weighing(1)), all(weighing(2)), false), score(20, all(weighing(1)), all(weighing(2)), false))
	blind := all(portal)
	falls(t, "it may have turned back under a portal, but not behind the exit", score(20, blind, blind, false), score(20, blind, blind, true))
	falls(t, "a loop tells who turns back", score(40, blind, blind, false), score(40, nil, nil, false))
	if none := one(t); none.score(Repeated, none.born(0, 1000), none.sees(1, 1004)) != 0 {
		t.Error("another device repeats it")
	}
}

// TestStrength: a tag that is well heard is of this lane, one that is hardly heard of the next one.
func TestStrength(t *testing.T) {
	l := layouts["tags of both"]()
	const reader = 2
	m := known(l)
	own := func(dbm float64, faint bool) float64 { // log-odds of this lane against no vehicle of these lanes
		s := newScene(t, l, m)
		v := s.born(0, 1000)
		d := s.sees(reader, 1003, tagged("urn:1", dbm, faint))
		return s.score(Strength, v, d) - s.score(Strength, None, d)
	}
	if own(0, false) <= 0 || own(0, true) >= 0 {
		t.Errorf("well heard %.2f, hardly heard %.2f", own(0, false), own(0, true))
	}
	falls(t, "as loud as usual, quieter, and quieter", own(-49, false), own(-55, false), own(-62, false))
	falls(t, "as loud as usual: well heard, hardly heard", own(-49, false), own(-49, true))
	falls(t, "loud, and loudness not known", own(-49, false), own(0, false))
	falls(t, "loudness not known, and quiet", own(0, false), own(-64, false))
	of := func(m *motion.Model, vehicle int64, dbm float64) float64 {
		s := newScene(t, l, m)
		s.born(0, 1000)
		return s.score(Strength, vehicle, s.sees(reader, 1003, tagged("urn:1", dbm, false)))
	}
	falls(t, "the next lane's are quieter", of(m, None, -64), of(m, None, -49), of(m, None, -20))
	equal(t, "loudness of the antenna known, and of the tag not", of(m, 0, 0), of(taught(l), 0, 0))
	if bound := own(-49, false) - own(-200, false); bound > 20 || math.IsNaN(bound) {
		t.Errorf("loudness says up to %.1f", bound)
	}
	s := newScene(t, l, m)
	v := s.born(0, 1000)
	if d := s.sees(3, 1006); s.score(Strength, v, d) != 0 || s.can(None, d) {
		t.Error("what is not a tag has a strength, or is clutter")
	}
	d := s.sees(reader, 1003, tagged("urn:1", 0, false))
	falls(t, "of this lane's vehicle, of no vehicle", s.of(v, d).sum, s.of(None, d).sum)
}

// TestNames: the same name speaks for a vehicle, another one against it, and the terms say which.
func TestNames(t *testing.T) {
	s := one(t)
	v := s.born(0, 1000, named("plate", "ABC123"))
	score := func(plate string) float64 { return s.score(Names, v, s.sees(1, 1004, named("plate", plate))) }
	falls(t, "the same, one character off, two, another one", score("ABC123"), score("ABC128"), score("ABD128"), score("XYZ987"))
	equal(t, "no name", s.score(Names, v, s.sees(1, 1004)), 0)
	c := s.of(v, s.sees(1, 1004, named("plate", "ABC128")))
	if c.terms.Read.Value != "ABC128" || c.terms.Name.Value != "ABC123" {
		t.Errorf("%+v, %+v", c.terms.Read, c.terms.Name)
	}
	s.goes(v, s.sees(1, 1004, named("tag", "urn:1")))
	falls(t, "a name that it got meanwhile", s.score(Names, v, s.sees(2, 1008, named("tag", "urn:1"))), 0)
}

// TestOvertaking: passing one that this device saw already costs; the more of them, the more.
func TestOvertaking(t *testing.T) {
	s := one(t)
	a := s.born(0, 1000, bare)
	b, c := s.born(0, 1006, bare), s.born(0, 1012, bare)
	at := func() float64 { return s.score(Order, a, s.sees(1, 1030, bare)) }
	none := at()
	s.goes(b, s.sees(1, 1010, bare))
	once := at()
	s.goes(c, s.sees(1, 1016, bare))
	falls(t, "passed by none, by one, by two", none, once, at())
	equal(t, "passed by none", none, 0)
	equal(t, "by two is twice by one", at(), 2*once)
	if s.score(Order, a, s.sees(2, 1030, bare)) != 0 {
		t.Error("another device has seen nobody pass")
	}
}

// TestOtherRow: vehicles of another lane are not in this one's way.
func TestOtherRow(t *testing.T) {
	l := layouts["merging"]()
	s := newScene(t, l, known(l))
	a, b := s.born(0, 1000), s.born(1, 1001)
	if s.can(a, s.sees(1, 1004)) || s.can(b, s.sees(0, 1004)) {
		t.Error("a vehicle is seen where it cannot be")
	}
	first := s.sees(2, 1007)
	if !s.can(a, first) || !s.can(b, first) {
		t.Error("where the lanes merge both can come")
	}
	s.goes(b, first)
	late := s.of(a, s.sees(2, 1014))
	equal(t, "the other lane's came first, which is no overtaking", float64(late.terms.Score[Order]), 0)
	s.goes(a, s.sees(2, 1014))
	if len(s.n.queue) != 2 || s.n.queue[0].firstDetection.Idx != b {
		t.Errorf("where they merge the first is %d", s.n.queue[0].firstDetection.Idx)
	}
}
