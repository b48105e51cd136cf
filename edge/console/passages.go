package console

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage"
)

// Passages is the part of *passage.Follower that the console uses.
type Passages interface {
	// Passages returns those that are open and the last ones that are closed, newest first, and how far devices'
	// clocks are ahead.
	Passages(ctx context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error)
	// Late returns for how long after their end passages take late results.
	Late() time.Duration
	// Correct moves a reading, by its row, to a passage of any lane; "" is none.
	Correct(ctx context.Context, idx int64, to, reason, by string) error
	// Corrected returns when an observation happened by the agent's clock.
	Corrected(o *observation.Observation) time.Time
}

// noPassages stands in for the passages of an agent whose lanes have no stations.
type noPassages struct{}

func (noPassages) Passages(context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error) {
	return nil, nil, nil
}

func (noPassages) Late() time.Duration { return passage.DefaultLate }

func (noPassages) Correct(context.Context, int64, string, string, string) error {
	return message.Errorf("passage.no-stations")
}

func (noPassages) Corrected(o *observation.Observation) time.Time {
	return (*passage.Follower)(nil).Corrected(o)
}

// findTimeout bounds how long the journal is searched for a passage that is not in memory.
const findTimeout = 20 * time.Second

// askTimeout bounds a question to the follower and an act on a device: a page shows an error rather
// than hang.
const askTimeout = 3 * time.Second

// passages answers api.GetPassages: open passages and the last closed ones, newest first.
func (c *Console) passages(r *api.Call, in api.PassagesQuery) (out api.PassageList, err error) {
	all, clocks, err := c.latest(r.Context())
	if err != nil {
		return out, err
	}
	out = api.PassageList{Passages: []json.RawMessage{}, Clocks: map[string]float64{}}
	for _, p := range all {
		if in.State == "open" && p.State != observation.PassageState_PASSAGE_STATE_OPEN {
			continue
		}
		text, err := api.ShownJSON(p)
		if err != nil {
			return out, err
		}
		out.Passages = append(out.Passages, text)
	}
	for device, d := range clocks {
		out.Clocks[device] = d.Seconds()
	}
	return out, nil
}

// latest returns the passages that are in memory, and by how much devices' clocks are ahead. A
// follower that does not answer is 503: the journal cannot be written, or the agent stops.
func (c *Console) latest(ctx context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	all, clocks, err := c.Passages.Passages(ctx)
	if err != nil {
		return nil, nil, api.ProblemOf(api.Unavailable, err)
	}
	return all, clocks, nil
}

// find returns the document of a passage: from memory, else from the journal. One search of the journal is done at a
// time. A passage that the journal does not have, or not any more, is 404.
func (c *Console) find(ctx context.Context, id string) (*observation.PassageClosed, error) {
	all, _, err := c.latest(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(p *observation.PassageClosed) bool { return p.Id == id }); i >= 0 {
		return all[i], nil
	}
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	select {
	case c.finding <- struct{}{}:
		defer func() { <-c.finding }()
	case <-ctx.Done():
		return nil, api.ProblemOf(api.Unavailable, ctx.Err())
	}
	p, err := passage.Find(ctx, c.Journal, id, c.Passages.Late())
	switch {
	case errors.Is(err, passage.ErrUnknown), errors.Is(err, passage.ErrRemoved):
		return nil, api.ProblemOf(api.NotFound, err)
	case ctx.Err() != nil:
		return nil, api.ProblemOf(api.Unavailable, err)
	}
	return p, err
}

// passage answers api.GetPassage.
func (c *Console) passage(r *api.Call, in api.PassageQuery) (out api.PassageDetail, err error) {
	p, err := c.find(r.Context(), in.ID)
	if err != nil {
		return out, err
	}
	c.noteLook(r, message.New("look.passage", message.String("passage", in.ID)))
	out, err = c.detail(p, r.User)
	if one, wrong := c.Cases.Case(in.ID); wrong == nil {
		out.Case = one != nil
	}
	if err == nil && in.Explain {
		out.Assignments, err = c.explain(p)
	}
	return out, err
}

// readingsOf returns the readings that a passage has, and those that may be its own, in a new
// slice.
func readingsOf(p *observation.PassageClosed) []*observation.PassageReading {
	return append(p.Readings[:len(p.Readings):len(p.Readings)], p.Possible...)
}

// detail returns a passage with the observations that its readings are of. One that is not in the
// journal any more is left out.
func (c *Console) detail(p *observation.PassageClosed, u api.User) (out api.PassageDetail, err error) {
	out.Observations = []api.Line{}
	if out.Passage, err = api.ShownJSON(p); err != nil {
		return out, err
	}
	for _, reading := range readingsOf(p) {
		var rows []journal.Row
		if rows, err = c.Journal.Read(reading.Idx, 1); err != nil {
			return out, err
		}
		if len(rows) == 0 || rows[0].Idx != reading.Idx {
			continue
		}
		line, err := c.lineOf(&rows[0], u)
		if err != nil {
			return out, err
		}
		// The reading's time was corrected by the offset of its day.
		if at := time.Unix(0, reading.TimeNs).UTC(); at.Sub(line.Time).Abs() >= clockNotice {
			line.Corrected = at
		}
		out.Observations = append(out.Observations, line)
	}
	return out, nil
}
