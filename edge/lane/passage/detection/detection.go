// Package detection turns rows of the journal into detections: what one device reports of one vehicle at one moment. It
// is pure, and knows neither lanes nor vehicles.
package detection

import (
	"time"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
)

// Detection is a device's report of one vehicle at one moment. Times are in seconds since 1970, UTC.
type Detection struct {
	Idx    int64  // row in the journal
	Device string // id
	Key    string // of the row
	Kind   observation.Kind
	Class  observation.Class

	Raw     float64 // by the clock that stamped it, which may be the device's own
	At      float64 // corrected by the offset of the device's clock
	Arrived float64 // when the agent had the whole of it
	Order   float64 // when the vehicle's front came to the station, as far as it can be told from this report alone
	Dev     int     // index of the device among those that are associated together

	kinds.Evidence

	Artifacts [][]byte // SHA-256 of each
}

// End returns when the vehicle's end left the place; At when that is not known.
func (d *Detection) End() float64 { return d.At + d.Lasts }

// Of returns the detection in an observation; nil when it is about no vehicle. offset is how far
// the clock that stamped it is ahead of the agent's.
func Of(idx int64, o *observation.Observation, offset time.Duration) *Detection {
	evidence, ok := kinds.EvidenceOf(o)
	if !ok {
		return nil
	}
	d := &Detection{
		Idx: idx, Device: o.Device, Key: o.Key, Kind: o.Body.Kind(), Class: o.Class,
		Raw: Seconds(o.Time()), At: Seconds(o.Time().Add(-offset)), Arrived: Seconds(Arrival(o)), Evidence: evidence,
	}
	for _, a := range o.Body.Artifacts {
		d.Artifacts = append(d.Artifacts, a.Sha256)
	}
	return d
}

// Seconds returns a time in seconds since 1970.
func Seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// Time returns the time of seconds since 1970, UTC, to the microsecond, which is what seconds hold.
func Time(s float64) time.Time { return time.UnixMicro(int64(s*1e6 + 0.5)).UTC() }

// Arrival returns when the agent had the whole of an observation.
func Arrival(o *observation.Observation) time.Time {
	return o.Time().Add(time.Duration(o.Body.AgentDelayNs))
}

// ByOwnClock reports whether the time of an observation is by its device's own clock.
func ByOwnClock(o *observation.Observation) bool {
	return o.Body.DeviceTimeNs != 0 && o.Body.DeviceTimeNs == o.TimeNs
}
