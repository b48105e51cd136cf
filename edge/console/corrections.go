package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/kinds"
	"lanewarden/edge/api"
)

// correct serves POST /v1/passages/corrections.
func (c *Console) correct(w http.ResponseWriter, r *http.Request) {
	var o api.Correction
	if !order(w, r, &o) {
		return
	}
	if u := user(r); u.Name != localUser { // who has signed in speaks for themselves
		o.By = u.Name
	}
	if o.Reason == "" || o.By == "" {
		http.Error(w, "reason and by are needed: they stand in the journal", http.StatusBadRequest)
		return
	}
	text := fmt.Sprintf("row %d to passage %q: %s", o.Idx, o.To, o.Reason)
	c.carry(w, r, "correction", text, func(ctx context.Context) (any, error) { return c.assign(ctx, o) })
}

// assign corrects, and returns what came of it.
func (c *Console) assign(ctx context.Context, o api.Correction) (*api.CorrectionOutcome, error) {
	all, _, err := c.Passages.Passages(ctx)
	if err != nil {
		return nil, err
	}
	from, reading := holding(all, o.Idx)
	if err := c.Passages.Correct(ctx, o.Idx, o.To, o.Reason, o.By); err != nil {
		return nil, err
	}
	moved := &observation.PassageCorrected{Idx: o.Idx, From: from, To: o.To, By: o.By, Reading: reading}
	said := kinds.Correction(moved, plateOf(all, o.To))
	return &api.CorrectionOutcome{Idx: o.Idx, From: from, To: o.To, Summary: said}, nil
}

// holding returns the passage that has a reading, and the reading without its doubts; "" and nil when none of these
// has.
func holding(all []*observation.PassageClosed, idx int64) (string, *observation.PassageReading) {
	for _, p := range all {
		i := slices.IndexFunc(p.Readings, func(r *observation.PassageReading) bool { return r.Idx == idx })
		if i >= 0 {
			r := p.Readings[i]
			return p.Id, &observation.PassageReading{Idx: r.Idx, Device: r.Device, Class: r.Class, Kind: r.Kind}
		}
	}
	return "", nil
}

func plateOf(all []*observation.PassageClosed, id string) string {
	for _, p := range all {
		if p.Id == id {
			return p.Plate
		}
	}
	return ""
}
