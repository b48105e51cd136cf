package console

import (
	"context"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// erasure checks api.PostErasure. The audit row says what was asked for without the name.
func (c *Console) erasure(_ *api.Call, in api.Erasure) (act api.Act[api.Erased], err error) {
	if err := in.Check(time.Now()); err != nil {
		return act, err
	}
	if in.Name != "" {
		act.Text = message.New("erase.name")
		act.Do = func(ctx context.Context) (api.Erased, error) {
			done, err := c.Journal.EraseName(ctx, in.Name)
			return api.Erased(done), err
		}
		return act, nil
	}
	act.Text = message.New("erase.before", message.Date("date", in.Before.UTC()))
	act.Do = func(ctx context.Context) (api.Erased, error) {
		done, err := c.Journal.EraseBefore(ctx, in.Before)
		return api.Erased(done), err
	}
	return act, nil
}
