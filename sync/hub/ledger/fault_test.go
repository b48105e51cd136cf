package ledger

import (
	"strings"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// TestGapExtendsTheLog: rows that the agent removed extend the evidence log at once, also when nothing follows them.
func TestGapExtendsTheLog(t *testing.T) {
	from, l := newLane(t, 0), open(t, t.TempDir())
	from.commitAs(telemetry, 12)
	apply(t, l, from.hello())
	rows, err := from.j.ReadClass(telemetry, -1, 100, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	removed := make([]wire.RemovedRow, len(rows))
	for i, r := range rows {
		removed[i] = wire.RemovedRow{Idx: r.Idx}
	}
	a := apply(t, l, Batch{laneOne, wire.NewGap(from.j.Identity().ID, telemetry, -1, removed[:11])})
	if _, n := verified(t, l); n != 11 || a.Cursors[0].Idx != 10 || a.Cursors[0].Class != telemetry {
		t.Errorf("%d rows are without holes, %v", n, a)
	}
}

// TestGapThatCannotBeCompared: whether a removed row is held is not guessed while that cannot be read.
func TestGapThatCannotBeCompared(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	apply(t, l, from.hello())
	apply(t, l, from.batch(events, -1, 100)) // row 0 is an alarm, so that the log does not begin
	first := from.batch(events, -1, 1).Body
	rows, err := first.Rows()
	if err != nil {
		t.Fatal(err)
	}
	gap := Batch{laneOne, wire.NewGap(from.j.Identity().ID, telemetry, -1, []wire.RemovedRow{{Idx: rows[0].Idx}})}
	fault := unreadable("class")
	must(t, l, fault[0])
	if answers, err := l.Apply([]Message{gap}); err == nil {
		t.Errorf("answered %v", answers[0].Ack)
	}
	must(t, l, fault[1])
	if n, err := sqlOf(l).Int("SELECT count(*) FROM gap", 0); n != 0 || err != nil {
		t.Errorf("%d gaps, %v", n, err)
	}
	if a := apply(t, l, gap); a.Refusal != 0 || a.Cursors[0].Idx != rows[0].Idx {
		t.Errorf("%v", a)
	}
}

// TestWaitingCheckpointThatCannotBeRead: a batch is not acknowledged while the checkpoints that it makes due cannot be
// read: they would be forgotten unchecked.
func TestWaitingCheckpointThatCannotBeRead(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	apply(t, l, from.hello())
	apply(t, l, from.batch(alarms, -1, 100))
	apply(t, l, from.batch(events, -1, 100))
	last := from.batch(telemetry, -1, 100)
	must(t, l, "ALTER TABLE pending RENAME TO away; CREATE VIEW pending AS SELECT owner, size, "+
		"abs(-9223372036854775808) AS note FROM away; CREATE TRIGGER gone INSTEAD OF DELETE ON pending BEGIN DELETE FROM away; END")
	if filed(l, last) {
		t.Error("the batch is acknowledged")
	}
	must(t, l, "DROP VIEW pending; ALTER TABLE away RENAME TO pending")
	if !filed(l, last) {
		t.Fatal("the batch is not accepted afterwards")
	}
	if v, _ := verified(t, l); v != 60 {
		t.Errorf("%d rows are verified", v)
	}
}

// TestOthersFaultUndoesAGroup: when the machine fails at one agent's messages, nothing of the others in the group is done,
// in the database and beside it: the part of an artifact that was complete for a moment is still there afterwards, and
// the same group is answered in full.
func TestOthersFaultUndoesAGroup(t *testing.T) {
	dir := t.TempDir()
	l, from, other := open(t, dir), newLane(t, 0), openAs(t, "lane-2", 1)
	const size = 30_000
	data, sum := from.keep(size)
	apply(t, l, from.hello())
	apply(t, l, from.batch(events, -1, 10))
	apply(t, l, other.helloAt(t, 10))
	if h := held(t, l, from.chunk(sum, data[:1000], 0, size)); h.Bytes != 1000 {
		t.Fatalf("%v", h)
	}
	row := wire.Row{Idx: 0, Time: 1, Device: "lpr-1", Kind: observation.Kind_KIND_VEHICLE_PLATE, Body: []byte{}}
	batch := Batch{Sender{Site: "demo", Agent: "lane-2"}, wire.NewBatch(other.id.ID, telemetry, -1, []wire.Row{row})}
	whole := from.chunk(sum, data, 0, size)
	before, changed := l.Durable()
	must(t, l, "ALTER TABLE observation RENAME TO away")
	if answers, err := l.Apply([]Message{whole, batch}); err == nil || !strings.HasPrefix(err.Error(), "ledger: ") {
		t.Fatalf("%v, %v", answers, err)
	}
	must(t, l, "ALTER TABLE away RENAME TO observation")
	select {
	case <-changed:
		t.Error("readers are woken for nothing")
	default:
	}
	if now, _ := l.Durable(); now != before {
		t.Errorf("the newest row is %d, and was %d", now, before)
	}
	apply(t, l, from.hello()) // a group that is committed
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	if h := held(t, l, from.chunk(sum, nil, 0, size)); h.Bytes != 1000 || h.Complete {
		t.Errorf("after the fault: %v", h)
	}
	answers, err := l.Apply([]Message{whole, batch})
	if err != nil || len(answers) != 2 || !answers[0].Ack.Artifacts[0].Complete || answers[1].Rows != 1 || answers[1].Agent != "lane-2" {
		t.Errorf("%v, %v", answers, err)
	}
}

// TestMalformedBatchCountsNothing: a batch that cannot be read is refused, and counts as no rows.
func TestMalformedBatchCountsNothing(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	apply(t, l, from.hello())
	m := from.batch(alarms, -1, 5)
	m.Body.IdxDelta = m.Body.IdxDelta[:2]
	answers, err := l.Apply([]Message{m})
	if err != nil || answers[0].Rows != 0 || answers[0].Ack.Refusal != wire.Refusal_REFUSAL_MALFORMED || answers[0].Defect != "" {
		t.Errorf("%+v, %v", answers, err)
	}
	late := from.batch(alarms, 0, 5)
	if answers, err = l.Apply([]Message{late}); err != nil || answers[0].Rows != 0 || !answers[0].Ack.Cursors[0].GoBack {
		t.Errorf("%+v, %v", answers, err)
	}
}

// TestPullThatCannotBeRead: who asks for an artifact gets an error while its rows cannot be read, and nothing of the group
// is done.
func TestPullThatCannotBeRead(t *testing.T) {
	from, l := newLane(t, 0), open(t, t.TempDir())
	_, sum := from.keep(30_000)
	apply(t, l, from.hello())
	batch := from.batch(events, -1, 10)
	apply(t, l, batch)
	from.commit(5)
	must(t, l, "ALTER TABLE artifact_row RENAME TO away")
	if answers, err := l.Apply([]Message{Pull{sum}}); err == nil {
		t.Errorf("answered %v", answers)
	}
	must(t, l, "ALTER TABLE away RENAME TO artifact_row")
	if answers, err := l.Apply([]Message{Pull{sum}}); err != nil || len(answers) != 1 || answers[0].Sender != laneOne {
		t.Errorf("%+v, %v", answers, err)
	}
}

// TestMachineFailsAtOneOfSeveral: when the machine fails after one agent's message was refused, the group is an error, and
// no agent is told that it was at fault.
func TestMachineFailsAtOneOfSeveral(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	apply(t, l, from.hello())
	for _, class := range observation.Classes {
		apply(t, l, from.batch(class, -1, 100))
	}
	contradicts := from.contradiction()
	from.commitAs(telemetry, 5)
	sound := from.batch(telemetry, 59, 10)
	must(t, l, "ALTER TABLE cursor RENAME TO away")
	if answers, err := l.Apply([]Message{sound, contradicts}); err == nil {
		t.Errorf("answered %+v", answers)
	}
	must(t, l, "ALTER TABLE away RENAME TO cursor")
	answers, err := l.Apply([]Message{sound, contradicts})
	if err != nil || len(answers) != 2 || answers[0].Rows != 5 || answers[0].Ack.Refusal != 0 ||
		answers[1].Ack.Refusal != wire.Refusal_REFUSAL_EVIDENCE {
		t.Errorf("%+v, %v", answers, err)
	}
}

// TestOthersFaultClosesParts: a part that grew in a group that was undone is not left open, and the agent goes on after
// what the file has.
func TestOthersFaultClosesParts(t *testing.T) {
	l, from, other := open(t, t.TempDir()), newLane(t, 0), openAs(t, "lane-2", 1)
	const size = 30_000
	data, sum := from.keep(size)
	apply(t, l, from.hello())
	apply(t, l, from.batch(events, -1, 10))
	must(t, l, "ALTER TABLE agent RENAME TO away")
	group := []Message{from.chunk(sum, data[:1000], 0, size), other.helloAt(t, 10)}
	if answers, err := l.Apply(group); err == nil {
		t.Fatalf("%+v", answers)
	}
	must(t, l, "ALTER TABLE away RENAME TO agent")
	if n := len(l.parts.touched); n != 0 {
		t.Errorf("%d parts are open", n)
	}
	if h := held(t, l, from.chunk(sum, data[1000:], 1000, size)); h.GoBack || !h.Complete {
		t.Errorf("%v", h)
	}
	if got := content(t, l, sum); string(got) != string(data) {
		t.Errorf("%d bytes are held", len(got))
	}
}
