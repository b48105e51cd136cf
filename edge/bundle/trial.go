package bundle

import (
	"errors"
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/lane"
)

// TrialTime is how long a bundle is on trial. Drivers connect again within 30 s at the longest.
const TrialTime = time.Minute

// ErrChanged is why an agent ends its run that is to go on with another configuration.
var ErrChanged = errors.New("another configuration is in force")

// Health is how a lane is, as far as a configuration can spoil it.
type Health struct {
	Devices []lane.Status
	Linked  bool // the uplink is connected to the hub
}

// Worse says in what a lane is worse than before; the zero Message for nothing. A device that the new configuration does
// not have, and one that did not run before, or is in maintenance now,
// are not missed.
func (before Health) Worse(after Health) message.Message {
	var down []message.Message
	for _, b := range before.Devices {
		i := slices.IndexFunc(after.Devices, func(d lane.Status) bool { return d.ID == b.ID })
		if b.State != lane.Running || i < 0 || after.Devices[i].State == lane.Running ||
			after.Devices[i].State == lane.InMaintenance {
			continue
		}
		down = append(down, message.New("bundle.down", message.String("device", b.ID)))
	}
	if before.Linked && !after.Linked {
		down = append(down, message.New("bundle.unlinked"))
	}
	if len(down) == 0 {
		return message.Message{}
	}
	return message.Join("; ", down...)
}
