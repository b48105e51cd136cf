package driver

import (
	"context"
	"errors"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// ErrNoRoom means that the disk budget leaves no room for the class of an observation: telemetry is refused before
// events, and events before alarms. It ends when the hub has acknowledged more, or there is more room.
var ErrNoRoom = message.Errorf("device.no-room")

// Unacknowledged returns a Sink for a device that is told nothing of what was stored, such as one that is polled or
// listened to. What the journal has no room for is left out there, so that alarms beside it are kept and the driver goes
// on. Where a device or a file is acknowledged the sink itself must be used.
func Unacknowledged(sink Sink) Sink { return unacknowledged{sink} }

type unacknowledged struct{ Sink }

// Commit implements Sink.
func (u unacknowledged) Commit(ctx context.Context, obs ...*observation.Observation) (int, error) {
	added, err := u.Sink.Commit(ctx, obs...)
	for _, most := range []observation.Class{observation.Class_CLASS_EVENT, observation.Class_CLASS_ALARM} {
		if !errors.Is(err, ErrNoRoom) {
			return added, err
		}
		var kept []*observation.Observation
		for _, o := range obs {
			if o.Class <= most { // classes are numbered from alarm to telemetry
				kept = append(kept, o)
			}
		}
		if len(kept) == 0 {
			return 0, nil
		}
		added, err = u.Sink.Commit(ctx, kept...)
	}
	return added, err
}
