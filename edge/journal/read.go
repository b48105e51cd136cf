package journal

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
)

// errEnough ends a query before its last row.
var errEnough = errors.New("enough")

const rowColumns = "SELECT idx, class, prev, t, device, kind, key, body FROM observation "

// queryRows calls f with each row that the condition selects, as it is hashed: without its personal values. The Row is
// reused, its Body is not.
func queryRows(db *sqlog.DB, where string, f func(*Row) error, args ...driver.Value) error {
	var r Row
	return db.Query(rowColumns+where, func(c []driver.Value) error {
		r = scanRow(c)
		return f(&r)
	}, args...)
}

// queryWhole is queryRows with the personal values in their rows, as far as the sealer opens them; column is what
// sealedColumn says.
func queryWhole(db *sqlog.DB, sealer *personal.Sealer, column, where string, f func(*Row) error, args ...driver.Value) error {
	var r Row
	return db.Query(strings.Replace(rowColumns, "body", "body, "+column, 1)+where, func(c []driver.Value) error {
		r = scanRow(c)
		r.sealed = sqlog.Bytes(c[8])
		if err := r.open(sealer); err != nil {
			return message.Wrap(err, "evidence.row", rowNumber(r.Idx))
		}
		return f(&r)
	}, args...)
}

// scanRow returns the row with rowColumns.
func scanRow(c []driver.Value) Row {
	return Row{
		Idx: sqlog.Int64(c[0]), Class: observation.Class(sqlog.Int64(c[1])), Prev: sqlog.Int64(c[2]), Time: sqlog.Int64(c[3]),
		Device: sqlog.Text(c[4]), Kind: observation.Kind(sqlog.Int64(c[5])), Key: sqlog.Text(c[6]), column: sqlog.Text(c[6]),
		Body: sqlog.Bytes(c[7]),
	}
}

// ReadClass returns rows of one class with idx above after, oldest first: at most maxRows, and no more once their
// bodies hold maxBytes, but at least one when there is one.
func (j *Journal) ReadClass(class observation.Class, after int64, maxRows, maxBytes int) ([]Row, error) {
	where := fmt.Sprintf("WHERE class=%d AND idx>? ORDER BY idx LIMIT ?", class) // a constant class, for the partial indexes
	if class == observation.Class_CLASS_TELEMETRY {
		where = "WHERE idx>? AND class=3 ORDER BY idx LIMIT ?"
	}
	most := min(int64(maxRows), int64(maxBytes/smallBody+1), max(j.Last(class)-after, 1))
	out, err := j.collectInto(make([]Row, 0, most), where, maxBytes, after, int64(maxRows))
	if len(out) == 0 {
		return nil, err
	}
	return out, err
}

// smallBody is about the size of the smallest bodies that come in masses, bytes: what room is made for rows by.
const smallBody = 24

// Read returns rows of all classes from idx on, at most maxRows.
func (j *Journal) Read(from int64, maxRows int) ([]Row, error) {
	return j.collect("WHERE idx>=? ORDER BY idx LIMIT ?", 64<<20, from, int64(maxRows))
}

// ReadCases returns rows about cases from idx on, at most maxRows.
func (j *Journal) ReadCases(from int64, maxRows int) ([]Row, error) {
	// constants, for the partial index
	where := fmt.Sprintf("INDEXED BY observation_case WHERE kind IN (%d,%d,%d) AND idx>=? ORDER BY idx LIMIT ?",
		observation.Kind_KIND_CASE_OPENED, observation.Kind_KIND_CASE_ALARMS, observation.Kind_KIND_CASE_EVENT)
	return j.collect(where, 64<<20, from, int64(maxRows))
}

// ReadAssigning returns rows of a kind that say to which passages readings belong (passage.opened, updated, corrected),
// from one idx to before another, oldest first, at most maxRows: as they are hashed, without personal values.
func (j *Journal) ReadAssigning(kind observation.Kind, from, to int64, maxRows int) (out []Row, err error) {
	// constants, for the partial index
	where := fmt.Sprintf("INDEXED BY observation_passage WHERE kind IN (%d,%d,%d) AND kind=? AND idx>=? AND idx<? ",
		observation.Kind_KIND_PASSAGE_OPENED, observation.Kind_KIND_PASSAGE_UPDATED,
		observation.Kind_KIND_PASSAGE_CORRECTED) + "ORDER BY idx LIMIT ?"
	err = queryRows(j.read, where, func(r *Row) error {
		out = append(out, *r)
		return nil
	}, int64(kind), from, to, int64(maxRows))
	return out, err
}

// Named returns the row of a device with a key; nil when there is none. removed reports that there was one, which was
// removed to make room.
func (j *Journal) Named(device, key string) (row *Row, removed bool, err error) {
	for _, column := range []string{j.sealer.HashKey(key), key} { // hashed where the row has personal values
		rows, err := j.collect("WHERE device=? AND key=?", 1, device, column)
		if err != nil {
			return nil, false, err
		}
		if len(rows) > 0 {
			return &rows[0], false, nil
		}
		was, err := j.read.Int("SELECT 1 FROM pruned_key WHERE hash=?", 0, keyHash(device, column))
		if err != nil {
			return nil, false, err
		}
		removed = removed || was > 0
	}
	return nil, removed, nil
}

