// Package scenario makes days of a lane from a declarative description: who comes when, what each device sees of it and says when, and what
// was true. The same seed gives the same day.
package scenario

import (
	"time"

	"lanewarden/edge/lane/passage"
)

// Scenario is a day of a lane.
type Scenario struct {
	Name     string    `yaml:"name" required:"true" format:"id" help:"short name"`
	Title    string    `yaml:"title" required:"true" help:"what it is, for people"`
	Vehicles int       `yaml:"vehicles" required:"true" min:"1" max:"20000" help:"vehicles in the day"`
	Peaks    []Peak    `yaml:"peaks" help:"hours in which more come"`
	SpeedKph float64   `yaml:"speed" default:"6.5" min:"1" max:"60" unit:"km/h" help:"usual speed"`
	Mix      []Type    `yaml:"mix" required:"true" help:"kinds of vehicles"`
	Stations []Station `yaml:"stations" required:"true" help:"stations of the lane"`
	Faults   Faults    `yaml:"faults" help:"what goes wrong"`
}

// Peak is an hour in which more vehicles come.
type Peak struct {
	Hour   float64 `yaml:"hour" required:"true" min:"0" max:"24" help:"of the day"`
	Width  float64 `yaml:"width" default:"1.5" min:"0.1" max:"12" unit:"hours" help:"standard deviation"`
	Factor float64 `yaml:"factor" default:"3" min:"0" max:"100" help:"arrivals over the quiet hours'"`
}

// Type is a kind of vehicle.
type Type struct {
	Name      string  `yaml:"name" required:"true" help:"what it is" example:"semi-trailer"`
	Share     float64 `yaml:"share" required:"true" min:"0" max:"1000" help:"weight in the mix"`
	Length    float64 `yaml:"length" required:"true" min:"1" max:"1000" unit:"m" help:"usual length"`
	Kg        float64 `yaml:"kg" required:"true" min:"50" max:"500000" unit:"kg" help:"usual weight"`
	NoPlate   bool    `yaml:"no_plate" help:"it has no plate: rail cars, containers on chassis"`
	Tag       float64 `yaml:"tag" default:"0" min:"0" max:"1" help:"share that carries an RFID tag"`
	Container float64 `yaml:"container" default:"0" min:"0" max:"1" help:"share that carries a container"`
	Faint     bool    `yaml:"faint" help:"small: detectors miss it more often"`
}

// Station is a place in the lane, with its devices.
type Station struct {
	ID       string        `yaml:"id" required:"true" format:"id" help:"short name"`
	Position float64       `yaml:"position" required:"true" min:"0" max:"10000" unit:"m" help:"from the lane's beginning"`
	Dwell    time.Duration `yaml:"dwell" default:"0s" help:"how long vehicles stop there"`
	Devices  []Device      `yaml:"devices" required:"true" help:"what sees them"`
}

// Device is one instrument.
type Device struct {
	ID   string `yaml:"id" required:"true" format:"id" help:"device id"`
	Kind string `yaml:"kind" required:"true" enum:"loop,portal,spectrum,plate,tag,scale,xray,swab,code" help:"what it is"`
}

// Faults are shares of what goes wrong.
type Faults struct {
	Missed     float64       `yaml:"missed" default:"0.03" min:"0" max:"1" help:"reads that do not happen"`
	Twice      float64       `yaml:"twice" default:"0.02" min:"0" max:"1" help:"reads that are told twice"`
	Misread    float64       `yaml:"misread" default:"0.05" min:"0" max:"1" help:"plates that are read wrongly"`
	Clock      time.Duration `yaml:"clock" default:"90s" min:"0s" max:"1h" help:"how far clocks of devices are off, at most"`
	DriftPPM   float64       `yaml:"drift" default:"20" min:"0" max:"1000" unit:"ppm" help:"how fast they drift, at most"`
	Tailgating float64       `yaml:"tailgating" default:"0.05" min:"0" max:"1" help:"vehicles that follow the one before closely"`
	Reversing  float64       `yaml:"reversing" default:"0.01" min:"0" max:"1" help:"vehicles that go out backwards"`
	Neighbour  float64       `yaml:"neighbour" default:"0.02" min:"0" max:"1" help:"vehicles beside which a tag of the neighbouring lane is heard"`
	Dead       time.Duration `yaml:"dead" default:"1h" min:"0s" max:"24h" help:"how long one device after the other is dead, each once a day"`
	Anonymous  float64       `yaml:"anonymous" default:"0.15" min:"0" max:"1" help:"images of which nobody entered what they show"`
	Swabs      float64       `yaml:"swabs" default:"0.05" min:"0" max:"1" help:"vehicles that are swabbed"`
	Alarms     float64       `yaml:"alarms" default:"0.02" min:"0" max:"1" help:"vehicles at which the portal alarms"`
}

// Lane is the scenario's lane as the correlator is configured with it.
func (s *Scenario) Lane(id string) passage.Lane {
	l := passage.Lane{ID: id, SpeedKph: s.SpeedKph}
	for _, st := range s.Stations {
		one := passage.Station{ID: st.ID, Position: st.Position}
		for _, d := range st.Devices {
			one.Devices = append(one.Devices, d.ID)
			one.Late = one.Late || d.Kind == "xray" || d.Kind == "swab"
		}
		l.Stations = append(l.Stations, one)
	}
	return l
}

// Lanes are the scenario's lanes as the correlator is configured with them.
func (s *Scenario) Lanes() []passage.Lane { return []passage.Lane{s.Lane("lane-1")} }

// kinds returns the kind of each device.
func (s *Scenario) kinds() map[string]string {
	of := map[string]string{}
	for _, st := range s.Stations {
		for _, d := range st.Devices {
			of[d.ID] = d.Kind
		}
	}
	return of
}
