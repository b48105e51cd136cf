package ledger

import (
	"bytes"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// withoutShared returns the rows of a fork that its original does not have, and notes the others: a row that both have
// is at the centre once. All rows of other journals are returned.
func (l *Ledger) withoutShared(c *replica, class observation.Class, rows []wire.Row) (fresh []wire.Row, err error) {
	if c.original == 0 {
		return rows, nil
	}
	for i := range rows {
		same, err := l.holds(c.original, class, rows[i])
		if err != nil {
			return nil, err
		}
		if !same {
			fresh = append(fresh, rows[i])
			continue
		}
		leaf, err := c.hasher.Leaf(rows[i].Idx, rows[i].Record(class))
		if err != nil {
			return nil, err
		}
		if err := l.tx.AddShared(c.id, rows[i].Idx, leaf[:]); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// holds reports whether a journal's copy has this very row.
func (l *Ledger) holds(owner int64, class observation.Class, row wire.Row) (same bool, err error) {
	held, err := l.tx.Row(owner, row.Idx)
	if err != nil || held == nil {
		return false, err
	}
	return held.Class == class && held.TimeNs == row.Time && held.Device == row.Device && held.Kind == row.Kind &&
		bytes.Equal(held.Body, row.Hashed()), nil
}

// otherPast returns why rows of a carried file are of another past of the journal than what is held of it, which is when
// its cursor passed one of them that is not held. A row of which only the hash is held must have that hash.
func (l *Ledger) otherPast(c *replica, class observation.Class, rows []wire.Row) (why message.Message, err error) {
	for _, row := range rows {
		if row.Idx > c.cursors[class] {
			return why, nil
		}
		same, err := l.holds(c.id, class, row)
		if err != nil {
			return why, err
		}
		if same {
			continue
		}
		leaf, err := c.hasher.Leaf(row.Idx, row.Record(class))
		if err != nil {
			return why, err
		}
		known, err := l.tx.HasLeaf(c.id, row.Idx, leaf[:])
		if err != nil {
			return why, err
		}
		if !known {
			return message.New("refusal.other-past", rowNumber("row", row.Idx),
				message.Nested("class", message.New("class."+class.Name()))), nil
		}
	}
	return why, nil
}
