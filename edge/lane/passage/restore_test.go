package passage

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// TestBoundary: which rows were decided before a stop.
func TestBoundary(t *testing.T) {
	rows := func(n int, every float64) (out []arrival) {
		for i := range n {
			out = append(out, arrival{int64(2 * i), float64(i) * every})
		}
		return out
	}
	for _, c := range []struct {
		name string
		rows []arrival
		last int64
		want int64
	}{
		{"few rows", rows(90, 100), 178, 0},
		{"all came lately", rows(300, 0.1), 598, 0},
		{"rows every minute", rows(300, 60), 598, 2*199 + 1},                      // a hundred before the last
		{"rows every second", rows(2000, 1), 3998, 2*1398 + 1},                    // ten minutes before
		{"nothing was said of the last thousand", rows(2000, 60), 1998, 1798 + 1}, // a hundred before what was said
		{"nothing was ever said", rows(300, 60), -1, 2*199 + 1},
		{"only the first row was spoken of", rows(300, 60), 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := boundary(c.rows, c.last, 600, 100); got != c.want {
				t.Errorf("row %d, not %d", got, c.want)
			}
		})
	}
}

// TestHistory: what the journal's rows say of passages, folded.
func TestHistory(t *testing.T) {
	reading := func(idx int64, confidence float32, class observation.Class) *observation.PassageReading {
		return &observation.PassageReading{Idx: idx, Confidence: confidence, TimeNs: 1000 - idx, Class: uint32(class), Terms: []*observation.PassageTerm{{}}}
	}
	event, alarm := observation.Class_CLASS_EVENT, observation.Class_CLASS_ALARM
	h := newHistory()
	many := []arrival{{0, 0}, {1, 60}, {2, 120}, {3, 180}}
	if got := boundary(many, h.farthest, 1, 1); got != 3 {
		t.Errorf("while nothing is said of any row, those below %d are decided", got)
	}
	for i, body := range []proto.Message{
		&observation.PassageOpened{Id: "a", Lane: "lane-1", Readings: []*observation.PassageReading{reading(1, 0.9, event), reading(2, 0.7, alarm)}},
		&observation.PassageOpened{Id: "b", Lane: "lane-1"},
		&observation.PassageUpdated{Id: "a", Readings: []*observation.PassageReading{reading(1, 0.99, event)}},
		&observation.PassageCorrected{Idx: 2, From: "a", To: "b", By: byLane, Reading: reading(2, 0.8, alarm)},
		&observation.PassageCorrected{Idx: 2, From: "b", To: "a", By: "ada"}, // of before readings stood in corrections
		&observation.PassageClosed{Id: "b"},
		&observation.DeviceCondition{Condition: muteCondition, Subject: "lpr-1"},
		&observation.DeviceCondition{Condition: muteCondition, Subject: "lpr-2"},
		&observation.DeviceCondition{Condition: muteCondition, Subject: "lpr-2", Cleared: true},
		&observation.DeviceCondition{Condition: "disk-full", Subject: "disk"},
	} {
		o := observation.New(event, dawn, body)
		text, err := proto.Marshal(o.Body)
		if err != nil {
			t.Fatal(err)
		}
		row := &journal.Row{Idx: int64(i), Device: observation.AgentDevice, Kind: o.Body.Kind(), Body: text}
		if err := h.note(row); err != nil {
			t.Fatal(err)
		}
	}
	unreadable := &journal.Row{Device: "loop-1", Kind: observation.Kind_KIND_VEHICLE_DETECTION, Body: []byte{0xff}}
	if err := h.note(unreadable); err != nil {
		t.Errorf("a device's row says nothing of passages: %v", err)
	}
	if s := h.last[1]; s.passage != "a" || s.reading.Confidence != 0.99 {
		t.Errorf("%v", s)
	}
	if lane, last := h.lane[2], h.last[2]; lane.passage != "b" || last.passage != "a" || last.reading.GetConfidence() != 0.8 {
		t.Errorf("%v, %v", lane, last)
	}
	if h.opened["a"] != "lane-1" || h.closed["b"] == nil || h.closed["a"] != nil || len(h.mute) != 1 || !h.mute["lpr-1"] || h.farthest != 2 {
		t.Errorf("%+v", h)
	}
	doc := h.lost("a", 2)
	if len(doc.Readings) != 2 || doc.Readings[0].Idx != 2 || !doc.Alarm || doc.Confidence != 0.8 || doc.OpenedNs != 998 || doc.Lane != "lane-1" ||
		doc.End != observation.PassageEnd_PASSAGE_END_RESTART || len(doc.Readings[0].Terms) != 0 {
		t.Errorf("%v", doc)
	}
	if h.note(&journal.Row{Device: observation.AgentDevice, Kind: observation.Kind_KIND_PASSAGE_OPENED, Body: []byte{0xff}}) == nil {
		t.Error("a row that cannot be read is passed over")
	}
}

