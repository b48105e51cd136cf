package tables

import (
	"database/sql/driver"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// Columns are those of an observation, in the order of scanOwned; ColumnList has them for an INSERT.
const (
	columns = "o.seq, o.owner, o.idx, o.class, o.t, o.device, o.kind, o.body, o.sealed"
	// ColumnList are the columns of the table observation.
	ColumnList = "seq, owner, idx, class, t, device, kind, body, sealed"
)

// scanOwned returns a row.
func scanOwned(r []driver.Value) store.OwnedRow {
	return store.OwnedRow{Seq: sqlog.Int64(r[0]), Owner: sqlog.Int64(r[1]), Row: store.Row{
		Idx: sqlog.Int64(r[2]), Class: observation.Class(sqlog.Int64(r[3])), TimeNs: sqlog.Int64(r[4]),
		Device: sqlog.Text(r[5]),
		Kind:   observation.Kind(sqlog.Int64(r[6])), Body: sqlog.Bytes(r[7]), Sealed: sqlog.Bytes(r[8]),
	}}
}

// ownedRows returns the rows of a query for columns.
func (t Tx) ownedRows(rest string, args ...driver.Value) (out []store.OwnedRow, err error) {
	err = t.Query("SELECT "+columns+" FROM observation o "+rest, func(r []driver.Value) error {
		out = append(out, scanOwned(r))
		return nil
	}, args...)
	return out, err
}

// Row implements store.Rows.
func (t Tx) Row(owner, idx int64) (*store.Row, error) {
	found, err := t.ownedRows("WHERE o.owner=? AND o.idx=?", owner, idx)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0].Row, nil
}

// RowsAfter implements store.Rows.
func (t Tx) RowsAfter(seq int64, first, last observation.Kind, limit int) ([]store.OwnedRow, error) {
	return t.ownedRows("WHERE o.seq>? AND o.kind BETWEEN ? AND ? ORDER BY o.seq LIMIT ?",
		seq, int64(first), int64(last), int64(limit))
}

// HeldRows implements store.Rows.
func (t Tx) HeldRows(owner, from, to int64, limit int) (out []store.HeldRow, err error) {
	err = t.Query(`SELECT class, t, kind, device, body, idx, NULL AS leaf FROM observation WHERE owner=?1 AND idx>=?2 AND idx<?3
		UNION ALL SELECT 0, 0, 0, '', NULL, idx, leaf FROM gap WHERE owner=?1 AND idx>=?2 AND idx<?3
		UNION ALL SELECT 0, 0, 0, '', NULL, idx, leaf FROM shared WHERE owner=?1 AND idx>=?2 AND idx<?3 ORDER BY idx LIMIT ?4`,
		func(r []driver.Value) error {
			out = append(out, store.HeldRow{Row: scanRecord(r), Leaf: sqlog.Bytes(r[6])})
			return nil
		}, owner, from, to, int64(limit))
	return out, err
}

// scanRecord returns what the evidence log needs of a row: columns class, t, kind, device, body, idx.
func scanRecord(r []driver.Value) store.Row {
	return store.Row{
		Class: observation.Class(sqlog.Int64(r[0])), TimeNs: sqlog.Int64(r[1]), Kind: observation.Kind(sqlog.Int64(r[2])),
		Device: sqlog.Text(r[3]), Body: sqlog.Bytes(r[4]), Idx: sqlog.Int64(r[5]),
	}
}

// AddGap implements store.Rows.
func (t Tx) AddGap(owner int64, class observation.Class, idx int64, leaf []byte) error {
	return t.Exec("INSERT INTO gap(owner, idx, class, leaf) VALUES(?,?,?,?) ON CONFLICT DO NOTHING", owner, idx, int64(class), leaf)
}

// AddShared implements store.Rows.
func (t Tx) AddShared(owner, idx int64, leaf []byte) error {
	return t.Exec("INSERT INTO shared(owner, idx, leaf) VALUES(?,?,?) ON CONFLICT DO NOTHING", owner, idx, leaf)
}

// HasLeaf implements store.Rows.
func (t Tx) HasLeaf(owner, idx int64, leaf []byte) (bool, error) {
	n, err := integer(t, `SELECT (SELECT count(*) FROM gap WHERE owner=?1 AND idx=?2 AND leaf=?3) +
		(SELECT count(*) FROM shared WHERE owner=?1 AND idx=?2 AND leaf=?3)`, 0, owner, idx, leaf)
	return n > 0, err
}

// Log implements store.Rows.
func (t Tx) Log(owner int64) store.Log { return sqlog.NewOwnedStore(t, owner) }

// AddPending implements store.Rows.
func (t Tx) AddPending(owner int64, p store.Pending, most int) error {
	err := t.Exec(`INSERT INTO pending(owner, size, note) VALUES(?,?,?)
		ON CONFLICT(owner, size) DO UPDATE SET note=excluded.note`,
		owner, p.Size, p.Note)
	if err != nil {
		return err
	}
	return t.Exec(`DELETE FROM pending WHERE owner=?1 AND size<
		(SELECT size FROM pending WHERE owner=?1 ORDER BY size DESC LIMIT 1 OFFSET ?2)`, owner, int64(most-1))
}

// DuePending implements store.Rows.
func (t Tx) DuePending(owner, size int64) (due []store.Pending, err error) {
	err = t.Query("SELECT size, note FROM pending WHERE owner=? AND size<=? ORDER BY size", func(r []driver.Value) error {
		due = append(due, store.Pending{Size: sqlog.Int64(r[0]), Note: sqlog.Text(r[1])})
		return nil
	}, owner, size)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	return due, t.Exec("DELETE FROM pending WHERE owner=? AND size<=?", owner, size)
}

// FirstPending implements store.Rows.
func (t Tx) FirstPending(owner int64) (int64, error) {
	return integer(t, "SELECT min(size) FROM pending WHERE owner=?", 0, owner)
}
