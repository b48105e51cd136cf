package console

import (
	"context"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// receipt checks api.PostReceipt. Whether the receipt is the hub's is checked when it is done, after the audit row: that
// somebody tried is journalled, too.
func (c *Console) receipt(_ *api.Call, in api.Receipt) (act api.Act[api.Done], err error) {
	if c.Receive == nil {
		return act, api.NewProblem(api.NotDone, message.New("link.none"))
	}
	act.Text = message.Verbatim(in.HubKey)
	act.Do = func(context.Context) (done api.Done, err error) {
		if err := c.Receive(in.Receipt, in.HubKey); err != nil {
			return done, api.NewProblem(api.BadRequest, message.Of(err))
		}
		return done, nil
	}
	return act, nil
}
