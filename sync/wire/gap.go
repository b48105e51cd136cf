package wire

import (
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/observation"
)

// RemovedRow is a row that an agent removed to make room, after a hub had acknowledged it. A hub that lacks it, because
// it was restored from a backup, gets its leaf hash instead: the rows after it can be verified, and an agent.pruned row
// says why it is gone.
type RemovedRow struct {
	Idx  int64
	Leaf tlog.Hash
}

// NewGap packs removed rows of one class, which follow the row prev, in the order of idx.
func NewGap(journal []byte, class observation.Class, prev int64, rows []RemovedRow) *Batch {
	b := &Batch{Journal: journal, Class: class, Prev: prev}
	for _, r := range rows {
		b.GapDelta = append(b.GapDelta, uint64(r.Idx-prev))
		b.GapLeaves = append(b.GapLeaves, r.Leaf[:]...)
		prev = r.Idx
	}
	return b
}

// Gap unpacks the removed rows of a batch; nil for a batch of rows. It came from elsewhere, and is
// checked against every bound.
func (b *Batch) Gap() ([]RemovedRow, error) {
	n := len(b.GapDelta)
	switch {
	case n == 0 && len(b.GapLeaves) == 0:
		return nil, nil
	case n > MaxRows || len(b.GapLeaves) != n*tlog.HashSize:
		return nil, fmt.Errorf("batch: %d removed rows with %d bytes of hashes", n, len(b.GapLeaves))
	case len(b.IdxDelta) > 0:
		return nil, fmt.Errorf("batch: has %d rows and %d that were removed; it has one or the other", len(b.IdxDelta), n)
	case leaves[b.Class] == "":
		return nil, fmt.Errorf("batch: class %d is unknown", b.Class)
	case b.Prev < -1:
		return nil, fmt.Errorf("batch: prev is %d", b.Prev)
	}
	rows, idx := make([]RemovedRow, n), b.Prev
	for i, d := range b.GapDelta {
		if d == 0 || d > math.MaxInt64 || idx > math.MaxInt64-int64(d) {
			return nil, fmt.Errorf("batch: removed row %d: idx does not rise", i)
		}
		idx += int64(d)
		rows[i] = RemovedRow{idx, tlog.Hash(b.GapLeaves[i*tlog.HashSize:])}
	}
	return rows, nil
}
