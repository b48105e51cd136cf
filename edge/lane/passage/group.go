package passage

import (
	"fmt"
	"slices"
	"strings"

	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// group is a lane, or several that share devices: what is associated together.
type group struct {
	lanes    []*Lane
	layout   associate.Layout
	devices  map[string]int // index in the layout
	model    *motion.Model
	window   *associate.Window
	down     map[string]*outages
	missRuns map[string]*missRun
	late     map[string]bool // devices whose reports come late, or in bursts

	waiting      []*detection.Detection // that wait for what happened before them, by Order
	readings     map[int64]*reading     // by row: those that can still change, and those of vehicles
	unsettled    []*reading             // that can still change, in the order of their rows
	reports      map[string][]*report   // late results of each device that can still change, by time
	vehicles     []*vehicle             // by first detection; those that are over are dropped after a day
	changed      []*vehicle             // those whose readings have changed since vehicles were sorted
	active       []*vehicle             // those that are in the lane, or still to be learnt from
	byID         map[string]*vehicle
	byLabel      map[int64]*vehicle // by the row of the first detection, as the window names them
	links        map[string]*report // by scan and image
	fixed        []*report          // late results that were decided by a person, or before a restart
	dirty        bool               // the window has changed since it was last read
	lastEntered  float64
	taught       int               // vehicles that the model has learnt from
	begun        float64           // s, when the first of these had gone through
	since        float64           // s, when they were enough to know the lane
	clocks       map[string]*clock // of the correlator
	phaseWatches []*watch          // of each device; nil for one that is not watched
	delay        float64           // s, of reports lately
	lastLeft     []float64         // s, of each lane: when a vehicle left it last
	room         []motion.Fix      // for the vehicles of one alignment
}

// newGroups groups lanes that share devices, directly or through other lanes.
func newGroups(lanes []Lane) (out []*group) {
	all := make([]*Lane, len(lanes))
	owner := map[string]int{} // device: group
	for i := range lanes {
		lanes[i].fill()
		all[i] = &lanes[i]
	}
	of := make([]int, len(all)) // lane: group, as the lowest lane in it
	for i, l := range all {
		of[i] = i
		for _, s := range l.Stations {
			for _, d := range s.Devices {
				if g, ok := owner[d]; ok && g != of[i] {
					from, to := max(of[i], g), min(of[i], g)
					for k := range i + 1 {
						if of[k] == from {
							of[k] = to
						}
					}
				}
				owner[d] = of[i]
			}
		}
		for d, g := range owner {
			owner[d] = of[g]
		}
	}
	for i := range all {
		if of[i] != i {
			continue
		}
		var members []*Lane
		for k := range all {
			if of[k] == i {
				members = append(members, all[k])
			}
		}
		out = append(out, newGroup(members))
	}
	return out
}

func newGroup(lanes []*Lane) *group {
	g := &group{
		lanes: lanes, devices: map[string]int{}, down: map[string]*outages{}, missRuns: map[string]*missRun{},
		late: map[string]bool{}, readings: map[int64]*reading{}, links: map[string]*report{},
		reports: map[string][]*report{}, byID: map[string]*vehicle{}, byLabel: map[int64]*vehicle{},
	}
	g.layout.Lanes = len(lanes)
	g.lastLeft = make([]float64, len(lanes))
	speed := 0.0
	for i, l := range lanes {
		g.layout.Timeout = max(g.layout.Timeout, l.Timeout.Seconds())
		speed += l.SpeedKph / 3.6 / float64(len(lanes))
		for k := range l.Stations {
			s := &l.Stations[k]
			for _, id := range s.Devices {
				n, ok := g.devices[id]
				if !ok {
					n = len(g.layout.Devices)
					g.devices[id] = n
					g.layout.Devices = append(g.layout.Devices, associate.Device{ID: id})
				}
				d := &g.layout.Devices[n]
				d.Places = append(d.Places, associate.Place{Lane: i, Position: s.Position, Late: s.Late})
			}
		}
	}
	g.layout.Fill()
	g.phaseWatches = make([]*watch, len(g.layout.Devices))
	g.model = motion.New(len(g.layout.Devices), units.MetresPerSecond(speed))
	g.window = associate.NewWindow(&g.layout, g.model, g.wasDown)
	return g
}

// String returns the lanes' names, for logs.
func (g *group) String() string {
	var names []string
	for _, l := range g.lanes {
		names = append(names, l.ID)
	}
	return fmt.Sprintf("lanes %s", strings.Join(names, ", "))
}

// station returns the station of a lane at which a device is; nil when it is at none.
func (g *group) station(lane int, device string) *Station {
	for i := range g.lanes[lane].Stations {
		if s := &g.lanes[lane].Stations[i]; slices.Contains(s.Devices, device) {
			return s
		}
	}
	return nil
}

// wasDown reports whether a device is known not to have worked at a time, s.
func (g *group) wasDown(dev int, at float64) bool {
	o := g.down[g.layout.Devices[dev].ID]
	return o != nil && o.at(at)
}
