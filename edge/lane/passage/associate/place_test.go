package associate

import (
	"math"
	"testing"

	"lanewarden/edge/lane/passage/motion"
)

// close4 is a lane whose first devices are nearer to each other than vehicles are long: two of one place, one 4 m on.
func close4(t *testing.T) *scene {
	l := filled(1, Device{ID: "a", Places: at(0, 0)}, Device{ID: "a2", Places: at(0, 0)}, Device{ID: "b", Places: at(0, 4)},
		Device{ID: "d", Places: at(0, 24)})
	return newScene(t, l, known(l))
}

// TestClearedBeside: a vehicle is in a place also when another device of that place saw it.
func TestClearedBeside(t *testing.T) {
	birth := func(stands, at float64) float64 {
		s := close4(t)
		s.born(0, 1000, lasting(stands))
		d := s.sees(1, at)
		return s.score(Birth, d.Idx, d)
	}
	falls(t, "behind one that has left, and one that the other device still sees", birth(4.2, 1012), birth(40, 1012)+2)
}

// TestClearedByLength: a vehicle whose front was seen a little further on still stands in the place behind, as long as
// it is, though no device there saw how long.
func TestClearedByLength(t *testing.T) {
	birth := func(front, at float64) float64 {
		s := close4(t)
		v := s.born(0, 1000, bare)
		s.goes(v, s.sees(2, front))
		d := s.sees(0, at)
		return s.score(Birth, d.Idx, d)
	}
	falls(t, "behind one that has gone on, and one whose front has just come 4 m further", birth(1002, 1019), birth(1020, 1019)+2)
	if d := birth(1020, 1045) - birth(1002, 1045); math.Abs(d) > 0.1 {
		t.Errorf("when it has gone on after that it makes %.3f", d)
	}
}

// TestRoomSamePlace: who is said to come to a place must have left it before the one behind came.
func TestRoomSamePlace(t *testing.T) {
	score := func(at float64, seen bool) float64 {
		s := one(t)
		first := s.born(0, 1000)
		behind := s.born(0, 1010.5)
		if seen {
			s.goes(behind, s.sees(1, 1014.5))
		}
		return s.score(Arrival, first, s.sees(1, at))
	}
	falls(t, "in time, the one behind was seen there later, and not at all", score(1004, true)+0.1, score(1004, false))
	falls(t, "as the one behind came, which was not seen, or was", score(1013.5, false), score(1013.5, true)+2)
	if worst := score(1030, true); worst < -60 {
		t.Errorf("what cannot be is %.1f", worst)
	}
}

// TestRoomByLength: while a vehicle's front is a little further on, the one behind cannot have been where its end still
// stands; unless it was seen to leave there before.
func TestRoomByLength(t *testing.T) {
	score := func(first, behind bool) float64 { // whether begin and end of the two were seen at the entry
		s := close4(t)
		change := func(exact bool) func(*scene, float64) int64 {
			return func(s *scene, at float64) int64 {
				if exact {
					return s.born(0, at)
				}
				return s.born(0, at, lasting(0))
			}
		}
		v := change(first)(s, 1000)
		change(behind)(s, 1006)
		return s.score(Arrival, v, s.sees(2, 1010))
	}
	falls(t, "the one behind was not seen exactly, and was", score(false, false), score(false, true)+2)
	falls(t, "the first was seen to leave, and was not", score(true, true), score(false, true)+1)
}

// TestWaitHours: whoever stands behind one that does not move is not waited for without end.
func TestWaitHours(t *testing.T) {
	s := one(t)
	first := s.born(0, 990)
	s.goes(first, s.sees(1, 994, lasting(3*maxIdle)))
	behind := s.born(0, 1000)
	if !s.can(behind, s.sees(1, 1000+maxIdle/2)) {
		t.Error("it is not waited for half an hour")
	}
	if got := s.choices(s.sees(1, 1010+maxIdle)); len(got) == 0 {
		t.Error("nobody can be there")
	} else if _, ok := got[behind]; ok {
		t.Error("it is waited for after an hour")
	}
}

// TestVanished: a vehicle that nobody else saw costs something, but no more than one that was never there.
func TestVanished(t *testing.T) {
	l := layouts["one lane"]()
	cost := func(m *motion.Model) float64 {
		s := newScene(t, l, m)
		s.born(0, 1000)
		d := s.sees(0, 3000)
		c := s.of(d.Idx, d)
		return c.sum - c.terms.Sum()
	}
	m := known(l)
	for range 500 {
		for dev := range l.Devices {
			m.HitRate(dev).Add(true)
		}
	}
	falls(t, "missed by devices that miss some, and by such as never do", cost(known(l)), cost(m))
	equal(t, "missed by three that never do", cost(m), maxGhostCost)
}
