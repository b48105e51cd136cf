package console

import (
	"context"

	"lanewarden/drivers/message"
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
			d := api.NewDecision(s.Current)
			b.Current = &d
		}
		for _, d := range s.Last {
			b.Last = append(b.Last, api.NewDecision(d))
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
