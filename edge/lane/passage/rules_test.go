package passage

import (
	"math"
	"slices"
	"testing"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/associate"
	"lanewarden/edge/lane/passage/detection"
)

// sightings makes a vehicle of lane 1 with detections at so many seconds.
func sightings(g *group, id string, at map[string]float64) *vehicle {
	v := &vehicle{id: id}
	g.enroll(v)
	var devices []string
	for device := range at {
		devices = append(devices, device)
	}
	slices.Sort(devices)
	for i, device := range devices {
		d := detection.Of(int64(len(g.readings)+i), loop(device, at[device]), 0)
		g.prepare(d)
		(&reading{det: d, confidence: 1, final: true, placed: true, label: noLabel}).assign(v)
	}
	return v
}

// sec is a time of the tests' day, in seconds since 1970.
func sec(s float64) float64 { return detection.Seconds(dawn) + s }

// TestEnding: when a passage is over, and why.
func TestEnding(t *testing.T) {
	const unspecified = observation.PassageEnd_PASSAGE_END_UNSPECIFIED
	const left, reversed = observation.PassageEnd_PASSAGE_END_LEFT, observation.PassageEnd_PASSAGE_END_REVERSED
	const timeout, merged = observation.PassageEnd_PASSAGE_END_TIMEOUT, observation.PassageEnd_PASSAGE_END_MERGED
	back := func(v *vehicle) { v.readings[0].det.Reverse = true }
	for name, c := range map[string]struct {
		at     map[string]float64 // detections; ends are 4 s later
		change func(v *vehicle)
		now    float64
		want   observation.PassageEnd
	}{
		"in the lane": {map[string]float64{"loop-1": 0}, nil, 4 + hold + 59.9, unspecified},
		"timed out":   {map[string]float64{"loop-1": 0}, nil, 4 + hold + 60.1, timeout},
		"at the exit": {map[string]float64{"loop-1": 0, "loop-2": 12}, nil, 16 + hold + afterLast - 0.1,
			unspecified},
		"left":                {map[string]float64{"loop-1": 0, "loop-2": 12}, nil, 16 + hold + afterLast + 0.1, left},
		"on its way back":     {map[string]float64{"loop-1": 0}, back, 4 + hold + 14.9, unspecified},
		"gone back":           {map[string]float64{"loop-1": 0}, back, 4 + hold + 15.1, reversed},
		"empty, for a moment": {nil, func(v *vehicle) { v.emptied = sec(0) }, settle - 0.1, unspecified},
		"empty":               {nil, func(v *vehicle) { v.emptied = sec(0) }, settle, merged},
		"empty just now":      {nil, nil, 1000, unspecified},
	} {
		t.Run(name, func(t *testing.T) {
			k := New(twoLanes())
			g := k.groups[0]
			v := sightings(g, "a", c.at)
			if c.change != nil {
				c.change(v)
			}
			k.now = sec(c.now)
			if got := k.ending(g, 0); got != c.want {
				t.Errorf("%v, not %v", got, c.want)
			}
			if len(c.at) == 0 && v.emptied == 0 {
				t.Error("it is not noted since when it is empty")
			}
			if v.emptied = sec(0); len(c.at) > 0 {
				if k.ending(g, 0); v.emptied != 0 {
					t.Error("it has readings and is called empty")
				}
			}
		})
	}
}

