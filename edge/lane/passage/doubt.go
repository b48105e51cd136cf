package passage

import (
	"math"
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

// In a queue that stands, one vehicle that a device missed shifts those behind it by one, and little tells that: so many
// ways on which vehicles are held up are such a queue, and so many seconds later than predicted are long.
const (
	queueing = 0.4
	longHeld = 20.0 // s
)

// fewTaught is how many vehicles have to go through before the lane is known; until then readings of vehicles that came
// within besideOthers of another one, s, are in doubt.
const (
	fewTaught    = 30
	besideOthers = 60.0
)

// newLane is the doubt of which nothing is wrong with a reading: it teaches as any other.
const newLane = "few vehicles have gone through the lane yet"

// queued reports whether a reading is of a queue that stands, where it is told by the row alone whose it is: it came much
// later than predicted or once more, or is the first of a vehicle that others should have seen before.
func (g *group) queued(r *reading) bool {
	t := r.terms
	if g.model.Delays().Share < queueing {
		return false
	}
	late := t.Score[associate.Birth] != 0 && g.layout.Position(r.vehicle.lane, r.det.Dev) > g.layout.First(r.vehicle.lane)
	return late || t.Off > longHeld || t.Score[associate.Repeated] != 0
}

// isNew reports whether the lane was not known yet at a time.
func (g *group) isNew(at float64) bool { return g.taught < fewTaught || at < g.since }

// teaches reports whether the model may learn from a reading.
func (r *reading) teaches() bool { return r.confidence >= sure || r.doubtful == newLane }

// doubt lowers the confidence in an assignment that the model does not explain, and names the neighbour in the row as
// the other candidate where there is none: the one ahead, as a report that comes late is taken for one of a vehicle
// behind; in a queue the one behind, as a vehicle that a device missed is taken for the next one.
func (c *Correlator) doubt(g *group, r *reading) {
	t := r.terms
	r.doubtful = ""
	if r.vehicle == nil || t == nil || r.confidence <= mostInDoubt {
		return
	}
	born := t.Score[associate.Birth] != 0
	if t.Score[associate.Names] >= knownByName || born && !g.queued(r) {
		return
	}
	neighbour := -1
	switch {
	case g.queued(r):
		r.doubtful, neighbour = "it stood in a queue, where one that was not seen shifts the next ones", 1
	case c.unsettled(r):
		r.doubtful = "the device's clock is not known yet"
	case t.From >= 0 && t.Score[associate.Arrival] < surprise:
		r.doubtful = "no prediction explains it"
	case r.confidence >= sure && g.isNew(r.det.At) && g.beside(r.vehicle, -1, besideOthers) != nil:
		r.doubtful = newLane
	default:
		return
	}
	r.confidence = mostInDoubt
	if r.other == nil {
		r.suppose(g.beside(r.vehicle, neighbour, math.Inf(1)), 1-mostInDoubt, nil)
	}
}

// unsettled reports whether a reading's time is by a clock of which nothing is known but when its reports come.
func (c *Correlator) unsettled(r *reading) bool {
	k := c.clocks[r.det.Device]
	return k != nil && r.det.Raw != r.det.At && !k.Known()
}

// beside returns the vehicle that came into the lane before another one, with a step of -1, or after it, with 1, within
// so many seconds; nil when none is known.
func (g *group) beside(v *vehicle, step int, within float64) *vehicle {
	i := slices.Index(g.vehicles, v)
	if i < 0 {
		return nil
	}
	for k := i + step; k >= 0 && k < len(g.vehicles); k += step {
		o := g.vehicles[k]
		if o.lane != v.lane || len(o.readings) == 0 {
			continue
		}
		if math.Abs(o.facts(g).first-v.facts(g).first) > within {
			return nil
		}
		return o
	}
	return nil
}
