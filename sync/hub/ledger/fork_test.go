package ledger

import (
	"os"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// parted returns a journal of 60 rows to which 21 more came, and the same 60 rows, restored from an image, to which 35
// others came.
func parted(t *testing.T) (original, fork lane) {
	dir, image := t.TempDir(), t.TempDir()
	first := openLane(t, dir, 60)
	if err := first.j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(image, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	original, fork = openLane(t, dir, 21), openLane(t, image, 0)
	fork.commitAs(observation.Class_CLASS_ALARM, 1) // so that no later row is of its original's class
	fork.commit(34)
	return original, fork
}

// sendAs files all rows of a journal, after the hello's cursors, under an id of its own when it is a fork.
func sendAs(t *testing.T, l *Ledger, from lane, to Sender, fork bool) *wire.Ack {
	t.Helper()
	hello := from.hello()
	hello.From = to
	if fork {
		hello.Body.ForkOf = hello.Body.Journal
		hello.Body.Journal = wire.ForkID(hello.Body.Journal, hello.Body.Checkpoint)
	}
	a := apply(t, l, hello)
	for _, c := range a.Cursors {
		for after := c.Idx; after < from.j.Last(c.Class); {
			b := from.next(c.Class, after)
			b.From, b.Body.Journal = to, hello.Body.Journal
			if a = apply(t, l, b); a.Refusal != wire.Refusal_REFUSAL_NONE || a.Cursors[0].GoBack {
				t.Fatalf("class %s after %d: %v", c.Class.Name(), after, a)
			}
			after = a.Cursors[0].Idx
		}
	}
	return apply(t, l, hello)
}

// What both histories share is at the centre once, what each has by itself once, and both are proved by their own
// checkpoints, also after a restart of the hub in the middle.
func TestForkIsAJournalOfItsOwn(t *testing.T) {
	original, fork := parted(t)
	dir := t.TempDir()
	l := open(t, dir)
	sendAs(t, l, original, laneOne, false)
	if a := apply(t, l, fork.batch(observation.Class_CLASS_ALARM, original.j.Last(observation.Class_CLASS_ALARM), 1)); a.Refusal == 0 && !a.Cursors[0].GoBack {
		t.Fatal("rows of the fork are taken for the original's")
	}
	sendAs(t, l, fork, laneOne, true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	if a := sendAs(t, l, fork, laneOne, true); a.Verified != fork.j.Size() || a.Refusal != wire.Refusal_REFUSAL_NONE {
		t.Errorf("of the fork's %d rows: %v", fork.j.Size(), a)
	}
	events, err := l.Events(0, 1000, Filter{})
	if want := 60 + 21 + 35; err != nil || len(events) != want {
		t.Errorf("%d events are in the feed, want %d: %v", len(events), want, err)
	}
	audits, err := Audit(t.Context(), place(dir), "")
	if err != nil || len(audits) != 2 {
		t.Fatalf("%d journals, %v", len(audits), err)
	}
	for _, a := range audits {
		size, forkOf := original.j.Size(), ""
		if len(a.ForkOf) > 0 {
			size, forkOf = fork.j.Size(), string(original.j.Identity().ID)
		}
		if !a.Report.OK() || a.Report.Rows != size || a.Report.Removed != 0 || string(a.ForkOf) != forkOf {
			t.Errorf("journal %x, fork of %x: %+v", a.Journal, a.ForkOf, a.Report)
		}
	}
	if err := sqlOf(l).Exec("UPDATE observation SET device='altered' WHERE owner=1 AND idx=3"); err != nil {
		t.Fatal(err)
	}
	audits, err = Audit(t.Context(), place(dir), "")
	if err != nil || audits[0].Report.OK() || audits[1].Report.OK() {
		t.Errorf("a row that both share was altered: %v %+v", err, audits)
	}
}

// A fork shares no row with a journal of another agent, whatever its hello says.
func TestForkOfAnothersJournal(t *testing.T) {
	original, _ := parted(t)
	l := open(t, t.TempDir())
	sendAs(t, l, original, laneOne, false)
	thief, err := journal.Open(t.TempDir(), journal.Options{Site: "demo", Agent: "lane-2"})
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	h := Hello{Sender{Site: "demo", Agent: "lane-2"}, lane{t, thief}.hello().Body}
	h.Body.ForkOf, h.Body.Size, h.Body.Checkpoint = original.j.Identity().ID, 100, ""
	if a := apply(t, l, h); a.Refusal != wire.Refusal_REFUSAL_NONE {
		t.Fatal(a)
	}
	b := original.batch(observation.Class_CLASS_ALARM, -1, 5)
	b.From, b.Body.Journal = h.From, h.Body.Journal
	apply(t, l, b)
	if n, err := sqlOf(l).Int("SELECT count(*) FROM shared", 0); n != 0 || err != nil {
		t.Errorf("%d rows are shared with another agent's journal, %v", n, err)
	}
}
