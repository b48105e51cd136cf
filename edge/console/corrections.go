package console

import (
	"context"
	"slices"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// correct checks api.PostCorrection. Users who have signed in speak for themselves; over the socket
// the caller says who it is, as lanectl runs for whoever may use the machine.
func (c *Console) correct(r *api.Call, in api.Correction) (act api.Act[*api.CorrectionOutcome], err error) {
	if !isLocal(r.Request) { // a user who has signed in speaks for themselves
		in.By = r.User.Name
	}
	if in.Reason == "" || in.By == "" {
		return act, api.NewProblem(api.BadRequest, message.New("api.reason-and-by"))
	}
	act.Text = message.New("access.correction", message.Int("row", in.Idx), message.String("to", in.To),
		message.String("reason", in.Reason))
	act.Do = limited(func(ctx context.Context) (*api.CorrectionOutcome, error) { return c.assign(ctx, in) })
	return act, nil
}

// assign makes a correction, and returns a sentence about what came of it.
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

// holding returns the passage that has a reading, and the reading without its doubts, which a
// person has settled; "" and nil when none of these has.
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

// plateOf returns the plate of a passage; "" when it has none or is not among these.
func plateOf(all []*observation.PassageClosed, id string) string {
	for _, p := range all {
		if p.Id == id {
			return p.Plate
		}
	}
	return ""
}
