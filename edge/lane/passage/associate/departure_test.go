package associate

import (
	"testing"
)

// Devices of the layout "one lane".
const (
	entry, second, third, exit = 0, 1, 2, 3
)

// TestLeaveThrough: who was seen at the last station can be seen there for a while, and then has left.
func TestLeaveThrough(t *testing.T) {
	s := one(t)
	v := s.born(entry, 1000)
	s.goes(v, s.sees(exit, 1012)) // its end leaves at 1016.2
	for _, c := range []struct {
		at   float64
		want bool
	}{{1014, true}, {1016.2 + exitDwell - 1, true}, {1016.2 + exitDwell + 1, false}, {2000, false}} {
		if got := s.can(v, s.sees(exit, c.at)); got != c.want {
			t.Errorf("at %.1f s it can be there: %v", c.at, got)
		}
	}
}

// TestLeaveTimeout: who is not seen any more is waited for as long as the lane's timeout.
func TestLeaveTimeout(t *testing.T) {
	s := one(t)
	v := s.born(entry, 1000) // its end leaves at 1004.2
	timeout := s.w.layout.Timeout
	if !s.can(v, s.sees(second, 1004.2+timeout-1)) || s.can(v, s.sees(second, 1004.2+timeout+1)) {
		t.Error("it is not waited for as long as the timeout")
	}
}

// TestLeaveQueue: who stands behind another one is waited for as long as that one is there, and the timeout after that.
// Who has been passed by one that went through is gone.
func TestLeaveQueue(t *testing.T) {
	queue := func() (s *scene, first, behind int64) {
		s = one(t)
		first = s.born(entry, 990)
		s.goes(first, s.sees(second, 994, lasting(300))) // until 1294
		return s, first, s.born(entry, 1000)
	}
	s, first, behind := queue()
	timeout := s.w.layout.Timeout
	if !s.can(behind, s.sees(second, 1200)) {
		t.Error("it is not waited for while the one ahead stands there")
	}
	s.goes(first, s.sees(third, 1298))
	s.goes(first, s.sees(exit, 1302)) // until 1306.2
	departureCost := 1306.2 + exitDwell + 1
	s.born(entry, departureCost)
	if !s.can(behind, s.sees(second, departureCost+timeout-2)) {
		t.Error("it is not waited for after the one ahead has left")
	}
	if s.can(behind, s.sees(second, departureCost+timeout+2)) {
		t.Error("it is waited for without end")
	}
	s, _, behind = queue()
	passing := s.born(entry, 1250)
	s.goes(passing, s.sees(exit, 1262))
	if s.can(behind, s.sees(second, 1270)) {
		t.Error("one behind it has gone through, and it is still there")
	}
	s, _, behind = queue()
	if s.can(behind, s.sees(second, 1000+2*maxIdle)) {
		t.Error("it stands there for hours")
	}
}

// TestLeaveReversed: who goes out backwards is gone soon.
func TestLeaveReversed(t *testing.T) {
	s := one(t)
	v := s.born(entry, 1000)
	s.goes(v, s.sees(entry, 1020, backwards))
	soon, later := s.sees(entry, 1026, backwards), s.sees(entry, 1020+s.w.layout.Timeout, backwards)
	if !s.can(v, soon) || s.can(v, later) {
		t.Errorf("it can be there: %v, and a minute later: %v", s.can(v, soon), s.can(v, later))
	}
}

// TestLeaveCost: who leaves pays for each device that should have seen it and did not, unless that was down; once, and
// not more than a vehicle that was never there.
func TestLeaveCost(t *testing.T) {
	l := layouts["one lane"]()
	cost := func(down int, devices ...int) float64 { // what a birth long after costs more than the first
		s := newScene(t, l, known(l))
		s.w.down = func(dev int, at float64) bool { return dev == down && at < 1500 }
		v := s.born(devices[0], 1000)
		for _, dev := range devices[1:] {
			s.goes(v, s.sees(dev, 1000+4*float64(dev-devices[0])))
		}
		d := s.sees(entry, 3000)
		c := s.of(d.Idx, d)
		return c.sum - c.terms.Sum()
	}
	const none = -1
	equal(t, "seen by all", cost(none, entry, second, third, exit), 0)
	equal(t, "missed by one, which it paid for when it was seen further on", cost(none, entry, third, exit), 0)
	falls(t, "seen by all, by three, by two, by one", cost(none, entry, second, third, exit),
		cost(none, entry, second, third), cost(none, entry, second), cost(none, entry))
	equal(t, "the last device was down", cost(exit, entry, second, third), 0)
	if worst := cost(none, entry); worst < maxGhostCost-1e-6 {
		t.Errorf("a vehicle that vanished costs %.2f", worst)
	}
}

// TestLeaveTogether: that one has left does not take away who is behind it, nor who is in the other lane.
func TestLeaveTogether(t *testing.T) {
	l := layouts["shared first"]()
	s := newScene(t, l, known(l))
	a := s.born(1, 1000) // in the first lane, at its last station
	b := s.born(2, 1001)
	c := s.born(1, 1030)
	d := s.sees(1, 1033)
	if s.can(a, d) || !s.can(c, d) {
		t.Errorf("the first is still there: %v, the one behind it: %v", s.can(a, d), s.can(c, d))
	}
	if s.can(b, s.sees(2, 1033)) || len(s.n.queue) == 0 {
		t.Error("the other lane's has not left")
	}
}
