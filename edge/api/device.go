package api

import (
	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"
)

// DeviceDetail is the answer of GET /v1/devices/{device}.
type DeviceDetail struct {
	Status   lane.Status              `json:"status"`
	Settings []firmwareconfig.Setting `json:"settings"` // in force, defaults included
	Config   string                   `json:"config"`   // path of the lane file
}

// Output is the request of POST /v1/devices/{device}/outputs: it sets an output.
type Output struct {
	Output string `json:"output"`
	Value  string `json:"value"`
	Reason string `json:"reason"` // required: it is journalled
}
