package passage

import (
	"math"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// watch compares the times of a device without names with those at which vehicles came in. Where
// vehicles follow each other evenly, its detections can all be taken for those of the vehicle ahead
// or behind, and the ways that are learnt then bear that out. But of all differences between its
// times and those at which vehicles should have come there the right ones are alike, and others are
// not.
type watch struct {
	times times         // of its last detections
	phase motion.Phase  // of all differences
	own   motion.Window // s, of the detections that were taken for the vehicles' own
}

const (
	// watched is the distance behind the entry up to which devices are compared with it, m: farther on vehicles are
	// too uneven.
	watched = 60.0
	// minOwn is the number of own detections that are enough.
	minOwn    = 20
	ownSpread = 3.0
	ownOff    = 2.0
)

// watchDetection records a detection of a device without names whose clock is known.
func (g *group) watchDetection(d *detection.Detection) {
	k := g.clocks[d.Device]
	if d.Tag || d.Reverse || d.Raw != d.At && (k == nil || !k.Known()) || len(d.Names) > 0 || g.layout.Late(d.Dev) {
		return
	}
	w := g.phaseWatches[d.Dev]
	if w == nil {
		w = &watch{}
		g.phaseWatches[d.Dev] = w
	}
	w.times.note(d.At)
}

// phaseError returns how far the detections that were taken for the vehicles' own lie from most
// differences, s; known is false while that cannot be determined.
func (w *watch) phaseError() (seconds float64, known bool) {
	most, known := w.phase.Mode()
	own, spread := w.own.Mode()
	return math.Abs(own - most), known && w.own.Len() >= minOwn && spread < ownSpread
}

// borneOut reports whether a device's detections are those that most vehicles say they are.
func (g *group) borneOut(dev int) bool {
	w := g.phaseWatches[dev]
	if w == nil {
		return false
	}
	off, known := w.phaseError()
	return known && off <= ownOff
}

// verify compares a vehicle that is through with the detections of each watched device. What was
// learnt of a device whose own detections lie elsewhere than most is dropped.
func (g *group) verify(v *vehicle) {
	first := g.layout.First(v.lane)
	came, ok := g.frontAt(v, first)
	if !ok || g.standing() {
		return
	}
	speed := v.facts(g).speed
	if speed == 0 {
		speed = g.model.SpeedEstimate()
	}
	for dev, w := range g.phaseWatches {
		way := g.layout.Position(v.lane, dev) - first
		if w == nil || !(way > motion.SamePlace && way < watched) {
			continue
		}
		expected := came + way.SecondsAt(speed)
		w.phase.Add(w.times.lagsFrom(expected, 0, timelyReach))
		for _, r := range v.readings {
			if r.det.Dev == dev && !r.foreign && !r.det.Reverse {
				w.own.Add(r.det.At - expected)
				break
			}
		}
		if off, known := w.phaseError(); known && off > ownOff {
			g.model.ClockStepped(dev, 0, true)
			w.own = motion.Window{}
		}
	}
}
