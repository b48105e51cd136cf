package console

import (
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
)

// Bounds of the search for terms, which are not in a passage's document but in the rows about it.
const (
	explainRows  = 50_000 // of class event behind the passage's first reading: an hour of a full lane
	explainRead  = 500    // at a time
	explainBytes = 1 << 20
)

// explain returns what the journal says last of each reading of a passage, and of those that may be
// its own, in their order. A reading of which nothing was found within the bounds is left out.
func (c *Console) explain(p *observation.PassageClosed) ([]api.Assignment, error) {
	readings := readingsOf(p)
	if len(readings) == 0 {
		return nil, nil
	}
	found := map[int64]*api.Assignment{}
	first := readings[0].Idx
	for _, r := range readings {
		found[r.Idx] = nil
		first = min(first, r.Idx)
	}
	for looked, after := 0, first-1; looked < explainRows; {
		rows, err := c.Journal.ReadClass(observation.Class_CLASS_EVENT, after, explainRead, explainBytes)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			break
		}
		for i := range rows {
			if err := noteAssignments(found, &rows[i]); err != nil {
				return nil, err
			}
		}
		after, looked = rows[len(rows)-1].Idx, looked+len(rows)
	}
	var out []api.Assignment
	for _, r := range readings {
		if a := found[r.Idx]; a != nil {
			out = append(out, *a)
		}
	}
	return out, nil
}

// noteAssignments records what a row says of the readings that are looked for; a later row replaces
// an earlier one.
func noteAssignments(found map[int64]*api.Assignment, row *journal.Row) error {
	if row.Device != observation.AgentDevice || observation.Describe(row.Kind).Subject != observation.OfPassage {
		return nil
	}
	body := &observation.Body{}
	if err := proto.Unmarshal(row.Body, body); err != nil {
		return err
	}
	var failed error
	observation.AssignmentsIn(body.Typed(), func(idx int64, passage string, r *observation.PassageReading) {
		if _, wanted := found[idx]; !wanted || r == nil {
			return
		}
		text, err := api.ShownJSON(r)
		if err != nil {
			failed = err
			return
		}
		found[idx] = &api.Assignment{Row: row.Idx, Passage: passage, Reading: text}
	})
	return failed
}
