package ledger

import (
	"errors"
	"math"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger/sqlite"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// ArtifactsHeld is the condition (SQL) of the artifacts that a ledger in SQLite has whole.
const ArtifactsHeld = "held != 0"

// upgradeRows is how many rows of a ledger of an earlier version are looked at at once.
const upgradeRows = 1000

// upgrade derives from the rows of a ledger of an earlier version what it had not derived yet, in one transaction, so that a
// crash leaves the ledger as it was.
func (l *Ledger) upgrade(old sqlite.Old) error {
	return l.transact(func() error {
		err := l.tx.SealPlates(l.sealer.SealName)
		if old.Passages {
			err = errors.Join(err, l.eachOld(observation.Kind_KIND_PASSAGE_OPENED, observation.Kind_KIND_PASSAGE_CORRECTED, l.notePassages))
		}
		if old.Artifacts {
			err = errors.Join(err, l.eachOld(0, math.MaxInt32, l.nameArtifacts))
		}
		return err
	})
}

// eachOld calls note with each row of kinds between two, in the order of the feed.
func (l *Ledger) eachOld(first, last observation.Kind, note func(owner int64, rows []wire.Row) error) error {
	for seq := int64(0); ; {
		rows, err := l.tx.RowsAfter(seq, first, last, upgradeRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			seq = rows[i].Seq
			row, err := l.wireRow(&rows[i])
			if err != nil {
				return err
			}
			if err := note(rows[i].Owner, []wire.Row{row}); err != nil {
				return err
			}
		}
	}
}

// wireRow returns a row as it came, with its personal values.
func (l *Ledger) wireRow(r *store.OwnedRow) (wire.Row, error) {
	body, err := WithValues(l.sealer, r.Kind, r.Body, r.Sealed, "")
	return wire.Row{Idx: r.Idx, Kind: r.Kind, Device: r.Device, Body: body}, err
}
