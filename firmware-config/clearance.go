package firmwareconfig

import (
	"slices"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/firmware-config/policy"
)

// Clearance is how a lane decides about the vehicle at its booth: the station at which drivers stop and present their
// codes and cards.
type Clearance struct {
	// Policy is what is done about what is found: a built-in one by its name, or a file by its path.
	Policy driver.Ref[policy.Policy] `yaml:"policy" required:"true" builtin:"policies" example:"csa-land"`
	Booth  string                    `yaml:"booth" required:"true" format:"id"` // a station of the lane
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

// check returns an error unless the booth, and the stations that the policy requires, are stations of the lane.
func (c *Clearance) check(lane string, stations []Station) error {
	names := make([]string, len(stations))
	for i, s := range stations {
		names[i] = s.ID
	}
	if !slices.Contains(names, c.Booth) {
		return message.Errorf("config.no-booth", message.Quoted("booth", c.Booth), message.String("lane", lane),
			message.Names("stations", names))
	}
	if c.Policy.Value == nil {
		return nil // what is wrong with it is told
	}
	for _, s := range c.Policy.Value.Stations {
		if !s.Optional && !slices.Contains(names, s.ID) {
			return message.Errorf("policy.no-station", message.String("policy", c.Policy.Name), message.Quoted("station", s.ID),
				message.String("lane", lane), message.Names("stations", names))
		}
	}
	return nil
}

// checkPolicies returns an error for a lane whose policy is made for other kinds of sites.
func checkPolicies(c Config) error {
	for _, l := range c.Lanes {
		if l.Clearance == nil || l.Clearance.Policy.Value == nil {
			continue
		}
		if p := l.Clearance.Policy.Value; !p.For(c.Site.Kind) {
			kinds := make([]string, len(p.SiteKinds))
			for i, k := range p.SiteKinds {
				kinds[i] = string(k)
			}
			return message.Errorf("policy.site", message.String("policy", l.Clearance.Policy.Name), message.String("lane", l.ID),
				message.Names("kinds", kinds), message.String("kind", c.Site.Kind))
		}
	}
	return nil
}
