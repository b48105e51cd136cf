package console

import (
	"context"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// maintain checks api.PostMaintenance. The time is checked when it is done, after the audit row.
func (c *Console) maintain(call *api.Call, in api.Maintenance) (act api.Act[api.Done], err error) {
	if _, err := c.device(in.Device); err != nil {
		return act, err
	}
	if in.Reason == "" {
		return act, api.NewProblem(api.BadRequest, message.New("api.reason"))
	}
	act.Text = message.Verbatim(in.Device + " " + in.Until.UTC().Format(time.RFC3339) + ": " + in.Reason)
	act.Do = limited(func(ctx context.Context) (api.Done, error) {
		return api.Done{}, c.Lane.Maintain(ctx, in.Device, in.Until, call.User.Name, in.Reason)
	})
	return act, nil
}

// endMaintenance checks api.PostMaintenanceEnd.
func (c *Console) endMaintenance(call *api.Call, in api.MaintenanceEnd) (act api.Act[api.Done], err error) {
	if _, err := c.device(in.Device); err != nil {
		return act, err
	}
	act.Text = message.Verbatim(in.Device)
	act.Do = limited(func(ctx context.Context) (api.Done, error) {
		return api.Done{}, c.Lane.EndMaintenance(ctx, in.Device, call.User.Name, in.Reason)
	})
	return act, nil
}