// ReadBack returns rows of all classes before an idx, newest first, at most maxRows.
func (j *Journal) ReadBack(before int64, maxRows int) ([]Row, error) {
	return j.collect("WHERE idx<? ORDER BY idx DESC LIMIT ?", 64<<20, before, int64(maxRows))
}

// newestRows bounds how far back Newest looks for what is rare.
const newestRows = 1_000_000

// Newest returns the newest n rows of a class and a device among the last 1,000,000, oldest first. The zero Class is
// every class, "" is every device.
func (j *Journal) Newest(n int, class observation.Class, device string) ([]Row, error) {
	where, args := "WHERE idx>=?", []driver.Value{max(0, j.Size()-newestRows)}
	if class != 0 {
		where += fmt.Sprintf(" AND class=%d", class) // a constant class, for the partial indexes
	}
	if device != "" {
		where, args = where+" AND device=?", append(args, device)
	}
	rows, err := j.collect(where+" ORDER BY idx DESC LIMIT ?", 64<<20, append(args, int64(n))...)
	slices.Reverse(rows)
	return rows, err
}

// latestRows bounds how far back Latest looks.
const latestRows = 200_000

// Latest returns the newest observation of a device and kind among the last 200,000 rows; nil when there is none.
func (j *Journal) Latest(device string, kind observation.Kind) (*observation.Observation, error) {
	rows, err := j.collect("WHERE idx>=? AND device=? AND kind=? ORDER BY idx DESC LIMIT 1", 1, max(0, j.Size()-latestRows), device, int64(kind))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].Observation()
}

// collect returns the rows that the condition selects, no more once their bodies hold maxBytes.
func (j *Journal) collect(where string, maxBytes int, args ...driver.Value) ([]Row, error) {
	return j.collectInto(nil, where, maxBytes, args...)
}

// collectInto is collect; it appends to out. Where many rows come, room in out spares copying them as it grows.
func (j *Journal) collectInto(out []Row, where string, maxBytes int, args ...driver.Value) ([]Row, error) {
	size := 0
	err := queryWhole(j.read, j.sealer, j.column, where, func(r *Row) error {
		out = append(out, *r)
		if size += len(r.Body); size >= maxBytes {
			return errEnough
		}
		return nil
	}, args...)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// Observation decodes the row.
func (r *Row) Observation() (*observation.Observation, error) {
	body := &observation.Body{}
	if err := proto.Unmarshal(r.Body, body); err != nil {
		return nil, message.Wrap(err, "evidence.row", rowNumber(r.Idx))
	}
	return &observation.Observation{Class: r.Class, TimeNs: r.Time, Device: r.Device, Key: r.Key, Body: body}, nil
}

// Arrived returns the idx of the first row that arrived at t or later, the journal's size when none did. Where the
// agent's clock stepped back it is one of the rows that qualify.
func (j *Journal) Arrived(t time.Time) (int64, error) {
	lo, hi := int64(0), j.Size()
	for lo < hi {
		mid := lo + (hi-lo)/2
		idx, at, err := j.arrival(mid, hi)
		switch {
		case err != nil:
			return hi, err
		case idx < hi && at < t.UnixNano():
			lo = idx + 1
		default: // rows from mid on arrived later, or do not say when
			hi = mid
		}
	}
	return lo, nil
}

// arrival returns the first row from idx on, and below end, that says when it arrived, with that time in nanoseconds
// since 1970; end for none. Rows of passages do not say it: their time is that of a reading, up to minutes before.
func (j *Journal) arrival(idx, end int64) (int64, int64, error) {
	for idx < end {
		rows, err := j.Read(idx, int(min(end-idx, passagesInARow)))
		if err != nil || len(rows) == 0 {
			return end, 0, err
		}
		for i := range rows {
			switch rows[i].Kind {
			case observation.Kind_KIND_PASSAGE_OPENED, observation.Kind_KIND_PASSAGE_UPDATED,
				observation.Kind_KIND_PASSAGE_CLOSED, observation.Kind_KIND_PASSAGE_CORRECTED:
				continue
			}
			o, err := rows[i].Observation()
			if err != nil {
				return end, 0, err
			}
			return min(rows[i].Idx, end), o.TimeNs + o.Body.AgentDelayNs, nil
		}
		idx = rows[len(rows)-1].Idx + 1
	}
	return end, 0, nil
}

// passagesInARow is how many rows of passages mostly stand between two others, at most.
const passagesInARow = 8

// readPage is the number of rows that Between reads in one query: other readers of the journal wait for so long.
const readPage = 500

// Between calls f with the rows that arrived from one time to another, oldest first.
func (j *Journal) Between(from, to time.Time, f func(*Row) error) error {
	first, err := j.Arrived(from)
	if err != nil {
		return err
	}
	last, err := j.Arrived(to)
	if err != nil {
		return err
	}
	for first < last {
		rows, err := j.Read(first, int(min(readPage, last-first)))
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if rows[i].Idx >= last {
				return nil
			}
			if err := f(&rows[i]); err != nil {
				return err
			}
		}
		first = rows[len(rows)-1].Idx + 1
	}
	return nil
}
