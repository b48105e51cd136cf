package views

import (
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/store"
)

// TestErasedByAnotherHub: what another process has erased before it was folded, and told the views of, is not taken from
// what this one has filed.
func TestErasedByAnotherHub(t *testing.T) {
	both := twoHubs(t)
	l := newLane(both[0], "emerson", "lane-7")
	l.send()
	both[0].follow(batchRows)
	l.event(&observation.PassageClosed{Id: "p1", Lane: "lane-1", OpenedNs: l.now.UnixNano(), Plate: "AAA111"})
	l.event(&observation.PassageClosed{Id: "p2", Lane: "lane-1", OpenedNs: l.now.UnixNano(), Plate: "BBB222"})
	l.send()
	page := &ledger.ErasePage{}
	if err := both[1].apply(t.Context(), ledger.Erase{Name: "AAA111", Page: page}); err != nil || page.Rows != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	if _, err := both[1].ledger.Apply([]ledger.Message{ledger.Derive{Failed: new(error), Do: func(tx store.Tx) error {
		_, err := tx.TakeErased(10) // as if it had folded up to the rows before
		return err
	}}}); err != nil {
		t.Fatal(err)
	}
	both[0].follow(batchRows)
	if n, err := integer(both[0].ledger.Derived(), "SELECT count(*) FROM view_name"); n != 1 || err != nil {
		t.Errorf("%d names (%v)", n, err)
	}
	both[0].sameAgain()
}

// TestRecentRowsAreNotRead: the views take what has just been filed from the ledger, and read it where it is no longer at
// hand.
func TestRecentRowsAreNotRead(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		l.send()
		c.follow(batchRows)
		l.event(&observation.PassageClosed{Id: "p1", Lane: "lane-1", OpenedNs: l.now.UnixNano(), Plate: "AAA111"})
		l.event(&observation.PassageClosed{Id: "p2", Lane: "lane-1", OpenedNs: l.now.UnixNano(), Plate: "BBB222"})
		l.send()
		var failed error
		spoil := func(tx store.Tx) error { return tx.Exec("UPDATE observation SET body=? WHERE idx>0", []byte{0xff}) }
		if _, err := c.ledger.Apply([]ledger.Message{ledger.Derive{Do: spoil, Failed: &failed}}); err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		c.follow(1)
		if p, err := c.Progress(); err != nil || p.Unread != 0 {
			t.Errorf("%+v, %v", p, err)
		}
		if err := c.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.follow(batchRows)
		if p, err := c.Progress(); err != nil || p.Unread != 2 {
			t.Errorf("read again: %+v, %v", p, err)
		}
	})
}
