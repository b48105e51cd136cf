package firmwareconfig

import (
	"slices"
	"time"

	"lanewarden/drivers/message"
)

// Clearance is how a lane decides about the vehicle at its booth: the station at which drivers stop and present their
// codes and cards.
type Clearance struct {
	Policy string `yaml:"policy" required:"true" example:"csa-land"` // built-in name, or a file's path
	Booth  string `yaml:"booth" required:"true" format:"id"`         // a station of the lane
	// Leaving is the detector whose vehicle has left the booth when it says so; nil: a plate of another vehicle, the end
	// of the passage, or Idle.
	Leaving *Detector `yaml:"leaving"`
	// Idle ends a presentation to which nothing came for so long.
	Idle time.Duration `yaml:"idle" default:"5m" min:"10s" max:"4h"`
	// Keyed is the device under whose name keyed-in codes are journalled; "" when none can be keyed in.
	Keyed   string            `yaml:"keyed" format:"device"`
	Outputs []ClearanceOutput `yaml:"outputs"`
}

// Detector is a loop or a beam of a device, by the name that its detections carry.
type Detector struct {
	Device  string `yaml:"device" required:"true" format:"device"`
	Station string `yaml:"station" required:"true" example:"loop-out"`
}

// ClearanceOutput is a light or a barrier that follows the decision in force.
type ClearanceOutput struct {
	Device string   `yaml:"device" required:"true" format:"device"`
	Output string   `yaml:"output" required:"true" example:"barrier"`
	On     []string `yaml:"on" required:"true" enum:"RELEASE,MOVE,DOCUMENTS,REFER,HOLD,NONE"` // outcomes at which it is on; NONE: nobody is there
}

// check returns an error unless the booth is one of the lane's stations.
func (c *Clearance) check(lane string, stations []Station) error {
	if slices.ContainsFunc(stations, func(s Station) bool { return s.ID == c.Booth }) {
		return nil
	}
	var names []string
	for _, s := range stations {
		names = append(names, s.ID)
	}
	return message.Errorf("config.no-booth", message.Quoted("booth", c.Booth), message.String("lane", lane),
		message.Names("stations", names))
}
