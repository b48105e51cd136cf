package uplink

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestChooser walks through outages of two paths.
func TestChooser(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	c := newChooser(3, time.Minute)
	pass := func(d time.Duration) { now = now.Add(d) }
	want := func(path int) {
		t.Helper()
		if got := c.pick(now); got != path {
			t.Errorf("path %d is taken, want %d", got, path)
		}
	}
	want(0)
	c.ended(0, time.Hour, now) // it worked for long: it is tried again first
	want(0)
	c.ended(0, 0, now)
	want(1)
	c.ended(1, 0, now)
	want(2)
	pass(time.Second)
	c.ended(2, 0, now)
	want(0) // all failed: the one that failed first
	pass(c.probePause())
	want(0)
	c.ended(0, 0, now)
	want(1)

	if i := c.candidate(1, now); i >= 0 {
		t.Errorf("path %d is probed right after it failed", i)
	}
	pass(2 * c.probePause())
	if i := c.candidate(1, now); i != 0 {
		t.Fatalf("path %d is probed, want 0", i)
	}
	began := now
	for !c.probed(0, true, now) {
		if i := c.candidate(1, now); i >= 0 {
			t.Fatalf("path %d is probed again at once", i)
		}
		pass(c.probePause())
	}
	if took := now.Sub(began); took != time.Minute {
		t.Errorf("a path that answers is taken after %v, want a minute", took)
	}
	want(0)
}

// A probe that fails begins the time anew in which a path must answer.
func TestProbeThatFails(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	c := newChooser(2, time.Minute)
	c.ended(0, 0, now)
	now = now.Add(c.probePause())
	c.probed(0, true, now)
	now = now.Add(50 * time.Second)
	c.probed(0, false, now)
	now = now.Add(time.Hour)
	if c.probed(0, true, now) {
		t.Error("the path is taken by what it answered before it failed")
	}
	if c.probed(0, true, now.Add(59*time.Second)) || !c.probed(0, true, now.Add(time.Minute)) {
		t.Error("the path is not taken after a minute of answers")
	}
}

// However a preferred path comes and goes, it is taken at most some times an hour; and once it stays, it is taken.
func TestPathThatComesAndGoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_800_000_000, 0)
		begin, end := now, now.Add(6*time.Hour)
		c := newChooser(2, time.Minute)
		up, changes := true, now
		taken, inUse, since := 0, 0, now
		for ; now.Before(end.Add(2 * time.Hour)); now = now.Add(time.Second) {
			if now.Before(end) && !now.Before(changes) {
				up = !up
				changes = now.Add(time.Duration(rapid.IntRange(5, 100).Draw(t, "seconds")) * time.Second)
			} else if !now.Before(end) {
				up = true
			}
			switch {
			case inUse == 0 && !up:
				c.ended(0, now.Sub(since), now)
				inUse, since = c.pick(now), now
			case inUse == 1:
				if i := c.candidate(1, now); i == 0 && c.probed(0, up, now) {
					inUse, since = 0, now
					taken++
				}
			}
		}
		if most := 2 * int(end.Sub(begin).Hours()); taken > most+4 {
			t.Errorf("a path that comes and goes was taken %d times in 6 hours", taken)
		}
		if inUse != 0 {
			t.Error("the preferred path is not in use two hours after it works for good")
		}
	})
}
