package scenario

import (
	"fmt"
	"math"
	"slices"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation/units"
)

// density returns the rate of arrivals at an hour, relative to the quiet hours.
func (g *generator) density(hour float64) float64 {
	d := 1.0
	for _, p := range g.Peaks {
		x := (hour - p.Hour) / p.Width
		d += (p.Factor - 1) * math.Exp(-0.5*x*x)
	}
	return d
}

// lastHour is the hour of the last arrivals.
const lastHour = 23.5

// hours draws when vehicles come, in order.
func (g *generator) hours() []float64 {
	var hours []float64
	most := 0.0
	for h := 0.0; h < 24; h += 0.1 {
		most = max(most, g.density(h))
	}
	for len(hours) < g.Vehicles {
		if h := lastHour * g.road.Float64(); g.road.Float64()*most < g.density(h) {
			hours = append(hours, h)
		}
	}
	slices.Sort(hours)
	return hours
}

// arrival is the time at which a vehicle would come, with its way of driving.
type arrival struct {
	Vehicle
	start      float64 // s: it comes into sight, if it does not tailgate
	gap        float64 // m, that it keeps from the one ahead
	reaction   float64 // s, after which it does what the one ahead did
	tailgating bool    // it comes just behind the one before
	reversing  bool    // it goes out backwards
}

// arrive draws the vehicles of each lane, in their order.
func (g *generator) arrive() {
	g.waiting = make([][]arrival, len(g.lanes))
	for _, h := range g.hours() {
		a := g.vehicle()
		a.start = h * 3600
		a.Lane = g.chooseLane()
		first := len(g.waiting[a.Lane]) == 0
		if a.tailgating = !first && g.road.Float64() < g.Faults.Tailgating; a.tailgating {
			a.Case, a.gap = "tailgating", g.GapMin
		}
		if a.reversing = a.Case == "" && g.road.Float64() < g.Faults.Reversing; a.reversing {
			a.Case = "reversing"
		}
		g.waiting[a.Lane] = append(g.waiting[a.Lane], a)
	}
}

// weighted draws an index by weight.
func (g *generator) weighted(n int, weight func(int) float64) int {
	total := 0.0
	for i := range n {
		total += weight(i)
	}
	pick := g.road.Float64() * total
	for i := range n {
		if pick -= weight(i); pick < 0 {
			return i
		}
	}
	return n - 1
}

func (g *generator) chooseLane() int {
	return g.weighted(len(g.lanes), func(i int) float64 { return g.lanes[i].Share })
}

// vehicle draws a vehicle and its driver.
func (g *generator) vehicle() arrival {
	t := &g.Mix[g.weighted(len(g.Mix), func(i int) float64 { return g.Mix[i].Share })]
	v := Vehicle{
		Type: t, Length: units.Metres(t.Length * between(g.road, 0.9, 1.1)),
		Speed: units.MetresPerSecond(g.SpeedKph / 3.6 * between(g.road, 0.8, 1.2)),
	}
	if !t.NoPlate {
		v.Plate = g.plate()
	}
	if v.HasTag = g.road.Float64() < t.Tag; v.HasTag {
		v.Tag = [12]byte{0x34, 0x14, 0x25, 0x7b, 0xf4}
		for i := 6; i < 12; i++ {
			v.Tag[i] = byte(g.road.Uint32())
		}
	}
	g.load(&v)
	switch {
	case t.Faint:
		v.Case = t.Name
	case t.NoPlate:
		v.Case = "no plate"
	}
	return arrival{Vehicle: v, gap: between(g.road, g.GapMin, g.GapMax), reaction: between(g.road, 0.6, 1.2)}
}

// load puts containers on a vehicle.
func (g *generator) load(v *Vehicle) {
	if g.road.Float64() >= v.Type.Container {
		return
	}
	n := 1
	if g.road.Float64() < v.Type.Twin {
		n = 2
	}
	for range n {
		v.Containers = append(v.Containers, g.container())
	}
	v.Container = v.Containers[0]
}

// container draws a container number as ISO 6346 has it: owner, category U, serial number, check digit.
func (g *generator) container() string {
	letter := func() int { return 'A' + g.road.IntN(26) }
	ten := fmt.Sprintf("%c%c%cU%06d", letter(), letter(), letter(), g.road.IntN(1e6))
	return ten + string(identifier.ContainerDigit(ten))
}

func (g *generator) plate() string {
	const letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
	b := make([]byte, 7)
	for i := range b {
		if i < 3 {
			b[i] = letters[g.road.IntN(len(letters))]
		} else {
			b[i] = byte('0' + g.road.IntN(10))
		}
	}
	return string(b)
}
