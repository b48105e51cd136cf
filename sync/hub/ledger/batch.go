package ledger

import (
	"cmp"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// batch commits a batch that continues its class's cursor; any other is answered with that cursor
// and a GoBack. It returns the new rows and the answer. Rows are kept even when the
// checkpoint that came with them is refused, as they are evidence of what was sent; nothing more of
// that journal is accepted afterwards.
func (l *Ledger) batch(c *replica, b *wire.Batch) (rows []wire.Row, ack *wire.Ack, err error) {
	gap, err := b.Gap()
	if err == nil && gap == nil {
		rows, err = b.Rows()
	}
	if err != nil {
		return nil, refuse(c.journal, wire.Refusal_REFUSAL_MALFORMED, message.Of(err)), nil
	}
	for i := range rows {
		if !storable(rows[i].Device) {
			return nil, refuse(c.journal, wire.Refusal_REFUSAL_MALFORMED, message.New("refusal.text")), nil
		}
	}
	cursor := &wire.Cursor{Class: b.Class, Idx: c.cursors[b.Class], Epoch: b.Epoch}
	if b.Prev != cursor.Idx {
		cursor.GoBack = true
		return nil, &wire.Ack{Journal: c.journal, Cursors: []*wire.Cursor{cursor}, Verified: c.verified}, nil
	}
	if gap != nil {
		cursor.Idx, err = gap[len(gap)-1].Idx, l.noteGap(c, b.Class, gap)
	} else {
		cursor.Idx, err = rows[len(rows)-1].Idx, l.keep(c, b.Class, rows)
	}
	if err != nil {
		return nil, nil, err
	}
	c.cursors[b.Class] = cursor.Idx
	if b.Checkpoint != "" {
		if err := l.checkpoint(c, b.Checkpoint); err != nil {
			return nil, nil, err
		}
	} else if err := l.settlePending(c); err != nil {
		return nil, nil, err
	}
	if !c.refused.IsZero() {
		return rows, refuse(c.journal, c.refusal, c.refused), nil
	}
	return rows, &wire.Ack{Journal: c.journal, Cursors: []*wire.Cursor{cursor}, Verified: c.verified}, nil
}

// keep adds rows to the ledger and extends the evidence log over them.
func (l *Ledger) keep(c *replica, class observation.Class, rows []wire.Row) error {
	fresh, err := l.withoutShared(c, class, rows)
	if err != nil {
		return err
	}
	if err := l.lookAhead(c, rows); err != nil {
		return err
	}
	stored := l.stored(class, fresh)
	if err := l.tx.AddRows(c.id, class, stored, c.held()); err != nil {
		return err
	}
	l.recent.add(c.id, stored)
	if err := l.nameArtifacts(c.id, rows); err != nil {
		return err
	}
	if err := l.notePassages(c.id, fresh); err != nil {
		return err
	}
	if err := l.noteErasures(c, fresh); err != nil {
		return err
	}
	return l.grow(c, class, rows)
}

// stored returns rows as the ledger keeps them, with their personal values sealed.
func (l *Ledger) stored(class observation.Class, rows []wire.Row) []store.Row {
	out := make([]store.Row, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = store.Row{Idx: r.Idx, Class: class, TimeNs: r.Time, Device: r.Device, Kind: r.Kind, Body: r.Hashed()}
		if !r.Values.IsZero() {
			out[i].Sealed = l.sealer.Seal(r.Values, "")
		}
	}
	return out
}

// noteGap notes rows that the agent no longer has, and extends the evidence log over them. That their leaf hashes are
// right shows at the next checkpoint. Of a damaged journal the agent does not know the class of such a row, so one that is
// held already is passed over.
func (l *Ledger) noteGap(c *replica, class observation.Class, gap []wire.RemovedRow) error {
	for _, r := range gap {
		held, err := l.tx.Row(c.id, r.Idx)
		if err == nil && held == nil {
			err = l.tx.AddGap(c.id, class, r.Idx, r.Leaf[:])
		}
		if err != nil {
			return err
		}
	}
	c.ahead.missing = -1 // it may be one of these
	defer c.ahead.forget()
	_, err := l.growTo(c, max(c.held(), gap[len(gap)-1].Idx)+1)
	return err
}

// contradiction explains why a message's rows could not be added: it finds the one that the ledger holds
// already under another class. A journal never gives an index twice, so its past was changed: its
// disk was restored from an image and went on, or two boxes write as one agent. cause is returned,
// wrapped, when no such row is found.
func (l *Ledger) contradiction(m agentMessage, cause error) error {
	cause = fmt.Errorf("batch: %w", cause)
	var b *wire.Batch
	switch m := m.(type) {
	case Batch:
		b = m.Body
	case Carried:
		b = m.Body
	default:
		return cause
	}
	c, err := l.replicaOf(m.journal())
	rows, undecoded := b.Rows()
	if err != nil || c == nil || undecoded != nil {
		return cmp.Or(err, cause)
	}
	for i := range rows {
		held, err := l.tx.Row(c.id, rows[i].Idx)
		if err != nil {
			return err
		}
		if held != nil && held.Class != b.Class {
			return &fault{refusal: wire.Refusal_REFUSAL_EVIDENCE, forGood: true,
				said: message.New("refusal.contradiction", rowNumber("row", rows[i].Idx),
					message.Nested("class", message.New("class."+b.Class.Name())),
					message.Nested("held", message.New("class."+held.Class.Name())))}
		}
	}
	return cause
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
	if p.Size <= c.tree.Size() {
		if err := l.settlePending(c); err != nil || p.Size == 0 {
			return err
		}
		return l.settle(c, p.Size, signed)
	}
	if err := l.tx.AddPending(c.id, store.Pending{Size: p.Size, Note: signed}, maxPending); err != nil {
		return err
	}
	if c.pending == 0 || p.Size < c.pending {
		c.pending = p.Size
	}
	return l.settlePending(c)
}

// maxPending bounds the checkpoints of a journal that wait for rows: an agent signs as many as it likes.
const maxPending = 256

// refuse marks the journal as refused: its evidence contradicts what its agent signed. saveStates
// makes that durable.
func (c *replica) refuse(why message.Message) {
	c.refused, c.refusal = why, wire.Refusal_REFUSAL_EVIDENCE
}

// settlePending checks the checkpoints whose rows are all here now, smallest first, and forgets
// them.
func (l *Ledger) settlePending(c *replica) error {
	if c.pending == 0 || c.pending > c.tree.Size() {
		return nil
	}
	due, err := l.tx.DuePending(c.id, c.tree.Size())
	if err != nil {
		return err
	}
	for _, p := range due {
		if err := l.settle(c, p.Size, p.Note); err != nil {
			return err
		}
	}
	c.pending, err = l.tx.FirstPending(c.id)
	return err
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
	root, err := tlog.TreeHash(size, c.tree.Reader(l.tx.Log(c.id)))
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
	return l.tx.Log(c.id).AddCheckpoint(evidence.SignedCheckpoint{Size: size, Note: signed, Leaves: leaves})
}
