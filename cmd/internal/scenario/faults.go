package scenario

import (
	"math/rand/v2"
	"time"
)

// clock is a device's own.
type clock struct {
	ahead  time.Duration // when the day begins
	ppm    float64       // how fast it runs ahead
	step   time.Duration // by which it is set
	stepAt time.Time
}

// show returns the time that a wrong clock shows at a moment, to the millisecond.
func (c *clock) show(at, begin time.Time) time.Time {
	ahead := c.ahead + time.Duration(c.ppm*1e-6*float64(at.Sub(begin)))
	if c.step != 0 && !at.Before(c.stepAt) {
		ahead += c.step
	}
	return at.Add(ahead).Truncate(time.Millisecond)
}

// burst is the rhythm in which a device sends the reports that it kept.
type burst struct {
	every time.Duration
	first time.Time
}

// next is the first time at or after a moment at which the device sends.
func (b *burst) next(at time.Time) time.Time {
	late := at.Sub(b.first)
	n := (late + b.every - 1) / b.every
	return b.first.Add(max(n, 0) * b.every)
}

// ownClock reports whether a device stamps its reports by a clock of its own.
func (d *Device) ownClock() bool {
	switch d.Kind {
	case "plate", "xray", "swab", "spectrum":
		return true
	}
	return d.Bursts > 0 || d.Offset != 0 || d.Drift != 0 || d.Step != 0
}

// spoil draws what is wrong with a device in the day.
func (g *generator) spoil(d Device, rng *rand.Rand) {
	hour := func() time.Time { return g.at(3600 * between(rng, 2, 22)) }
	g.dead[d.ID] = hour()
	c := &clock{
		ahead: time.Duration(between(rng, -1, 1) * float64(g.Faults.Clock)), ppm: between(rng, -1, 1) * g.Faults.DriftPPM,
		step: d.Step, stepAt: hour(),
	}
	if d.Offset != 0 {
		c.ahead = d.Offset
	}
	if d.Drift != 0 {
		c.ppm = d.Drift
	}
	if d.ownClock() {
		g.clocks[d.ID] = c
	}
	if d.Bursts > 0 {
		g.bursts[d.ID] = &burst{d.Bursts, g.begin.Add(time.Duration(rng.Float64() * float64(d.Bursts)))}
	}
}

// isDead reports whether a device sees nothing at a moment.
func (g *generator) isDead(device string, at time.Time) bool {
	died := g.dead[device]
	return g.Faults.Dead > 0 && !at.Before(died) && at.Before(died.Add(g.Faults.Dead))
}

// faintMiss is the factor by which a small vehicle is missed more often.
const faintMiss = 3

// misses draws whether a device misses a vehicle.
func (g *generator) misses(v *Vehicle) bool {
	share := g.Faults.Missed
	if v.Type.Faint {
		share *= faintMiss
	}
	return g.rng.Float64() < share
}

// misreadCode is a container number with one character read wrongly: a letter as a letter, a digit as a digit, as
// readers know where each stands.
func misreadCode(rng *rand.Rand, code string) string {
	b := []byte(code)
	i := rng.IntN(len(b))
	first, n := byte('0'), byte(10)
	if b[i] >= 'A' {
		first, n = 'A', 26
	}
	b[i] = first + (b[i]-first+1+byte(rng.IntN(int(n-1))))%n
	return string(b)
}
