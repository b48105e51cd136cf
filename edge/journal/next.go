package journal

import (
	"database/sql/driver"
	"errors"
	"math"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
)

// RemovedRow is a row that was removed: its place, and its leaf in the evidence log.
type RemovedRow struct {
	Idx  int64
	Leaf evidence.Hash
}

// Limits bound what Next returns.
type Limits struct {
	Rows, Bytes int // as ReadClass has them
	Removed     int // rows that were removed
}

// Following is what follows a row in its class: rows, or rows that were removed, without a gap between them.
type Following struct {
	Rows    []Row
	Removed []RemovedRow
}

// Next returns what follows the row after, -1 for the beginning, in a class.
func (j *Journal) Next(class observation.Class, after int64, most Limits) (next Following, err error) {
	next, err = j.next(class, after, most)
	if err == nil && j.salvaged && class == unreadableClass {
		next, err = j.amongUnreadable(next, after, most.Removed)
	}
	return next, err
}

func (j *Journal) next(class observation.Class, after int64, most Limits) (next Following, err error) {
	rows, err := j.ReadClass(class, after, most.Rows, most.Bytes)
	if err != nil || len(rows) == 0 {
		return next, err
	}
	if rows[0].Prev > after {
		next.Removed, err = j.removed(class, after, rows[0].Prev, most.Removed)
		if err != nil || len(next.Removed) > 0 {
			return next, err
		}
	}
	for i := range rows[1:] {
		if rows[i+1].Prev > rows[i].Idx {
			rows = rows[:i+1]
			break
		}
	}
	next.Rows = rows
	return next, nil
}

// removed returns the rows of a class above the idx after and up to the idx last that were removed, in rising
// order, at most most.
func (j *Journal) removed(class observation.Class, after, last int64, most int) (out []RemovedRow, err error) {
	var rows []int64
	err = queryRows(j.read, declared+" ORDER BY idx", func(r *Row) error {
		o, err := r.Observation()
		if err != nil || o.Body.GetAgentPruned().GetClass() != class {
			return err
		}
		for from, to := range o.Body.GetAgentPruned().Removed() {
			for idx := max(from, after+1); idx <= min(to, last); idx++ {
				if rows = append(rows, idx); len(rows) == most {
					return errEnough
				}
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	tiles := sqlog.NewStore(j.read)
	var tile []evidence.Hash
	number := int64(-1)
	for _, idx := range rows {
		if n := idx / evidence.TileWidth; n != number {
			if tile, err = tiles.Tile(0, n); err != nil {
				return nil, err
			}
			number = n
		}
		out = append(out, RemovedRow{idx, tile[idx%evidence.TileWidth]})
	}
	return out, nil
}

// amongUnreadable puts rows that could not be read where they belong: what follows is either some of these or what
// comes before the next of them.
func (j *Journal) amongUnreadable(next Following, after int64, most int) (Following, error) {
	bound := int64(math.MaxInt64)
	switch {
	case len(next.Removed) > 0:
		bound = next.Removed[0].Idx
	case len(next.Rows) > 0:
		bound = next.Rows[0].Idx
	}
	var lost []RemovedRow
	between := "SELECT idx, leaf FROM unreadable WHERE idx>? AND idx<? ORDER BY idx LIMIT ?"
	err := j.read.Query(between, func(c []driver.Value) error {
		lost = append(lost, RemovedRow{sqlog.Int64(c[0]), evidence.Hash(sqlog.Bytes(c[1]))})
		return nil
	}, after, bound, int64(most))
	if err != nil || len(lost) > 0 {
		return Following{Removed: lost}, err
	}
	first, err := j.read.Int("SELECT min(idx) FROM unreadable WHERE idx>?", math.MaxInt64, after)
	if i := slices.IndexFunc(next.Rows, func(r Row) bool { return r.Idx > first }); i >= 0 {
		next.Rows = next.Rows[:i]
	}
	if i := slices.IndexFunc(next.Removed, func(r RemovedRow) bool { return r.Idx > first }); i >= 0 {
		next.Removed = next.Removed[:i]
	}
	return next, err
}
