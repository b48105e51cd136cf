package passage

import (
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

// clocks estimates how far the clocks of devices are off: a device's time of an event cannot be later than the moment at which the agent had
// it, so that the largest difference of the two, over the last events, is the offset but for the shortest delay.
type clocks struct{ devices map[string]*deviceClock }

type deviceClock struct {
	last   []time.Duration // device's time less arrival, ring of the last ones
	at     int
	offset time.Duration
}

const (
	clockWindow = 64
	ownClock    = 1500 * time.Millisecond // smaller offsets are delays, not clocks
)

// arrival is when the agent had the whole observation.
func arrival(o *observation.Observation) time.Time {
	return o.Time().Add(time.Duration(o.Body.AgentDelayNs))
}

// byOwnClock reports whether the time of an observation is by its device's own clock.
func byOwnClock(o *observation.Observation) bool {
	return o.Body.DeviceTimeNs != 0 && o.Body.DeviceTimeNs == o.TimeNs
}

// correct returns the time of an observation, and its device's offset.
func (c *clocks) correct(o *observation.Observation) (at time.Time, offset time.Duration) {
	if !byOwnClock(o) {
		return o.Time(), 0 // by the agent's own clock
	}
	d := c.devices[o.Device]
	if d == nil {
		d = &deviceClock{}
		c.devices[o.Device] = d
	}
	ahead := o.Time().Sub(arrival(o))
	if len(d.last) < clockWindow {
		d.last = append(d.last, ahead)
	} else {
		d.last[d.at] = ahead
		d.at = (d.at + 1) % clockWindow
	}
	sorted := slices.Clone(d.last)
	slices.Sort(sorted)
	d.offset = sorted[len(sorted)-1-len(sorted)/16] // a step of the clock, or one early stamp, is no offset
	if d.offset > -ownClock && d.offset < 0 {
		d.offset = 0
	}
	return o.Time().Add(-d.offset), d.offset
}
