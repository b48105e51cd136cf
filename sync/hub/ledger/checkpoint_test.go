package ledger

import (
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/driver/drivertest/documented"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// TestCheckpointOfABatch: a batch may bring the checkpoint over its rows, which is checked at once.
func TestCheckpointOfABatch(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	hello := from.hello()
	checkpoint := hello.Body.Checkpoint
	hello.Body.Checkpoint = ""
	apply(t, l, hello)
	apply(t, l, from.batch(alarms, -1, 100))
	apply(t, l, from.batch(events, -1, 100))
	last := from.batch(telemetry, -1, 100)
	last.Body.Checkpoint = checkpoint
	if a := apply(t, l, last); a.Verified != 60 || a.Refusal != 0 {
		t.Errorf("%v", a)
	}
	if n, err := sqlOf(l).Int("SELECT count(*) FROM pending", 0); n != 0 || err != nil {
		t.Errorf("%d checkpoints wait, %v", n, err)
	}
}

// TestWaitingCheckpointsAreBounded: an agent may sign as many checkpoints over rows to come as it likes; only the
// largest are kept, and exactly as many as the bound says.
func TestWaitingCheckpointsAreBounded(t *testing.T) {
	documented.Require(t, "ledger.md", fmt.Sprintf("%d of a journal at most", maxPending))
	agent, l := openAs(t, "lane-2", 1), open(t, t.TempDir())
	send := func(size int64) bool {
		return filed(l, agent.helloAt(t, size))
	}
	const more = 20
	var all []Message
	for size := int64(1); size <= maxPending; size++ {
		all = append(all, agent.helloAt(t, size))
	}
	answers, err := l.Apply(all)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if a.Ack.Refusal != 0 {
			t.Fatalf("the checkpoint over %d rows is refused: %s", i+1, a.Ack.RefusalText)
		}
	}
	held := func(what string, want, least int64) {
		t.Helper()
		n, _ := sqlOf(l).Int("SELECT count(*) FROM pending", 0)
		if first, err := sqlOf(l).Int("SELECT min(size) FROM pending", 0); n != want || first != least || err != nil {
			t.Errorf("%s: %d checkpoints wait, the smallest over %d rows; want %d and %d (%v)", what, n, first, want, least,
				err)
		}
	}
	held("as many as may wait", maxPending, 1)
	must(t, l, "CREATE TRIGGER no BEFORE DELETE ON pending BEGIN SELECT RAISE(ABORT, 'no'); END")
	if send(maxPending + 1) {
		t.Error("a checkpoint is accepted though none could be dropped")
	}
	held("none could be dropped", maxPending, 1)
	must(t, l, "DROP TRIGGER no")
	for size := int64(maxPending + 1); size <= maxPending+more; size++ {
		send(size)
	}
	held("more than may wait", maxPending, more+1)
	if !send(0) {
		t.Error("a checkpoint of an empty journal is refused")
	}
	held("a checkpoint of an empty journal says nothing", maxPending, more+1)
}

// helloAt makes a hello with a checkpoint that the agent signed over so many rows.
func (h *hostile) helloAt(t *testing.T, size int64) Hello {
	t.Helper()
	signed, err := evidence.Checkpoint{Origin: h.id.Origin(), Size: size}.Sign(h.signer)
	if err != nil {
		t.Fatal(err)
	}
	return Hello{Sender{Site: "demo", Agent: "lane-2"}, &wire.Hello{Journal: h.id.ID, BlindKey: h.id.BlindKey, Verifier: h.id.Verifier,
		Size: 1000, Checkpoint: signed}}
}

