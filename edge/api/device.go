package api

import (
	"time"

	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"
)

// DeviceQuery is the request of an operation about one device.
type DeviceQuery struct {
	Device string `path:"device"` // id in the lane file
}

// DeviceDetail is the answer of GET /v1/devices/{device}.
type DeviceDetail struct {
	Status   lane.Status              `json:"status"`
	Settings []firmwareconfig.Setting `json:"settings"` // in force, defaults included
	Config   string                   `json:"config"`   // path of the lane file
}

// Output is the request of POST /v1/devices/{device}/outputs: it sets an output.
type Output struct {
	Device string `path:"device" json:"-"` // id in the lane file
	Output string `json:"output"`
	Value  string `json:"value"`
	Reason string `json:"reason"` // required: it is journalled
}

// Maintenance is the request of POST /v1/devices/{device}/maintenance.
type Maintenance struct {
	Device string    `path:"device" json:"-"` // id in the lane file
	Until  time.Time `json:"until"`           // it ends by itself then
	Reason string    `json:"reason"`          // required: it is journalled
}

// MaintenanceEnd is the request of POST /v1/devices/{device}/maintenance/end.
type MaintenanceEnd struct {
	Device string `path:"device" json:"-"` // id in the lane file
	Reason string `json:"reason"`          // may be empty
}

// RecordingQuery is the request of GET /v1/devices/{device}/recording. Both times are needed.
type RecordingQuery struct {
	Device string    `path:"device"` // id in the lane file
	From   time.Time `query:"from"`
	To     time.Time `query:"to"`
}
