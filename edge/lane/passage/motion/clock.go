package motion

import (
	"math"
	"slices"

	"lanewarden/drivers/driver/robust"
)

// Clock estimates how far a device's clock is ahead of the agent's. Two things bound it: a device's time of an event is
// not later than the moment at which the agent had the report, and vehicles that are known by name were at the device
// when the sights of others predict it. Times are in seconds.
type Clock struct {
	ahead   sortedRing // device's time less arrival
	offset  float64
	late    bool    // reports come late, or in bursts: only the least delay says something
	strange []fix   // the last values that do not fit to the others: the clock may have been set
	fixes   []fix   // oldest first
	line    bool    // the fixes are enough for offset and drift
	base    float64 // time of the fixes' middle
	middle  float64 // offset there
	drift   float64 // s a second
}

// fix is an offset that a named vehicle gave.
type fix struct{ at, offset float64 }

const (
	clockWindow = 64
	maxFixes    = 256
	leastFixes  = 12
	// delays are differences below which an offset behind is a delay of reports, and no clock, s.
	delays = 1.5
	// bursts is the usual delay over the least one from which on reports are not timely, s.
	bursts = 20.0
	// stepped is the distance from all other values beyond which values mean that the clock was set, s.
	stepped = 15.0
	// steps is the number of such values that are needed: one image late is several reports.
	steps   = 4
	moments = 30.0
)

// Arrived takes the time of an event by the device's clock, and when the agent had it. It returns by how much the clock
// was set forward when this shows that it was, else 0.
func (c *Clock) Arrived(shown, arrived float64) (step float64) {
	ahead := shown - arrived
	if c.ahead.last.Len() < 8 {
		c.add(ahead)
		return 0
	}
	low, high := c.bounds()
	slack := stepped + (high-low)/4 // the few that are further off than nearly all
	if ahead >= low-slack && ahead <= high+slack {
		c.strange = c.strange[:0]
		c.add(ahead)
		return 0
	}
	n := len(c.strange)
	if n > 0 && math.Abs(c.strange[0].offset-ahead) > stepped+high-low {
		n = 0
	}
	if n == 0 || math.Abs(arrived-c.strange[n-1].at) > moments { // not of one burst
		c.strange = append(c.strange[:n], fix{arrived, ahead})
	}
	need := steps
	if ahead < low { // or reports come late
		need = 2 * steps
	}
	if len(c.strange) < need {
		return 0
	}
	top := c.strange[0].offset
	c.ahead, c.fixes, c.line = sortedRing{}, nil, false
	for _, f := range c.strange {
		c.add(f.offset)
		top = max(top, f.offset)
	}
	c.strange = nil
	return top - high
}

// bounds returns the interval that holds nearly all of the last values.
func (c *Clock) bounds() (low, high float64) {
	s := c.ahead.sorted
	return s[len(s)/20], s[len(s)-1-len(s)/20]
}

func (c *Clock) add(ahead float64) {
	c.ahead.add(ahead, clockWindow)
	s := c.ahead.sorted
	c.offset = s[len(s)-1-len(s)/16] // an early stamp is no offset
	if c.late = s[len(s)-1]-robust.Quantile(s, 0.5) > bursts; c.late {
		c.offset = s[len(s)-1]
	}
	if c.offset > -delays && c.offset < 0 {
		c.offset = 0
	}
}

// Fix takes the offset that a vehicle shows which is known by name: the device's time less the time that was predicted.
func (c *Clock) Fix(at, offset float64) {
	if c.fixes = append(c.fixes, fix{at, offset}); len(c.fixes) > maxFixes {
		c.fixes = slices.Delete(c.fixes, 0, maxFixes/4)
	}
	if n := len(c.fixes); n >= leastFixes && (n%4 == 0 || !c.line) {
		c.fit()
	}
}

// fit finds offset and drift by least squares over the fixes, twice: the second time without those that are further off
// than three times the middle residual. With normal residuals that is the maximum of the likelihood.
func (c *Clock) fit() {
	use := c.fixes
	var offs, sorts [maxFixes]float64
	var goods [maxFixes]fix
	for range 2 {
		n, t, o := float64(len(use)), 0.0, 0.0
		for _, f := range use {
			t, o = t+f.at/n, o+f.offset/n
		}
		tt, to := 0.0, 0.0
		for _, f := range use {
			tt += (f.at - t) * (f.at - t)
			to += (f.at - t) * (f.offset - o)
		}
		c.base, c.middle, c.drift = t, o, 0
		if tt > 0 && use[len(use)-1].at-use[0].at > 600 {
			c.drift = min(max(to/tt, -mostDrift), mostDrift)
		}
		off := offs[:0]
		for _, f := range use {
			off = append(off, math.Abs(f.offset-c.value(f.at)))
		}
		sorted := sorts[:copy(sorts[:], off)]
		limit := 3 * max(robust.Median(sorted), 0.1)
		good := goods[:0] // never ahead of what is read, when use is of goods as well
		for i, f := range use {
			if off[i] <= limit {
				good = append(good, f)
			}
		}
		use = good
	}
	c.line = true
}

// mostDrift is the fastest that a clock is believed to drift: 500 ppm, ten times a cheap quartz.
const mostDrift = 500e-6

func (c *Clock) value(at float64) float64 { return c.middle + c.drift*(at-c.base) }

// Offset returns how many seconds the clock is ahead at a time. Fixes count before arrivals, which hold the shortest
// delay too.
func (c *Clock) Offset(at float64) float64 {
	if c.line {
		return c.value(at)
	}
	return c.offset
}

// Late reports whether reports come so late or in such bursts that their arrival says little of the clock.
func (c *Clock) Late() bool { return c.late }

// Known reports whether offset and drift are known by vehicles, and not by arrivals alone.
func (c *Clock) Known() bool { return c.line }

// Drift returns how many seconds a second the clock gains; 0 while that is not known.
func (c *Clock) Drift() float64 { return c.drift }
