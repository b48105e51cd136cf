package passage

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage/detection"
)

// brokenAt is a journal that cannot be read.
type brokenAt struct{ *shelf }

func (brokenAt) Read(int64, int) ([]journal.Row, error) { return nil, io.ErrUnexpectedEOF }

// TestUnreadableJournal: what cannot be read is an error at the start, when it is searched and when a row is fetched.
func TestUnreadableJournal(t *testing.T) {
	s := newShelf()
	a := start(t, s, twoLanes())
	a.takes(through(0, "AAA111")...)
	a.waits(300)
	f := NewFollower(brokenAt{s}, twoLanes(), slog.New(slog.DiscardHandler))
	if err := f.restore(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("at the start: %v", err)
	}
	none := func(*journal.Row) error { return nil }
	if err := f.each(t.Context(), 0, 3, none); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("each row: %v", err)
	}
	if err := f.catchUp(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("new rows: %v", err)
	}
	if _, ok := f.fetch(0); ok {
		t.Error("a row is fetched")
	}
	n := 0
	if err := a.each(t.Context(), 2, 5, func(*journal.Row) error { n++; return nil }); err != nil || n != 3 {
		t.Errorf("%d rows of three, %v", n, err)
	}
	if err := a.each(t.Context(), 0, 1<<40, none); err != nil {
		t.Errorf("a part beyond the end: %v", err)
	}
	if err := a.each(t.Context(), 0, 5, func(*journal.Row) error { return io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("the error of a row: %v", err)
	}
}

// TestSearchErrors: a correction names a row of a device that is of a vehicle, and a passage that was opened.
func TestSearchErrors(t *testing.T) {
	a := start(t, newShelf(), twoLanes())
	a.takes(through(0, "AAA111")...)
	a.takes(seen("loop-1", 20, &observation.DeviceState{State: observation.DeviceState_STATE_RUNNING}))
	a.waits(300)
	id := a.said()["loop-1 0.00"]
	found, err := a.search(t.Context(), 0, id)
	if err != nil || !found.to || found.from.passage != id || found.from.reading == nil || found.row.Idx != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err = a.search(t.Context(), 0, "lane-1-x-0"); err != nil || found.to {
		t.Errorf("a passage that never was: %+v, %v", found, err)
	}
	state := int64(slices.IndexFunc(a.s.rows, func(r journal.Row) bool { return r.Key == "loop-1 20.00" }))
	for idx, want := range map[int64]string{int64(len(a.s.rows) - 1): "no record", 1 << 40: "no record",
		state: "is of no vehicle"} {
		if _, err := a.search(t.Context(), idx, id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("row %d: %v", idx, err)
		}
	}
}

// TestRestartKeepsWhatIsOpen: a passage that is open at a stop is taken up again, closed once, and can be corrected
// after it.
func TestRestartKeepsWhatIsOpen(t *testing.T) {
	s := newShelf()
	a := start(t, s, twoLanes())
	a.takes(through(0, "AAA111")[:3]...)
	a.waits(12)
	id := a.said()["loop-1 0.00"]
	if id == "" {
		t.Fatal("nothing is told")
	}
	b := start(t, s, twoLanes())
	if b.correlator.past != nil {
		t.Error("it still reads the past")
	}
	b.waits(12)
	v, g := b.correlator.passage(id)
	if v == nil || !v.opened || v.ended || !slices.Contains(g.active, v) {
		t.Fatalf("%+v", v)
	}
	b.waits(600)
	closed := 0
	for i := range s.rows {
		if o, err := s.rows[i].Observation(); err == nil && o.Body.GetPassageClosed().GetId() == id {
			closed++
		}
	}
	if closed != 1 {
		t.Errorf("it is closed %d times", closed)
	}
	b.puts("rpm-1 5.00", "")
	if got := b.said()["rpm-1 5.00"]; got != "" {
		t.Errorf("the corrected reading is in %q", got)
	}
}

// TestTickOnce: each second is dealt with once, however the clock is told; a step back of half a minute is a clock
// that was set.
func TestTickOnce(t *testing.T) {
	c := New(twoLanes())
	at := func(s float64) float64 {
		c.Tick(detection.Time(sec(s)))
		return c.now - sec(0)
	}
	for _, x := range []struct{ at, want float64 }{{10.7, 10}, {10.9, 10}, {12, 12}, {12 - clockStep, 12},
		{11.9 - clockStep, -19}, {500, 500}} {
		if got := at(x.at); got != x.want {
			t.Errorf("at %.1f s it is %.1f, not %.1f", x.at, got, x.want)
		}
	}
	c.Take(Row{1, loop("loop-1", 501)})
	if got := c.next(); got != c.now+1 {
		t.Errorf("with a vehicle the next second is %.0f", got-c.now)
	}
	if c.Flush(); c.next() != math.Inf(1) {
		t.Error("an hour later there is still something to do")
	}
}
