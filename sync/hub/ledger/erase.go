package ledger

import (
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// What an agent erased is erased here too: its rows of kind agent.erased say which rows that are. Their bodies,
// leaves and proofs stay.

// noteErasures does what rows of one journal say of erasures, to the rows that a fork shares with its original as
// well. A row that cannot be decoded says nothing.
func (l *Ledger) noteErasures(c *replica, rows []wire.Row) error {
	for i := range rows {
		r := &rows[i]
		if r.Device != observation.AgentDevice || r.Kind != observation.Kind_KIND_AGENT_ERASED {
			continue
		}
		body := &observation.Body{}
		if proto.Unmarshal(r.Body, body) != nil {
			continue
		}
		which := erasedRows(body.GetAgentErased())
		err := l.eraseRows(c.id, which, 0)
		if err == nil && c.original != 0 {
			err = l.eraseRows(c.original, which, c.id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// erasedRows are the rows that e declares erased, MaxErased at most: no agent declares more in one row, and
// one that did would hold up the others.
func erasedRows(e *observation.AgentErased) (list []int64) {
	for first, last := range e.Erased() {
		for idx := first; idx <= last; idx++ {
			if len(list) == observation.MaxErased {
				return list
			}
			list = append(list, idx)
		}
	}
	return list
}

// erasedAtOnce bounds the rows that are in memory to be erased.
const erasedAtOnce = 1000

// eraseRows erases the personal values of a journal's rows: those in the rows, the plates of
// their passages, and the artifacts of reads of plates and tags. With sharedBy not 0 only rows that this fork shares are.
func (l *Ledger) eraseRows(owner int64, rows []int64, sharedBy int64) error {
	for len(rows) > 0 {
		due, err := l.tx.SealedRows(owner, rows, sharedBy, erasedAtOnce)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := l.eraseAll(due); err != nil { // erased, they are not found again
			return err
		}
	}
	return nil
}

// eraseAll erases rows.
func (l *Ledger) eraseAll(due []store.OwnedRow) error {
	if len(due) == 0 {
		return nil
	}
	l.erased = true
	l.recent.spoil()
	return l.tx.Erasing(func() error {
		for i := range due {
			if err := l.eraseOne(&due[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// eraseOne erases a row, and takes its plate out of the tables of passages.
func (l *Ledger) eraseOne(r *store.OwnedRow) error {
	if observation.Describe(r.Kind).Subject != observation.OfPassage {
		if err := l.tx.EraseRow(r.Owner, r.Idx); err != nil {
			return err
		}
		return l.eraseArtifacts(r)
	}
	if err := l.tx.EraseValues(r.Owner, r.Idx); err != nil {
		return err
	}
	body := &observation.Body{}
	if proto.Unmarshal(r.Body, body) != nil {
		return nil // it never told a plate
	}
	named, ok := body.Typed().(interface{ GetId() string })
	if !ok || !storable(named.GetId()) {
		return nil
	}
	return l.tx.ErasePlate(r.Owner, named.GetId())
}

// eraseArtifacts removes what a device sent with a read of a plate or a tag, and reports of boxes, unless another row still
// shows it. A file goes when the transaction is durable.
func (l *Ledger) eraseArtifacts(r *store.OwnedRow) error {
	if !observation.TakesArtifacts(r.Kind, r.Body) {
		return nil
	}
	named, err := observation.ArtifactsIn(r.Body)
	if err != nil {
		return nil // it names none
	}
	for _, a := range named {
		if len(a.Sha256) == 0 {
			continue
		}
		shown, err := l.shownElsewhere(a.Sha256, r)
		if err != nil {
			return err
		}
		if shown {
			continue
		}
		if err := l.tx.DropArtifact(a.Sha256); err != nil {
			return err
		}
		l.spent = append(l.spent, l.parts.path(a.Sha256))
	}
	return nil
}

// shownElsewhere reports whether a row other than r, of any agent, has an artifact and is not erased. Without it an
// agent could remove another's artifact by naming it in a read and erasing that.
func (l *Ledger) shownElsewhere(sum []byte, r *store.OwnedRow) (bool, error) {
	rows, err := l.tx.ShowsElsewhere(sum, r.Owner, r.Idx)
	for _, o := range rows {
		if erasable := observation.TakesArtifacts(o.Kind, o.Body); !erasable || o.Sealed {
			return true, err
		}
	}
	return false, err
}

// dropErased has the store drop its copies of what was erased. What it cannot drop now is left to the next group.
func (l *Ledger) dropErased() {
	if l.erased {
		done, err := l.store.Erased()
		l.erased = err != nil || !done
	}
}
