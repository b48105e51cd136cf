package console

import (
	"context"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/lane/booth"
)

// Booths are the booths of the agent's lanes.
type Booths interface {
	States() []booth.State
	Override(ctx context.Context, presentation string, revision uint32, outcome, by, reason string) error
	Key(ctx context.Context, lane, code, again, as string) error
}

// booths answers api.GetClearance.
func (c *Console) booths(*api.Call, api.None) (out api.Booths, err error) {
	out.Booths = []api.Booth{}
	if c.Booths == nil {
		return out, nil
	}
	for _, s := range c.Booths.States() {
		b := api.Booth{Lane: s.Lane, Begun: s.Begun, Keyed: s.Keyed, Last: []api.Decision{}, Outputs: []api.BoothOutput{}}
		if s.Current != nil {
			d := decisionOf(s.Current)
			b.Current = &d
		}
		for _, d := range s.Last {
			b.Last = append(b.Last, decisionOf(d))
		}
		for _, o := range s.Outputs {
			b.Outputs = append(b.Outputs, outputOf(o))
		}
		out.Booths = append(out.Booths, b)
	}
	return out, nil
}

func outputOf(o booth.OutputState) api.BoothOutput {
	out := api.BoothOutput{Device: o.Device, Output: o.Output, Value: o.Value}
	if o.Problem != nil {
		text := message.Of(o.Problem).Text()
		out.Problem = &text
	}
	return out
}

func decisionOf(d *observation.ClearanceDecision) api.Decision {
	out := api.Decision{
		Presentation: d.Presentation, Revision: d.Revision, Lane: d.Lane, Passage: d.Passage, Plates: notNil(d.Plates),
		Outcome: d.Outcome, Called: kinds.Outcome(d.Outcome), Decided: d.Decided, OverriddenBy: d.OverriddenBy,
		Reasons: reasonsOf(d.Reasons), Exams: notNil(d.Exams), Selected: d.GetDraw().GetSelected(), Policy: d.Policy,
		Ended: d.Ended, Untrusted: d.ClockUntrusted, At: time.Unix(0, d.NowNs).UTC(),
		Shipments: []api.ShipmentDecision{}, Lists: []api.ListVersion{},
	}
	for _, s := range d.Shipments {
		out.Shipments = append(out.Shipments, api.ShipmentDecision{
			Importer: s.Importer, CCN: s.Ccn, Container: s.Container, Class: s.Class, Outcome: s.Outcome,
			Reasons: reasonsOf(s.Reasons),
		})
	}
	for _, l := range d.Lists {
		out.Lists = append(out.Lists, api.ListVersion{List: l.List, Version: l.Version, Issued: time.Unix(0, l.IssuedNs).UTC()})
	}
	return out
}

func reasonsOf(all []*observation.ClearanceReason) []api.DecisionReason {
	out := []api.DecisionReason{}
	for _, r := range all {
		out = append(out, api.DecisionReason{
			Code: r.Code, Outcome: r.Outcome, Exams: notNil(r.Exams), Rows: notNil(r.Rows),
			Text: driver.DecodeMessage(r.Text, r.Code).Text(), Discreet: r.Discreet,
		})
	}
	return out
}

// notNil makes no values an empty list, for JSON.
func notNil[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// noBooths is the answer of an agent whose lanes decide nothing.
func (c *Console) noBooths() error {
	if c.Booths != nil {
		return nil
	}
	return api.NewProblem(api.NotFound, message.New("booth.none"))
}

// override checks api.PostOverride. Users who have signed in speak for themselves.
func (c *Console) override(r *api.Call, in api.Override) (act api.Act[api.Done], err error) {
	if !isLocal(r.Request) {
		in.By = r.User.Name
	}
	if in.Reason == "" || in.By == "" {
		return act, api.NewProblem(api.BadRequest, message.New("api.reason-and-by"))
	}
	if err := c.noBooths(); err != nil {
		return act, err
	}
	act.Text = message.New("access.override", message.String("presentation", in.Presentation),
		message.String("outcome", in.Outcome), message.String("reason", in.Reason))
	act.Do = limited(func(ctx context.Context) (api.Done, error) {
		return api.Done{}, c.Booths.Override(ctx, in.Presentation, in.Revision, in.Outcome, in.By, in.Reason)
	})
	return act, nil
}

// keyed checks api.PostCode. The code itself is no part of the audit row: it stands in its own, where it can be erased.
func (c *Console) keyed(_ *api.Call, in api.KeyedCode) (act api.Act[api.Done], err error) {
	if err := c.noBooths(); err != nil {
		return act, err
	}
	act.Text = message.New("access.code", message.String("lane", in.Lane))
	act.Do = limited(func(ctx context.Context) (api.Done, error) {
		return api.Done{}, c.Booths.Key(ctx, in.Lane, in.Code, in.Again, in.As)
	})
	return act, nil
}
