package passage

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// TestFollowerRefused: what the journal refuses is committed when it can be, once.
func TestFollowerRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a := start(t, s, twoLanes())
		a.takes(through(0, "AAA111")...)
		s.refuses = 3
		begin := time.Now()
		a.waits(300)
		if s.refuses != 0 || time.Since(begin) == 0 {
			t.Errorf("%d refusals are left after %v", s.refuses, time.Since(begin))
		}
		if id := a.said()["loop-1 0.00"]; id == "" {
			t.Error("it was not told in the end")
		}
	})
}

// TestFollowerRuns: a follower that runs tells of vehicles without being asked, also when no more rows come; a journal
// that cannot be read for a while ends nothing.
func TestFollowerRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		ctx, cancel := context.WithCancel(t.Context())
		f := NewFollower(s, twoLanes(), slog.New(slog.DiscardHandler))
		done := make(chan error)
		go func() { done <- f.Run(ctx) }()
		f.Passages(ctx) // it answers when it has read what there is
		s.mu.Lock()
		s.broken = true
		s.mu.Unlock()
		for _, o := range through(0, "AAA111") {
			if _, err := s.Commit(ctx, o); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(10 * time.Second)
		s.mu.Lock()
		s.broken = false
		s.mu.Unlock()
		<-time.After(10 * time.Minute)
		all, _, err := f.Passages(ctx)
		if err != nil || len(all) != 1 || all[0].Plate != "AAA111" || all[0].State != observation.PassageState_PASSAGE_STATE_CLOSED {
			t.Errorf("%v, %v", all, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, _, err := f.Passages(ctx); err == nil {
			t.Error("a follower that has ended answers")
		}
		if err := f.Correct(ctx, 0, "", "", "ada"); err == nil {
			t.Error("a follower that has ended corrects")
		}
	})
}

// writtenUnreadable is a journal that devices write to all the time and that cannot be read.
type writtenUnreadable struct {
	*shelf
	reads  int
	enough func() // called when it was read a thousand times
}

func (j *writtenUnreadable) Read(int64, int) ([]journal.Row, error) {
	if j.reads++; j.reads >= 1000 {
		j.enough()
	}
	return nil, io.ErrUnexpectedEOF
}

func (j *writtenUnreadable) Changed() <-chan struct{} {
	now := make(chan struct{})
	close(now)
	return now
}

// TestFollowerRetriesUnhurried: a journal that cannot be read is tried again every second, however often devices write
// to it meanwhile: an agent in trouble must not spend its processor and its log on that.
func TestFollowerRetriesUnhurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+tick/2)
		defer cancel()
		j := &writtenUnreadable{shelf: newShelf(), enough: cancel}
		if err := NewFollower(j, twoLanes(), slog.New(slog.DiscardHandler)).Run(ctx); err != nil {
			t.Error(err)
		}
		if j.reads != 11 {
			t.Errorf("it was tried %d times in ten seconds", j.reads)
		}
	})
}

// TestFollowerWithoutLanes: an agent whose lanes have no stations has no passages, and says so.
func TestFollowerWithoutLanes(t *testing.T) {
	f := NewFollower(newShelf(), []Lane{{ID: "lane-1"}}, slog.New(slog.DiscardHandler))
	if all, _, err := f.Passages(t.Context()); all != nil || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if err := f.Correct(t.Context(), 1, "", "", "ada"); !errors.Is(err, errNoStations) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestCorrected: when an observation happened by the agent's clock: its own time, less the offset of the clock that
// stamped it, and never later than it arrived.
func TestCorrected(t *testing.T) {
	a := start(t, newShelf(), twoLanes())
	for v := range 30 {
		at := 60 * float64(v)
		a.takes(loop("loop-1", at), ownClock(plate("lpr-1", at+0.5, "ABC123"), 80*time.Second), loop("loop-2", at+12))
	}
	plain := loop("loop-1", 5000)
	own := ownClock(plate("lpr-1", 5000, "ABC123"), 80*time.Second)
	near := dawn.Add(5000 * time.Second)
	if got := a.Corrected(plain); !got.Equal(plain.Time()) {
		t.Errorf("by the agent's clock: %v", got)
	}
	if got := a.Corrected(own); got.Sub(near).Abs() > 2*time.Second {
		t.Errorf("by its own clock: %v, not %v", got, near)
	}
	var none *Follower
	if got := none.Corrected(own); got.After(near.Add(early)) {
		t.Errorf("nobody knows the clock: %v is later than it arrived", got)
	}
	slow := ownClock(plate("lpr-2", 5000, "ABC123"), -time.Hour)
	if got := none.Corrected(slow); !got.Equal(slow.Time()) {
		t.Errorf("a clock that is behind, and that nobody knows: %v", got)
	}
}

// TestFollowerLags: while no rows come, the passages' time goes on two seconds behind the clock, from the last row on:
// the rows of that moment are still to come. Before the first row there is no time.
func TestFollowerLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := start(t, newShelf(), twoLanes())
		<-time.After(time.Hour)
		if a.tick(t.Context()); a.correlator.now != 0 {
			t.Errorf("the time is %.0f s before any row", a.correlator.now)
		}
		a.takes(loop("loop-1", 100))
		<-time.After(30 * time.Second)
		if a.tick(t.Context()); a.correlator.now != sec(128) {
			t.Errorf("%.0f s after the row the time is %.0f s on", 30.0, a.correlator.now-sec(100))
		}
		<-time.After(10 * time.Second)
		if a.tick(t.Context()); a.correlator.now != sec(138) {
			t.Errorf("%.0f s after the row the time is %.0f s on", 40.0, a.correlator.now-sec(100))
		}
	})
}

// TestFollowerLogs: what cannot be committed is said in the log each time, until it is.
func TestFollowerLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		var log strings.Builder
		f := NewFollower(s, twoLanes(), slog.New(slog.NewTextHandler(&log, nil)))
		s.refuses = 2
		o := loop("loop-1", 0)
		if f.commit(t.Context(), []*observation.Observation{o}); len(s.rows) != 1 || strings.Count(log.String(), "not committed") != 2 {
			t.Errorf("%d rows, %q", len(s.rows), log.String())
		}
		if f.commit(t.Context(), nil); s.refuses != 0 || len(s.rows) != 1 {
			t.Error("nothing is committed")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s.refuses = 1 << 30
		f.commit(ctx, []*observation.Observation{o})
		if n := 1<<30 - s.refuses; n < 5 || n > 30 {
			t.Errorf("tried %d times within a minute", n)
		}
	})
}
