package scenario

import (
	"strings"
	"testing"
)

// TestCheck: what cannot be driven is refused, with the place named.
func TestCheck(t *testing.T) {
	loop := func(id string) []Device { return []Device{{ID: id, Kind: "loop"}} }
	entry, exit := Station{ID: "entry", Devices: loop("a")}, Station{ID: "exit", Position: 50, Devices: loop("b")}
	lane := func(id string, s ...Station) ParallelLane { return ParallelLane{ID: id, Stations: s} }
	moved := exit
	moved.Position = 60
	swabs := Station{ID: "office", Devices: []Device{{ID: "s", Kind: "swab"}}}
	portal := Station{ID: "portal", Position: 20, Devices: []Device{{ID: "a", Kind: "portal"}}}
	for name, c := range map[string]struct {
		s    Scenario
		want string // in the message; "" for no error
	}{
		"one lane":            {Scenario{Stations: []Station{entry, exit}}, ""},
		"two lanes that join": {Scenario{Parallel: []ParallelLane{lane("l", entry, exit), lane("m", entry, exit)}, Merge: 40}, ""},
		"no stations":         {Scenario{}, "either stations"},
		"both":                {Scenario{Stations: []Station{entry}, Parallel: []ParallelLane{lane("l", entry)}}, "either stations"},
		"merge of one":        {Scenario{Stations: []Station{entry}, Merge: 40}, "two or more"},
		"two scales":          {Scenario{Parallel: []ParallelLane{lane("l", entry, exit), lane("m", entry, moved)}, Merge: 40}, "lanes l and m"},
		"out of order":        {Scenario{Stations: []Station{exit, entry}}, "station entry"},
		"device twice":        {Scenario{Stations: []Station{entry, {ID: "x", Position: 9, Devices: loop("a")}}}, "device a is at two"},
		"device two kinds":    {Scenario{Parallel: []ParallelLane{lane("l", entry), lane("m", portal)}}, "lane m: device a"},
		"nothing to drive by": {Scenario{Stations: []Station{swabs}}, "no station"},
		"late and not": {Scenario{Stations: []Station{entry,
			{ID: "x", Devices: []Device{{ID: "i", Kind: "code"}, {ID: "j", Kind: "xray"}}}}}, "station x: device j"},
		"gaps": {Scenario{Stations: []Station{entry}, GapMin: 3, GapMax: 2}, "gap_min 3 m"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.s.Check()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestLanes: each lane is configured with its own stations, and shared devices stand in both.
func TestLanes(t *testing.T) {
	lanes := load(t, "two-lanes").Lanes()
	if len(lanes) != 2 || lanes[0].ID == lanes[1].ID {
		t.Fatalf("%+v", lanes)
	}
	for i, l := range lanes {
		if l.Stations[1].Devices[0] != "rfid-1" || l.Stations[3].Devices[0] != "scale-1" || l.Stations[2].Devices[0] != []string{"rpm-1a", "rpm-1b"}[i] {
			t.Errorf("%+v", l)
		}
	}
	if one := load(t, "busy-lane").Lanes(); len(one) != 1 || one[0].ID != theLane || !one[0].Stations[3].Late {
		t.Errorf("%+v", one)
	}
}
