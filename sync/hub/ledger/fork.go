package ledger

import (
	"bytes"
	"database/sql/driver"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// withOriginal joins journal j with o, from which it parted when it is a fork. Both are of one agent.
const withOriginal = "LEFT JOIN journal o ON o.journal=j.fork_of AND o.site=j.site AND o.agent=j.agent"

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
		if err := l.db.Exec("INSERT OR IGNORE INTO shared(owner, idx, leaf) VALUES(?,?,?)", c.id, rows[i].Idx, leaf[:]); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// holds reports whether a journal's copy has this very row.
func (l *Ledger) holds(owner int64, class observation.Class, row wire.Row) (same bool, err error) {
	err = l.db.Query("SELECT t, device, kind, body FROM observation WHERE owner=? AND idx=? AND class=?",
		func(r []driver.Value) error {
			same = sqlog.Int64(r[0]) == row.Time && sqlog.Text(r[1]) == row.Device &&
				sqlog.Int64(r[2]) == int64(row.Kind) && bytes.Equal(sqlog.Bytes(r[3]), row.Hashed())
			return nil
		}, owner, row.Idx, int64(class))
	return same, err
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
		known, err := l.db.Int(`SELECT count(*) FROM (SELECT leaf FROM gap WHERE owner=?1 AND idx=?2 AND leaf=?3
			UNION ALL SELECT leaf FROM shared WHERE owner=?1 AND idx=?2 AND leaf=?3)`, 0, c.id, row.Idx, leaf[:])
		if err != nil {
			return why, err
		}
		if known == 0 {
			return message.New("refusal.other-past", rowNumber("row", row.Idx),
				message.Nested("class", message.New("class."+class.Name()))), nil
		}
	}
	return why, nil
}

// upgradeForks adds the column that tells forks apart. No ledger without it has any.
func (l *Ledger) upgradeForks() error {
	has, err := l.db.Int("SELECT count(*) FROM pragma_table_info('journal') WHERE name='fork_of'", 0)
	if err != nil || has > 0 {
		return err
	}
	return l.db.Exec("ALTER TABLE journal ADD COLUMN fork_of BLOB")
}
