package tables

import (
	"database/sql/driver"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// Audit is the part of a store.Audit that is the same in every database. Tiles are read while rows are, so that it
// needs two connections.
type Audit struct {
	Reader // the connection of the rows
	Tiles  Conn
}

// Evidence implements store.Audit.
func (a Audit) Evidence(j *store.Journal) store.Evidence { return sqlog.NewOwnedStore(a.Tiles, j.ID) }

// AuditRows implements store.Audit.
func (a Audit) AuditRows(j *store.Journal, f func(int64, *evidence.Record) error) error {
	return a.Query(`SELECT class, t, kind, device, body, idx, 0 AS removed FROM observation WHERE owner=?1
		UNION ALL SELECT o.class, o.t, o.kind, o.device, o.body, o.idx, 0
		FROM shared s JOIN observation o ON o.owner=?2 AND o.idx=s.idx WHERE s.owner=?1
		UNION ALL SELECT class, 0, 0, '', NULL, idx, 1 FROM gap WHERE owner=?1 ORDER BY idx`, func(r []driver.Value) error {
		row := scanRecord(r)
		if sqlog.Int64(r[6]) != 0 {
			return f(row.Idx, nil)
		}
		record := row.Record()
		return f(row.Idx, &record)
	}, j.ID, j.Original)
}

// RowsOfKind implements store.Audit. The kind stands in the statement, so that the index of rows about pruning serves
// it.
func (a Audit) RowsOfKind(owner int64, kind observation.Kind, f func([]byte) error) error {
	where := "owner=? AND kind=?"
	args := []driver.Value{owner, int64(kind)}
	if kind == observation.Kind_KIND_AGENT_PRUNED {
		where, args = "owner=? AND kind=56", args[:1]
	}
	return a.Query("SELECT body FROM observation WHERE "+where+" ORDER BY idx", func(r []driver.Value) error {
		return f(sqlog.Bytes(r[0]))
	}, args...)
}

// HeldArtifacts implements store.Audit.
func (a Audit) HeldArtifacts(f func(*store.Artifact) error) error {
	return a.Query("SELECT "+artifactColumns+"a.inline FROM artifact a WHERE a.held<>0 ORDER BY a.sha256",
		func(r []driver.Value) error { return f(scanArtifact(r)) })
}
