package associate

import (
	"testing"
)

// TestUnseenAhead: a vehicle of which a device saw nothing still has to come by there before the next one: who follows
// closely is not the one ahead of it, and not before it.
func TestUnseenAhead(t *testing.T) {
	score := func(at float64, ahead bool) float64 {
		s := one(t)
		if ahead {
			s.born(0, 1000, long(8), lasting(4.2))
		}
		v := s.born(0, 1006, long(8), lasting(4.2))
		return s.score(Arrival, v, s.sees(1, at, bare))
	}
	if in := score(1010, true) - score(1010, false); in > 0.1 || in < -2 {
		t.Errorf("in time behind one that must just have left, and alone: %.2f", in)
	}
	falls(t, "while the one ahead should be there, alone and behind it", score(1008, false), score(1008, true))
}

// TestBornAhead: a vehicle that is seen for the first time where the one behind it will come has been through all places
// that this one has been seen at: who stands there himself leaves no room for it.
func TestBornAhead(t *testing.T) {
	birth := func(behind float64) float64 {
		s := one(t)
		s.born(0, behind, long(8), lasting(4.2))
		d := s.sees(1, 1004, bare)
		return s.score(Birth, d.Idx, d)
	}
	falls(t, "ahead of one that came long after, and of one that came as it would have", birth(1003.9), birth(999.8))
}

// TestPacked: so many vehicles do not stand between two places as have no room there.
func TestPacked(t *testing.T) {
	score := func(behind int) float64 {
		s := one(t)
		row := []*track{born(s.w.layout, 0, s.sees(0, 1000, long(8), lasting(4.2)))}
		for i := range behind {
			row = append(row, born(s.w.layout, 0, s.sees(0, 1010+10*float64(i), long(8), lasting(4.2))))
		}
		return newStepper(s.w, s.sees(3, 1100)).roomForQueue(row, 1, row[0])
	}
	equal(t, "with one behind it on 24 m", score(1), 0)
	falls(t, "with two, with three, with five", score(2), score(3), score(5)+1)
}

// TestMerged: where lanes become one, who is seen behind the place for the first time went in before those of the other
// lane that have not come so far.
func TestMerged(t *testing.T) {
	l := filled(2, Device{ID: "a", Places: at(0, 0)}, Device{ID: "b", Places: at(1, 0)},
		Device{ID: "c", Places: append(at(0, 16), at(1, 16)...)}, Device{ID: "d", Places: append(at(0, 24), at(1, 24)...)})
	s := newScene(t, l, known(l))
	missed, other := s.born(0, 1000), s.born(1, 1012)
	s.goes(other, s.sees(2, 1020))
	if order := s.score(Order, missed, s.sees(3, 1013)); order != 0 {
		t.Errorf("it is said to overtake: %.1f", order)
	}
	s.goes(missed, s.sees(3, 1013))
	if order := s.score(Order, other, s.sees(3, 1025)); order != 0 {
		t.Errorf("the other one is said to be overtaken: %.1f", order)
	}
}
