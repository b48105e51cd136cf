package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanewarden/edge/api"
	"lanewarden/edge/diag/guided"
)

// tests answers api.GetTests.
func (c *Console) tests(*api.Call, api.None) (api.TestList, error) {
	out := api.TestList{Tests: []api.TestOffer{}, Run: c.Tests.View()}
	for _, o := range c.Tests.Offers(time.Now()) {
		one := api.TestOffer{Offer: o}
		if o.Last != nil {
			text, err := api.ShownJSON(o.Last)
			if err != nil {
				return out, err
			}
			one.Last = text
		}
		out.Tests = append(out.Tests, one)
	}
	return out, nil
}

// startTest checks api.PostTest.
func (c *Console) startTest(r *api.Call, in api.TestStart) (api.Act[api.Done], error) {
	return api.Act[api.Done]{Text: in.Device + " " + in.Test, Do: limited(func(ctx context.Context) (api.Done, error) {
		return api.Done{}, c.Tests.Start(ctx, in.Device, in.Test, r.User.Name)
	})}, nil
}

// actTest checks api.PostTestAct.
func (c *Console) actTest(_ *api.Call, in api.TestAct) (act api.Act[*guided.View], err error) {
	run := c.Tests.View()
	if run == nil || run.Verdict != "" {
		return act, api.ProblemOf(api.NotDone, guided.ErrNone)
	}
	if in.Action == "abandon" {
		act.Owner = run.By
	}
	act.Text = fmt.Sprintf("%s %s, step %d: %s", run.Device, run.Test, run.Step+1, in.Action)
	if in.Action == "number" {
		act.Text += fmt.Sprintf(" %g", in.Number)
	}
	act.Do = func(ctx context.Context) (*guided.View, error) {
		err := c.Tests.Act(ctx, in.Action, in.Number)
		if err != nil && !errors.Is(err, guided.ErrNone) {
			err = api.ProblemOf(api.BadRequest, err)
		}
		return c.Tests.View(), err
	}
	return act, nil
}
