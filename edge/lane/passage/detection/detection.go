// Package detection turns rows of the journal into detections: what one device reports of one vehicle at one moment. It
// is pure, and knows neither lanes nor vehicles.
package detection

import (
	"time"

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

	Lasts   float64 // s that the vehicle was there, at the least when it was weighed; 0 when it is not known
	Speed   float64 // m/s; 0 when it was not measured
	Length  float64 // m; 0 when it was not measured
	Extent  float64 // m, speed by duration: the length and the detector's own, or more when it stopped
	Reverse bool    // the vehicle goes out the way it came
	Turned  bool    // it turned back over the detector

	Tag    bool    // a tag may be heard from the neighbouring lane, and alone makes no vehicle sure
	Faint  bool    // a tag that was hardly heard
	Rssi   float64 // dBm, of a tag at its loudest; 0 when unknown
	Weighs bool    // it is a weighing
	Axle   uint32  // of a weighing: number of the axle; 0 for the whole vehicle
	Kg     float64 // of a weighing

	Names     []Name
	Links     []string // names of scans and images that it is about or belongs to
	Follows   bool     // it is about an image that comes beside it, and says nothing by itself
	Artifacts [][]byte // SHA-256 of each
}

// End returns when the vehicle's end left the place; At when that is not known.
func (d *Detection) End() float64 { return d.At + d.Lasts }

// Relevant reports whether observations of a kind belong to passages at all.
func Relevant(k observation.Kind) bool {
	switch k {
	case observation.Kind_KIND_RADIATION_OCCUPANCY, observation.Kind_KIND_RADIATION_SPECTRUM,
		observation.Kind_KIND_XRAY_IMAGE, observation.Kind_KIND_XRAY_THREAT_REPORT,
		observation.Kind_KIND_XRAY_QUALITY, observation.Kind_KIND_XRAY_PREVIEW,
		observation.Kind_KIND_TRACE_ANALYSIS, observation.Kind_KIND_VEHICLE_DETECTION,
		observation.Kind_KIND_VEHICLE_TAG, observation.Kind_KIND_VEHICLE_PLATE,
		observation.Kind_KIND_VEHICLE_WEIGHT, observation.Kind_KIND_VEHICLE_CODE:
		return true
	}
	return false
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
