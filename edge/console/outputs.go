package console

import (
	"context"
	"fmt"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// limited bounds the time that an act may take by askTimeout.
func limited[Out any](do func(context.Context) (Out, error)) func(context.Context) (Out, error) {
	return func(ctx context.Context) (Out, error) {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		return do(ctx)
	}
}

// output checks api.PostOutput. The lane's supervisor checks device, output and value when it is
// done, after the audit row: that somebody tried is journalled, too.
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
