package passage

import (
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
)

// outages are the times in which a device did not run, oldest first; only the last maxOutages are
// kept.
type outages struct {
	all                 []outage
	stopped, maintained bool // why one lasts: it does not run, or somebody works on it
}

// outage is one of them, in seconds since 1970; to is 0 while it lasts.
type outage struct{ from, to float64 }

const (
	maxOutages  = 16
	outageSlack = 10.0 // s: it had stopped before that was noticed, and a vehicle comes when it comes
)

// noteOutage notes what a device's row says of whether it sees vehicles.
func (g *group) noteOutage(r Row) {
	state, maintenance := r.Body.GetDeviceState(), r.Body.GetDeviceMaintenance()
	if state == nil && maintenance == nil {
		return
	}
	o := g.down[r.Device]
	if o == nil {
		o = &outages{}
		g.down[r.Device] = o
	}
	if state != nil {
		o.stopped = state.State != observation.DeviceState_STATE_RUNNING && state.State != observation.DeviceState_STATE_CONNECTING
	} else {
		o.maintained = maintenance.UntilNs != 0
	}
	o.note(detection.Seconds(r.Time()), o.stopped || o.maintained)
}

// note records that a device sees no vehicles, or does again.
func (o *outages) note(at float64, down bool) {
	n := len(o.all)
	lasting := n > 0 && o.all[n-1].to == 0
	switch {
	case down && !lasting:
		o.all = append(o.all[max(0, n-maxOutages+1):], outage{from: at})
	case !down && lasting:
		o.all[n-1].to = at
	}
}

// at reports whether the device did not run at a time, s, or within the slack around an outage.
func (o *outages) at(when float64) bool {
	return slices.ContainsFunc(o.all, func(x outage) bool {
		return when > x.from-outageSlack && (x.to == 0 || when < x.to+outageSlack/2)
	})
}
