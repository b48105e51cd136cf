package lockout

import (
	"testing"
	"time"
)

var start = time.Unix(1000, 0)

// Keys that are locked are bounded in number: of those the one goes whose lock ends first, after all that are over.
func TestLocksAreBounded(t *testing.T) {
	l := &Table[int]{wrong: map[int]*wrongs{}}
	for i := range maxLocks {
		l.wrong[i+1] = &wrongs{until: start.Add(time.Duration(1+i) * time.Minute)}
	}
	l.Wrong(-1, start)
	if len(l.wrong) != maxLocks {
		t.Errorf("%d keys are remembered", len(l.wrong))
	}
	if l.Left(1, start) != 0 || l.Left(2, start) == 0 {
		t.Error("another went than the one whose lock ends first")
	}
	l.Wrong(-2, start.Add(10*time.Minute+time.Second))
	if l.wrong[6] != nil {
		t.Error("a lock that is over is remembered though there was no room")
	}
	if l.wrong[21] == nil {
		t.Error("a lock that holds was given up for one that is over")
	}
}

// Locks double up to an hour, hold for their key alone, and begin anew after a right attempt.
func TestLocks(t *testing.T) {
	var l Table[string]
	now := start
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		for range MaxWrong {
			if l.Left("a", now) != 0 {
				t.Fatal("locked too early")
			}
			l.Wrong("a", now)
		}
		if left := l.Left("a", now); left != want*time.Minute || l.Left("b", now) != 0 {
			t.Fatalf("locked for %s, want %s min", left, want)
		}
		now = now.Add(l.Left("a", now))
	}
	l.Right("a")
	for range MaxWrong - 1 {
		l.Wrong("a", now)
	}
	if l.Left("a", now) != 0 {
		t.Error("wrong attempts before the right one count")
	}
}

// The figures are those of docs/access.md: five in a row, and a bound on what is remembered. Keys that are not locked go
// when there is no room.
func TestFigures(t *testing.T) {
	var l Table[int]
	for n := range 5 {
		if l.Left(1, start) != 0 {
			t.Errorf("locked after %d", n)
		}
		l.Wrong(1, start)
	}
	if left := l.Left(1, start); left != time.Minute || l.Left(1, start.Add(time.Minute)) != 0 {
		t.Errorf("locked for %s", left)
	}
	for k := 2; k <= 4096; k++ {
		l.Wrong(k, start)
	}
	if len(l.wrong) != 4096 {
		t.Errorf("%d keys are remembered", len(l.wrong))
	}
	if l.Wrong(5000, start.Add(time.Second)); len(l.wrong) != 2 || l.wrong[1] == nil || l.wrong[5000].count != 1 {
		t.Errorf("%d keys are remembered after one more", len(l.wrong))
	}
}

// A right attempt ends the row of wrong ones, and the next lock is a minute again.
func TestRightForgets(t *testing.T) {
	var l Table[string]
	wrong := func(n int) {
		for range n {
			l.Wrong("a", start)
		}
	}
	wrong(MaxWrong - 1)
	l.Right("a")
	if wrong(MaxWrong - 1); l.Left("a", start) != 0 {
		t.Error("wrong attempts before the right one count")
	}
	wrong(1 + MaxWrong)
	l.Right("a")
	if l.Left("a", start) != 0 {
		t.Error("locked after a right attempt")
	}
	if wrong(MaxWrong); l.Left("a", start) != time.Minute {
		t.Errorf("locked for %s", l.Left("a", start))
	}
}
