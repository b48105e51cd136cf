package passage

import (
	"math/bits"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/associate"
)

// learn learns from a vehicle that is through: ways, speeds, headways, and which devices saw it. Of
// one that nobody saw leave it learns the last only: the last device may have missed it, or sees
// nothing any more. It returns the rows about devices that read nothing.
func (c *Correlator) learn(g *group, v *vehicle) (out []*observation.Observation) {
	v.counted = true
	f := v.facts(g)
	switch {
	case f.reversed:
		return nil
	case v.end == observation.PassageEnd_PASSAGE_END_LEFT:
		c.teach(g, v)
	case v.end != observation.PassageEnd_PASSAGE_END_TIMEOUT || v.witnesses() < 2:
		return nil
	}
	for i := range g.lanes[v.lane].Stations {
		s := &g.lanes[v.lane].Stations[i]
		for _, d := range s.Devices {
			if g.wasDown(g.devices[d], f.first) {
				continue
			}
			seen := slices.ContainsFunc(v.readings, func(r *reading) bool { return r.det.Device == d && !r.foreign })
			out = append(out, c.count(g, s, d, seen)...)
		}
	}
	g.window.ReadModel()
	return out
}

// witnesses returns the number of devices that surely saw a vehicle.
func (v *vehicle) witnesses() int {
	var seen uint64
	for _, r := range v.readings {
		if !r.foreign && r.teaches() {
			seen |= 1 << r.det.Dev
		}
	}
	return bits.OnesCount64(seen)
}

// teach learns ways, speeds and headways from a vehicle that went through, from the readings that
// are sure.
func (c *Correlator) teach(g *group, v *vehicle) {
	switch g.taught++; g.taught {
	case firstTaught:
		g.begun = c.now
	case fewTaught:
		g.since = c.now
	}
	f, extent, kg, scale := v.facts(g), 0.0, 0.0, 0
	for _, r := range v.readings {
		d := r.det
		if r.foreign || !r.teaches() {
			continue
		}
		if d.Rssi != 0 && !d.Faint {
			g.model.LearnTagLevel(d.Dev, d.Rssi)
		}
		if !d.Tag {
			g.model.LearnPresence(d.Dev, d.Lasts, f.length, f.speed)
		}
		if extent == 0 {
			extent = d.Extent
		}
		if kg == 0 && d.Axle == 0 {
			kg, scale = d.Kg, d.Dev
		}
	}
	g.model.LearnLength(f.measured)
	g.model.LearnSize(f.measured, units.Kilograms(kg), associate.Load(f.names))
	if kg > 0 {
		g.model.RealignWeights(scale)
	}
	c.compareClocks(g, v)
	g.verify(v)
	g.model.Learn(v.fixes(g, true, nil), f.speed, f.length, units.Metres(extent))
	if f.first > g.lastEntered {
		g.model.AddHeadway(f.first - g.lastEntered)
		g.lastEntered = f.first
	}
}

// count counts a vehicle for a device that should have seen it, and returns the rows about a device
// that reads nothing.
func (c *Correlator) count(g *group, s *Station, device string, seen bool) []*observation.Observation {
	rate := g.model.HitRate(g.devices[device])
	m := g.missRuns[device]
	if m == nil {
		m = &missRun{}
		g.missRuns[device] = m
	}
	m.add(seen, rate.Hits(), rate.Total())
	rate.Add(seen)
	if s.Late { // an officer decides who goes there
		return nil
	}
	return c.evaluateMute(device, m)
}
