package ledger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

const (
	alarms    = observation.Class_CLASS_ALARM
	events    = observation.Class_CLASS_EVENT
	telemetry = observation.Class_CLASS_TELEMETRY
)

// filed reports whether the ledger acknowledged a message: neither an error nor a refusal.
func filed(l *Ledger, m Message) bool {
	answers, err := l.Apply([]Message{m})
	return err == nil && len(answers) == 1 && answers[0].Ack.Refusal == 0
}

// must runs SQL statements.
func must(t *testing.T, l *Ledger, statements string) {
	t.Helper()
	if strings.Contains(statements, "TRIGGER") {
		sqliteOnly(t, "the fault is a trigger as SQLite writes it")
	}
	if err := sqlOf(l).Script(statements); err != nil {
		t.Fatal(err)
	}
}

// verified returns how many rows of the only journal are verified, and how many stand in its evidence log.
func verified(t *testing.T, l *Ledger) (verified, contiguous int64) {
	t.Helper()
	all, err := l.allJournals()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d journals, %v", len(all), err)
	}
	return all[0].Verified, all[0].Contiguous
}

// unreadable are statements that begin and end a fault: rows can be written, but a column of them cannot be read.
func unreadable(column string) [2]string {
	const columns = "seq, owner, idx, class, t, device, kind, body"
	shown := strings.Replace(columns, column+",", "abs(-9223372036854775808) AS "+column+",", 1)
	values := "NEW." + strings.ReplaceAll(columns, ", ", ", NEW.")
	return [2]string{
		"ALTER TABLE observation RENAME TO away; CREATE VIEW observation AS SELECT " + shown + " FROM away; " +
			"CREATE TRIGGER put INSTEAD OF INSERT ON observation BEGIN INSERT INTO away VALUES(" + values + "); END",
		"DROP VIEW observation; ALTER TABLE away RENAME TO observation",
	}
}

// TestDatabaseErrorsUndoABatch: a batch is not acknowledged while one of the tables that it goes into cannot be
// written, whichever that is; nothing of it is kept, and the same batch is accepted when the table can be written
// again.
func TestDatabaseErrorsUndoABatch(t *testing.T) {
	rename := func(table string) [2]string {
		return [2]string{"ALTER TABLE " + table + " RENAME TO away", "ALTER TABLE away RENAME TO " + table}
	}
	refuses := func(what string) [2]string {
		return [2]string{"CREATE TRIGGER no BEFORE " + what + " BEGIN SELECT RAISE(ABORT, 'no'); END", "DROP TRIGGER no"}
	}
	inOrder := []observation.Class{alarms, telemetry, events}
	eventsFirst := []observation.Class{events, telemetry, alarms}
	for name, c := range map[string]struct {
		fault [2]string // statements that begin and end it
		order []observation.Class
		rows  int // of the last batch, to which the fault comes
	}{
		"rows": {rename("observation"), inOrder, 1000},
		"rows that can be read only": {[2]string{
			"ALTER TABLE observation RENAME TO away; CREATE VIEW observation AS SELECT * FROM away",
			"DROP VIEW observation; ALTER TABLE away RENAME TO observation",
		}, inOrder, 1000},
		"rows break a rule":                     {refuses("INSERT ON observation"), inOrder, 1000},
		"a tile of rows of the batch":           {rename("tile"), inOrder, 1000},
		"a tile of rows that waited between":    {rename("tile"), eventsFirst, 1000},
		"a tile of rows that waited at the end": {rename("tile"), eventsFirst, 37}, // alarms up to row 252
		"waiting checkpoints":                   {rename("pending"), inOrder, 1000},
		"a checkpoint that is settled":          {refuses("DELETE ON pending"), inOrder, 1000},
		"checkpoints":                           {rename("checkpoint"), inOrder, 1000},
		"rows that wait":                        {unreadable("t"), inOrder, 1000},
		"rows that were removed":                {rename("gap"), inOrder, 1000},
		"artifacts":                             {rename("artifact_row"), inOrder, 1000},
		"cursors":                               {rename("cursor"), inOrder, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(c.fault[0], "VIEW") {
				sqliteOnly(t, "PostgreSQL writes through a view")
			}
			from := newLane(t, 270)
			if name == "artifacts" {
				commitArtifacts(t, from, []byte("pixels"))
			}
			l := open(t, t.TempDir())
			apply(t, l, from.hello())
			for _, class := range c.order[:2] {
				apply(t, l, from.batch(class, -1, 1000))
			}
			last := from.batch(c.order[2], -1, c.rows)
			before, _ := l.Durable()
			must(t, l, c.fault[0])
			if filed(l, last) {
				t.Error("the batch is acknowledged")
			}
			must(t, l, c.fault[1])
			if now, _ := l.Durable(); now != before {
				t.Errorf("the newest row is %d, and was %d before", now, before)
			}
			if !filed(l, last) {
				t.Fatal("the batch is not accepted when the table is there again")
			}
			if c.rows < 1000 {
				apply(t, l, from.batch(c.order[2], last.Body.Prev+252+1, 1000))
			}
			if v, n := verified(t, l); v != from.j.Size() || n != from.j.Size() {
				t.Errorf("%d rows are verified, %d are without holes, of %d", v, n, from.j.Size())
			}
		})
	}
}

// TestBatchSizes: batches of as many rows as one statement takes, one fewer, one more, and several times as many are
// all kept, row by row.
func TestBatchSizes(t *testing.T) {
	for _, n := range []int{1, 32 - 1, 32, 32 + 1, 3*32 + 5} {
		from, l := newLane(t, 0), open(t, t.TempDir())
		from.commitAs(telemetry, n)
		apply(t, l, from.hello())
		if a := apply(t, l, from.batch(telemetry, -1, n)); a.Verified != int64(n) {
			t.Errorf("batch of %d rows: %d are verified", n, a.Verified)
		}
		if all, err := l.Events(0, 1000, Filter{}); err != nil || len(all) != n {
			t.Errorf("batch of %d rows: %d are in the feed, %v", n, len(all), err)
		}
	}
}

