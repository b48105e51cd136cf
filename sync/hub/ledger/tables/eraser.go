package tables

import (
	"bytes"
	"database/sql/driver"
	"errors"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// SealedBefore implements store.Eraser.
func (t Tx) SealedBefore(timeNs int64, limit int) ([]store.OwnedRow, error) {
	return t.ownedRows("WHERE o.sealed IS NOT NULL AND o.t<? ORDER BY o.t LIMIT ?", timeNs, int64(limit))
}

// SealedAmong returns up to limit of a journal's rows that have personal values, as SealedRows does; among is the
// condition (SQL) that o.idx is one of the list, which is ?2.
func (t Tx) SealedAmong(among string, owner int64, list driver.Value, sharedBy int64, limit int) ([]store.OwnedRow, error) {
	where := "WHERE o.sealed IS NOT NULL AND o.owner=?1 AND " + among
	if sharedBy == 0 {
		return t.ownedRows(where+" LIMIT ?3", owner, list, int64(limit))
	}
	return t.ownedRows(where+" AND EXISTS (SELECT 1 FROM shared s WHERE s.owner=?4 AND s.idx=o.idx) LIMIT ?3",
		owner, list, int64(limit), sharedBy)
}

// EraseValues implements store.Eraser.
func (t Tx) EraseValues(owner, idx int64) error {
	return errors.Join(
		t.Exec("UPDATE observation SET sealed=NULL WHERE owner=? AND idx=?", owner, idx),
		t.Exec("INSERT INTO erased(owner, idx) VALUES(?,?) ON CONFLICT DO NOTHING", owner, idx))
}

// TakeErased implements store.Eraser.
func (t Tx) TakeErased(limit int) (out []store.RowRef, err error) {
	err = t.Query("SELECT owner, idx FROM erased ORDER BY owner, idx LIMIT ?", func(r []driver.Value) error {
		out = append(out, store.RowRef{Owner: sqlog.Int64(r[0]), Idx: sqlog.Int64(r[1])})
		return nil
	}, int64(limit))
	for _, r := range out {
		if err == nil {
			err = t.Exec("DELETE FROM erased WHERE owner=? AND idx=?", r.Owner, r.Idx)
		}
	}
	return out, err
}

// EraseRow implements store.Eraser.
func (t Tx) EraseRow(owner, idx int64) error {
	return errors.Join(
		t.EraseValues(owner, idx),
		t.Exec(`UPDATE passage SET plate='' WHERE owner=?1 AND plate<>'' AND EXISTS (SELECT 1 FROM passage_reading r
			WHERE r.owner=?1 AND r.idx=?2 AND r.passage=passage.id AND r.plate=passage.plate)`, owner, idx),
		t.Exec("UPDATE passage_reading SET plate='' WHERE owner=? AND idx=?", owner, idx),
		t.Exec("UPDATE artifact_row SET name='' WHERE owner=? AND idx=?", owner, idx))
}

// ErasePlate implements store.Eraser.
func (t Tx) ErasePlate(owner int64, passage string) error {
	return t.Exec("UPDATE passage SET plate='' WHERE owner=? AND id=?", owner, passage)
}

// ShowsElsewhere implements store.Eraser.
func (t Tx) ShowsElsewhere(sum []byte, owner, idx int64) (out []store.Shown, err error) {
	// of acts in cases the body says whether they are reports
	err = t.Query(`SELECT o.kind, o.sealed IS NOT NULL, CASE WHEN o.kind=? THEN o.body END
		FROM artifact_row a JOIN observation o ON o.owner=a.owner AND o.idx=a.idx
		WHERE a.sha256=? AND NOT (a.owner=? AND a.idx=?)`, func(r []driver.Value) error {
		out = append(out, store.Shown{
			Kind: observation.Kind(sqlog.Int64(r[0])), Sealed: sqlog.Int64(r[1]) != 0, Body: bytes.Clone(sqlog.Bytes(r[2])),
		})
		return nil
	}, int64(observation.Kind_KIND_CASE_EVENT), sum, owner, idx)
	return out, err
}
