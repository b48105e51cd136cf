package ledger

import "lanewarden/sync/hub/ledger/store"

// Candidate is a passage that a reading may be of; the zero Candidate is none.
type Candidate struct {
	Passage    string
	Plate      string  // of that passage; "" for none
	Confidence float64 // 0 to 1; 0 where the lane did not say it
}

// candidate opens the plate of a passage.
func (l *Ledger) candidate(c store.Candidate) Candidate {
	return Candidate{Passage: c.Passage, Plate: l.sealer.OpenName(c.Plate), Confidence: c.Confidence}
}
