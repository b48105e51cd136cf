package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage"
)

// Passages is what the console asks of the passages of the agent's lanes: *passage.Follower.
type Passages interface {
	// Passages returns those that are open and the last ones that are closed, newest first, and how far devices'
	// clocks are ahead.
	Passages(ctx context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error)
	// Correct moves a reading, by its row, to a passage of any lane; "" is none.
	Correct(ctx context.Context, idx int64, to, reason, by string) error
	// Corrected returns when an observation happened by the agent's clock.
	Corrected(o *observation.Observation) time.Time
}

// noPassages is an agent's without lanes that have any.
type noPassages struct{}

func (noPassages) Passages(context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error) {
	return nil, nil, nil
}

func (noPassages) Correct(context.Context, int64, string, string, string) error {
	return errors.New("no lane has stations (lanes.stations in the lane file), so there are no passages")
}

func (noPassages) Corrected(o *observation.Observation) time.Time {
	return (*passage.Follower)(nil).Corrected(o)
}

const askTimeout = 3 * time.Second

// passages serves GET /v1/passages?state=open: all that are known, or only those whose vehicle is in the lane.
func (c *Console) passages(w http.ResponseWriter, r *http.Request) {
	state := r.URL.Query().Get("state")
	if state != "" && state != "open" {
		http.Error(w, fmt.Sprintf("state=%.40q is not open", state), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	all, clocks, err := c.Passages.Passages(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	out := api.PassageList{Passages: []json.RawMessage{}, Clocks: map[string]float64{}}
	for _, p := range all {
		if state == "open" && p.State != observation.PassageState_PASSAGE_STATE_OPEN {
			continue
		}
		text, err := observation.JSON(p)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		out.Passages = append(out.Passages, text)
	}
	for device, d := range clocks {
		out.Clocks[device] = d.Seconds()
	}
	answer(w, out)
}

// passage serves GET /v1/passages/{id}: the passage and all that belongs to it, or may.
func (c *Console) passage(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	all, _, err := c.Passages.Passages(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	i := slices.IndexFunc(all, func(p *observation.PassageClosed) bool { return p.Id == r.PathValue("id") })
	if i < 0 {
		http.Error(w, "there is no such passage among the latest", http.StatusNotFound)
		return
	}
	out, err := c.detail(all[i])
	if err == nil && r.URL.Query().Has("explain") {
		out.Assignments, err = c.explain(all[i])
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, out)
}

// readingsOf are the readings that a passage has, and those that may be its own.
func readingsOf(p *observation.PassageClosed) []*observation.PassageReading {
	return append(p.Readings[:len(p.Readings):len(p.Readings)], p.Possible...)
}

func (c *Console) detail(p *observation.PassageClosed) (out api.PassageDetail, err error) {
	out.Observations = []api.Line{}
	if out.Passage, err = observation.JSON(p); err != nil {
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
		line, err := c.lineOf(&rows[0])
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
