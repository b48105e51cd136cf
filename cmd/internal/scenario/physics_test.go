package scenario

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
	firmwareconfig "lanewarden/firmware-config"
)

// drivenDay is a small day with the ways of its vehicles.
type drivenDay struct {
	*generator
	paths []*path // by vehicle
}

// rush draws a small day of a built-in scenario, half of it within minutes, so that vehicles get in each other's way.
func rush(t *rapid.T, all map[string]*Scenario) drivenDay {
	name := rapid.SampledFrom(firmwareconfig.Builtin(firmwareconfig.Scenarios)).Draw(t, "scenario")
	s := *all[name]
	s.Vehicles = rapid.IntRange(2, 60).Draw(t, "vehicles")
	s.Peaks = []Peak{{Hour: 12, Width: 0.1, Factor: 100}}
	s.Faults.Tailgating = rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "tailgating")
	s.Faults.Reversing = rapid.SampledFrom([]float64{0, 0.2}).Draw(t, "reversing")
	d := drivenDay{generator: newGenerator(&s, rapid.Uint64().Draw(t, "seed"), Begin)}
	d.keep = func(_ int, p *path) { d.paths = append(d.paths, p) }
	d.make()
	return d
}

func builtins(t testing.TB) map[string]*Scenario {
	all := map[string]*Scenario{}
	for _, name := range firmwareconfig.Builtin(firmwareconfig.Scenarios) {
		all[name] = load(t, name)
	}
	return all
}

// TestPhysics: vehicles drive no faster than they may, keep their order and their distance, and never stand where
// another one is; where lanes have become one, all of them.
func TestPhysics(t *testing.T) {
	all := builtins(t)
	rapid.Check(t, func(t *rapid.T) {
		d := rush(t, all)
		if len(d.day.Vehicles) != d.Vehicles {
			t.Fatalf("%d vehicles of %d", len(d.day.Vehicles), d.Vehicles)
		}
		last := map[int]int{} // by lane, who went through
		out := map[int]float64{}
		merged := -1
		for i := range d.day.Vehicles {
			v, p := &d.day.Vehicles[i], d.paths[i]
			d.checkSpeed(t, p)
			if ahead, ok := last[v.Lane]; ok {
				d.checkBehind(t, ahead, i, 0)
			}
			if p.reach[0] < out[v.Lane] {
				t.Fatalf("vehicle %d comes while one that turned back is still in the lane", i)
			}
			if !v.Back.IsZero() {
				out[v.Lane] = v.Back.Sub(d.begin).Seconds() - 1e-6
				continue
			}
			if merged >= 0 {
				d.checkBehind(t, merged, i, d.grid.merge+1) // the line where they wait is in their own lane
			}
			last[v.Lane], merged = i, i
		}
	})
}

func (d *drivenDay) checkSpeed(t *rapid.T, p *path) {
	most := d.SpeedKph / 3.6 * 1.2 * 1.03 / 0.95 * 1.03 // a fast one, tailgated
	for k := range p.reach {
		if p.leave[k] < p.reach[k] {
			t.Fatalf("leaves cell %d before it is there", k)
		}
		if k > 0 && p.reach[k]-p.leave[k-1] < step/(most*1.3) {
			t.Fatalf("cell %d in %.3f s: over %.1f m/s", k, p.reach[k]-p.leave[k-1], most)
		}
	}
}

// checkBehind holds the way of a vehicle against that of the one ahead, from a cell on.
func (d *drivenDay) checkBehind(t *rapid.T, ahead, behind, from int) {
	a, b := d.paths[ahead], d.paths[behind]
	length := float64(d.day.Vehicles[ahead].Length)
	least := length + d.GapMin - step
	for k := from; k < len(b.reach); k++ {
		place := b.start + float64(k)*step
		if place+least > a.start+float64(len(a.reach)-1)*step {
			return
		}
		if b.reach[k] < a.at(place+least)-1e-9 {
			t.Fatalf("vehicle %d is at %.1f m at %.2f s; the end of %d, %.1f m long, clears it at %.2f s",
				behind, place, b.reach[k], ahead, length, a.at(place+least))
		}
	}
}

// TestDevicesSeeWhatIsThere: a device sees vehicles only where they come, while they are there, and the agent has no
// report before what it is about.
func TestDevicesSeeWhatIsThere(t *testing.T) {
	all := builtins(t)
	rapid.Check(t, func(t *rapid.T) {
		d := rush(t, all)
		for i, told := range d.day.Told {
			if i > 0 && told.At.Before(d.day.Told[i-1].At) {
				t.Fatal("reports are not in the order in which the agent has them")
			}
			if late := told.At.Sub(told.Obs.Time()) - time.Duration(told.Obs.Body.AgentDelayNs); late.Abs() > time.Millisecond {
				t.Fatalf("%s: delay is %v off", told.Obs.Device, late)
			}
			if d.clocks[told.Obs.Device] == nil && told.At.Before(told.Obs.Time()) {
				t.Fatalf("%s reports at %v what is at %v", told.Obs.Device, told.At, told.Obs.Time())
			}
			if told.Vehicle >= 0 {
				d.checkThere(t, told)
			}
		}
	})
}

