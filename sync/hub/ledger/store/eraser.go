package store

import "lanewarden/drivers/observation"

// Shown is a row that names an artifact.
type Shown struct {
	Kind   observation.Kind
	Sealed bool   // it has personal values
	Body   []byte // as it is hashed; of a kind whose artifacts go only with some of its rows, nil otherwise
}

// Eraser erases personal values.
type Eraser interface {
	// Erasing runs f while what it deletes is overwritten, where the store can.
	Erasing(f func() error) error
	// SealedRows returns up to limit of a journal's rows that have personal values: of the rows listed, and with sharedBy
	// not 0 only of those that this fork shares.
	SealedRows(owner int64, rows []int64, sharedBy int64, limit int) ([]OwnedRow, error)
	// SealedBefore returns up to limit rows with personal values from before a time, oldest first.
	SealedBefore(timeNs int64, limit int) ([]OwnedRow, error)
	// EraseRow erases a row's values, its plate where a passage shows it, and the names of its artifacts. It is among the
	// rows that TakeErased returns.
	EraseRow(owner, idx int64) error
	// EraseValues erases a row's values alone. It is among the rows that TakeErased returns.
	EraseValues(owner, idx int64) error
	// TakeErased returns, once each, up to limit rows that were erased: what was derived from them has to follow.
	TakeErased(limit int) ([]RowRef, error)
	// ErasePlate erases the plate of a passage.
	ErasePlate(owner int64, passage string) error
	// ShowsElsewhere returns the rows that name an artifact, but for one.
	ShowsElsewhere(sum []byte, owner, idx int64) ([]Shown, error)
}
