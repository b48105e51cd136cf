package ledger

import (
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// next makes the batch of what follows a row in a class: of rows, or of rows that were removed.
func (l lane) next(class observation.Class, after int64) Batch {
	following, err := l.j.Next(class, after, journal.Limits{Rows: 500, Bytes: 1 << 20, Removed: 500})
	if err != nil {
		l.t.Fatal(err)
	}
	if len(following.Removed) == 0 {
		return l.batch(class, after, len(following.Rows))
	}
	var rows []wire.RemovedRow
	for _, r := range following.Removed {
		rows = append(rows, wire.RemovedRow(r))
	}
	return Batch{laneOne, wire.NewGap(l.j.Identity().ID, class, after, rows)}
}

// pruned is a journal of which acknowledged rows were removed.
func pruned(t *testing.T) lane {
	lane := newLane(t, 14_000)
	for _, class := range observation.Classes {
		lane.j.SetAcked(class, lane.j.Last(class))
	}
	for _, class := range []observation.Class{observation.Class_CLASS_TELEMETRY, observation.Class_CLASS_EVENT} {
		if n, err := lane.j.PruneRows(t.Context(), class, 1200, 1); n == 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	return lane
}

// drain applies all that follows the ledger's cursors and returns the last answer.
func drain(t *testing.T, l *Ledger, lane lane) (last *wire.Ack) {
	t.Helper()
	for _, c := range apply(t, l, lane.hello()).Cursors {
		for after := c.Idx; after < lane.j.Last(c.Class); {
			if last = apply(t, l, lane.next(c.Class, after)); last.Refusal != 0 || last.Cursors[0].GoBack {
				t.Fatalf("class %s after %d: %v", c.Class.Name(), after, last)
			}
			after = last.Cursors[0].Idx
		}
	}
	return last
}

// A ledger that was lost gets the leaf hashes of rows that are gone from the lane: all roots are checked, verify is right
// about which rows are missing, and misses one that somebody deleted.
func TestLedgerWithoutRemovedRows(t *testing.T) {
	lane, dir := pruned(t), t.TempDir()
	l := open(t, dir)
	a := drain(t, l, lane)
	apply(t, l, lane.hello())
	if size, _ := lane.j.Checkpoint(); a.Refusal != 0 || size == 0 {
		t.Fatalf("%v of %d rows", a, size)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir) // and after a restart it goes on
	if a := apply(t, l, lane.hello()); a.Verified != lane.j.Size() {
		t.Errorf("verified %d of %d rows: %v", a.Verified, lane.j.Size(), a)
	}
	lane.commit(100)
	drain(t, l, lane)
	audits, err := Audit(t.Context(), place(dir), "")
	if err != nil || len(audits) != 1 || !audits[0].Report.OK() || audits[0].Report.Removed < 2000 {
		t.Fatalf("%+v, %v", audits, err)
	}
	if err := sqlOf(l).Exec("DELETE FROM observation WHERE idx=21"); err != nil {
		t.Fatal(err)
	}
	if err := sqlOf(l).Exec("INSERT INTO gap(owner, idx, class, leaf) SELECT 1, 21, 1, leaf FROM gap LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	if audits, err := Audit(t.Context(), place(dir), ""); err == nil && audits[0].Report.OK() {
		t.Error("an alarm that became a gap is not missed")
	}
}

// A leaf hash that is wrong shows at the next checkpoint; a row that the ledger holds is no gap.
func TestFalseGaps(t *testing.T) {
	lane := pruned(t)
	l := open(t, t.TempDir())
	apply(t, l, lane.hello())
	b := lane.next(observation.Class_CLASS_TELEMETRY, -1)
	if len(b.Body.GapLeaves) == 0 {
		t.Fatal("no gap")
	}
	b.Body.GapLeaves[40]++
	apply(t, l, b)
	refused := false
	for _, class := range observation.Classes {
		after := int64(-1)
		if class == observation.Class_CLASS_TELEMETRY {
			gap, err := b.Body.Gap()
			if err != nil {
				t.Fatal(err)
			}
			after = gap[len(gap)-1].Idx
		}
		for after < lane.j.Last(class) && !refused {
			a := apply(t, l, lane.next(class, after))
			if refused = a.Refusal == wire.Refusal_REFUSAL_EVIDENCE; !refused {
				after = a.Cursors[0].Idx
			}
		}
	}
	if a := apply(t, l, lane.hello()); !refused && a.Refusal != wire.Refusal_REFUSAL_EVIDENCE {
		t.Errorf("a wrong leaf hash is accepted: %v", a)
	}

	l = open(t, t.TempDir())
	lane = newLane(t, 600)
	apply(t, l, lane.hello())
	apply(t, l, lane.batch(observation.Class_CLASS_ALARM, -1, 10))
	gap := wire.NewGap(lane.j.Identity().ID, observation.Class_CLASS_EVENT, -1, []wire.RemovedRow{{Idx: 0}})
	if a := apply(t, l, Batch{laneOne, gap}); a.Refusal != 0 || a.Cursors[0].Idx != 0 {
		t.Errorf("row 0 is an alarm that the ledger holds, and comes as lost: %v", a)
	}
	if n, err := sqlOf(l).Int("SELECT count(*) FROM gap", 0); err != nil || n != 0 {
		t.Errorf("%d gaps where the ledger holds the row, %v", n, err)
	}
	malformed := []*wire.Batch{
		{GapDelta: []uint64{1}}, {GapLeaves: make([]byte, 32)}, {GapDelta: []uint64{0}, GapLeaves: make([]byte, 32)},
		{GapDelta: []uint64{1 << 63}, GapLeaves: make([]byte, 32)}, {Prev: -5, GapDelta: []uint64{1}, GapLeaves: make([]byte, 32)},
		{GapDelta: []uint64{1}, GapLeaves: make([]byte, 32), IdxDelta: []uint64{1}}, {GapDelta: make([]uint64, wire.MaxRows+1), GapLeaves: make([]byte, 32*(wire.MaxRows+1))},
	}
	for i, m := range malformed {
		m.Journal, m.Class = lane.j.Identity().ID, observation.Class_CLASS_TELEMETRY
		if m.Prev == 0 {
			m.Prev = -1
		}
		if a := apply(t, l, Batch{laneOne, m}); a.Refusal == 0 {
			t.Errorf("malformed gap %d is accepted: %v", i, a)
		}
	}
}

// TestGapUnreadable: rows that the agent no longer has are not noted while it cannot be read whether the ledger holds them.
func TestGapUnreadable(t *testing.T) {
	from, l := newLane(t, 10), open(t, t.TempDir())
	apply(t, l, from.hello())
	apply(t, l, from.batch(alarms, -1, 1)) // row 0
	gap := Batch{laneOne, wire.NewGap(from.j.Identity().ID, events, -1, []wire.RemovedRow{{Idx: 0}})}
	fault := unreadable("class")
	must(t, l, fault[0])
	if filed(l, gap) {
		t.Error("it is acknowledged")
	}
	must(t, l, fault[1])
	if n, err := sqlOf(l).Int("SELECT count(*) FROM gap", 0); n != 0 || err != nil || !filed(l, gap) {
		t.Errorf("%d rows are noted, %v", n, err)
	}
}
