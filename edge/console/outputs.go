package console

import (
	"context"
	"fmt"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// limited bounds the time that an act may take.
func limited[Out any](do func(context.Context) (Out, error)) func(context.Context) (Out, error) {
	return func(ctx context.Context) (Out, error) {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		return do(ctx)
	}
}

// output checks api.PostOutput.
func (c *Console) output(_ *api.Call, in api.Output) (act api.Act[api.Done], err error) {
	if in.Reason == "" {
		return act, api.NewProblem(api.BadRequest, message.New("api.reason"))
	}
	act.Text = message.Verbatim(fmt.Sprintf("%s %s %s: %s", in.Device, in.Output, in.Value, in.Reason))
	act.Do = limited(func(ctx context.Context) (api.Done, error) {
		return api.Done{}, c.Lane.Command(ctx, in.Device, in.Output, in.Value, in.Reason)
	})
	return act, nil
}
