package passage

import (
	"errors"
	"fmt"
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
	opened := slices.IndexFunc(s.rows, func(r journal.Row) bool { return r.Kind == observation.Kind_KIND_PASSAGE_OPENED })
	if _, ok := a.fetch(int64(opened)); ok || opened < 0 {
		t.Errorf("row %d, in which the agent opens a passage, is taken for a device's", opened)
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
	a.takes(through(200, "BBB222")...)
	a.takes(seen("loop-1", 220, &observation.DeviceState{State: observation.DeviceState_STATE_RUNNING}))
	a.waits(300)
	id := a.said()["loop-1 0.00"]
	found, err := a.search(t.Context(), 0, id)
	if err != nil || !found.to || found.from.passage != id || found.from.reading == nil || found.row.Idx != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err = a.search(t.Context(), 0, "lane-1-x-0"); err != nil || found.to {
		t.Errorf("a passage that never was: %+v, %v", found, err)
	}
	state := int64(slices.IndexFunc(a.s.rows, func(r journal.Row) bool { return r.Key == "loop-1 220.00" }))
	for idx, want := range map[int64]string{int64(len(a.s.rows) - 1): "no record", 1 << 40: "no record",
		state: fmt.Sprintf("record %d (device.state of loop-1) is of no vehicle", state)} {
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

// TestHeld: a detection waits eight seconds for those that happened before it and are reported later.
func TestHeld(t *testing.T) {
	d := newDay(t, twoLanes())
	d.Take(Row{0, loop("loop-1", 100)})
	d.Tick(dawn.Add(seconds(100 + hold - 1)))
	g := d.groups[0]
	if len(g.waiting) != 1 || g.window.Len() != 0 {
		t.Errorf("before that %d wait, %d are associated", len(g.waiting), g.window.Len())
	}
	d.Take(Row{1, loop("loop-1", 95)})
	if len(g.waiting) != 2 || g.waiting[0].At > g.waiting[1].At {
		t.Error("they do not wait in the order of their times")
	}
	d.Tick(dawn.Add(seconds(100 + hold)))
	if len(g.waiting) != 0 || g.window.Len() != 2 {
		t.Errorf("after that %d wait, %d are associated", len(g.waiting), g.window.Len())
	}
}

// TestPinOne: a person's word takes one reading out of what is to be decided, and it is known as that vehicle's own; what
// was let go is in memory again.
func TestPinOne(t *testing.T) {
	d := newDay(t, twoLanes())
	three(d)
	to := d.said()["loop-1 30.00"]
	d.take(loop("loop-1", 400), portal("rpm-1", 401, false))
	g := d.groups[0]
	if len(g.waiting) != 2 {
		t.Fatalf("%d wait", len(g.waiting))
	}
	d.Correlator.pin(&observation.PassageCorrected{Idx: d.row("loop-1 400.00"), To: to, By: "ada"})
	if len(g.waiting) != 1 || g.waiting[0].Device != "rpm-1" {
		t.Errorf("%d wait", len(g.waiting))
	}
	r, _ := d.find(d.row("loop-1 400.00"))
	if r == nil || r.foreign || r.vehicle == nil || r.vehicle.id != to || !r.final || !r.placed {
		t.Errorf("%+v", r)
	}
	idx := d.row("scale-1 13.00")
	delete(g.readings, idx) // as after a day
	d.Correlator.pin(&observation.PassageCorrected{Idx: idx, To: to, By: "ada"})
	if r, in := d.find(idx); r == nil || in != g || r.foreign {
		t.Errorf("it is not in memory again: %+v", r)
	}
	if v, _ := d.passage(d.said()["loop-3 41.00"]); v != nil {
		d.Correlator.pin(&observation.PassageCorrected{Idx: idx, To: v.id, By: "ada"})
	}
	if r, _ := d.find(idx); !r.foreign {
		t.Error("in another lane it is not called foreign")
	}
}

// TestDropKeeps: a passage is let go when it is over, counted and decided, and takes no late results any more, not before.
func TestDropKeeps(t *testing.T) {
	late := DefaultLate.Seconds()
	for name, c := range map[string]struct {
		change func(v *vehicle)
		want   bool // it is kept
	}{
		"over since long":  {func(*vehicle) {}, false},
		"open":             {func(v *vehicle) { v.closed = 0 }, true},
		"not counted":      {func(v *vehicle) { v.counted = false }, true},
		"not decided":      {func(v *vehicle) { v.readings[0].final = false }, true},
		"it may come late": {func(v *vehicle) { v.closed = sec(1) }, true},
	} {
		k := New(twoLanes())
		g := k.groups[0]
		v := sightings(g, "a", map[string]float64{"loop-1": -20})
		v.closed, v.counted = sec(0), true
		c.change(v)
		k.drop(g, sec(late))
		if kept := g.byID["a"] != nil; kept != c.want || len(g.vehicles) == 1 != c.want {
			t.Errorf("%s: kept %v", name, kept)
		}
	}
}

// TestTaught: vehicles that go through teach how heavy those of their length are, and how loud the lane's tags.
func TestTaught(t *testing.T) {
	lanes := twoLanes()
	lanes[0].Stations[1].Devices = append(lanes[0].Stations[1].Devices, "rfid-1")
	d := newDay(t, lanes)
	for v := range 40 {
		at := 60 * float64(v)
		tag := &observation.VehicleTag{Uri: "urn:epc:id:sgtin:1.2." + string(rune('A'+v)), Reads: 20, RssiMaxDbm: -52}
		d.take(loop("loop-1", at), seen("rfid-1", at+4, tag), portal("rpm-1", at+5, false), loop("loop-2", at+12),
			weight("scale-1", at+13, 12_000))
	}
	d.wait(400)
	m := d.groups[0].model
	if own, other := m.WeightLogRatio(7.5, 12_000), m.WeightLogRatio(7.5, 1500); own < other+2 {
		t.Errorf("12 t count %.2f, 1.5 t %.2f", own, other)
	}
	if usual, _, ok := m.TagLevel(d.groups[0].devices["rfid-1"]); !ok || usual < -53 || usual > -51 {
		t.Errorf("tags are heard with %.1f dBm, %v", usual, ok)
	}
	if usual, _, ok := m.TagLevel(d.groups[0].devices["loop-1"]); ok {
		t.Errorf("a loop hears tags with %.1f dBm", usual)
	}
}
