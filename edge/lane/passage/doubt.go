package passage

import (
	"math"
	"slices"

	"lanewarden/drivers/kinds"
	"lanewarden/edge/lane/passage/associate"
)

// Confidence holds as far as the model does. Where it does not, a reading is not called sure, whatever the other
// candidates are: mostInDoubt is the most that is said of it then.
const (
	maxInDoubt = 0.90
	// surprise is the log-density of an arrival, a second, below which no prediction explains it.
	surprise = -8.5
	// knownByName is the log-likelihood ratio of names from which on time does not count.
	knownByName = 4.0
)

// In a queue that stands, one vehicle that a device missed shifts those behind it by one, and little tells that: so
// many ways on which vehicles are held up are such a queue, and so many seconds later than predicted are long.
const (
	queueing = 0.4
	longHeld = 20.0 // s
)

// fewTaught is the number of vehicles after which the lane counts as learnt. Until then readings of vehicles that came
// within closeOthers of another one, s, are in doubt when they rest on a device's own clock, or differ from what was
// predicted by muchLater standard deviations; all of them are until firstTaught have gone through. Vehicles that came
// within besideOthers of each other, s, are neighbours.
const (
	firstTaught  = 40
	fewTaught    = 200
	closeOthers  = 12.0
	besideOthers = 60.0
	muchLater    = 3.0
)

// newLane is the doubt of which nothing is wrong with a reading: it teaches as any other.
const newLane = "doubt.new-lane"

// queued reports whether a reading is of a queue that stands and only the row's order tells whose
// it is: it came much later than predicted, or once more, or is the first of a vehicle that others
// should have seen before.
func (g *group) queued(r *reading) bool {
	t := r.terms
	if r.vehicle == nil || !g.standing() {
		return false
	}
	if t.Score[associate.Birth] != 0 {
		return !g.entered(r.vehicle)
	}
	return t.Residual > longHeld || t.Score[associate.Repeated] != 0
}

// again is the time from which a device that sees a vehicle once more may have seen another one, s.
const again = 1.0

// seenBefore reports whether the device had seen the reading's vehicle before, and did not just
// repeat a report.
func (r *reading) seenBefore() bool {
	return slices.ContainsFunc(r.vehicle.readings, func(o *reading) bool {
		return o.det.Dev == r.det.Dev && o.det.At < r.det.At-again
	})
}

// missedBeside returns which neighbour in the row the device of a reading did not see: the one
// ahead, -1, or the one behind, 1; 0 for neither.
func (g *group) missedBeside(r *reading) (step int) {
	for _, step := range [...]int{-1, 1} {
		o := g.beside(r.vehicle, step, besideOthers)
		if o != nil && !slices.ContainsFunc(o.readings, func(x *reading) bool { return x.det.Dev == r.det.Dev }) {
			return step
		}
	}
	return 0
}

// offTime reports whether a reading came muchLater standard deviations off its prediction.
func (r *reading) offTime() bool {
	return r.terms.From >= 0 && math.Abs(float64(r.terms.Residual)) > muchLater*float64(r.terms.Sigma)
}

// standing reports whether vehicles stand in a queue now.
func (g *group) standing() bool { return g.model.Delays().Share >= queueing }

// shaky reports whether a reading rests on a clock that is not the agent's, came at another time
// than predicted, or is of a device whose detections are not yet known to be given to the right
// vehicles.
func (c *Correlator) shaky(g *group, r *reading) bool {
	t := r.terms
	if t.From >= 0 && c.clocks[g.layout.Devices[t.From].ID] != nil || r.det.Raw != r.det.At {
		return true
	}
	return r.offTime() || !g.borneOut(r.det.Dev)
}

// isNew reports whether the lane was not known well enough yet at a time, s.
func (g *group) isNew(at float64) bool { return g.taught < fewTaught || at < g.since }

// isBrandNew reports whether hardly any vehicle had gone through at a time, s.
func (g *group) isBrandNew(at float64) bool { return g.taught < firstTaught || at < g.begun }

// inNewLane reports whether a reading that would be called sure is of a lane that is not known well
// enough for that.
func (c *Correlator) inNewLane(g *group, r *reading) bool {
	at := r.det.At
	return r.confidence >= sure && g.isNew(at) && (g.isBrandNew(at) || c.shaky(g, r))
}

// teaches reports whether the model may learn from a reading. Otherwise wrong assignments would
// bear themselves out.
func (r *reading) teaches() bool { return r.confidence >= sure || r.doubtful == newLane }

