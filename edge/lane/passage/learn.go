package passage

import (
	"slices"

	"lanewarden/drivers/observation"
)

// learn takes what a vehicle teaches that is through: ways, speeds, headways, and which devices saw it. It reports devices
// that see nothing any more.
func (c *Correlator) learn(g *group, v *vehicle) (out []*observation.Observation) {
	v.counted = true
	if v.end != observation.PassageEnd_PASSAGE_END_LEFT || v.facts(g).reversed {
		return nil
	}
	extent := 0.0
	for _, r := range v.readings {
		if r.det.Rssi != 0 && !r.det.Faint && !r.foreign && r.confidence >= sure {
			g.model.Heard(r.det.Dev, r.det.Rssi)
		}
	}
	for _, r := range v.readings {
		if r.det.Extent > 0 && !r.foreign && r.confidence >= sure {
			extent = r.det.Extent
			break
		}
	}
	f := v.facts(g)
	for _, r := range v.readings {
		if !r.det.Tag && !r.foreign && r.confidence >= sure {
			g.model.Passed(r.det.Dev, r.det.Lasts, f.length, f.speed)
		}
	}
	g.model.Measured(f.measured)
	c.compare(g, v)
	g.model.Learn(v.sights(g, true), v.facts(g).speed, v.facts(g).length, extent)
	if first := v.facts(g).first; first > g.lastBorn {
		g.model.Born(first - g.lastBorn)
		g.lastBorn = first
	}
	for i := range g.lanes[v.lane].Stations {
		s := &g.lanes[v.lane].Stations[i]
		for _, d := range s.Devices {
			if g.wasDown(g.devices[d], v.facts(g).first) {
				continue
			}
			seen := slices.ContainsFunc(v.readings, func(r *reading) bool { return r.det.Device == d && !r.foreign })
			out = append(out, c.count(g, s, d, seen)...)
		}
	}
	g.window.Learned()
	return out
}

// count counts a vehicle for a device that should have seen it.
func (c *Correlator) count(g *group, s *Station, device string, seen bool) []*observation.Observation {
	rate := g.model.Rate(g.devices[device])
	m := g.misses[device]
	if m == nil {
		m = &misses{}
		g.misses[device] = m
	}
	m.add(seen, rate.Seen(), rate.Of())
	rate.Add(seen)
	if s.Late { // an officer decides who goes there
		return nil
	}
	return c.judge(device, m)
}
