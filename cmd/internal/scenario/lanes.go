package scenario

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage"
)

// ParallelLane is one of several lanes side by side. A device that sees vehicles of two lanes stands in a station of each.
// From the scenario's merge on, all lanes list the same stations.
type ParallelLane struct {
	ID       string    `yaml:"id" required:"true" format:"id" help:"short name of the lane"`
	Share    float64   `yaml:"share" default:"1" min:"0" max:"1000" help:"weight of the vehicles that choose it"`
	Stations []Station `yaml:"stations" required:"true" help:"stations of the lane, in the order in which vehicles come to them"`
}

// theLane is the id of the lane of a scenario that has one.
const theLane = "lane-1"

// parallel returns the lanes of the scenario, one or several.
func (s *Scenario) parallel() []ParallelLane {
	if len(s.Parallel) > 0 {
		return s.Parallel
	}
	return []ParallelLane{{ID: theLane, Share: 1, Stations: s.Stations}}
}

// LaneOf is the lane that a vehicle drives through; Arrive and Leave are of its stations.
func (s *Scenario) LaneOf(v *Vehicle) ParallelLane { return s.parallel()[v.Lane] }

// Lanes are the scenario's lanes as a correlator is configured with them.
func (s *Scenario) Lanes() []passage.Lane {
	var out []passage.Lane
	for _, l := range s.parallel() {
		one := passage.Lane{ID: l.ID, SpeedKph: s.SpeedKph}
		for _, st := range l.Stations {
			one.Stations = append(one.Stations, st.station())
		}
		out = append(out, one)
	}
	return out
}

// Lane is the scenario's first lane by another id.
func (s *Scenario) Lane(id string) passage.Lane {
	l := s.Lanes()[0]
	l.ID = id
	return l
}

func (st *Station) station() passage.Station {
	out := passage.Station{ID: st.ID, Position: units.Metres(st.Position), Late: st.Devices[0].late()}
	for _, d := range st.Devices {
		out.Devices = append(out.Devices, d.ID)
	}
	return out
}

// late reports whether a device's results come when they come, and say what they are about.
func (d *Device) late() bool { return d.Kind == "xray" || d.Kind == "swab" }

// secondary reports whether vehicles do not drive through a station: an officer takes swabs there.
func (st *Station) secondary() bool {
	return slices.ContainsFunc(st.Devices, func(d Device) bool { return d.Kind == "swab" })
}

// Devices returns each device once, in the order of lanes and stations.
func (s *Scenario) Devices() (out []Device) {
	known := map[string]bool{}
	for _, l := range s.parallel() {
		for _, st := range l.Stations {
			for _, d := range st.Devices {
				if !known[d.ID] {
					known[d.ID] = true
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// Shows reports whether drivers show their papers to a device.
func (s *Scenario) Shows(device string) bool { return s.deviceKinds()[device] == "papers" }

// deviceKinds returns the kind of each device.
func (s *Scenario) deviceKinds() map[string]string {
	of := map[string]string{}
	for _, d := range s.Devices() {
		of[d.ID] = d.Kind
	}
	return of
}

// Check implements driver.Checker.
func (s Scenario) Check() error {
	switch {
	case (len(s.Stations) == 0) == (len(s.Parallel) == 0):
		return errors.New("give either stations, for one lane, or lanes, for several side by side")
	case s.Merge > 0 && len(s.Parallel) < 2:
		return errors.New("merge needs lanes, two or more")
	case s.GapMin > s.GapMax:
		return fmt.Errorf("gap_min %g m is over gap_max %g m", s.GapMin, s.GapMax)
	}
	given := map[string]Device{}
	for _, l := range s.parallel() {
		if err := l.check(given); err != nil {
			return fmt.Errorf("lane %s: %w", l.ID, err)
		}
		first := s.parallel()[0]
		if s.Merge > 0 && !reflect.DeepEqual(l.from(s.Merge), first.from(s.Merge)) {
			return fmt.Errorf("lanes %s and %s have other stations behind %g m, where they have become one", first.ID, l.ID, s.Merge)
		}
	}
	return nil
}

// check holds a lane's stations against each other, and its devices against those of the lanes before, in given.
func (l *ParallelLane) check(given map[string]Device) error {
	here := map[string]bool{}
	if !slices.ContainsFunc(l.Stations, func(s Station) bool { return !s.secondary() }) {
		return errors.New("has no station that vehicles drive through")
	}
	for i, st := range l.Stations {
		if i > 0 && st.Position < l.Stations[i-1].Position {
			return fmt.Errorf("station %s stands behind %s: stations are in the order in which vehicles come to them",
				st.ID, l.Stations[i-1].ID)
		}
		for _, d := range st.Devices {
			if d.late() != st.Devices[0].late() {
				return fmt.Errorf("station %s: device %s reports late, or is the only one that does not: "+
					"give X-ray portals and ion scanners stations of their own", st.ID, d.ID)
			}
			if here[d.ID] {
				return fmt.Errorf("device %s is at two stations", d.ID)
			}
			if other, ok := given[d.ID]; ok && other != d {
				return fmt.Errorf("device %s is described otherwise in another lane", d.ID)
			}
			here[d.ID], given[d.ID] = true, d
		}
	}
	return nil
}

// from returns the stations at a position, m, or behind it.
func (l *ParallelLane) from(position float64) (out []Station) {
	for _, st := range l.Stations {
		if st.Position >= position {
			out = append(out, st)
		}
	}
	return out
}
