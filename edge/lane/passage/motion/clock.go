package motion

import (
	"math"
	"slices"

	"lanewarden/drivers/driver/robust"
)

// Clock estimates by how much a device's clock is ahead of the agent's, and how it drifts. Two
// things bound it: a device's time of an event is not later than the moment at which the agent had
// the report, and vehicles that are known by name were at the device when the fixes of other
// devices predict it. Times are in seconds. The zero Clock is ready to use.
type Clock struct {
	leads     sortedRing // device's time less arrival
	offset    float64
	bursty    bool           // reports come late, or in bursts: only the least delay says something
	outliers  []offsetSample // the last values that do not fit to the others: the clock may have been set
	samples   []offsetSample // oldest first
	fitted    bool           // the fixes are enough for offset and drift
	fitTime   float64        // time of the fixes' middle
	fitOffset float64        // offset there
	drift     float64        // s a second
}

// offsetSample is an offset that a named vehicle showed at a time.
type offsetSample struct{ at, offset float64 }

const (
	clockWindow = 64
	fewLeads    = 8 // below which they say little
	maxOffsets  = 256
	minOffsets  = 12
	// maxShortDelay are differences below which an offset behind is a delay of reports, and no clock, s.
	maxShortDelay = 1.5
	// burstDelay is the usual delay over the least one from which on reports are not timely, s.
	burstDelay = 20.0
	// minStep is the distance from all other values beyond which values mean that the clock was set, s.
	minStep = 15.0
	// minStepped is the number of such values that are needed: one image late is several reports.
	minStepped = 4
	burstGap   = 30.0
)

// AddArrival adds the time of an event by the device's clock, and when the agent had its report.
// step is by how much the clock was set forward (negative: back) when this report shows that it
// was, else 0. Then everything else is forgotten.
func (c *Clock) AddArrival(shown, arrived float64) (step float64) {
	ahead := shown - arrived
	if c.leads.last.Len() < fewLeads {
		c.addLead(ahead)
		return 0
	}
	low, high := c.bounds()
	slack := minStep + (high-low)/4 // the few that are further off than nearly all
	if ahead >= low-slack && ahead <= high+slack {
		c.outliers = c.outliers[:0]
		c.addLead(ahead)
		return 0
	}
	n := len(c.outliers)
	if n > 0 && math.Abs(c.outliers[0].offset-ahead) > minStep+high-low {
		n = 0
	}
	if n == 0 || math.Abs(arrived-c.outliers[n-1].at) > burstGap { // not of one burst
		c.outliers = append(c.outliers[:n], offsetSample{arrived, ahead})
	}
	need := minStepped
	if ahead < low { // or reports come late
		need = 2 * minStepped
	}
	if len(c.outliers) < need {
		return 0
	}
	top := c.outliers[0].offset
	c.leads, c.samples, c.fitted = sortedRing{}, nil, false
	for _, f := range c.outliers {
		c.addLead(f.offset)
		top = max(top, f.offset)
	}
	c.outliers = nil
	return top - high
}

// bounds returns the interval that holds nearly all of the last leads.
func (c *Clock) bounds() (low, high float64) {
	s := c.leads.sorted
	return s[len(s)/20], s[len(s)-1-len(s)/20]
}

// addLead adds how far a shown time was ahead of its arrival. The largest of these is the offset
// less the shortest delay; a few at the top are passed over, as an early stamp is no offset, unless
// reports are bursty and only the top says anything.
func (c *Clock) addLead(ahead float64) {
	c.leads.add(ahead, clockWindow)
	s := c.leads.sorted
	c.offset = s[len(s)-1-len(s)/16]     // an early stamp is no offset
	if len(s) >= fewLeads || !c.bursty { // until then it is what it was before its clock was set
		c.bursty = s[len(s)-1]-robust.Quantile(s, 0.5) > burstDelay
	}
	if c.bursty {
		c.offset = s[len(s)-1]
	}
	if c.offset > -maxShortDelay && c.offset < 0 {
		c.offset = 0
	}
}

// AddOffset adds the offset that a named vehicle shows at a time: the device's time less the
// predicted one.
func (c *Clock) AddOffset(at, offset float64) {
	if c.samples = append(c.samples, offsetSample{at, offset}); len(c.samples) > maxOffsets {
		c.samples = slices.Delete(c.samples, 0, maxOffsets/4)
	}
	if n := len(c.samples); n >= minOffsets && (n%4 == 0 || !c.fitted) {
		c.fit()
	}
}

// fit determines offset and drift by least squares over the samples, twice: the second time without
// those that are farther off than three times the median residual. With normal residuals that is
// the maximum of the likelihood.
func (c *Clock) fit() {
	use := c.samples
	var offs, sorts [maxOffsets]float64
	var goods [maxOffsets]offsetSample
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
		c.fitTime, c.fitOffset, c.drift = t, o, 0
		if tt > 0 && use[len(use)-1].at-use[0].at > 600 {
			c.drift = min(max(to/tt, -maxDrift), maxDrift)
		}
		off := offs[:0]
		for _, f := range use {
			off = append(off, math.Abs(f.offset-c.fittedOffset(f.at)))
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
	c.fitted = true
}

// maxDrift is the fastest that a clock is believed to drift: 500 ppm, ten times a cheap quartz.
const maxDrift = 500e-6

// fittedOffset is the least-squares line at a time.
func (c *Clock) fittedOffset(at float64) float64 { return c.fitOffset + c.drift*(at-c.fitTime) }

// Offset returns how many seconds the clock is ahead at a time. Samples of vehicles count before
// arrivals, which hold the shortest delay too.
func (c *Clock) Offset(at float64) float64 {
	if c.fitted {
		return c.fittedOffset(at)
	}
	return c.offset
}

// Bursty reports whether reports come so late, or in such bursts, that their arrival says little of
// the clock.
func (c *Clock) Bursty() bool { return c.bursty }

// Known reports whether offset and drift are known from vehicles, and not from arrivals alone.
func (c *Clock) Known() bool { return c.fitted }

// Drift returns how many seconds a second the clock gains; 0 while that is not known.
func (c *Clock) Drift() float64 { return c.drift }
