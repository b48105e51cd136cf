package wire

import (
	"bytes"
	"slices"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/journal"
)

// A batch carries personal values in their places in the bodies, where they compress with their neighbours, and the
// salts beside them. Its receiver takes them out again, and so gets the bodies that were hashed. Such bodies are in
// a field of their own: a hub that does not know it refuses the batch, instead of hashing the wrong bytes.

// RowOf returns a row of a journal as a batch has it. withPersonal is set for a hub that takes personal values; for
// others the row goes as it was hashed. The body is shared.
func RowOf(r *journal.Row, withPersonal bool) Row {
	out := Row{Idx: r.Idx, Time: r.Time, Device: r.Device, Kind: r.Kind, Body: r.Public()}
	if withPersonal && r.Salt != nil {
		out.Body, out.Mask, out.Salt = r.Body, r.Mask, r.Salt
	}
	return out
}

// addMask adds the mask and the salt of the batch's next row.
func (b *Batch) addMask(r *Row) {
	if len(r.Mask) == 0 {
		b.Mask = append(b.Mask, 0)
		return
	}
	n := slices.IndexFunc(b.Masks, func(m []byte) bool { return bytes.Equal(m, r.Mask) })
	if n < 0 {
		n = len(b.Masks)
		b.Masks = append(b.Masks, r.Mask)
	}
	b.Mask = append(b.Mask, uint32(n+1))
	b.Salts = append(b.Salts, r.Salt...)
}

// bodies returns the rows' bodies, one after the other.
func (b *Batch) bodies() []byte {
	if len(b.Masks) > 0 {
		return b.ClearBodies
	}
	return b.Bodies
}

// BodyBytes returns the bytes of all bodies.
func (b *Batch) BodyBytes() int { return len(b.Bodies) + len(b.ClearBodies) }

// split takes the personal values out of the rows of a batch that came.
func (b *Batch) split(rows []Row) error {
	if len(b.Masks) == 0 {
		return nil
	}
	if len(b.Mask) != 1 && len(b.Mask) != len(rows) || len(b.Bodies) > 0 {
		return message.Errorf("batch.masks")
	}
	salts := b.Salts
	for i := range rows {
		n := int(at(b.Mask, i))
		if n == 0 {
			continue
		}
		if n > len(b.Masks) || len(salts) < personal.SaltBytes {
			return message.Errorf("batch.masks")
		}
		r := &rows[i]
		r.Mask, r.Salt, salts = b.Masks[n-1], salts[:personal.SaltBytes], salts[personal.SaltBytes:]
		var err error
		if r.Public, r.Values, err = personal.SplitAgain(r.Body, r.Mask, r.Salt); err != nil {
			return message.Wrap(err, "batch.personal", message.Int("place", i))
		}
	}
	if len(salts) > 0 {
		return message.Errorf("batch.masks")
	}
	return nil
}
