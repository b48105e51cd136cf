package passage

import (
	"math"
	"slices"
	"time"

	"lanewarden/drivers/observation"
)

// travel is what was learnt of the way from one device to another: the time beyond distance over speed.
type travel struct {
	extra          []float64 // s, the last ones
	at             int
	middle, spread float64
	known          bool // middle and spread are of what extra holds
}

const travelWindow = 41

func (t *travel) add(v float64) {
	if len(t.extra) < travelWindow {
		t.extra = append(t.extra, v)
	} else {
		t.extra[t.at] = v
		t.at = (t.at + 1) % travelWindow
	}
	t.known = false
}

// estimate returns the median and the spread (MAD, as a standard deviation).
func (t *travel) estimate() (middle, spread float64, n int) {
	if !t.known && len(t.extra) > 0 {
		s := slices.Clone(t.extra)
		slices.Sort(s)
		t.middle = s[len(s)/2]
		for i := range s {
			s[i] = math.Abs(s[i] - t.middle)
		}
		slices.Sort(s)
		t.spread, t.known = 1.4826*s[len(s)/2], true
	}
	return t.middle, t.spread, len(t.extra)
}

// gaps are the times between a device's sights of one vehicle and the next, s: their low end is the pace of a queue.
type gaps struct {
	travel
	last time.Time
}

// pace returns how soon after a vehicle the next one follows in a queue.
func (g *gaps) pace() time.Duration {
	if g == nil || len(g.extra) < 10 {
		return 5 * time.Second
	}
	s := slices.Clone(g.extra)
	slices.Sort(s)
	return time.Duration(s[len(s)/8] * float64(time.Second))
}

func (g *gaps) seen(at time.Time) {
	if d := at.Sub(g.last).Seconds(); !g.last.IsZero() && d > 0 && d < maxGap {
		g.add(d)
	}
	g.last = later(g.last, at)
}

const maxGap = 40 // s; a longer one is no queue

// sights counts how many of the vehicles that went through a lane a station saw. Both are halved now and then: what was long ago fades.
type sights struct{ seen, of float64 }

func (n *sights) add(seen bool) {
	if n.of++; n.of > 200 {
		n.seen, n.of = n.seen/2, n.of/2
	}
	if seen {
		n.seen++
	}
}

// count notes at which stations a vehicle that went through was seen.
func (l *lane) count(v *vehicle) {
	for i := range l.Stations {
		s := &l.Stations[i]
		if l.sights[s.ID] == nil {
			l.sights[s.ID] = &sights{}
		}
		l.sights[s.ID].add(v.at(s))
	}
}

// countDevices notes which devices saw a vehicle that went through, and reports those that see nothing any more.
func (c *Correlator) countDevices(l *lane, v *vehicle) (out []*observation.Observation) {
	for i := range l.Stations {
		for _, d := range l.Stations[i].Devices {
			if c.wasDown(d, v.opened) {
				continue
			}
			if l.seen[d] == nil {
				l.seen[d], l.misses[d] = &sights{}, &misses{}
			}
			saw := slices.ContainsFunc(v.readings, func(r *observation.PassageReading) bool { return r.Device == d })
			l.misses[d].add(saw, *l.seen[d])
			l.seen[d].add(saw)
			if !l.Stations[i].Late { // an officer decides who goes there
				out = append(out, c.judge(d, l.misses[d])...)
			}
		}
	}
	return out
}

// miss is what it costs that a device that works saw nothing of a vehicle.
func (l *lane) miss(device string) float64 {
	n := l.seen[device]
	if n == nil {
		n = &sights{}
	}
	return min(missing, -math.Log(1-(n.seen+1)/(n.of+2)))
}

// always reports whether a station sees nearly every vehicle: tags and container numbers are only on some.
func (l *lane) always(s *Station) bool {
	n := l.sights[s.ID]
	return n != nil && n.of >= 10 && n.seen >= 0.85*n.of
}

// usual is the usual speed, m/s.
func (l *lane) usual() float64 {
	if v, _, n := l.speeds.estimate(); n >= 5 {
		return v
	}
	return l.SpeedKph / 3.6
}

// orderly reports whether a device of a late station sees vehicles in the row, as an X-ray does, and not when an officer comes to it.
func (l *lane) orderly(device string) bool {
	for i := range l.Stations {
		for _, d := range l.Stations[i].Devices {
			if t := l.travels[[2]string{d, device}]; t != nil {
				if _, spread, n := t.estimate(); n >= 5 && spread < rowSpread {
					return true
				}
			}
		}
	}
	return false
}

const rowSpread = 8.0 // s
