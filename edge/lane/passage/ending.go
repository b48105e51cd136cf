package passage

import (
	"cmp"
	"slices"

	"lanewarden/drivers/observation"
)

// close closes passages that are over, and learns from vehicles that went through. It returns the
// rows to be committed.
func (c *Correlator) close(g *group) (out []*observation.Observation) {
	g.sortActive()
	for i, v := range g.active {
		if v.closed == 0 {
			if v.end = c.ending(g, i); v.end != observation.PassageEnd_PASSAGE_END_UNSPECIFIED {
				v.closed = c.now
				if v.end == observation.PassageEnd_PASSAGE_END_LEFT {
					g.lastLeft[v.lane] = c.now
				}
			}
		} else if !v.counted && c.now-v.closed >= settle {
			out = append(out, c.learn(g, v)...)
		}
		if v.closed > 0 && v.opened && !v.ended {
			v.ended = true
			out = append(out, c.newEvent(v.closed, closedKey(v.id), c.document(g, v)))
		}
	}
	g.active = slices.DeleteFunc(g.active, func(v *vehicle) bool { return v.counted && (v.ended || !v.opened) })
	c.drop(g, c.now)
	return out
}

// afterLast is the time for which a vehicle is expected at the last station after its last
// detection there, s.
const afterLast = 15.0

// ending returns why the i-th of the active passages is over; unspecified when it is not.
func (c *Correlator) ending(g *group, i int) observation.PassageEnd {
	v := g.active[i]
	if len(v.readings) == 0 {
		if v.emptied == 0 {
			v.emptied = c.now
		}
		if c.now-v.emptied < settle { // they may come back
			return observation.PassageEnd_PASSAGE_END_UNSPECIFIED
		}
		return observation.PassageEnd_PASSAGE_END_MERGED
	}
	v.emptied = 0
	f := v.facts(g)
	idle, timeout := c.now-hold-f.last, g.lanes[v.lane].Timeout.Seconds()
	switch {
	case f.reversed && idle > timeout/4:
		return observation.PassageEnd_PASSAGE_END_REVERSED
	case f.front >= g.layout.Last(v.lane) && idle > afterLast:
		return observation.PassageEnd_PASSAGE_END_LEFT
	case idle > timeout && !g.waits(i, c.now-timeout):
		return observation.PassageEnd_PASSAGE_END_TIMEOUT
	}
	return observation.PassageEnd_PASSAGE_END_UNSPECIFIED
}

// waits reports whether the i-th of the active vehicles may stand in a queue: one ahead of it is
// still there, or left after since, and none behind it went through.
func (g *group) waits(i int, since float64) bool {
	v := g.active[i]
	for _, o := range g.active[i+1:] {
		if o.lane == v.lane && o.end == observation.PassageEnd_PASSAGE_END_LEFT {
			return false
		}
	}
	for _, o := range g.active[:i] {
		if o.lane == v.lane && o.closed == 0 && len(o.readings) > 0 && !o.facts(g).reversed {
			return true
		}
	}
	return g.lastLeft[v.lane] > since
}

// sortActive sorts the active vehicles by their first detections.
func (g *group) sortActive() {
	slices.SortStableFunc(g.active, func(a, b *vehicle) int { return cmp.Compare(a.facts(g).first, b.facts(g).first) })
}
