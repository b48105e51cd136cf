package driver

import (
	"sync/atomic"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// WhenReady returns what each of n sources of a device (a port, a drop folder, a broker) calls once, as soon as it can be
// used. The last call reports the device as running, with what a technician may want to know. A driver that reported it before would be
// running for a moment in each try of its supervisor, however long a source cannot be used: the journal would hold two
// changes of state for each try, and pages and doctor would now and then see a device that is well.
func WhenReady(sink Sink, n int, about message.Message) (ready func()) {
	var called atomic.Int64
	return func() {
		if called.Add(1) == int64(n) {
			sink.State(observation.DeviceState_STATE_RUNNING, about)
		}
	}
}
