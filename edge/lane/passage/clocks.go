package passage

import (
	"math"
	"time"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// clock estimates the offset of a device's own clock. It belongs to the correlator's goroutine.
type clock struct {
	motion.Clock
	phase motion.Phase
	raws  times // by itself, of its last detections
}

// Offset returns by how much a device's clock is ahead of the agent's now; 0 for a device without
// one.
func (c *Correlator) Offset(device string) time.Duration {
	if k := c.clocks[device]; k != nil {
		return seconds(k.Offset(c.now))
	}
	return 0
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// How far apart in time a device's detections and a vehicle are compared, s: farther when reports
// come late.
const (
	timelyReach = 20.0
	lateReach   = 150.0
)

// maxTimes is the number of a device's times that are compared with vehicles.
const maxTimes = 256

// offset returns how far the clock that stamped an observation is ahead, and learns from when the
// observation came. A clock that was set is noticed here, and what was learnt by it is moved or
// dropped.
func (c *Correlator) offset(g *group, o *observation.Observation) time.Duration {
	if !detection.ByOwnClock(o) {
		return 0
	}
	dev := g.devices[o.Device]
	k := c.clocks[o.Device]
	if k == nil {
		k = &clock{}
		c.clocks[o.Device] = k
	}
	at, arrived := detection.Seconds(o.Time()), detection.Seconds(detection.Arrival(o))
	if e, ok := kinds.EvidenceOf(o); ok {
		arrived -= e.Told // what passes until then says nothing of the clock
	}
	if step := k.AddArrival(at, arrived); step != 0 {
		g.model.ClockStepped(dev, step, k.Bursty() || g.layout.Late(dev))
		k.phase, k.raws = motion.Phase{}, nil
	}
	g.late[o.Device] = k.Bursty()
	g.expectClock(dev, k)
	k.raws.note(at)
	return seconds(k.Offset(at))
}

// times are the last times, s, at which a device saw something, in the order in which they came.
type times []float64

// note adds a time. The same one again is of the same detection.
func (t *times) note(at float64) {
	n := len(*t)
	if n > 0 && (*t)[n-1] == at {
		return
	}
	if *t = append(*t, at); n >= maxTimes {
		*t = append((*t)[:0], (*t)[maxTimes/4:]...)
	}
}

// lagsFrom returns by how much the times are later than at, s, where that differs from a usual lag
// by less than reach.
func (t times) lagsFrom(at, usual, reach float64) (lags []float64) {
	for _, one := range t {
		if lag := one - at; math.Abs(lag-usual) < reach {
			lags = append(lags, lag)
		}
	}
	return lags
}

// What is expected of a device's corrected times, s, until vehicles have told its clock. Reports that come late, or in
// bursts, all take some time, so the offset that their arrival shows is too low, and the times are lateLag late. At a
// station to which a person goes, times differ by broughtDoubt; a device whose reports come at once is off by their delay.
const (
	lateLag      = 20.0
	lateDoubt    = 20.0
	broughtDoubt = 30.0
	ownDoubt     = 1.0
	knownDoubt   = 0.5 // when vehicles have told it
)

// expectClock tells the model what is expected of a device's times.
func (g *group) expectClock(dev int, k *clock) {
	switch {
	case k.Known():
	case k.Bursty():
		g.model.SetClock(dev, lateLag, lateDoubt)
	case g.layout.Late(dev):
		g.model.SetClock(dev, 0, broughtDoubt)
	default:
		g.model.SetClock(dev, 0, ownDoubt)
	}
}

// otherVehicle is the error of an offset, s, from which on a detection may have been taken for the next vehicle's.
const otherVehicle = 0.7

// compareClocks compares when a vehicle was at the devices with clocks of their own with the times
// that these showed. The differences that agree with those of other vehicles give offset and drift.
func (c *Correlator) compareClocks(g *group, v *vehicle) {
	for i := range g.layout.Devices {
		k := c.clocks[g.layout.Devices[i].ID]
		position := g.layout.Position(v.lane, i)
		if k == nil || math.IsInf(float64(position), 1) {
			continue
		}
		at, ok := g.frontAt(v, position)
		if !ok {
			continue
		}
		reach := timelyReach
		if k.Bursty() || g.layout.Late(i) {
			reach = lateReach
		}
		diffs := k.raws.lagsFrom(at, k.Offset(at), reach)
		k.phase.Add(diffs)
		before, known := k.Offset(at), k.Known()
		for _, d := range k.phase.Inliers(diffs) {
			k.AddOffset(at, d)
		}
		if k.Known() && !known {
			g.model.SetClock(i, 0, knownDoubt)
			if math.Abs(k.Offset(at)-before) > otherVehicle { // what was learnt is of the wrong vehicles
				g.model.ClockStepped(i, 0, true)
			}
		}
	}
}

// frontAt returns when a vehicle's front was at a place, from its nearest detection of its front by
// the agent's clock; ok is false when there is none within 15 m.
func (g *group) frontAt(v *vehicle, position units.Metres) (at float64, ok bool) {
	const near = 15.0 // m
	return g.frontPassed(v, position, near, func(r *reading) bool {
		d := r.det
		return !d.Tag && !d.Weighs && d.Raw == d.At && d.Lasts > 0 && r.teaches()
	})
}
