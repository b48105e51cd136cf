package passage

import (
	"context"
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/journal/document"
)

// Archive is the part of the agent's journal in which passages are found that are not in memory any more.
type Archive interface {
	Read(from int64, maxRows int) ([]journal.Row, error)
	ReadAssigning(kind observation.Kind, from, to int64, maxRows int) ([]journal.Row, error)
	Named(device, key string) (row *journal.Row, removed bool, err error)
	Arrived(t time.Time) (int64, error)
	Size() int64
}

// Errors of Find.
var (
	ErrUnknown = message.Errorf("passage.never")   // the journal never had it
	ErrRemoved = message.Errorf("passage.removed") // its rows were removed to make room
)

const (
	pastRows  = 500       // read at a time: other readers of the journal wait for so long
	pastSlack = time.Hour // by which the clocks of agent and devices may differ where rows are looked for by time
)

// Find returns the document of a passage of the journal, however old, folded as the centre folds it: from what the lane
// wrote when it was closed, and from what the lane, for as long after its end as late says, or a person at any time said
// of readings since. It reads the heads of all rows that can be such and keeps those that are. Readings whose rows were
// removed are in the document all the same. It returns ErrUnknown or ErrRemoved for a passage that is not there.
func Find(ctx context.Context, a Archive, id string, late time.Duration) (*observation.PassageClosed, error) {
	first, closed, err := ends(a, id)
	if err != nil {
		return nil, err
	}
	before := a.Size()
	if closed != nil {
		if before, err = a.Arrived(time.Unix(0, closed.ClosedNs).Add(late + pastSlack)); err != nil {
			return nil, err
		}
	}
	var after []document.Statement
	for kind, to := range map[observation.Kind]int64{
		observation.Kind_KIND_PASSAGE_OPENED: before, observation.Kind_KIND_PASSAGE_UPDATED: before,
		observation.Kind_KIND_PASSAGE_CORRECTED: a.Size(),
	} {
		more, err := statementsAbout(ctx, a, id, kind, first, to)
		if err != nil {
			return nil, err
		}
		after = append(after, more...)
	}
	return document.Fold(id, closed, after, func(indices []int64) (map[int64]*observation.Observation, error) {
		return observationsOf(a, indices)
	})
}

// Late returns for how long after their end passages of some lane take late results.
func (f *Follower) Late() time.Duration {
	most := DefaultLate
	for _, g := range f.correlator.groups {
		for i := range g.lanes {
			most = max(most, g.lanes[i].Late)
		}
	}
	return most
}

// ends returns the document that the lane wrote when a passage was closed, nil while it is open, and the first row that
// may say more of it.
func ends(a Archive, id string) (first int64, closed *observation.PassageClosed, err error) {
	row, removed, err := a.Named(observation.AgentDevice, closedKey(id))
	if err != nil {
		return 0, nil, err
	}
	if row != nil {
		o, err := row.Observation()
		if err != nil {
			return 0, nil, err
		}
		if closed = o.Body.GetPassageClosed(); closed != nil {
			return row.Idx + 1, closed, nil
		}
	}
	opened, gone, err := a.Named(observation.AgentDevice, openedKey(id))
	switch {
	case err != nil:
		return 0, nil, err
	case removed || opened == nil && gone:
		return 0, nil, ErrRemoved
	case opened == nil:
		return 0, nil, ErrUnknown
	}
	return opened.Idx, nil, nil
}

// statementsAbout returns the statements of a kind about a passage, from one row to before another.
func statementsAbout(
	ctx context.Context, a Archive, id string, kind observation.Kind, from, to int64,
) (out []document.Statement, err error) {
	for from < to {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rows, err := a.ReadAssigning(kind, from, to, pastRows)
		if err != nil || len(rows) == 0 {
			return out, err
		}
		for i := range rows {
			from = rows[i].Idx + 1
			if ids, err := document.PassagesIn(kind, rows[i].Body); err != nil || !slices.Contains(ids, id) {
				continue // what cannot be decoded says nothing
			}
			o, err := observationAt(a, rows[i].Idx)
			if err != nil {
				return nil, err
			}
			if o != nil {
				out = append(out, document.Statement{Idx: rows[i].Idx, Body: o.Body.Typed()})
			}
		}
	}
	return out, nil
}

// observationsOf returns the observations of rows that are still there, by row.
func observationsOf(a Archive, indices []int64) (map[int64]*observation.Observation, error) {
	out := map[int64]*observation.Observation{}
	for _, idx := range indices {
		o, err := observationAt(a, idx)
		if err != nil {
			return nil, err
		}
		if o != nil {
			out[idx] = o
		}
	}
	return out, nil
}

// observationAt returns the observation of a row; nil when the row is gone.
func observationAt(a Archive, idx int64) (*observation.Observation, error) {
	rows, err := a.Read(idx, 1)
	if err != nil || len(rows) == 0 || rows[0].Idx != idx {
		return nil, err
	}
	return rows[0].Observation()
}
