package passage

import (
	"slices"

	"lanewarden/edge/lane/passage/associate"
)

// Confidence holds as far as the model does. Where it does not, a reading is not called sure, whatever the other
// candidates are: mostInDoubt is the most that is said of it then.
const (
	mostInDoubt = 0.90
	// surprise is the log-density of an arrival, a second, below which no prediction explains it.
	surprise = -8.5
	// knownByName is the log-likelihood ratio of names from which on time does not count.
	knownByName = 4.0
)

// doubt lowers the confidence in an assignment that the model does not explain, and names the vehicle ahead as the
// other candidate where there is none: a report that comes late is taken for one of a vehicle behind.
func (c *Correlator) doubt(g *group, r *reading) {
	t := r.terms
	r.doubtful = ""
	if r.vehicle == nil || t == nil || r.confidence <= mostInDoubt {
		return
	}
	if t.Score[associate.Names] >= knownByName || t.Score[associate.Birth] != 0 {
		return
	}
	switch {
	case c.unsettled(r):
		r.doubtful = "the device's clock is not known yet"
	case t.From >= 0 && t.Score[associate.Arrival] < surprise:
		r.doubtful = "no prediction explains it"
	default:
		return
	}
	r.confidence = mostInDoubt
	if r.other == nil {
		r.suppose(g.aheadOf(r.vehicle), 1-mostInDoubt, nil)
	}
}

// unsettled reports whether a reading's time is by a clock of which nothing is known but when its reports come.
func (c *Correlator) unsettled(r *reading) bool {
	k := c.clocks[r.det.Device]
	return k != nil && r.det.Raw != r.det.At && !k.Known()
}

// aheadOf returns the vehicle that came into the lane before another one; nil when none is known.
func (g *group) aheadOf(v *vehicle) *vehicle {
	i := slices.Index(g.vehicles, v)
	for i--; i >= 0; i-- {
		if o := g.vehicles[i]; o.lane == v.lane && len(o.readings) > 0 {
			return o
		}
	}
	return nil
}
