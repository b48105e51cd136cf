package ledger

import (
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// The evidence log is in the order of idx, while the classes arrive each at its own pace. Rows that leave a hole wait on
// record until those before them are here.

// aheadRows bounds the rows that wait which are read at once.
const aheadRows = 256

// lookahead is the rows on record that follow a journal's tree, read while one message is applied.
type lookahead struct {
	rows    []store.HeldRow
	to      int64 // before this index all rows that were on record when they were read are in rows
	missing int64 // index of a row that is known not to be on record; it has to come, as the tree ends before it; -1 for none
}

// forget drops the rows, but not what is known to be missing. It is called at the end of each message.
func (a *lookahead) forget() { a.rows, a.to = nil, 0 }

// lookAhead reads the rows on record that stand between new ones, in one query instead of one for each. It is to be called
// before the new rows are added.
func (l *Ledger) lookAhead(c *replica, rows []wire.Row) error {
	first, last, size := rows[0].Idx, rows[len(rows)-1].Idx, c.tree.Size()
	together := first == size && last-first == int64(len(rows)-1)
	if together || c.ahead.missing == size && first != size {
		return nil
	}
	return l.readAhead(c, last)
}

// readAhead reads rows on record from the end of the tree to before an index.
func (l *Ledger) readAhead(c *replica, to int64) (err error) {
	c.ahead.to = to
	c.ahead.rows, err = l.tx.HeldRows(c.id, c.tree.Size(), to, aheadRows)
	if n := len(c.ahead.rows); n == aheadRows {
		c.ahead.to = c.ahead.rows[n-1].Idx + 1
	}
	return err
}

// grow extends the evidence log over rows that have just come, and over those of other classes that
// waited for them.
func (l *Ledger) grow(c *replica, class observation.Class, rows []wire.Row) error {
	defer c.ahead.forget()
	for i := range rows {
		r := &rows[i]
		if ok, err := l.growTo(c, r.Idx); err != nil || !ok {
			return err
		}
		if err := l.append(c, r.Record(class)); err != nil {
			return err
		}
	}
	_, err := l.growTo(c, max(c.held(), rows[len(rows)-1].Idx)+1)
	return err
}

// growTo extends the evidence log by rows on record, up to before idx; ok is false when a row before idx
// is missing.
func (l *Ledger) growTo(c *replica, idx int64) (ok bool, err error) {
	for c.tree.Size() < idx {
		next, err := l.nextHeld(c, idx)
		if err != nil || next == nil {
			return false, err
		}
		if next.Leaf != nil {
			err = l.appendLeaf(c, evidence.Hash(next.Leaf))
		} else {
			err = l.append(c, next.Record())
		}
		if err != nil {
			return false, err
		}
	}
	return c.tree.Size() == idx, nil
}

// nextHeld returns the row on record that follows the tree, nil when it is missing. Rows are wanted up to before an index.
func (l *Ledger) nextHeld(c *replica, to int64) (*store.HeldRow, error) {
	a, size := &c.ahead, c.tree.Size()
	if a.missing == size {
		return nil, nil
	}
	for len(a.rows) > 0 && a.rows[0].Idx < size {
		a.rows = a.rows[1:]
	}
	if len(a.rows) == 0 && a.to <= size {
		if err := l.readAhead(c, to); err != nil {
			return nil, err
		}
	}
	if len(a.rows) == 0 || a.rows[0].Idx != size {
		a.missing = size
		return nil, nil
	}
	next := &a.rows[0]
	a.rows = a.rows[1:]
	return next, nil
}

// append adds a row's leaf to the tree. Whole tiles go to the database at once, the unfinished one
// with saveStates.
func (l *Ledger) append(c *replica, r evidence.Record) error {
	leaf, err := c.hasher.Leaf(c.tree.Size(), r)
	if err != nil {
		return err
	}
	return l.appendLeaf(c, leaf)
}

func (l *Ledger) appendLeaf(c *replica, leaf evidence.Hash) error {
	if full := c.tree.Append(leaf); full != nil {
		return l.tx.Log(c.id).AddTiles(full)
	}
	return nil
}