// doubt lowers the confidence in an assignment where the model is known not to hold, and names the
// neighbour in the row as the other candidate where there is none: the one ahead, as a report that
// comes late is taken for one of a vehicle behind; in a queue the one behind, as a vehicle that a
// device missed is taken for the next one.
func (c *Correlator) doubt(g *group, r *reading) {
	r.doubtful = ""
	if r.terms == nil || r.confidence <= maxInDoubt {
		return
	}
	if r.terms.Score[associate.Names] >= knownByName {
		if r.terms.Score[associate.Repeated] != 0 {
			r.limitByName(1) // told twice by one device
		}
		return
	}
	code, neighbour := c.why(g, r)
	if r.doubtful = code; code == "" {
		return
	}
	r.confidence = maxInDoubt
	switch {
	case r.other != nil:
	case r.vehicle == nil:
		r.setOther(g.latest(r.det.Arrived), 1-maxInDoubt, nil)
	default:
		r.setOther(g.beside(r.vehicle, neighbour, math.Inf(1)), 1-maxInDoubt, nil)
	}
}

// lateDoubtLeft is the share of the doubt in a name's reading that is left in a late result with that name, as the
// result's time was compared as well. Counted on scenarios.
const lateDoubtLeft = 0.5

// limitByName limits the confidence of a reading that is a vehicle's by name: the vehicle may have
// that name from a reading that is in doubt itself. left is the share of that doubt that remains.
func (r *reading) limitByName(left float64) {
	if r.vehicle == nil || r.terms == nil || r.terms.Score[associate.Names] < knownByName {
		return
	}
	var by *reading
	for _, o := range r.vehicle.readings {
		named := slices.ContainsFunc(o.det.Names, func(n kinds.Name) bool {
			return !n.Guess && n.Kind == r.terms.Name.Kind && n.Value == r.terms.Name.Value
		})
		if named && o != r && (by == nil || o.confidence > by.confidence) {
			by = o
		}
	}
	if by == nil || by.confidence >= sure {
		return
	}
	most := min(1-left*(1-by.confidence), maxInDoubt)
	if r.confidence <= most {
		return
	}
	r.doubtful = "doubt.uncertain-name"
	r.confidence = most
	if r.other == nil {
		r.setOther(by.other, min(by.otherShare, 1-most), nil)
	}
}

// why returns the code of the message why a reading is not called sure, "" when it is, and which
// neighbour it may be of: the one ahead, -1, or the one behind, 1. The first reason that holds
// counts; docs/association.md lists them.
func (c *Correlator) why(g *group, r *reading) (code string, neighbour int) {
	t, v := r.terms, r.vehicle
	missed := 0 // the neighbour that the device did not see, where that matters
	if g.standing() || r.offTime() {
		missed = g.missedBeside(r)
	}
	switch born := t.Score[associate.Birth] != 0; {
	case v == nil && !c.unsettled(r):
		return "", 0
	case c.unsettled(r) && !born:
		return "doubt.clock-unknown", -1
	case g.queued(r):
		return "doubt.queue", 1
	case g.standing() && missed != 0:
		return "doubt.queue-missed", missed
	case born && !g.entered(v) && (g.beside(v, -1, besideOthers) != nil || g.beside(v, 1, besideOthers) != nil):
		return "doubt.not-seen-entering", -1
	case born:
		return "", 0
	case t.From >= 0 && t.Score[associate.Arrival] < surprise:
		return "doubt.no-prediction", -1
	case c.inNewLane(g, r) && g.beside(v, -1, closeOthers) != nil:
		return newLane, -1
	case r.seenBefore() && g.beside(v, 1, besideOthers) != nil:
		return "doubt.seen-before", 1
	case missed != 0:
		return "doubt.off-time-missed", missed
	}
	return "", 0
}

// entered reports whether a device at a lane's first station saw a vehicle.
func (g *group) entered(v *vehicle) bool {
	return slices.ContainsFunc(v.readings, func(r *reading) bool {
		return !r.foreign && g.layout.Position(v.lane, r.det.Dev) <= g.layout.First(v.lane)
	})
}

// latest returns the vehicle that came into the group's lanes last by a time, s; nil for none.
func (g *group) latest(at float64) *vehicle {
	for i := len(g.vehicles) - 1; i >= 0; i-- {
		if v := g.vehicles[i]; len(v.readings) > 0 && v.facts(g).first <= at {
			return v
		}
	}
	return nil
}

// unsettled reports whether a reading's time is by a clock of which only the arrival of its reports
// is known.
func (c *Correlator) unsettled(r *reading) bool {
	k := c.clocks[r.det.Device]
	return k != nil && r.det.Raw != r.det.At && !k.Known()
}

// beside returns the vehicle that came into the same lane before another one, with a step of -1, or
// after it, with 1, and within so many seconds of it; nil when none is known.
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
