package ledger

import (
	"bytes"
	"database/sql/driver"

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
		same := false
		err := l.db.Query("SELECT t, device, kind, body FROM observation WHERE owner=? AND idx=? AND class=?",
			func(r []driver.Value) error {
				same = sqlog.Int64(r[0]) == rows[i].Time && sqlog.Text(r[1]) == rows[i].Device &&
					sqlog.Int64(r[2]) == int64(rows[i].Kind) && bytes.Equal(sqlog.Bytes(r[3]), rows[i].Body)
				return nil
			}, c.original, rows[i].Idx, int64(class))
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

// upgradeForks adds the column that tells forks apart. No ledger without it has any.
func (l *Ledger) upgradeForks() error {
	has, err := l.db.Int("SELECT count(*) FROM pragma_table_info('journal') WHERE name='fork_of'", 0)
	if err != nil || has > 0 {
		return err
	}
	return l.db.Exec("ALTER TABLE journal ADD COLUMN fork_of BLOB")
}
