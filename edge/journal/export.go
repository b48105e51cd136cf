package journal

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
)

// Export reads rows of the journal at path, which may be in use, that take is true for, each with the proof that it stands in the log under
// the newest signed checkpoint. Rows after that are left out.
func Export(path string, take func(*Row) bool) (*evidence.Export, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, FileName)
	}
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	meta, err := readMeta(db)
	if err != nil {
		return nil, err
	}
	id, tiles := identityOf(meta), sqlog.NewStore(db)
	newest, err := tiles.LatestCheckpoint()
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(id.Verifier)
	if err != nil {
		return nil, err
	}
	c, err := evidence.OpenCheckpoint(newest.Note, verifier, id.Origin())
	if err != nil {
		return nil, err
	}
	records, err := gather(db, sealerOf(filepath.Dir(path), id), id, c.Size, take)
	if err != nil {
		return nil, err
	}
	tree, err := evidence.Restore(c.Size, tiles, newest.Leaves)
	if err != nil {
		return nil, err
	}
	return evidence.NewExport(id.Origin(), id.Verifier, newest.Note, tree, tiles, records)
}

// gather reads the rows that are wanted.
func gather(db *sqlog.DB, sealer *personal.Sealer, id Identity, size int64, take func(*Row) bool) (records []evidence.ExportedRecord, err error) {
	blinder := evidence.NewBlinder(id.BlindKey)
	column, err := sealedColumn(db)
	if err != nil {
		return nil, err
	}
	err = queryWhole(db, sealer, column, "WHERE idx<? ORDER BY idx", func(r *Row) error {
		if !take(r) {
			return nil
		}
		o, err := r.Observation()
		if err != nil {
			return err
		}
		text, err := observation.JSON(o)
		if err != nil {
			return message.Wrap(err, "evidence.row", rowNumber(r.Idx))
		}
		blind, record := blinder.Blind(r.Idx), r.Record()
		records = append(records, evidence.ExportedRecord{
			Idx: r.Idx, Class: record.Class, TimeNs: record.Time, Kind: record.Kind, Device: record.Device, Blind: blind[:], Body: slices.Clone(record.Body), Observation: text,
			Salt: r.Salt, Personal: r.content,
		})
		return nil
	}, size)
	return records, err
}
