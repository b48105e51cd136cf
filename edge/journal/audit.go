package journal

import (
	"context"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
)

// Audit holds a journal's rows against its tiles and signed checkpoints, offline or beside a running agent. path is the
// journal's directory or its database file. verifierKey "" means the key that the journal itself names: that proves
// that nothing was changed after signing, but not who signed.
// It stops with the context's error when ctx ends.
func Audit(ctx context.Context, path, verifierKey string) (Identity, *evidence.Report, error) {
	return AuditWatched(ctx, path, verifierKey, nil)
}

// Check is Audit of a journal that is in use. A database that cannot be read is damage, as any that is met while it is in
// use (Damaged).
func (j *Journal) Check(ctx context.Context) (*evidence.Report, error) {
	_, report, err := Audit(ctx, j.dir, "")
	if isDamage(err) {
		j.noteDamage(err)
	}
	return report, err
}

// AuditWatched is Audit, and tells seen how many rows of all are done; seen may be nil.
func AuditWatched(ctx context.Context, path, verifierKey string, seen func(done, all int64)) (Identity, *evidence.Report, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, FileName)
	}
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		return Identity{}, nil, err
	}
	defer db.Close()
	tiles, err := sqlog.Open(path, sqlog.ReadOnly) // a connection of its own: tiles are read while rows are
	if err != nil {
		return Identity{}, nil, err
	}
	defer tiles.Close()
	db.StopWith(ctx)
	meta, err := readMeta(db)
	if err != nil {
		return Identity{}, nil, err
	}
	id := identityOf(meta)
	if verifierKey == "" {
		verifierKey = id.Verifier
	}
	verifier, err := note.NewVerifier(verifierKey)
	if err != nil {
		return id, nil, err
	}
	all, err := db.Int("SELECT max(idx)+1 FROM observation", 0)
	if err != nil {
		return id, nil, err
	}
	report, err := evidence.Audit(auditLog{sqlog.NewStore(tiles), db, func(done int64) {
		if seen != nil {
			seen(done, all)
		}
	}}, id.BlindKey, verifier, id.Origin())
	return id, report, err
}

// auditLog is a journal as evidence.Audit reads it.
type auditLog struct {
	*sqlog.Store
	db   *sqlog.DB
	seen func(done int64)
}

func (a auditLog) Rows(f func(int64, evidence.Record) error) error {
	return queryRows(a.db, "ORDER BY idx", func(r *Row) error {
		a.seen(r.Idx + 1)
		return f(r.Idx, r.Record())
	})
}

// Removed implements evidence.Thinned.
func (a auditLog) Removed() ([]evidence.Range, error) { return declaredRemoved(a.db) }

// declaredRemoved returns the rows that a journal's own rows declare removed, in rising order of their beginnings.
func declaredRemoved(db *sqlog.DB) (out []evidence.Range, err error) {
	err = queryRows(db, declared+" ORDER BY idx", func(r *Row) error {
		o, err := r.Observation()
		if err != nil {
			return err
		}
		for first, last := range o.Body.GetAgentPruned().Removed() {
			out = append(out, evidence.Range{First: first, Last: last})
		}
		return nil
	})
	evidence.SortRanges(out)
	return out, err
}

// Each calls f with every row of the journal at path, which may be in use, oldest first. The Row is valid until f returns.
func Each(path string, f func(*Row) error) error {
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		return err
	}
	defer db.Close()
	sealer, err := SealerBeside(db, path)
	if err != nil {
		return err
	}
	column, err := sealedColumn(db)
	if err != nil {
		return err
	}
	return queryWhole(db, sealer, column, "ORDER BY idx", f)
}
