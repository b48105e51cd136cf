package store

import (
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
)

// Row is an observation as the ledger keeps it.
type Row struct {
	Idx    int64 // in the journal
	Class  observation.Class
	TimeNs int64
	Device string
	Kind   observation.Kind
	Body   []byte // as it was hashed: without personal values
	Sealed []byte // those, encrypted; nil where there are none, or they are erased
}

// Record returns the row as the evidence log hashes it.
func (r *Row) Record() evidence.Record {
	return evidence.Record{Class: uint8(r.Class), Time: r.TimeNs, Kind: uint16(r.Kind), Device: r.Device, Body: r.Body}
}

// OwnedRow is a row with its place in the ledger.
type OwnedRow struct {
	Seq   int64
	Owner int64 // Journal.ID
	Row
}

// HeldRow is a row of a journal that is on record: whole, or its leaf hash alone.
type HeldRow struct {
	Row
	Leaf []byte // when the agent removed the row, or the original of a fork has it; nil for a whole row
}

// Rows are observations and the evidence over them.
type Rows interface {
	// AddRows adds rows of one class of a journal, in the order of the feed. A row whose Idx is there already is an
	// ErrConstraint. No row behind held is on record, which saves looking for them.
	AddRows(owner int64, class observation.Class, rows []Row, held int64) error
	// Row returns a row, nil when there is none.
	Row(owner, idx int64) (*Row, error)
	// HeldRows returns up to limit rows on record from one index to before another, in the order of their index.
	HeldRows(owner, from, to int64, limit int) ([]HeldRow, error)
	// RowsAfter returns up to limit rows behind a seq, of kinds between two, in the order of the feed.
	RowsAfter(seq int64, first, last observation.Kind, limit int) ([]OwnedRow, error)

	// AddGap notes a row that the agent has removed, by its leaf hash, unless it is noted.
	AddGap(owner int64, class observation.Class, idx int64, leaf []byte) error
	// AddShared notes a row of a fork that its original has as well, unless it is noted.
	AddShared(owner, idx int64, leaf []byte) error
	// HasLeaf reports whether AddGap or AddShared noted a row with this leaf hash.
	HasLeaf(owner, idx int64, leaf []byte) (bool, error)

	// Log returns the tiles and checkpoints of a journal.
	Log(owner int64) Log

	// AddPending keeps a checkpoint that waits for rows. Of more than most, those with the smallest sizes go.
	AddPending(owner int64, p Pending, most int) error
	// DuePending takes out the checkpoints over at most size rows, smallest first.
	DuePending(owner, size int64) ([]Pending, error)
	// FirstPending returns the size of the smallest checkpoint that waits, 0 for none.
	FirstPending(owner int64) (int64, error)
}

// Log is the evidence of a journal.
type Log interface {
	evidence.Tiles
	AddTiles([]evidence.Tile) error
	// AddCheckpoint adds a checkpoint and drops the smaller one of the same tile, which it covers.
	AddCheckpoint(evidence.SignedCheckpoint) error
}

// Pending is a signed checkpoint over rows that have not all come.
type Pending struct {
	Size int64
	Note string
}