// uniform is a journal of so many rows, of which every so many-th is of a vehicle; the others are the agent's own.
type uniform struct {
	*shelf
	size, every int64
}

func (j uniform) Size() int64 { return j.size }

func (j uniform) Read(from int64, most int) (out []journal.Row, err error) {
	for i := from; i < min(j.size, from+int64(most)); i++ {
		r := journal.Row{Idx: i, Device: observation.AgentDevice, Kind: observation.Kind_KIND_PASSAGE_OPENED}
		if j.every > 0 && i%j.every == 0 {
			r.Device, r.Kind = "loop-1", observation.Kind_KIND_VEHICLE_DETECTION
		}
		out = append(out, r)
	}
	return out, nil
}

// TestRestoreFrom: at the start the journal is read back far enough for the detections that count, and no farther, so
// that an agent with years of rows starts as quickly as one with a week of them.
func TestRestoreFrom(t *testing.T) {
	for _, c := range []struct {
		name        string
		size, every int64
		want        int64 // rows that are read
	}{
		{"empty", 0, 1, 0},
		{"few rows", 3000, 1, 3000},
		{"all are of vehicles", 100_000, 1, restoreRows},
		{"every fourth is", 200_000, 4, 4 * restoreRows},
		{"none is", 2_000_000, 0, restoreMost},
	} {
		f := NewFollower(uniform{newShelf(), c.size, c.every}, twoLanes(), slog.New(slog.DiscardHandler))
		from, err := f.restoreFrom(c.size)
		if read := c.size - from; err != nil || read < c.want || read >= c.want+restoreChunk {
			t.Errorf("%s: %d rows are read, %v", c.name, read, err)
		}
	}
}

// TestEachEnds: reading the journal ends with the context, and an error of a row names that row.
func TestEachEnds(t *testing.T) {
	s := newShelf()
	a := start(t, s, twoLanes())
	for v := range 5 {
		a.takes(through(60*float64(v), "AAA111")...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := a.each(ctx, 0, 1<<40, func(*journal.Row) error {
		n++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) && n != len(s.rows) { // as much as was read already
		t.Errorf("%d rows, %v", n, err)
	}
	if err := a.each(ctx, 0, 1<<40, func(*journal.Row) error { t.Error("a row"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	unreadable := journal.Row{Idx: 25, Device: observation.AgentDevice, Kind: observation.Kind_KIND_PASSAGE_OPENED, Body: []byte{0xff}}
	if err := newHistory().note(&unreadable); err == nil || !strings.Contains(err.Error(), "25") {
		t.Errorf("the error does not name row 25: %v", err)
	}
	for int64(len(s.rows)) < 25 {
		a.takes(loop("loop-1", 1000+float64(len(s.rows))))
	}
	unreadable.Idx = int64(len(s.rows))
	s.rows = append(s.rows, unreadable)
	if _, err := a.search(t.Context(), 0, ""); err == nil || !strings.Contains(err.Error(), strconv.Itoa(len(s.rows)-1)) {
		t.Errorf("the error does not name row %d: %v", len(s.rows)-1, err)
	}
	for idx, want := range map[int64]string{12345: "12345"} {
		if _, err := a.search(t.Context(), idx, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name row %d: %v", idx, err)
		}
	}
	var log strings.Builder
	a.log = slog.New(slog.NewTextHandler(&log, nil))
	broken := journal.Row{Idx: 77, Device: "loop-1", Kind: observation.Kind_KIND_VEHICLE_DETECTION, Body: []byte{0xff}}
	if _, ok := a.row(&broken); ok || !strings.Contains(log.String(), "idx=77") {
		t.Errorf("a row that cannot be read: %v, %q", ok, log.String())
	}
}
