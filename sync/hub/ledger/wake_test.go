package ledger

import (
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// TestReadersAreWoken: who waits for rows is woken when some are committed, and not by a message that brings none.
func TestReadersAreWoken(t *testing.T) {
	from, l := newLane(t, 20), open(t, t.TempDir())
	_, changed := l.Durable()
	woken := func() bool {
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	if apply(t, l, from.hello()); woken() {
		t.Error("woken by a hello")
	}
	if apply(t, l, from.batch(observation.Class_CLASS_EVENT, -1, 100)); !woken() {
		t.Error("not woken by rows")
	}
	if _, changed = l.Durable(); woken() {
		t.Error("woken again by the same rows")
	}
}

// TestCheckpointOfNothing: a checkpoint over no rows proves nothing, and is not kept for an audit.
func TestCheckpointOfNothing(t *testing.T) {
	agent, l := openAs(t, "lane-2", 1), open(t, t.TempDir())
	if !filed(l, agent.helloAt(t, 0)) {
		t.Fatal("a journal that is empty yet is refused")
	}
	for _, table := range []string{"pending", "checkpoint"} {
		if n, err := sqlOf(l).Int("SELECT count(*) FROM "+table, 0); n != 0 || err != nil {
			t.Errorf("%s has %d, %v", table, n, err)
		}
	}
}

// TestSharedRowsUnwritable: a fork's rows are not acknowledged while it cannot be noted which of them its original has,
// and are all accepted when it can.
func TestSharedRowsUnwritable(t *testing.T) {
	original, fork := parted(t)
	l := open(t, t.TempDir())
	sendAs(t, l, original, laneOne, false)
	hello := fork.hello()
	hello.Body.ForkOf = hello.Body.Journal
	hello.Body.Journal = wire.ForkID(hello.Body.Journal, hello.Body.Checkpoint)
	apply(t, l, hello)
	b := fork.batch(observation.Class_CLASS_ALARM, -1, 100)
	b.Body.Journal = hello.Body.Journal
	before, _ := l.Durable()
	must(t, l, "ALTER TABLE shared RENAME TO away")
	if filed(l, b) {
		t.Error("rows are acknowledged")
	}
	must(t, l, "ALTER TABLE away RENAME TO shared")
	if now, _ := l.Durable(); now != before {
		t.Errorf("the newest row is %d, and was %d", now, before)
	}
	if a := sendAs(t, l, fork, laneOne, true); a.Verified != fork.j.Size() || a.Refusal != 0 {
		t.Errorf("of %d rows: %v", fork.j.Size(), a)
	}
}
