package store

// Reading is to which passage a lane has given a row, as it said last.
type Reading struct {
	Owner, Idx      int64  // of the row
	Passage         string // "" for none; then it may be of Other
	Confidence      float64
	Other           string // passage of which it may be as well, "" for none
	OtherConfidence float64
	Plate           string // that it read, sealed; "" when it is no read of a plate
	PlateConfidence float64
}

// Passages are the readings and plates of passages.
type Passages interface {
	// PassageOf returns the passage that a row is in, "" for none.
	PassageOf(owner, idx int64) (string, error)
	// SetReading replaces what is held of a row.
	SetReading(Reading) error
	// DropReading takes a row out of its passage.
	DropReading(owner, idx int64) error
	// RaisePlate gives a passage a plate, "" for none, if it is surer than the one that it has. A new passage is entered.
	RaisePlate(owner int64, passage, plate string, confidence float64) error
	// SetPlate gives a passage a plate in any case.
	SetPlate(owner int64, passage, plate string, confidence float64) error
	// WithdrawPlate takes a plate from a passage that shows it: the surest read that it still has counts then.
	WithdrawPlate(owner int64, passage, plate string) error
	// SealPlates replaces the plates in clear of a ledger of an earlier version.
	SealPlates(seal func(plate string) string) error
}
