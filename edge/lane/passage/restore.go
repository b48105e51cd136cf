package passage

import (
	"context"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage/detection"
)

// Bounds of what is read of the journal at the start.
const (
	restoreRows  = 20_000  // of devices, that passages are of: the last two thousand vehicles
	restoreMost  = 400_000 // of all
	restoreChunk = 1024
	// decidedAfter is the time after a row's arrival from which nothing changes its assignment any more, s;
	// believedAfter, hardly anything.
	decidedAfter  = 1500.0
	believedAfter = 1200.0
	// decidedRows is the number of rows that are associated anew in any case. What the lanes have learnt is of the
	// last 41 vehicles for the most part, and these are 400, of whom some are swabbed: then it is nearly as if the
	// agent had not stopped. It takes a second in a full lane. What the journal says holds for the first half of them.
	decidedRows  = 4096
	believedRows = decidedRows / 2
)

// arrival is a row of a device, and when it arrived, s.
type arrival struct {
	idx int64
	at  float64
}

// restore reads the journal's end: what was decided before the stop stays so, and what came since
// is decided now. Without rows of vehicles there is nothing to restore.
func (f *Follower) restore(ctx context.Context) error {
	size := f.journal.Size()
	f.next = size
	from, err := f.restoreFrom(size)
	if err != nil {
		return err
	}
	h := newHistory()
	var arrivals []arrival
	err = f.each(ctx, from, size, func(r *journal.Row) error {
		if kinds.IsOfVehicle(r.Kind) {
			if row, ok := f.row(r); ok {
				arrivals = append(arrivals, arrival{r.Idx, detection.Seconds(detection.Arrival(row.Observation))})
			}
		}
		return h.note(r)
	})
	if err != nil || len(arrivals) == 0 {
		return err
	}
	past := &replay{history: h}
	past.decided = boundary(arrivals, h.farthest, decidedAfter, decidedRows)
	past.believed = boundary(arrivals, h.farthest, believedAfter, believedRows)
	f.correlator.begin(past)
	err = f.each(ctx, from, size, func(r *journal.Row) error {
		if row, ok := f.row(r); ok {
			f.correlator.Take(row)
		}
		return nil
	})
	obs := f.correlator.resume()
	if err == nil {
		f.mark()
		f.commit(ctx, obs)
	}
	return err
}

// boundary returns the row from which rows are not older than so many seconds, and not further away
// than so many rows, before the last one of which anything was journalled; 0 when all are.
func boundary(rows []arrival, last int64, seconds float64, least int) int64 {
	end := len(rows) - 1
	for end > 0 && last >= 0 && rows[end].idx > last {
		end--
	}
	at := max(0, end-least)
	for at > 0 && rows[at].at >= rows[end].at-seconds {
		at--
	}
	if at == 0 {
		return 0
	}
	return rows[at].idx + 1
}

// restoreFrom returns the row from which the journal is read: far enough back for restoreRows rows
// of devices.
func (f *Follower) restoreFrom(size int64) (int64, error) {
	from, n := size, 0
	for from > 0 && n < restoreRows && size-from < restoreMost {
		at := max(0, from-restoreChunk)
		rows, err := f.journal.Read(at, int(from-at))
		if err != nil {
			return 0, err
		}
		for i := range rows {
			if rows[i].Idx < from && rows[i].Device != observation.AgentDevice && kinds.IsOfVehicle(rows[i].Kind) {
				n++
			}
		}
		from = at
	}
	return from, nil
}

// each calls do for each row from one row to before another, and stops at its first error.
func (f *Follower) each(ctx context.Context, from, to int64, do func(r *journal.Row) error) error {
	for from < to {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, err := f.journal.Read(from, readRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if from = rows[i].Idx + 1; from > to {
				return nil
			}
			if err := do(&rows[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