// TestWaits: a vehicle may stand in a queue while one ahead of it in its lane does, or a moment after that left; not
// when one behind it went through.
func TestWaits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(g *group, ahead, behind *vehicle)
		want   bool
	}{
		"one ahead is there":     {func(*group, *vehicle, *vehicle) {}, true},
		"the one ahead has left": {func(_ *group, ahead, _ *vehicle) { ahead.closed = 1 }, false},
		"it left a moment ago": {func(g *group, ahead, _ *vehicle) { ahead.closed, g.lastLeft[0] = 1, 101 },
			true},
		"it left at that time": {func(g *group, ahead, _ *vehicle) { ahead.closed, g.lastLeft[0] = 1, 100 },
			false},
		"the one ahead has nothing":  {func(_ *group, ahead, _ *vehicle) { ahead.readings = nil }, false},
		"the one ahead goes back":    {func(_ *group, ahead, _ *vehicle) { ahead.readings[0].det.Reverse = true }, false},
		"the one ahead is elsewhere": {func(_ *group, ahead, _ *vehicle) { ahead.lane = 1 }, false},
		"one behind went through": {func(_ *group, _, behind *vehicle) {
			behind.end = observation.PassageEnd_PASSAGE_END_LEFT
		}, false},
		"one behind went through in another lane": {func(_ *group, _, behind *vehicle) {
			behind.end, behind.lane = observation.PassageEnd_PASSAGE_END_LEFT, 1
		}, true},
		"one behind timed out": {func(_ *group, _,
			behind *vehicle) {
			behind.end = observation.PassageEnd_PASSAGE_END_TIMEOUT
		}, true},
	} {
		g := newGroups(twoLanes())[0]
		ahead := sightings(g, "ahead", map[string]float64{"loop-1": 0})
		sightings(g, "own", map[string]float64{"loop-1": 10})
		behind := sightings(g, "behind", map[string]float64{"loop-1": 20})
		c.change(g, ahead, behind)
		if got := g.waits(1, 100); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestGap: why a station saw nothing of a vehicle.
func TestGap(t *testing.T) {
	const notYet, blind = observation.PassageGap_PASSAGE_GAP_NOT_YET, observation.PassageGap_PASSAGE_GAP_BLIND
	const notExpected, nothing = observation.PassageGap_PASSAGE_GAP_NOT_EXPECTED,
		observation.PassageGap_PASSAGE_GAP_NOTHING_READ
	const missed, portalAt, scan, exit = observation.PassageGap_PASSAGE_GAP_MISSED, 1, 2, 3
	both := map[string]float64{"loop-1": 0, "loop-2": 12}
	sees := func(device string, of, seen int) func(*group, *vehicle) {
		return func(g *group, v *vehicle) {
			v.closed, v.end = sec(100), observation.PassageEnd_PASSAGE_END_LEFT
			for i := range of {
				g.model.HitRate(g.devices[device]).Add(i < seen)
			}
		}
	}
	stops := func(devices ...string) func(*group, *vehicle) {
		return func(g *group, v *vehicle) {
			for _, d := range devices {
				g.down[d] = &outages{}
				g.down[d].note(sec(0), true)
			}
		}
	}
	for name, c := range map[string]struct {
		at      map[string]float64
		station int
		change  func(*group, *vehicle)
		want    observation.PassageGap
	}{
		"it has not come so far":          {map[string]float64{"loop-1": 0}, portalAt, nil, notYet},
		"a late result, while it is open": {both, scan, nil, notYet},
		"it is beyond":                    {both, portalAt, nil, nothing},
		"the device is down":              {both, portalAt, stops("rpm-1"), blind},
		"one of two is down": {map[string]float64{"loop-1": 0}, exit, func(g *group,
			v *vehicle) {
			stops("loop-2")(g, v)
			v.closed = 1
		}, nothing},
		"both are down": {map[string]float64{"loop-1": 0}, exit, func(g *group,
			v *vehicle) {
			stops("loop-2", "scale-1")(g, v)
			v.closed = 1
		}, blind},
		"a late result that never came": {both, scan, func(_ *group, v *vehicle) { v.closed = 1 }, notExpected},
		"it went back": {both, portalAt, func(_ *group,
			v *vehicle) {
			v.readings[0].det.Reverse = true
		}, notExpected},
		"it timed out before": {map[string]float64{"loop-1": 0}, portalAt, func(_ *group,
			v *vehicle) {
			v.closed, v.end = 1, observation.PassageEnd_PASSAGE_END_TIMEOUT
		}, notExpected},
		"it timed out beyond": {both, portalAt, func(_ *group, v *vehicle) {
			v.closed, v.end = 1,
				observation.PassageEnd_PASSAGE_END_TIMEOUT
		}, nothing},
		"a station without devices": {both, portalAt, func(g *group, _ *vehicle) {
			g.lanes[0].Stations[portalAt].Devices = nil
		}, nothing},
		"a device that sees all":            {both, portalAt, sees("rpm-1", 20, 20), missed},
		"a device that sees just enough":    {both, portalAt, sees("rpm-1", 20, 17), missed},
		"a device that sees some":           {both, portalAt, sees("rpm-1", 20, 16), nothing},
		"a device of which little is known": {both, portalAt, sees("rpm-1", 9, 9), nothing},
		"a device of which enough is known": {both, portalAt, sees("rpm-1", 10, 10), missed},
		"the station has several, one sees": {map[string]float64{"loop-1": 0, "rpm-1": 5}, exit, sees("scale-1", 20, 20),
			missed},
		"the station has several, none does": {map[string]float64{"loop-1": 0, "rpm-1": 5}, exit, sees("rpm-1", 20, 20),
			nothing},
	} {
		t.Run(name, func(t *testing.T) {
			k := New(twoLanes())
			g := k.groups[0]
			v := sightings(g, "a", c.at)
			if c.change != nil {
				c.change(g, v)
			}
			s := k.station(g, v, &g.lanes[0].Stations[c.station])
			if s.Seen || s.Gap != c.want {
				t.Errorf("seen %v, %v, not %v", s.Seen, s.Gap, c.want)
			}
			expected := nanos(sec(float64(g.lanes[0].Stations[c.station].Position) / 2))
			if late := c.station == scan; late != (s.ArrivedNs == 0) || !late && math.Abs(float64(s.ArrivedNs-expected)) > 2e9 {
				t.Errorf("expected at %d, not %d", s.ArrivedNs, expected)
			}
		})
	}
}

// TestStationTimes: a vehicle is at a station from its first detection there to the last end; what went back, and what is
// of the same scan, does not count.
func TestStationTimes(t *testing.T) {
	k := New(twoLanes())
	g := k.groups[0]
	v := sightings(g, "a", map[string]float64{"loop-1": 10, "lpr-1": 12})
	s := k.station(g, v, &g.lanes[0].Stations[0])
	if !s.Seen || s.ArrivedNs != nanos(sec(10)) || s.LeftNs != nanos(sec(16)) {
		t.Errorf("%v", s)
	}
	v.readings[1].det.Reverse = true
	if s = k.station(g, v, &g.lanes[0].Stations[0]); s.LeftNs != nanos(sec(14)) {
		t.Errorf("the other went back: %v", s)
	}
	v.readings[0].linked = true
	if s = k.station(g, v, &g.lanes[0].Stations[0]); !s.Seen || s.ArrivedNs != 0 || s.LeftNs != 0 {
		t.Errorf("of the same scan: %v", s)
	}
	v.readings[0].foreign, v.readings[1].foreign = true, true
	if s = k.station(g, v, &g.lanes[0].Stations[0]); s.Seen {
		t.Errorf("of another lane: %v", s)
	}
}

// TestCall: a vehicle's plate is the one that was read surest.
func TestCall(t *testing.T) {
	g := newGroups(twoLanes())[0]
	v := &vehicle{known: &facts{names: []kinds.Name{
		{Kind: "plate", Shown: "A", Sure: 0.7}, {Kind: "plate", Shown: "B", Sure: 0.9}, {Kind: "plate", Shown: "C",
			Sure: 0.8},
		{Kind: "tag", Shown: "t"}, {Kind: "container", Shown: "c"}, {Kind: "code", Shown: "k"}, {Kind: "party", Shown: "p"},
	}}}
	d := &observation.PassageClosed{}
	v.call(g, d)
	if d.Plate != "B" || !slices.Equal(d.Tags, []string{"t"}) || !slices.Equal(d.Containers, []string{"c"}) ||
		!slices.Equal(d.Codes, []string{"k", "p"}) {
		t.Errorf("%v", d)
	}
}

// TestLaneOf: a vehicle is of the lane of most of the devices that saw it; one that stands in that lane alone decides.
func TestLaneOf(t *testing.T) {
	g := newGroups([]Lane{
		{ID: "lane-1", Stations: []Station{{ID: "s", Devices: []string{"x", "y"}}, {ID: "t", Position: 5,
			Devices: []string{"a"}}}},
		{ID: "lane-2", Stations: []Station{{ID: "s", Devices: []string{"x", "y"}}, {ID: "t", Position: 5,
			Devices: []string{"b"}}}},
	})[0]
	of := func(devices ...string) int {
		var all []*reading
		for _, d := range devices {
			all = append(all, &reading{det: &detection.Detection{Dev: g.devices[d]}})
		}
		return g.laneOf(all)
	}
	for _, c := range []struct {
		devices []string
		want    int
	}{{[]string{"a"}, 0}, {[]string{"b"}, 1}, {[]string{"x", "y", "b"}, 1}, {[]string{"x", "y"}, 0}, {[]string{"a", "b",
		"b"}, 1}} {
		if got := of(c.devices...); got != c.want {
			t.Errorf("seen by %q: lane %d", c.devices, got)
		}
	}
}

// TestWhyDoubt: which reason is named where the model is known not to hold, and which neighbour.
func TestWhyDoubt(t *testing.T) {
	born := associate.Terms{From: -1}
	born.Score[associate.Birth] = -3
	off := associate.Terms{From: 0, Residual: 3.1, Sigma: 1}
	atPortal := func(r *reading) { r.det.Dev, r.det.Device = 2, "rpm-1" }
	young := func(c *Correlator, g *group, r *reading) { g.taught = firstTaught - 1 }
	for name, c := range map[string]struct {
		terms     associate.Terms
		change    func(c *Correlator, g *group, r *reading)
		code      string
		neighbour int
	}{
		"in time": {explained(), nil, "", 0},
		"first, and seen entering": {born, func(_ *Correlator, g *group, r *reading) {
			g.vehicles[0].readings[0].det.At = 9
		}, "", 0},
		"first, not seen entering, with one ahead within a minute": {born, func(_ *Correlator, g *group, r *reading) {
			atPortal(r)
		}, "doubt.not-seen-entering", -1},
		"first, not seen entering, with nobody near": {born, func(_ *Correlator, g *group, r *reading) {
			atPortal(r)
			g.vehicles[0].readings[0].det.At = -60
		}, "", 0},
		"first, not seen entering, with one behind": {born, func(_ *Correlator, g *group, r *reading) {
			atPortal(r)
			g.vehicles[0].readings[0].det.At = 60
			g.vehicles[0], g.vehicles[2] = g.vehicles[2], g.vehicles[0]
		}, "doubt.not-seen-entering", -1},
		"a new lane, with one just ahead": {explained(), young, newLane, -1},
		"a new lane, with one 12 s ahead": {explained(), func(c *Correlator, g *group, r *reading) {
			young(c, g,
				r)
			r.det.At, r.det.Raw = 13, 13
		}, newLane, -1},
		"a new lane, with one 13 s ahead": {explained(), func(c *Correlator, g *group, r *reading) {
			young(c, g,
				r)
			r.det.At, r.det.Raw = 14, 14
		}, "", 0},
		"a lane that is not brand new": {explained(), func(_ *Correlator, g *group,
			r *reading) {
			g.taught = firstTaught
		}, newLane, -1},
		"that is known since": {explained(), func(_ *Correlator, g *group, r *reading) { g.since = 11 },
			newLane, -1},
		"that was known then": {explained(), func(_ *Correlator, g *group, r *reading) {
			g.since,
				g.begun = 10, 10
		}, "", 0},
		"much later, the one ahead was seen": {off, nil, "", 0},
		"by a clock of which little is known": {explained(), func(c *Correlator, _ *group, r *reading) {
			c.clocks["lpr-1"], r.det.At = &clock{}, 4
		}, "doubt.clock-unknown", -1},
	} {
		t.Run(name, func(t *testing.T) {
			k, g, r := doubted(0.999, c.terms)
			if c.change != nil {
				c.change(k, g, r)
			}
			if code, neighbour := k.why(g, r); code != c.code || code != "" && neighbour != c.neighbour {
				t.Errorf("%q and %d, not %q and %d", code, neighbour, c.code, c.neighbour)
			}
		})
	}
}

// TestDoubtOfNone: a reading of no vehicle whose clock is not known may be of the vehicle that came in last, with the
// rest of the probability.
func TestDoubtOfNone(t *testing.T) {
	k, g, r := doubted(0.999, explained())
	r.assign(nil)
	k.clocks["lpr-1"] = &clock{}
	r.det.At, r.det.Arrived = 4, 12
	g.vehicles[2].readings = []*reading{{det: &detection.Detection{At: 11}}}
	empty, next := &vehicle{id: "empty"}, &vehicle{id: "next", readings: []*reading{{det: &detection.Detection{At: 13}}}}
	g.vehicles = append(g.vehicles, empty, next)
	k.doubt(g, r)
	if r.other == nil || r.other.id != "own" || r.confidence != maxInDoubt ||
		math.Abs(r.otherShare-(1-maxInDoubt)) > 1e-9 {
		t.Errorf("the other candidate is %+v with %.3f, beside %.3f", r.other, r.otherShare, r.confidence)
	}
	if v := g.latest(0.5); v != nil {
		t.Errorf("%s came in before all", v.id)
	}
	if v := g.latest(13); v == nil || v.id != "next" {
		t.Errorf("at the moment of the last: %v", v)
	}
	if v := g.latest(1); v == nil || v.id != "first" {
		t.Errorf("at the moment of the first: %v", v)
	}
}

// TestApart: reports of a device are looked at together up to four minutes apart.
func TestApart(t *testing.T) {
	for _, c := range []struct {
		at   []float64
		want []int
	}{
		{nil, nil}, {[]float64{1}, []int{1}}, {[]float64{0, farApart}, []int{2}}, {[]float64{0, farApart + 1}, []int{1, 1}},
		{[]float64{0, 100, 200, 1000, 1001, 2000}, []int{3, 2, 1}},
	} {
		var all []*report
		for _, at := range c.at {
			all = append(all, &report{at: at})
		}
		var got []int
		n := 0
		for _, some := range splitReports(all) {
			for _, p := range some {
				if p != all[n] {
					t.Fatalf("%v: report %d is not in its order", c.at, n)
				}
				n++
			}
			got = append(got, len(some))
		}
		if !slices.Equal(got, c.want) || n != len(all) {
			t.Errorf("%v: %v, not %v", c.at, got, c.want)
		}
	}
}

// TestReportTake: a late result is placed at once when it is sure or an alarm, else after two minutes; what is of no
// vehicle
