package console

import (
	"slices"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"
)

// device returns the state of a device; an id that does not exist is 404, with those that do.
func (c *Console) device(id string) (lane.Status, error) {
	all := c.Lane.Devices()
	i := slices.IndexFunc(all, func(d lane.Status) bool { return d.ID == id })
	if i >= 0 {
		return all[i], nil
	}
	var known []string
	for _, d := range all {
		known = append(known, d.ID)
	}
	return lane.Status{}, api.NewProblem(api.NotFound, message.New("api.no-device",
		message.Quoted("device", id), message.String("known", strings.Join(known, ", "))))
}

// deviceDetail answers api.GetDevice: the state, and the settings in force, defaults included.
func (c *Console) deviceDetail(_ *api.Call, in api.DeviceQuery) (out api.DeviceDetail, err error) {
	if out.Status, err = c.device(in.Device); err != nil {
		return out, err
	}
	config := c.config.Load()
	out.Config, out.Settings = config.ConfigPath, []firmwareconfig.Setting{}
	for _, d := range config.Devices {
		if d.ID == in.Device {
			out.Settings = d.InForce()
		}
	}
	return out, nil
}
