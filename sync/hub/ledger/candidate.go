package ledger

import (
	"database/sql/driver"

	"lanewarden/edge/evidence/sqlog"
)

// Candidate is a passage that a reading may be of; the zero Candidate is none.
type Candidate struct {
	Passage    string
	Plate      string  // of that passage; "" for none
	Confidence float64 // 0 to 1; 0 where the lane did not say it
}

// candidate reads three columns: passage, its plate, its confidence. NULL, from an outer join, is
// the zero value.
func (l *Ledger) candidate(r []driver.Value) Candidate {
	return Candidate{Passage: sqlog.Text(r[0]), Plate: l.sealer.OpenName(sqlog.Text(r[1])), Confidence: sqlog.Float64(r[2])}
}
