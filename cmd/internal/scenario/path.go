package scenario

import (
	"math"

	"lanewarden/drivers/observation/units"
)

// Motion is car-following after Newell (2002, "A simplified car-following theory: a lower order model"): each vehicle
// drives as it likes, and leaves a place no earlier than a reaction time after the one ahead has left the place that is
// that one's length and a gap further on. Vehicles so keep their order and their distance whatever those ahead do, and
// waves of stopping and going run back through a queue as they do on roads.

// step is the length of a cell of the grid, m. Gaps are kept to within one.
const step = 0.5

// upstream is the distance before the first station from which vehicles are simulated, m: they come to it as a queue
// lets them.
const upstream = 30.0

// zone is the length of a device's detection zone, m.
const zone = 0.5

// grid is the road as cells of equal length. All lanes have the same.
type grid struct {
	start float64 // m, of the first cell
	cells int
	merge int // cell where lanes become one; cells for nowhere
}

// layGrid covers all stations and stops, and one longest vehicle more.
func (g *generator) layGrid() grid {
	low, high := math.Inf(1), 0.0
	for _, l := range g.lanes {
		for _, st := range l.Stations {
			if !st.secondary() {
				low, high = min(low, st.Position), max(high, st.Position)
			}
		}
	}
	for _, s := range g.Stops {
		high = max(high, s.Position)
	}
	longest := 0.0
	for _, t := range g.Mix {
		longest = max(longest, 1.1*t.Length)
	}
	r := grid{start: low - upstream}
	r.cells = r.cell(high+longest+zone) + 3
	r.merge = r.cells
	if g.Merge > 0 {
		r.merge = r.cell(g.Merge)
	}
	return r
}

// cell is the cell in which a place is.
func (r grid) cell(position float64) int { return int(math.Floor((position - r.start) / step)) }

// path holds the times at which a vehicle's front comes to each cell and goes on, seconds since the day began.
type path struct {
	grid
	reach []float64
	leave []float64
	turn  int     // the cell where it turned back; cells when it did not
	held  float64 // s, for which the one ahead held it up
}

// at returns the time at which the front is at a place, on the way in, s.
func (p *path) at(position float64) float64 {
	x := (position - p.start) / step
	k := min(max(int(x), 0), len(p.reach)-1)
	part := x - float64(k)
	if part <= 0 || k+1 >= len(p.reach) {
		return p.reach[k]
	}
	return p.leave[k] + part*(p.reach[k+1]-p.leave[k])
}

// speedAt returns the front's speed there, m/s, over the next metre, as a pair of detectors measures it.
func (p *path) speedAt(position float64) float64 {
	const base = 1.0
	return base / max(p.at(position+base)-p.at(position), 1e-3)
}

// intent is the way in which a vehicle would drive alone.
type intent struct {
	start    float64         // s, at the first cell, at the earliest
	speeds   []float64       // m/s, from each cell to the next
	pause    map[int]float64 // s, that it stops at cells
	reaction float64         // s
	turn     int             // cell where it turns back; cells for never
}

// ahead is a vehicle that another one follows.
type ahead struct {
	path *path
	room int // cells from the follower's front to this one's front, at the least: its length and the gap
	from int // the first cell from which it is ahead
}

// follow drives a vehicle along the grid behind others.
func (r grid) follow(in intent, leaders []ahead) *path {
	n := min(r.cells, in.turn+1)
	p := &path{grid: r, reach: make([]float64, n), leave: make([]float64, n), turn: in.turn}
	now := in.start
	for k := range n {
		p.reach[k] = now
		now += in.pause[k]
		for _, a := range leaders {
			if free := a.leaves(k) + in.reaction; free > now {
				p.held += free - now
				now = free
			}
		}
		if k == 0 {
			p.reach[0] = now // those that wait farther out are not followed
		}
		p.leave[k] = now
		now += step / in.speeds[k]
	}
	return p
}

// leaves returns the time at which there is room for the follower to leave a cell, s; negative infinity when nothing
// is in its way.
func (a ahead) leaves(k int) float64 {
	if a.path == nil || k < a.from || k+a.room >= len(a.path.leave) {
		return math.Inf(-1)
	}
	return a.path.leave[k+a.room]
}

// back returns the time at which the front of a vehicle that turned back is at a place again, on the way out, s; speed
// in m/s.
func (p *path) back(position float64, speed units.MetresPerSecond) float64 {
	return p.leave[p.turn] + (p.start+float64(p.turn)*step-position)/float64(speed)
}

// reaches reports whether the front comes to a place.
func (p *path) reaches(position float64) bool {
	return p.turn >= p.cells || p.start+float64(p.turn)*step >= position
}

// crossing is one time for which a vehicle is over a place, s.
type crossing struct {
	from, until float64
	speed       float64 // m/s, of its end that comes first, when it comes
	reverse     bool    // it goes out backwards
	turned      bool    // it came in and left on the same side
}

// passes are the times for which a vehicle is over a place: none when it never came so far, two when it turned back
// farther on.
func (p *path) passes(position float64, v *Vehicle) []crossing {
	if !p.reaches(position) {
		return nil
	}
	from, speed, end := p.at(position), p.speedAt(position), position+float64(v.Length)+zone
	switch {
	case p.turn >= p.cells:
		return []crossing{{from: from, until: p.at(end), speed: speed}}
	case p.reaches(end):
		again := crossing{from: p.back(end, v.Speed), until: p.back(position, v.Speed), speed: float64(v.Speed), reverse: true}
		return []crossing{{from: from, until: p.at(end), speed: speed}, again}
	}
	return []crossing{{from: from, until: p.back(position, v.Speed), speed: speed, turned: true}}
}
