// Package associate finds which vehicle each detection is of. It is pure: detections, what was learnt of the lanes and
// their layout go in; assignments with their probabilities come out. docs/association.md has the model.
package associate

import (
	"math"
	"slices"

	"lanewarden/drivers/observation/units"
)

// Place is a device's position in a lane.
type Place struct {
	Lane     int
	Position units.Metres // from the lane's beginning
	Late     bool         // results come when they come: such devices are aligned afterwards
}

// Device is a device of lanes that are associated together.
type Device struct {
	ID        string
	Places    []Place // one in each lane that it sees
	HearsTags bool    // it hears tags: what it sees may be in another lane, and keeps no order
}

// Layout holds the fixed properties of one lane, or of lanes that share devices. It holds 64 devices at most.
type Layout struct {
	Devices []Device
	Lanes   int
	Timeout float64 // s after which a vehicle that nobody sees any more is gone

	last     []units.Metres // of each lane: the last station that is not late
	position [][]units.Metres
	behind   [][]uint64 // [lane][device]: devices that are nearer to the lane's beginning
	merges   []bool     // device: vehicles of several lanes are in one row there
}

// nowhere is the position of a device in a lane that it does not see.
var nowhere = units.Metres(math.Inf(1))

// Fill computes what follows from the devices' places. It must be called before use, and again
// after a change.
func (l *Layout) Fill() {
	l.last = make([]units.Metres, l.Lanes)
	l.position, l.behind = make([][]units.Metres, l.Lanes), make([][]uint64, l.Lanes)
	l.merges = make([]bool, len(l.Devices))
	for lane := range l.Lanes {
		l.position[lane] = make([]units.Metres, len(l.Devices))
		l.behind[lane] = make([]uint64, len(l.Devices))
		for d := range l.Devices {
			l.position[lane][d] = nowhere
			for _, p := range l.Devices[d].Places {
				if p.Lane != lane {
					continue
				}
				l.position[lane][d] = p.Position
				if !p.Late {
					l.last[lane] = max(l.last[lane], p.Position)
				}
			}
		}
		for d := range l.Devices {
			for o := range l.Devices {
				if at := l.position[lane][o]; at < l.position[lane][d] && !l.late(lane, o) {
					l.behind[lane][d] |= 1 << o
				}
			}
		}
	}
	for d := range l.Devices {
		l.merges[d] = len(l.Devices[d].Places) > 1 && !l.Devices[d].HearsTags
	}
}

// late reports whether a device's results of a lane are aligned afterwards.
func (l *Layout) late(lane, dev int) bool {
	for _, p := range l.Devices[dev].Places {
		if p.Lane == lane {
			return p.Late
		}
	}
	return false
}

// Late reports whether a device's results are aligned afterwards in every lane that it sees.
func (l *Layout) Late(dev int) bool {
	for _, p := range l.Devices[dev].Places {
		if !p.Late {
			return false
		}
	}
	return true
}

// Position returns where a device is in a lane, +Inf when it does not see it.
func (l *Layout) Position(lane, dev int) units.Metres { return l.position[lane][dev] }

// First returns the position of the first station of a lane.
func (l *Layout) First(lane int) units.Metres { return slices.Min(l.position[lane]) }

// Last returns the position of the last station of a lane that is not late.
func (l *Layout) Last(lane int) units.Metres { return l.last[lane] }
