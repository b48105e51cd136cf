package passage

import (
	"cmp"
	"math"
	"slices"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation/units"
)

// Reach of late results: how far from a report's time vehicles are looked for, s; and how long after they left where a
// person brings them.
const (
	reachRow    = 120.0
	reachPerson = 1200.0
)

// around returns the vehicles that reports of a device may be of, in the order in which they came
// to it. Of a device to which a person goes, vehicles that left long ago are included only when a
// report has one of their names.
func (g *group) around(dev int, all []*report) []*vehicle {
	from, to := math.Inf(1), math.Inf(-1)
	for _, p := range all {
		from, to = min(from, p.at), max(to, p.at)
	}
	orderly := g.model.Orderly(dev)
	if orderly {
		from, to = from-reachRow, to+reachRow
	} else {
		from, to = from-reachPerson, to+reachRow
	}
	type one struct {
		v  *vehicle
		at float64
	}
	var found []one
	vehicles := g.vehicles
	if orderly { // they are sorted by their first detections
		first := func(v *vehicle, at float64) int { return cmp.Compare(v.facts(g).first, at) }
		n, _ := slices.BinarySearchFunc(vehicles, from-reachRow, first)
		vehicles = vehicles[n:]
	}
	for _, v := range vehicles {
		if orderly && v.facts(g).first > to+reachRow {
			break
		}
		position := g.layout.Position(v.lane, dev)
		if len(v.readings) == 0 || math.IsInf(float64(position), 1) {
			continue
		}
		if v.facts(g).first > to || v.facts(g).last < from {
			if orderly || !named(v.facts(g).names, all) {
				continue
			}
		}
		found = append(found, one{v, g.expectedAt(v, position)})
	}
	slices.SortStableFunc(found, func(a, b one) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.v.id, b.v.id))
	})
	out := make([]*vehicle, len(found))
	for i := range found {
		out[i] = found[i].v
	}
	return out
}

// named reports whether one of the reports has one of a vehicle's names.
func named(names []kinds.Name, all []*report) bool {
	for _, p := range all {
		for _, r := range p.readings {
			for i := range r.det.Names {
				for k := range names {
					if a, b := &r.det.Names[i], &names[k]; a.Kind == b.Kind && a.Value == b.Value {
						return true
					}
				}
			}
		}
	}
	return false
}

// expectedAt returns when a vehicle's front was at a place, from its nearest detection; its first
// detection's time when there is none.
func (g *group) expectedAt(v *vehicle, position units.Metres) float64 {
	timely := func(r *reading) bool { return !g.layout.Late(r.det.Dev) }
	at, ok := g.frontPassed(v, position, units.Metres(math.Inf(1)), timely)
	if !ok {
		return v.facts(g).first
	}
	return at
}

// frontPassed returns when a vehicle's front was at a place, from the nearest of its detections for
// which counts is true and that are nearer than near; ok is false when there is none.
func (g *group) frontPassed(
	v *vehicle, position, near units.Metres, counts func(r *reading) bool,
) (at float64, ok bool) {
	speed := v.facts(g).speed
	if speed == 0 {
		speed = g.model.SpeedEstimate()
	}
	for _, r := range v.readings {
		if r.foreign || r.det.Reverse || !counts(r) {
			continue
		}
		if way := position - g.layout.Position(v.lane, r.det.Dev); way.Abs() < near {
			near, at, ok = way.Abs(), r.det.At+way.SecondsAt(speed), true
		}
	}
	return at, ok
}
