package passage

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lanewarden/drivers/observation/units"
)

// sharing makes lanes of which each has some devices, one a station.
func sharing(devices ...[]string) (out []Lane) {
	for i, ids := range devices {
		l := Lane{ID: fmt.Sprintf("lane-%d", i+1)}
		for k, id := range ids {
			l.Stations = append(l.Stations, Station{ID: fmt.Sprintf("s%d", k), Position: units.Metres(5 * float64(k)), Devices: []string{id}})
		}
		out = append(out, l)
	}
	return out
}

// members returns the lanes of each group.
func members(groups []*group) (out [][]string) {
	for _, g := range groups {
		var ids []string
		for _, l := range g.lanes {
			ids = append(ids, l.ID)
		}
		out = append(out, ids)
	}
	return out
}

// TestGroups: lanes that share devices are associated together, also over lanes between them.
func TestGroups(t *testing.T) {
	for _, c := range []struct {
		name    string
		devices [][]string
		want    [][]string
	}{
		{"none", nil, nil},
		{"apart", [][]string{{"a"}, {"b"}}, [][]string{{"lane-1"}, {"lane-2"}}},
		{"two that share", [][]string{{"a", "x"}, {"b", "x"}}, [][]string{{"lane-1", "lane-2"}}},
		{"a chain", [][]string{{"x"}, {"x", "y"}, {"y"}}, [][]string{{"lane-1", "lane-2", "lane-3"}}},
		{"a chain whose middle comes last", [][]string{{"x"}, {"y"}, {"x", "y"}}, [][]string{{"lane-1", "lane-2", "lane-3"}}},
		{"a chain, backwards", [][]string{{"y"}, {"x"}, {"y", "x"}}, [][]string{{"lane-1", "lane-2", "lane-3"}}},
		{"one between that shares nothing", [][]string{{"x"}, {"z"}, {"x"}}, [][]string{{"lane-1", "lane-3"}, {"lane-2"}}},
		{"two chains that a last lane joins", [][]string{{"a", "b"}, {"c", "d"}, {"b"}, {"d"}, {"a", "c"}},
			[][]string{{"lane-1", "lane-2", "lane-3", "lane-4", "lane-5"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := members(newGroups(sharing(c.devices...)))
			if len(got) != len(c.want) || !slices.EqualFunc(got, c.want, slices.Equal[[]string]) {
				t.Errorf("%v, not %v", got, c.want)
			}
		})
	}
}

// someSharing draws lanes that share devices in any way.
func someSharing(t *rapid.T) (devices [][]string) {
	for range rapid.IntRange(1, 8).Draw(t, "lanes") {
		ids := rapid.SliceOfNDistinct(rapid.IntRange(0, 11), 0, 4, rapid.ID).Draw(t, "devices")
		var own []string
		for _, id := range ids {
			own = append(own, fmt.Sprintf("d%d", id))
		}
		devices = append(devices, own)
	}
	return devices
}

// connected reports, for each lane, which others it is connected with, over any number of lanes between.
func connected(devices [][]string) (out [][]bool) {
	for i := range devices {
		with := make([]bool, len(devices))
		with[i] = true
		for changed := true; changed; {
			changed = false
			for a := range devices {
				for b := range devices {
					share := slices.ContainsFunc(devices[a], func(d string) bool { return slices.Contains(devices[b], d) })
					if with[a] && share && !with[b] {
						with[b], changed = true, true
					}
				}
			}
		}
		out = append(out, with)
	}
	return out
}

// TestGroupsConnected draws lanes: those are together that are connected, and each lane is in one group.
func TestGroupsConnected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		devices := someSharing(t)
		groups := newGroups(sharing(devices...))
		in := map[string]int{}
		for i, g := range groups {
			for _, l := range g.lanes {
				if _, ok := in[l.ID]; ok {
					t.Errorf("%s is in two groups", l.ID)
				}
				in[l.ID] = i
			}
		}
		for a, with := range connected(devices) {
			for b, yes := range with {
				x, y := fmt.Sprintf("lane-%d", a+1), fmt.Sprintf("lane-%d", b+1)
				if (in[x] == in[y]) != yes || len(in) != len(devices) {
					t.Errorf("%s and %s are connected: %v; groups %v", x, y, yes, members(groups))
				}
			}
		}
	})
}