// commitAs adds rows of one class in one transaction.
func (l lane) commitAs(class observation.Class, rows int) {
	all := make([]*observation.Observation, rows)
	for i := range all {
		all[i] = observation.New(class, time.Unix(1, 0), &observation.RadiationTamper{Tripped: true})
		all[i].Device = "rpm-1"
	}
	if _, err := l.j.Commit(l.t.Context(), all...); err != nil {
		l.t.Fatal(err)
	}
}

// TestEmptyBodies: rows without a body are rows like others.
func TestEmptyBodies(t *testing.T) {
	from, l := newLane(t, 50), open(t, t.TempDir())
	apply(t, l, from.hello())
	rows := make([]wire.Row, 3)
	for i := range rows {
		rows[i] = wire.Row{Idx: int64(i), Time: 1, Device: "rpm-1", Kind: observation.Kind_KIND_RADIATION_TAMPER}
	}
	b := wire.NewBatch(from.j.Identity().ID, telemetry, -1, rows)
	b.Bodies = nil
	if a := apply(t, l, Batch{laneOne, b}); a.Refusal != 0 || a.Cursors[0].Idx != 2 {
		t.Errorf("%v", a)
	}
	if n, err := sqlOf(l).Int("SELECT count(*) FROM observation WHERE length(body)=0", 0); n != 3 || err != nil {
		t.Errorf("%d rows with an empty body, %v", n, err)
	}
}

// TestAlteredRowIsNamed: the refusal says over which rows the root differs; nothing of the journal is accepted any
// more, and nothing counts as verified.
func TestAlteredRowIsNamed(t *testing.T) {
	from, dir := newLane(t, 60), t.TempDir()
	l := open(t, dir)
	apply(t, l, from.hello())
	altered := from.batch(alarms, -1, 100)
	altered.Body.Bodies[0] ^= 1
	apply(t, l, altered)
	apply(t, l, from.batch(events, -1, 100))
	a := apply(t, l, from.batch(telemetry, -1, 100))
	if a.Refusal != wire.Refusal_REFUSAL_EVIDENCE || !strings.Contains(a.RefusalText, "rows 0 to 59 ") {
		t.Errorf("%v %q", a.Refusal, a.RefusalText)
	}
	if v, _ := verified(t, l); v != 0 {
		t.Errorf("%d rows are verified", v)
	}
	from.commitAs(telemetry, 5)
	for range 2 {
		if filed(l, from.batch(telemetry, 59, 10)) {
			t.Error("more of the journal is accepted")
		}
		l.Close()
		l = open(t, dir) // the refusal is kept
	}
}

// TestContradictionIsForGood: a journal that gives an index twice is refused from then on, also over a restart, and
// the refusal names the row and both classes.
func TestContradictionIsForGood(t *testing.T) {
	from, dir := newLane(t, 60), t.TempDir()
	l := open(t, dir)
	apply(t, l, from.hello())
	for _, class := range observation.Classes {
		apply(t, l, from.batch(class, -1, 100))
	}
	rows := []wire.Row{
		{Idx: 58, Time: 1, Device: "lpr-1", Kind: observation.Kind_KIND_VEHICLE_PLATE, Body: []byte{}},
		{Idx: 61, Time: 1, Device: "lpr-1", Kind: observation.Kind_KIND_VEHICLE_PLATE, Body: []byte{}},
	}
	a := apply(t, l, Batch{laneOne, wire.NewBatch(from.j.Identity().ID, alarms, from.j.Last(alarms), rows)})
	want := fmt.Sprintf("row 58 comes as %s, but the hub holds another row 58 of this journal, of class %s",
		alarms.Name(), telemetry.Name())
	if a.Refusal != wire.Refusal_REFUSAL_EVIDENCE || !strings.Contains(a.RefusalText, want) {
		t.Errorf("%v %q, want %q", a.Refusal, a.RefusalText, want)
	}
	from.commitAs(telemetry, 5)
	for range 2 {
		a := apply(t, l, from.batch(telemetry, 59, 10))
		if a.Refusal != wire.Refusal_REFUSAL_EVIDENCE || !strings.Contains(a.RefusalText, want) {
			t.Errorf("a sound batch afterwards: %v %q", a.Refusal, a.RefusalText)
		}
		l.Close()
		l = open(t, dir)
	}
}

// TestContradictionThatCannotBeRead: whether a row contradicts one that is held is not said while that cannot be read:
// the agent is not refused for it.
func TestContradictionThatCannotBeRead(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	apply(t, l, from.hello())
	for _, class := range observation.Classes {
		apply(t, l, from.batch(class, -1, 100))
	}
	row := wire.Row{Idx: 58, Time: 1, Device: "lpr-1", Kind: observation.Kind_KIND_VEHICLE_PLATE, Body: []byte{}}
	m := Batch{laneOne, wire.NewBatch(from.j.Identity().ID, alarms, from.j.Last(alarms), []wire.Row{row})}
	fault := unreadable("class")
	must(t, l, fault[0])
	if answers, err := l.Apply([]Message{m}); err == nil {
		t.Errorf("answered %v", answers[0].Ack)
	}
	must(t, l, fault[1])
	if a := apply(t, l, m); a.Refusal != wire.Refusal_REFUSAL_EVIDENCE || !strings.Contains(a.RefusalText, "row 58") {
		t.Errorf("%v %q", a.Refusal, a.RefusalText)
	}
}
