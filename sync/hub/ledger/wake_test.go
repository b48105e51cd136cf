package ledger

import (
	"testing"

	"lanewarden/drivers/observation"
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
