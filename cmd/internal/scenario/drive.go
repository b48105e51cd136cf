package scenario

import (
	"math"
	"time"

	"lanewarden/drivers/observation/units"
)

// driven is the last vehicle that went through a lane, not counting one that turned back.
type driven struct {
	*path         // nil for nobody so far
	length, speed float64
	free          float64 // s, when a vehicle that turned back is out again and the next may come
}

// head is the next vehicle of a lane.
type head struct {
	arrival
	intent
	merges float64 // s, when it would be where lanes become one
}

// driveAll lets the vehicles of all lanes drive, and devices see them. Where lanes become one, who would be there first
// goes first.
func (g *generator) driveAll() {
	heads, last := make([]*head, len(g.lanes)), make([]driven, len(g.lanes))
	var merged driven // the last that went where lanes are one
	for {
		next := -1
		for i := range heads {
			if heads[i] == nil {
				heads[i] = g.nextOf(i, last[i])
			}
			if heads[i] != nil && (next < 0 || heads[i].merges < heads[next].merges) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		h := heads[next]
		heads[next] = nil
		p := g.grid.follow(h.intent, h.leaders(g.grid, last[next], merged))
		g.pass(h, p)
		if h.reversing {
			last[next].free = p.back(p.start, h.Speed)
			continue
		}
		last[next] = driven{p, float64(h.Length), float64(h.Speed), 0}
		merged = last[next]
	}
}

// nextOf takes the next vehicle of a lane; nil for none.
func (g *generator) nextOf(lane int, last driven) *head {
	if len(g.waiting[lane]) == 0 {
		return nil
	}
	h := &head{arrival: g.waiting[lane][0]}
	g.waiting[lane] = g.waiting[lane][1:]
	h.intent = g.plan(&h.arrival, last)
	p := g.grid.follow(h.intent, h.leaders(g.grid, last, driven{}))
	h.merges = p.reach[min(g.grid.merge, len(p.reach)-1)]
	return h
}

// leaders are the last vehicle of the same lane, and the last that went where lanes are one.
func (h *head) leaders(r grid, last, merged driven) []ahead {
	room := func(d driven) int { return int(math.Ceil((d.length + h.gap) / step)) }
	return []ahead{{last.path, room(last), 0}, {merged.path, room(merged), r.merge}}
}

// plan draws how a vehicle means to drive.
func (g *generator) plan(a *arrival, last driven) intent {
	stations := g.through(a.Lane)
	in := intent{reaction: a.reaction, turn: g.grid.cells, pause: map[int]float64{}}
	if a.tailgating && last.path != nil { // it comes when the one before has just cleared the entry
		a.Speed = units.MetresPerSecond(last.speed * between(g.road, 0.97, 1.03))
		clear := last.at(stations[0].Position + last.length + zone)
		a.start = clear + between(g.road, 0.8, 2.3)
	}
	in.start = max(a.start-upstream/float64(a.Speed), last.free)
	in.speeds = g.speeds(a, stations)
	g.pauses(in.pause, stations)
	if a.reversing {
		in.turn = g.turning(stations)
		in.pause[in.turn] += between(g.road, 10, 30)
	}
	return in
}

// through are the stations of a lane that vehicles drive through.
func (g *generator) through(lane int) (out []Station) {
	for _, st := range g.lanes[lane].Stations {
		if !st.secondary() {
			out = append(out, st)
		}
	}
	return out
}

// speeds returns a vehicle's speeds from each cell to the next, m/s: nobody keeps quite the same speed from station to
// station.
func (g *generator) speeds(a *arrival, stations []Station) []float64 {
	out := make([]float64, g.grid.cells)
	k, speed := 0, float64(a.Speed)
	for i := range out {
		for k < len(stations) && i >= g.grid.cell(stations[k].Position) {
			k, speed = k+1, float64(a.Speed)/between(g.road, 0.95, 1.05)
		}
		out[i] = speed
	}
	return out
}

// strayStop is the share of vehicles that stop for some reason of the driver's between two stations; strayFor is how
// long at most, s.
const (
	strayStop = 0.03
	strayFor  = 20.0
)

// pauses draws where a vehicle stops of its own accord, and how long, s.
func (g *generator) pauses(at map[int]float64, stations []Station) {
	for i, st := range stations {
		if st.Dwell > 0 {
			at[g.grid.cell(st.Position)] += st.Dwell.Seconds() * between(g.road, 0.6, 1.4)
		} else if g.road.Float64() < strayStop {
			end := st.Position + 10
			if i+1 < len(stations) {
				end = stations[i+1].Position
			}
			at[g.grid.cell(between(g.road, st.Position, end))] += strayFor * g.road.Float64()
		}
	}
	for _, s := range g.Stops {
		at[g.grid.cell(s.Position)] += s.Dwell.Seconds() * between(g.road, 0.4, 1.6)
	}
}

// turning draws the cell where a vehicle turns back: behind the first station, before the last and before lanes become
// one.
func (g *generator) turning(stations []Station) int {
	low, high := stations[0].Position+1, stations[len(stations)-1].Position
	if g.Merge > 0 {
		high = min(high, g.Merge-1)
	}
	return g.grid.cell(between(g.road, low, max(high, low+1)))
}

// pass notes a vehicle's way through its lane, and lets the devices see it.
func (g *generator) pass(h *head, p *path) {
	v := h.Vehicle
	if p.held > 1 && v.Case == "" {
		v.Case = "queue"
	}
	stations := g.lanes[v.Lane].Stations
	v.Arrive, v.Leave = make([]time.Time, len(stations)), make([]time.Time, len(stations))
	for k, st := range stations {
		if st.secondary() {
			continue
		}
		if all := p.passes(st.Position, &v); len(all) > 0 {
			v.Arrive[k], v.Leave[k] = g.at(all[0].from), g.at(all[0].until)
		}
	}
	if h.reversing {
		v.Back = g.at(p.back(p.start, v.Speed))
	}
	i := len(g.day.Vehicles)
	v.Shown = g.papers(i, &v)
	g.day.Vehicles = append(g.day.Vehicles, v)
	if g.keep != nil {
		g.keep(i, p)
	}
	g.observe(i, p)
}