// TestForeignCheckpointIsRefused: a checkpoint that the agent did not sign, or that waits and was altered since, is
// refused as evidence.
func TestForeignCheckpointIsRefused(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	apply(t, l, from.hello())
	must(t, l, "UPDATE pending SET note=replace(note, 'lane-1', 'lane-9')")
	apply(t, l, from.batch(alarms, -1, 100))
	apply(t, l, from.batch(events, -1, 100))
	if a := apply(t, l, from.batch(telemetry, -1, 100)); a.Refusal != wire.Refusal_REFUSAL_EVIDENCE ||
		a.RefusalText == "" {
		t.Errorf("altered while it waited: %v %q", a.Refusal, a.RefusalText)
	}
	agent, other := openAs(t, "lane-2", 1), openAs(t, "lane-2", 2)
	hello := agent.helloAt(t, 10)
	hello.Body.Checkpoint = other.helloAt(t, 10).Body.Checkpoint
	if a := apply(t, l, hello); a.Refusal != wire.Refusal_REFUSAL_EVIDENCE || a.RefusalText == "" {
		t.Errorf("signed by another key: %v %q", a.Refusal, a.RefusalText)
	}
	elsewhere, l := *agent, open(t, t.TempDir())
	elsewhere.id.ID = []byte("another journal!")
	hello.Body.Checkpoint = elsewhere.helloAt(t, 10).Body.Checkpoint
	if a := apply(t, l, hello); a.Refusal != wire.Refusal_REFUSAL_EVIDENCE || a.RefusalText == "" {
		t.Errorf("of another journal: %v %q", a.Refusal, a.RefusalText)
	}
	if n, err := sqlOf(l).Int("SELECT count(*) FROM pending", 0); n != 0 || err != nil {
		t.Errorf("%d refused checkpoints wait, %v", n, err)
	}
}

// TestCheckpointsCanBeRestored: a checkpoint is kept with the leaves of its unfinished tile, wherever the evidence log
// stands when it is settled: with these and the full tiles the log of that size has the root that was signed.
func TestCheckpointsCanBeRestored(t *testing.T) {
	for _, c := range []struct{ signed, rows int }{{100, 100}, {100, 150}, {256, 256}, {256, 300}, {300, 300}, {300,
		511}} {
		from, l := newLane(t, c.signed), open(t, t.TempDir())
		_, checkpoint := from.j.Checkpoint()
		from.commit(c.rows - c.signed)
		hello := from.hello()
		hello.Body.Checkpoint = checkpoint
		apply(t, l, hello)
		for _, class := range observation.Classes {
			apply(t, l, from.batch(class, -1, 1000))
		}
		verifier, err := note.NewVerifier(from.j.Identity().Verifier)
		if err != nil {
			t.Fatal(err)
		}
		id := from.j.Identity()
		store := sqlog.NewOwnedStore(sqlOf(l), l.journals[string(id.ID)].id)
		all, err := store.Checkpoints()
		if err != nil || len(all) != 1 || all[0].Size != int64(c.signed) {
			t.Fatalf("%d rows signed of %d: checkpoints %v, %v", c.signed, c.rows, all, err)
		}
		signed, err := evidence.OpenCheckpoint(all[0].Note, verifier, id.Origin())
		if err != nil {
			t.Fatal(err)
		}
		tree, err := evidence.Restore(all[0].Size, store, all[0].Leaves)
		if err != nil || tree.Root() != signed.Root {
			t.Errorf("%d rows signed of %d: the log cannot be restored: %v", c.signed, c.rows, err)
		}
	}
}

// TestDatabaseErrorsOfCheckpoints: a checkpoint, which a hello or a batch brings, is not taken while what it is
// checked against cannot be read, or it cannot be written; that is no fault of the agent, whose message is accepted
// afterwards.
func TestDatabaseErrorsOfCheckpoints(t *testing.T) {
	from, l := newLane(t, 200), open(t, t.TempDir())
	_, early := from.j.Checkpoint()
	from.commit(100)
	first := from.hello()
	checkpoint := first.Body.Checkpoint
	first.Body.Checkpoint = ""
	apply(t, l, first)
	for _, class := range []observation.Class{alarms, events} {
		apply(t, l, from.batch(class, -1, 1000))
	}
	again := func(what, table string, m Message) {
		t.Helper()
		must(t, l, "ALTER TABLE "+table+" RENAME TO away")
		if _, err := l.Apply([]Message{m}); err == nil {
			t.Errorf("%s: there is no error", what)
		}
		must(t, l, "ALTER TABLE away RENAME TO "+table)
		if !filed(l, m) {
			t.Errorf("%s: it is not accepted afterwards", what)
		}
	}
	last := from.batch(telemetry, -1, 1000)
	last.Body.Checkpoint = checkpoint
	again("a batch, and the checkpoint cannot be kept", "checkpoint", last)
	if v, _ := verified(t, l); v != 300 {
		t.Errorf("%d rows are verified", v)
	}
	hello := from.hello()
	hello.Body.Checkpoint = early // over a part of a full tile, which is not in memory
	again("a hello, and the log cannot be read", "tile", hello)
}
