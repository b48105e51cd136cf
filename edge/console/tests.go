package console

import (
	"context"
	"errors"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/diag/guided"
)

// tests answers api.GetTests: all guided tests with their last results, and the one under way.
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

// startTest checks api.PostTest. The test runs on behalf of the user.
func (c *Console) startTest(r *api.Call, in api.TestStart) (api.Act[api.Done], error) {
	return api.Act[api.Done]{Text: message.Verbatim(in.Device + " " + in.Test), Do: limited(func(ctx context.Context) (api.Done, error) {
		return api.Done{}, c.Tests.Start(ctx, in.Device, in.Test, r.User.Name)
	})}, nil
}

// actTest checks api.PostTestAct: the answer to a step. Only who began a test may abandon it, or an
// administrator.
func (c *Console) actTest(_ *api.Call, in api.TestAct) (act api.Act[*guided.View], err error) {
	run := c.Tests.View()
	if run == nil || run.Verdict != "" {
		return act, api.ProblemOf(api.NotDone, guided.ErrNone)
	}
	if in.Action == "abandon" {
		act.Owner = run.By
	}
	act.Text = message.New("access.step", message.String("device", run.Device), message.String("test", run.Test),
		message.Int("step", run.Step+1), message.Nested("answer", answer(in)))
	act.Do = func(ctx context.Context) (*guided.View, error) {
		err := c.Tests.Act(ctx, in.Action, in.Number)
		if err != nil && !errors.Is(err, guided.ErrNone) {
			err = api.ProblemOf(api.BadRequest, err)
		}
		return c.Tests.View(), err
	}
	return act, nil
}

// answer says what a person answered to a step of a test, for the journal. One that no step knows
// is refused later.
func answer(in api.TestAct) message.Message {
	switch in.Action {
	case "yes":
		return message.New("access.answer-yes")
	case "no":
		return message.New("access.answer-no")
	case "abandon":
		return message.New("access.answer-abandon")
	case "number":
		return message.New("access.answer-number", message.Number("value", in.Number, 6))
	}
	return message.Verbatim(in.Action)
}
