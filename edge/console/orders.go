package console

import (
	"context"
	"path/filepath"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// takeOrders checks api.PostOrders. Whether what is in the folder is the centre's is checked when it is done.
func (c *Console) takeOrders(_ *api.Call, in api.OrdersFolder) (act api.Act[api.OrdersTaken], err error) {
	if c.TakeOrders == nil {
		return act, api.NewProblem(api.NotDone, message.New("orders.no-root"))
	}
	if !filepath.IsAbs(in.Dir) {
		return act, api.NewProblem(api.BadRequest, message.New("orders.no-folder", message.Quoted("dir", in.Dir)))
	}
	act.Text = message.Verbatim(in.Dir)
	act.Do = func(ctx context.Context) (taken api.OrdersTaken, err error) {
		n, err := c.TakeOrders(ctx, in.Dir)
		if err != nil {
			return taken, api.NewProblem(api.NotDone, message.Of(err))
		}
		return api.OrdersTaken{Files: n}, nil
	}
	return act, nil
}