// TestGroupsAnyOrder: in which order lanes are listed does not matter to which are together.
func TestGroupsAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lanes := sharing(someSharing(t)...)
		sorted := func(lanes []Lane) [][]string {
			all := members(newGroups(slices.Clone(lanes)))
			for _, g := range all {
				slices.Sort(g)
			}
			slices.SortFunc(all, slices.Compare[[]string])
			return all
		}
		a, b := sorted(lanes), sorted(rapid.Permutation(lanes).Draw(t, "order"))
		if !slices.EqualFunc(a, b, slices.Equal[[]string]) {
			t.Errorf("%v, and in another order %v", a, b)
		}
	})
}

// TestGroupPlaces: each device of a group is known once, with a place in each lane in which it has a station.
func TestGroupPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lanes := sharing(someSharing(t)...)
		c := New(lanes)
		for _, g := range c.groups {
			for i, l := range g.lanes {
				seen := map[string]bool{}
				for _, s := range l.Stations {
					id := s.Devices[0]
					seen[id] = true
					dev, ok := g.devices[id]
					if !ok || g.layout.Devices[dev].ID != id || c.where[id] != g {
						t.Fatalf("%s of %s is not known", id, l.ID)
					}
					if at := g.layout.Position(i, dev); at != s.Position {
						t.Errorf("%s is at %.0f m in %s, not %.0f m", id, at, l.ID, s.Position)
					}
					if got := g.station(i, id); got == nil || got.ID != s.ID {
						t.Errorf("%s of %s is at %v", id, l.ID, got)
					}
				}
				for id, dev := range g.devices {
					if at := g.layout.Position(i, dev); math.IsInf(float64(at), 1) == seen[id] {
						t.Errorf("%s is at %f in %s", id, at, l.ID)
					}
				}
			}
		}
	})
}

// TestLaneDefaults: what a lane's settings leave out is as documented, and what they say holds.
func TestLaneDefaults(t *testing.T) {
	l := New([]Lane{{ID: "a", Stations: []Station{{Devices: []string{"x"}}}}}).groups[0].lanes[0]
	if l.SpeedKph != DefaultSpeedKph || l.Timeout != DefaultTimeout || l.Late != DefaultLate {
		t.Errorf("%+v", l)
	}
	if l.SpeedKph != 6 || l.Timeout != 3*time.Minute || l.Late != 24*time.Hour { // as a lane's settings have them
		t.Errorf("other defaults than those of the settings: %+v", l)
	}
	own := twoLanes()[0]
	own.Late = 5 * DefaultTimeout
	l = New([]Lane{own}).groups[0].lanes[0]
	if l.SpeedKph != own.SpeedKph || l.Timeout != own.Timeout || l.Late != own.Late {
		t.Errorf("%+v", l)
	}
}

// TestGroupSpeed: lanes that share devices have the mean of their usual speeds until they have learnt it, and the longest
// of their timeouts.
func TestGroupSpeed(t *testing.T) {
	lanes := sharing([]string{"x"}, []string{"x"}, []string{"x"})
	lanes[0].SpeedKph, lanes[1].SpeedKph, lanes[2].SpeedKph = 3.6, 7.2, 18
	lanes[1].Timeout = time.Hour
	g := newGroups(lanes)[0]
	if v := float64(g.model.SpeedEstimate()); math.Abs(v-8.0/3) > 1e-9 || g.layout.Timeout != 3600 {
		t.Errorf("%.3f m/s, %.0f s", v, g.layout.Timeout)
	}
}
