package ledger

import (
	"database/sql/driver"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// insertRows is the number of rows of one INSERT statement. SQLite prepares and steps a statement
// of many rows in much less time than as many statements.
const insertRows = 32

// batch commits a batch that continues its class's cursor; any other is answered with that cursor
// and a GoBack. It returns the number of new rows and the answer. Rows are kept even when the
// checkpoint that came with them is refused, as they are evidence of what was sent; nothing more of
// that journal is accepted afterwards.
func (l *Ledger) batch(c *replica, b *wire.Batch) (int, *wire.Ack, error) {
	var rows []wire.Row
	gap, err := b.Gap()
	if err == nil && gap == nil {
		rows, err = b.Rows()
	}
	if err != nil {
		return 0, refuse(c.journal, wire.Refusal_REFUSAL_MALFORMED, message.Of(err)), nil
	}
	cursor := &wire.Cursor{Class: b.Class, Idx: c.cursors[b.Class], Epoch: b.Epoch}
	if b.Prev != cursor.Idx {
		cursor.GoBack = true
		return 0, &wire.Ack{Journal: c.journal, Cursors: []*wire.Cursor{cursor}, Verified: c.verified}, nil
	}
	if gap != nil {
		cursor.Idx, err = gap[len(gap)-1].Idx, l.noteGap(c, b.Class, gap)
	} else {
		cursor.Idx, err = rows[len(rows)-1].Idx, l.keep(c, b.Class, rows)
	}
	if err != nil {
		return 0, nil, err
	}
	c.cursors[b.Class] = cursor.Idx
	if b.Checkpoint != "" {
		if err := l.checkpoint(c, b.Checkpoint); err != nil {
			return 0, nil, err
		}
	} else if err := l.settlePending(c); err != nil {
		return 0, nil, err
	}
	if !c.refused.IsZero() {
		return len(rows), refuse(c.journal, c.refusal, c.refused), nil
	}
	return len(rows), &wire.Ack{Journal: c.journal, Cursors: []*wire.Cursor{cursor}, Verified: c.verified}, nil
}

// keep adds rows to the ledger and extends the evidence log over them.
func (l *Ledger) keep(c *replica, class observation.Class, rows []wire.Row) error {
	fresh, err := l.withoutShared(c, class, rows)
	if err != nil {
		return err
	}
	if err := l.insert(c, class, fresh); sqlog.IsConstraint(err) {
		return l.contradiction(c, class, fresh, err)
	} else if err != nil {
		return err
	}
	if err := errors.Join(l.nameArtifacts(c.id, rows), l.notePassages(c.id, fresh), l.noteErasures(c, fresh)); err != nil {
		return err
	}
	return l.grow(c, class, rows)
}

// noteGap notes rows that the agent no longer has, and extends the evidence log over them. That their leaf hashes are
// right shows at the next checkpoint. Of a damaged journal the agent does not know the class of such a row, so one that is
// held already is passed over.
func (l *Ledger) noteGap(c *replica, class observation.Class, gap []wire.RemovedRow) error {
	for _, r := range gap {
		held, err := l.db.Int("SELECT class FROM observation WHERE owner=? AND idx=?", 0, c.id, r.Idx)
		if err != nil {
			return err
		}
		if held != 0 {
			continue
		}
		if err := l.db.Exec("INSERT OR IGNORE INTO gap(owner, idx, class, leaf) VALUES(?,?,?,?)", c.id, r.Idx, int64(class), r.Leaf[:]); err != nil {
			return err
		}
	}
	_, err := l.growTo(c, 1<<62)
	return err
}

const columns = "seq, owner, idx, class, t, device, kind, body, sealed"

var (
	insertOne  = sqlog.Insert("observation", columns, 1)
	insertMany = sqlog.Insert("observation", columns, insertRows)
)

// insert adds rows to the observation table and numbers them. The same (owner, idx) a second time
// is a constraint error.
func (l *Ledger) insert(c *replica, class observation.Class, rows []wire.Row) error {
	var args []driver.Value
	for len(rows) > 0 {
		n, statement := 1, insertOne
		if len(rows) >= insertRows {
			n, statement = insertRows, insertMany
		}
		args = args[:0]
		for i := range rows[:n] {
			r := &rows[i]
			l.seq++
			body := r.Hashed()
			if body == nil {
				body = []byte{}
			}
			args = append(args, l.seq, c.id, r.Idx, int64(class), r.Time, r.Device, int64(r.Kind), body, l.seal(r))
		}
		if err := l.db.Exec(statement, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// contradiction explains why rows could not be inserted: it finds the one that the ledger holds
// already under another class. A journal never gives an index twice, so its past was changed: its
// disk was restored from an image and went on, or two boxes write as one agent. cause is returned,
// wrapped, when no such row is found.
func (l *Ledger) contradiction(c *replica, class observation.Class, rows []wire.Row, cause error) error {
	for i := range rows {
		held, err := l.db.Int("SELECT class FROM observation WHERE owner=? AND idx=? AND class<>?", 0,
			c.id, rows[i].Idx, int64(class))
		if err != nil {
			return err
		}
		if held != 0 {
			return &fault{refusal: wire.Refusal_REFUSAL_EVIDENCE, forGood: true,
				said: message.New("refusal.contradiction", rowNumber("row", rows[i].Idx),
					message.Nested("class", message.New("class."+class.Name())),
					message.Nested("held", message.New("class."+observation.Class(held).Name())))}
		}
	}
	return fmt.Errorf("batch: %w", cause)
}

// grow extends the evidence log over rows that have just come, and over those of other classes that
// waited for them. The log is in the order of idx, while the classes arrive each at its own pace,
// so rows that leave a hole wait in the table.
func (l *Ledger) grow(c *replica, class observation.Class, rows []wire.Row) error {
	for i := range rows {
		r := &rows[i]
		if ok, err := l.growTo(c, r.Idx); err != nil || !ok {
			return err
		}
		if err := c.append(r.Record(class)); err != nil {
			return err
		}
	}
	_, err := l.growTo(c, 1<<62)
	return err
}

// growTo extends the evidence log by rows on record, up to idx; ok is false when a row before idx
// is missing.
func (l *Ledger) growTo(c *replica, idx int64) (ok bool, err error) {
	for c.tree.Size() < idx {
		var record *evidence.Record
		err := l.db.Query("SELECT class, t, kind, device, body FROM observation WHERE owner=? AND idx=?",
			func(row []driver.Value) error {
				record = recordOf(row)
				return nil
			}, c.id, c.tree.Size())
		if err != nil {
			return false, err
		}
		if record != nil {
			err = c.append(*record)
		} else if ok, err = l.growOverGap(c); !ok {
			return false, err
		}
		if err != nil {
			return false, err
		}
	}
	return c.tree.Size() == idx, nil
}

// growOverGap extends the evidence log by the next row when the agent removed that, or when the original of a fork has
// it; ok is false otherwise.
func (l *Ledger) growOverGap(c *replica) (ok bool, err error) {
	var leaf []byte
	err = l.db.Query("SELECT leaf FROM gap WHERE owner=?1 AND idx=?2 UNION ALL SELECT leaf FROM shared WHERE owner=?1 AND idx=?2",
		func(row []driver.Value) error {
			leaf = sqlog.Bytes(row[0])
			return nil
		}, c.id, c.tree.Size())
	if err != nil || leaf == nil {
		return false, err
	}
	return true, c.appendLeaf(evidence.Hash(leaf))
}

// recordOf returns the evidence of a row with the columns class, t, kind, device, body.
func recordOf(row []driver.Value) *evidence.Record {
	return &evidence.Record{
		Class: uint8(sqlog.Int64(row[0])), Time: sqlog.Int64(row[1]), Kind: uint16(sqlog.Int64(row[2])),
		Device: sqlog.Text(row[3]), Body: sqlog.Bytes(row[4]),
	}
}

// append adds a row's leaf to the tree. Whole tiles go to the database at once, the unfinished one
// with saveTree.
func (c *replica) append(r evidence.Record) error {
	leaf, err := c.hasher.Leaf(c.tree.Size(), r)
	if err != nil {
		return err
	}
	return c.appendLeaf(leaf)
}

func (c *replica) appendLeaf(leaf evidence.Hash) error {
	if full := c.tree.Append(leaf); full != nil {
		return c.store.AddTiles(full)
	}
	return nil
}

// checkpoint accepts a signed checkpoint: one over rows that are all here is checked now, any other
// when they are. A checkpoint with a wrong signature refuses the journal; the error is of the
// database only.
func (l *Ledger) checkpoint(c *replica, signed string) error {
	p, err := evidence.OpenCheckpoint(signed, c.verifier, c.origin())
	if err != nil {
		c.refuse(message.Of(err))
		return nil
	}
	if p.Size == 0 {
		return nil
	}
	if err := l.db.Exec("INSERT OR REPLACE INTO pending(owner, size, note) VALUES(?,?,?)",
		c.id, p.Size, signed); err != nil {
		return err
	}
	// A later checkpoint covers all that an earlier one does, so the earliest can go.
	err = l.db.Exec(`DELETE FROM pending WHERE owner=?1 AND size<
		(SELECT size FROM pending WHERE owner=?1 ORDER BY size DESC LIMIT 1 OFFSET ?2)`, c.id, int64(maxPending-1))
	if err != nil {
		return err
	}
	return l.settlePending(c)
}

// maxPending bounds the checkpoints of a journal that wait for rows: an agent signs as many as it likes.
const maxPending = 256

// refuse marks the journal as refused: its evidence contradicts what its agent signed. saveTree
// makes that durable.
func (c *replica) refuse(why message.Message) {
	c.refused, c.refusal = why, wire.Refusal_REFUSAL_EVIDENCE
}

// settlePending checks the checkpoints whose rows are all here now, smallest first, and forgets
// them.
func (l *Ledger) settlePending(c *replica) error {
	type point struct {
		size int64
		note string
	}
	var due []point
	err := l.db.Query("SELECT size, note FROM pending WHERE owner=? AND size<=? ORDER BY size",
		func(row []driver.Value) error {
			due = append(due, point{sqlog.Int64(row[0]), sqlog.Text(row[1])})
			return nil
		}, c.id, c.tree.Size())
	if err != nil || len(due) == 0 {
		return err
	}
	for _, p := range due {
		if err := l.settle(c, p.size, p.note); err != nil {
			return err
		}
	}
	return l.db.Exec("DELETE FROM pending WHERE owner=? AND size<=?", c.id, c.tree.Size())
}

// settle checks one checkpoint against the evidence log and keeps it with what an audit needs to
// check it again. A root that differs refuses the journal: the agent signed other rows than it
// sent.
func (l *Ledger) settle(c *replica, size int64, signed string) error {
	p, err := evidence.OpenCheckpoint(signed, c.verifier, c.origin())
	if err != nil {
		c.refuse(message.Of(err))
		return nil
	}
	root, err := tlog.TreeHash(size, c.tree.Reader(c.store))
	if err != nil {
		return err
	}
	if root != p.Root {
		c.refuse(message.New("refusal.other-root", rowNumber("last", size-1)))
		return nil
	}
	c.verified = max(c.verified, size)
	var leaves []tlog.Hash
	if size/evidence.TileWidth == c.tree.Size()/evidence.TileWidth {
		leaves = c.tree.Tail()[:size%evidence.TileWidth]
	}
	return c.store.AddCheckpoint(evidence.SignedCheckpoint{Size: size, Note: signed, Leaves: leaves})
}
