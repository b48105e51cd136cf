package lists

import (
	"bytes"
	"errors"
	"io"

	"lanewarden/drivers/message"
)

// Difference is one row that differs between two versions of a list. Before is nil for a row that was added, After for
// one that was removed. Their bytes are good until the next one.
type Difference struct{ Before, After *Row }

// Diff calls f with each row that differs between two full files of one list, in the order of their keys. It reads both
// to their end, with bounded memory.
func Diff(from, to *Reader, f func(Difference) error) error {
	a, b := cursor{r: from}, cursor{r: to}
	if err := errors.Join(a.next(), b.next()); err != nil {
		return err
	}
	for !a.ended || !b.ended {
		d := step(&a, &b)
		if d.Before != nil && d.After != nil && bytes.Equal(d.Before.Value, d.After.Value) {
			d = Difference{}
		}
		if d.Before != nil || d.After != nil {
			if err := f(d); err != nil {
				return err
			}
		}
		if err := errors.Join(a.next(), b.next()); err != nil {
			return err
		}
	}
	return nil
}

// cursor is where a reader is; used says that its row was taken.
type cursor struct {
	r     *Reader
	row   Row
	used  bool
	ended bool
	begun bool
}

// next reads on when the row was taken.
func (c *cursor) next() error {
	if c.ended || c.begun && !c.used {
		return nil
	}
	change, err := c.r.Next()
	if errors.Is(err, io.EOF) {
		c.row, c.ended = Row{}, true
		return nil
	}
	c.row, c.used, c.begun = change.Row, false, true
	return err
}

// step takes the row with the smaller key, or both where they are equal.
func step(a, b *cursor) (d Difference) {
	order := 0
	switch {
	case a.ended:
		order = 1
	case b.ended:
		order = -1
	default:
		order = bytes.Compare(a.row.Key, b.row.Key)
	}
	if order <= 0 {
		a.used, d.Before = true, &a.row
	}
	if order >= 0 {
		b.used, d.After = true, &b.row
	}
	return d
}

// WriteDelta writes the file that makes one version of a list of another: from and to read their full files. With more
// than MaxChanges it returns an error with the code lists.delta-too-large: the full file is for that.
func WriteDelta(out io.WriteSeeker, from, to *Reader) error {
	if from.Header.Kind != to.Header.Kind {
		return message.Errorf("lists.other-kind", message.String("kind", string(to.Header.Kind)),
			message.String("want", string(from.Header.Kind)))
	}
	w, err := NewWriter(out)
	if err != nil {
		return err
	}
	base := from.Header.Version
	h := Header{Version: to.Header.Version, Base: &base}
	err = Diff(from, to, func(d Difference) error {
		if h.Changes++; h.Changes > MaxChanges {
			return message.Errorf("lists.delta-too-large", message.Int("most", MaxChanges))
		}
		if d.After == nil {
			return w.Remove(d.Before.Key)
		}
		return w.Put(*d.After)
	})
	if err != nil {
		return errors.Join(err, w.z.Close())
	}
	return w.Close(h)
}
