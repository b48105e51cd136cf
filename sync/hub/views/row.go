package views

import (
	"database/sql/driver"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/store"
)

// row is a row of the ledger.
type row struct {
	store.OwnedRow
	sealer *personal.Sealer
	word   string            // that stands for values that were erased; "" leaves them out
	public *observation.Body // decoded once
	whole  *observation.Body
}

// body returns the body without its personal values.
func (r *row) body() (*observation.Body, error) {
	if r.public == nil {
		b := &observation.Body{}
		if err := proto.Unmarshal(r.Body, b); err != nil {
			return nil, err
		}
		r.public = b
	}
	return r.public, nil
}

// values returns the body with its personal values.
func (r *row) values() (*observation.Body, error) {
	if r.whole == nil {
		text, err := ledger.WithValues(r.sealer, r.Kind, r.Body, r.Sealed, r.word)
		if err != nil {
			return nil, err
		}
		b := &observation.Body{}
		if err := proto.Unmarshal(text, b); err != nil {
			return nil, err
		}
		r.whole = b
	}
	return r.whole, nil
}

// at returns when the row was observed, by its agent's clock.
func (r *row) at() time.Time { return time.Unix(0, r.TimeNs).UTC() }

// record returns the observation that the row is, with its personal values.
func (r *row) record() (*observation.Observation, error) {
	b, err := r.values()
	if err != nil {
		return nil, err
	}
	return &observation.Observation{Class: r.Class, TimeNs: r.TimeNs, Device: r.Device, Body: b}, nil
}

// maxText is the longest name, in bytes, that is kept; agents write them.
const maxText = 255

var errText = errors.New("a name in it is too long, or no text")

// storable returns an error for texts that no table takes.
func storable(texts ...string) error {
	for _, t := range texts {
		if len(t) > maxText || strings.ContainsRune(t, 0) || !utf8.ValidString(t) {
			return errText
		}
	}
	return nil
}

const rowColumns = "o.seq, o.owner, o.idx, o.class, o.t, o.device, o.kind, o.body, o.sealed"

func scanRow(r []driver.Value, sealer *personal.Sealer) *row {
	return &row{sealer: sealer, OwnedRow: store.OwnedRow{Seq: sqlog.Int64(r[0]), Owner: sqlog.Int64(r[1]), Row: store.Row{
		Idx: sqlog.Int64(r[2]), Class: observation.Class(sqlog.Int64(r[3])), TimeNs: sqlog.Int64(r[4]), Device: sqlog.Text(r[5]),
		Kind: observation.Kind(sqlog.Int64(r[6])), Body: sqlog.Bytes(r[7]), Sealed: sqlog.Bytes(r[8]),
	}}}
}

// rowsOf returns rows of a journal by their indices; those that are not held are absent.
func rowsOf(c sqlog.Conn, sealer *personal.Sealer, owner int64, indices []int64) (map[int64]*row, error) {
	out := map[int64]*row{}
	err := eachChunk(indices, func(list string, args []driver.Value) error {
		return c.Query("SELECT "+rowColumns+" FROM observation o WHERE o.owner=? AND o.idx IN ("+list+")",
			func(r []driver.Value) error {
				one := scanRow(r, sealer)
				out[one.Idx] = one
				return nil
			}, append([]driver.Value{owner}, args...)...)
	})
	return out, err
}

// maxChunk bounds the values of one statement.
const maxChunk = 256

// eachChunk calls f with the parameters of an IN list, and the values for it. Lists have a few lengths only, so that
// the statements can be kept prepared: the last value fills them up.
func eachChunk[T any](all []T, f func(list string, args []driver.Value) error) error {
	for len(all) > 0 {
		n := min(len(all), maxChunk)
		size := 1
		for size < n {
			size *= 4
		}
		args := make([]driver.Value, 0, size+1)
		for i := range size {
			args = append(args, all[min(i, n-1)])
		}
		if err := f("?"+strings.Repeat(",?", size-1), args); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// integer returns the single integer that a query gives, 0 when it gives no row or NULL.
func integer(c sqlog.Conn, query string, args ...driver.Value) (n int64, err error) {
	err = c.Query(query, func(r []driver.Value) error {
		n = sqlog.Int64(r[0])
		return nil
	}, args...)
	return n, err
}