// checkThere holds a report against where its vehicle was.
func (d *drivenDay) checkThere(t *rapid.T, told Told) {
	v := &d.day.Vehicles[told.Vehicle]
	at := told.Obs.Time()
	if c := d.clocks[told.Obs.Device]; c != nil {
		at = at.Add(at.Sub(c.show(at, d.begin))) // but for what it drifts in the time that it is off
	}
	for k, st := range d.lanes[v.Lane].Stations {
		for _, one := range st.Devices {
			if one.ID != told.Obs.Device || one.Kind == "swab" {
				continue
			}
			until := v.Leave[k]
			if !v.Back.IsZero() {
				until = v.Back
			}
			const slack = time.Minute // a tag is heard before its vehicle is there, a report is made after it left
			switch {
			case v.Arrive[k].IsZero():
				t.Fatalf("%s saw vehicle %d, which never came to it", one.ID, told.Vehicle)
			case one.Step == 0 && (at.Before(v.Arrive[k].Add(-slack)) && one.Kind != "tag" || at.After(until.Add(slack))):
				t.Fatalf("%s saw vehicle %d at %v; it was there from %v to %v", one.ID, told.Vehicle, at, v.Arrive[k], until)
			}
		}
	}
	if b, ok := told.Obs.Body.Typed().(*observation.VehicleDetection); ok && b.EndNs < b.StartNs {
		t.Fatalf("a detection of %d ns", b.EndNs-b.StartNs)
	}
}

// TestTurnBack: a vehicle that turns back is seen again on its way out, and once, for longer, where it stood.
func TestTurnBack(t *testing.T) {
	r := grid{start: -30, cells: 300, merge: 300}
	speeds := make([]float64, r.cells)
	for i := range speeds {
		speeds[i] = 2
	}
	in := intent{speeds: speeds, turn: r.cell(40), pause: map[int]float64{r.cell(40): 20}}
	p := r.follow(in, nil)
	v := &Vehicle{Length: 10, Speed: 2}
	for name, c := range map[string]struct {
		position float64
		want     []crossing
	}{
		"passed": {0, []crossing{
			{from: 15, until: 20.25, speed: 2}, {from: 69.75, until: 75, speed: 2, reverse: true}}},
		"stood over":    {35, []crossing{{from: 32.5, until: 57.5, speed: 2, turned: true}}},
		"never reached": {41, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.passes(c.position, v)
			if len(got) != len(c.want) {
				t.Fatalf("%+v", got)
			}
			for i, g := range got {
				w := c.want[i]
				near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
				if !near(g.from, w.from) || !near(g.until, w.until) || !near(g.speed, w.speed) || g.reverse != w.reverse || g.turned != w.turned {
					t.Errorf("got %+v, want %+v", g, w)
				}
			}
		})
	}
}

// TestMergeTakesTurns: where lanes become one, vehicles of both wait for each other and go in turn.
func TestMergeTakesTurns(t *testing.T) {
	s := *load(t, "two-lanes")
	s.Vehicles, s.Peaks, s.Faults = 200, []Peak{{Hour: 12, Width: 0.1, Factor: 100}}, Faults{}
	d := Make(&s, 3)
	turns, together := 0, 0
	for i := 1; i < len(d.Vehicles); i++ {
		a, b := &d.Vehicles[i-1], &d.Vehicles[i]
		if b.Arrive[3].Sub(a.Leave[3]) < 5*time.Second {
			together++
			if a.Lane != b.Lane {
				turns++
			}
		}
		if !b.Arrive[3].After(a.Leave[3]) {
			t.Fatalf("vehicles %d and %d are on the scale together", i-1, i)
		}
	}
	if together < 50 || float64(turns) < 0.6*float64(together) {
		t.Errorf("of %d that followed closely %d were of the other lane", together, turns)
	}
}

// TestQueueThroughTheLane: in the stop-and-go scenario vehicles stand in the whole lane, for hours.
func TestQueueThroughTheLane(t *testing.T) {
	s := load(t, "stop-and-go")
	hours := map[int]int{}
	for _, v := range Make(s, 4).Vehicles {
		free := s.Stations[len(s.Stations)-1].Position / float64(v.Speed)
		if took := v.Arrive[len(s.Stations)-1].Sub(v.Arrive[0]).Seconds(); took > 3*free {
			hours[v.Arrive[0].Hour()]++
		}
	}
	full := 0
	for _, n := range hours {
		if n > 40 {
			full++
		}
	}
	if full < 3 {
		t.Errorf("hours with a queue through the lane: %d, %v", full, hours)
	}
}

// TestLanesTakeTheirTraffic: whoever comes in a day is through by its end, so that no queue grows without end.
func TestLanesTakeTheirTraffic(t *testing.T) {
	for name, s := range builtins(t) {
		t.Run(name, func(t *testing.T) {
			end := Begin.Add(24 * time.Hour)
			for i, v := range Make(s, 6).Vehicles {
				if v.Arrive[0].After(end) {
					t.Fatalf("vehicle %d of %d comes in at %v", i, s.Vehicles, v.Arrive[0])
				}
			}
		})
	}
}
