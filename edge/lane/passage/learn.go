package passage

import (
	"math/bits"
	"slices"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/associate"
)

// learn takes what a vehicle teaches that is through: ways, speeds, headways, and which devices saw it. Of one that
// nobody saw leave it takes the latter: the last device may have missed it, or sees nothing any more. It reports
// devices that see nothing any more.
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
	g.window.Learned()
	return out
}

// witnesses is the number of devices that surely saw a vehicle.
func (v *vehicle) witnesses() int {
	var seen uint64
	for _, r := range v.readings {
		if !r.foreign && r.teaches() {
			seen |= 1 << r.det.Dev
		}
	}
	return bits.OnesCount64(seen)
}

// teach takes ways, speeds and headways from a vehicle that went through.
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
			g.model.Heard(d.Dev, d.Rssi)
		}
		if !d.Tag {
			g.model.Passed(d.Dev, d.Lasts, f.length, f.speed)
		}
		if extent == 0 {
			extent = d.Extent
		}
		if kg == 0 && d.Axle == 0 {
			kg, scale = d.Kg, d.Dev
		}
	}
	g.model.Measured(f.measured)
	g.model.Sized(f.measured, units.Kilograms(kg), associate.Load(f.names))
	if kg > 0 {
		g.model.Reweigh(scale)
	}
	c.compare(g, v)
	g.verify(v)
	g.model.Learn(v.sights(g, true, nil), f.speed, f.length, units.Metres(extent))
	if f.first > g.lastBorn {
		g.model.Born(f.first - g.lastBorn)
		g.lastBorn = f.first
	}
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
