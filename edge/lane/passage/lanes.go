// Package passage makes one story per vehicle of what the devices of a lane observe. It follows the journal, holds
// readings against all hypotheses of which vehicles are in the lanes (package associate), and writes back which passage
// each is of, how surely, and which other one it may be of. An assignment is never edited: what changes is a new
// observation. docs/passages.md, docs/association.md.
package passage

import (
	"time"

	"lanewarden/drivers/observation/units"
)

// Lane is a lane with its stations, in the order in which vehicles come to them.
type Lane struct {
	ID       string
	Stations []Station
	SpeedKph float64       // usual, until it is learnt
	Timeout  time.Duration // a passage closes when nothing more came for so long
	Late     time.Duration // how long after its end a passage takes late results
}

// Station is a place in a lane.
type Station struct {
	ID       string
	Position units.Metres // from the lane's beginning
	Devices  []string     // that see vehicles there
	Late     bool         // results come when they come, and say what they are about: ion scanner, X-ray image
}

// Defaults of a lane.
const (
	DefaultSpeedKph = 6.0
	DefaultTimeout  = 3 * time.Minute
	DefaultLate     = 24 * time.Hour
)

func (l *Lane) fill() {
	if l.SpeedKph == 0 {
		l.SpeedKph = DefaultSpeedKph
	}
	if l.Timeout == 0 {
		l.Timeout = DefaultTimeout
	}
	if l.Late == 0 {
		l.Late = DefaultLate
	}
}
