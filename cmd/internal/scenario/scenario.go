// Package scenario makes days of lanes from a declarative description: who comes when, what each device sees of it and
// reports when, and what was true. The same seed gives the same day. Judge holds what a correlator makes of a day
// against that truth.
package scenario

import "time"

// Scenario is a day of one lane, or of several side by side.
type Scenario struct {
	Name     string  `yaml:"name" required:"true" format:"id" help:"short name"`
	Title    string  `yaml:"title" required:"true" help:"what it is, for people"`
	Vehicles int     `yaml:"vehicles" required:"true" min:"1" max:"20000" help:"vehicles in the day"`
	Peaks    []Peak  `yaml:"peaks" help:"hours in which more come"`
	SpeedKph float64 `yaml:"speed" default:"6.5" min:"1" max:"60" unit:"km/h" help:"usual speed"`

	// Standing vehicles keep a distance between these two from the one ahead.
	GapMin float64 `yaml:"gap_min" default:"1.5" min:"1" max:"100" unit:"m" help:"least gap in a queue"`
	GapMax float64 `yaml:"gap_max" default:"4" min:"1" max:"100" unit:"m" help:"largest gap in a queue"`

	Mix      []Type         `yaml:"mix" required:"true" help:"kinds of vehicles"`
	Stations []Station      `yaml:"stations" help:"stations of the one lane"`
	Parallel []ParallelLane `yaml:"lanes" help:"lanes side by side, in place of stations"`
	Stops    []Stop         `yaml:"stops" help:"places without devices where all stop: a booth, a barrier"`

	Merge float64 `yaml:"merge" default:"0" min:"0" max:"10000" unit:"m" help:"where lanes become one; 0 for nowhere"`

	Faults Faults `yaml:"faults" help:"what goes wrong"`
	Papers Papers `yaml:"papers" help:"what drivers show at a station with a device of kind papers"`
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
	Length    float64 `yaml:"length" required:"true" min:"1" max:"1000" unit:"m" help:"usual"`
	Kg        float64 `yaml:"kg" required:"true" min:"50" max:"500000" unit:"kg" help:"usual"`
	NoPlate   bool    `yaml:"no_plate" help:"it has no plate: rail cars, containers on chassis"`
	Tag       float64 `yaml:"tag" default:"0" min:"0" max:"1" help:"share that carries an RFID tag"`
	Container float64 `yaml:"container" default:"0" min:"0" max:"1" help:"share that carries a container"`
	Twin      float64 `yaml:"twin" default:"0" min:"0" max:"1" help:"share of those that carry two containers of 20 ft"`
	Faint     bool    `yaml:"faint" help:"small: detectors miss it more often"`
}

// Station is a place in the lane, with its devices.
type Station struct {
	ID       string        `yaml:"id" required:"true" format:"id" help:"short name"`
	Position float64       `yaml:"position" required:"true" min:"0" max:"10000" unit:"m" help:"from the lane's beginning"`
	Dwell    time.Duration `yaml:"dwell" default:"0s" min:"0s" max:"1h" help:"how long vehicles stop there"`
	Devices  []Device      `yaml:"devices" required:"true" help:"what sees them"`
}

// Stop is a place without devices at which every vehicle stops.
type Stop struct {
	Position float64       `yaml:"position" required:"true" min:"0" max:"10000" unit:"m" help:"from the lane's beginning"`
	Dwell    time.Duration `yaml:"dwell" required:"true" min:"0s" max:"1h" help:"how long vehicles stop there, usually"`
}

// Device is one instrument. Plate readers, X-ray portals, ion scanners and spectroscopic portals stamp their reports by
// clocks of their own; the others' events have the agent's time, unless one of the keys below gives them a clock.
type Device struct {
	ID   string `yaml:"id" required:"true" format:"id" help:"device id"`
	Kind string `yaml:"kind" required:"true" enum:"loop,portal,spectrum,plate,tag,scale,xray,swab,code,papers" help:"what it is"`

	Bursts time.Duration `yaml:"bursts" default:"0s" min:"0s" max:"24h" help:"it sends its reports together, so often"`

	// Offset and Drift take the place of what is drawn from the scenario's faults; the moment of Step is drawn.
	Offset time.Duration `yaml:"offset" default:"0s" min:"-24h" max:"24h" help:"how far its clock is ahead at first"`
	Drift  float64       `yaml:"drift" default:"0" min:"-9999" max:"9999" unit:"ppm" help:"how fast it gains"`
	Step   time.Duration `yaml:"step" default:"0s" min:"-24h" max:"24h" help:"by how much it is set once in the day"`
}

// Faults are shares of what goes wrong.
type Faults struct {
	// Of reads.
	Missed  float64 `yaml:"missed" default:"0.03" min:"0" max:"1" help:"reads that do not happen"`
	Twice   float64 `yaml:"twice" default:"0.02" min:"0" max:"1" help:"reads reported twice"`
	Misread float64 `yaml:"misread" default:"0.05" min:"0" max:"1" help:"plates that are read wrongly"`
	Code    float64 `yaml:"code_misread" default:"0" min:"0" max:"1" help:"container numbers with one character wrong"`

	// Of devices.
	Clock    time.Duration `yaml:"clock" default:"90s" min:"0s" max:"1h" help:"how far clocks are off, at most"`
	DriftPPM float64       `yaml:"drift" default:"20" min:"0" max:"1000" unit:"ppm" help:"how fast they drift, at most"`
	Dead     time.Duration `yaml:"dead" default:"1h" min:"0s" max:"24h" help:"how long each is dead, once a day"`

	// Of drivers.
	Tailgating float64 `yaml:"tailgating" default:"0.05" min:"0" max:"1" help:"vehicles close behind the one before"`
	Reversing  float64 `yaml:"reversing" default:"0.01" min:"0" max:"1" help:"vehicles that go out backwards"`

	// Of what comes with vehicles.
	Neighbour float64 `yaml:"neighbour" default:"0.02" min:"0" max:"1" help:"vehicles beside which a strange tag is heard"`
	Anonymous float64 `yaml:"anonymous" default:"0.15" min:"0" max:"1" help:"images that nobody gave a name"`
	Swabs     float64 `yaml:"swabs" default:"0.05" min:"0" max:"1" help:"vehicles that are swabbed"`
	Alarms    float64 `yaml:"alarms" default:"0.02" min:"0" max:"1" help:"vehicles at which the portal alarms"`
}
