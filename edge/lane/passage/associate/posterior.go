package associate

import (
	"cmp"
	"math"
	"slices"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// Assignment is the posterior of one detection: its track, and all others that it may be of.
type Assignment struct {
	Detection *detection.Detection
	Label     int64   // of its vehicle on the likeliest path of all: the row of its first detection; or None
	Shares    []Share // by vehicle, the assignment's first, then by probability
}

// Share is one of the vehicles that a detection may be of.
type Share struct {
	Label       int64
	Probability float64
	Terms       *Terms // of its likeliest assignment
}

// Probability returns the probability that the detection is of a vehicle; 0 for one that is not among the shares.
func (a *Assignment) Probability(label int64) float64 {
	for _, s := range a.Shares {
		if s.Label == label {
			return s.Probability
		}
	}
	return 0
}

// minShare is the probability below which a share is left out.
const minShare = 1e-4

// Assignments returns what is known now of all detections that are undecided, in their order.
func (w *Window) Assignments() []Assignment { return w.assignmentsBelow(len(w.layers)) }

// assignmentsBelow returns the assignments of the layers below end.
func (w *Window) assignmentsBelow(end int) []Assignment {
	w.backwardPass()
	path := w.likeliestPath()
	all := w.byLabel(path)
	w.match(all, path)
	return all[:end-1]
}

// byLabel returns the assignments of all layers on the likeliest path, with vehicles told apart by their labels.
func (w *Window) byLabel(path []*edge) []Assignment {
	clear(w.labelOf)
	for i := 1; i < len(w.layers); i++ {
		w.labelOf[w.layers[i].detection.Idx] = path[i].label
	}
	out := make([]Assignment, 0, len(w.layers)-1)
	for i := 1; i < len(w.layers); i++ {
		out = append(out, w.assignment(&w.layers[i], path[i]))
	}
	return out
}

// backwardPass computes, for each node, the log-probability of everything that came after it.
func (w *Window) backwardPass() {
	if w.backwardDone {
		return
	}
	w.backwardDone = true
	last := w.layers[len(w.layers)-1].nodes
	for _, l := range w.layers {
		for _, n := range l.nodes {
			n.after = math.Inf(-1)
		}
	}
	s := w.startStep(nil)
	for _, n := range last {
		n.pending = s.pending(n)
		n.after = n.pending
	}
	for i := len(w.layers) - 1; i > 0; i-- {
		for _, n := range w.layers[i].nodes {
			for k := range n.edges {
				e := &n.edges[k]
				e.from.after = logAdd(e.from.after, e.sum+n.after)
			}
		}
	}
}

// pending returns the log-probability that the vehicles of a hypothesis have not been seen further on by now. Who
// stands behind another one may be held up by it.
func (s *stepper) pending(n *node) (sum float64) {
	for i, t := range n.queue {
		held := slices.ContainsFunc(n.queue[:i], func(o *track) bool { return !o.reversed && t.sameRow(o) })
		if held || t.reversed || t.front >= s.layout.last[t.lane] {
			continue
		}
		m := s.memo(t)
		if !m.silenceKnown {
			m.silenceKnown, m.silence = true, s.silence(t)
		}
		sum += m.silence
	}
	return sum
}

// silence returns the log-probability that the next device has not seen a vehicle by now although
// nobody holds it up.
func (s *stepper) silence(t *track) float64 {
	next, at := -1, nowhere
	for d := range s.layout.Devices {
		if s.layout.late(t.lane, d) || s.detectionLogs[d].hit <= mostlyHit {
			continue
		}
		if p := s.layout.position[t.lane][d]; p > t.front+motion.SamePlace && p < at {
			next, at = d, p
		}
	}
	if next < 0 || s.down(next, s.now) {
		return 0
	}
	p, ok := s.layout.predict(s.model, t, &detection.Detection{Dev: next, Raw: s.now, At: s.now})
	if !ok || s.model.ClockUncertain(next) {
		return 0
	}
	_, share := freeFlowArrival(p, s.model.Delays())
	return max(math.Log(min(1-share+unexplained, 1)), s.remainingMissCost(t, false))
}

// mostlyHit is the log-probability to see a vehicle from which on a device is one whose silence says something.
const mostlyHit = -0.2

// likeliestPath returns the edges of the likeliest path, by layer; that of the root is nil. It holds until the next call.
func (w *Window) likeliestPath() []*edge {
	w.edges = append(w.edges[:0], make([]*edge, len(w.layers))...)
	out := w.edges
	last := w.layers[len(w.layers)-1].nodes
	n := last[0]
	for _, o := range last[1:] {
		if o.best+o.pending > n.best+n.pending {
			n = o
		}
	}
	for i := len(w.layers) - 1; i > 0; i-- {
		out[i] = &n.edges[n.bestEdge]
		n = out[i].from
	}
	return out
}

// assignment sums, for one detection, all hypotheses by the vehicle that they give it to. A vehicle
// that the likeliest path does not know is counted as the one to which that path gives the
// vehicle's first detection.
func (w *Window) assignment(l *layer, on *edge) Assignment {
	a := Assignment{Detection: l.detection, Label: on.label, Shares: []Share{{Label: on.label, Terms: &on.terms}}}
	total := math.Inf(-1)
	for _, n := range l.nodes {
		total = logAdd(total, n.weight+n.after)
	}
	likeliest := map[int64]float64{on.label: math.Inf(1)}
	for _, n := range l.nodes {
		for k := range n.edges {
			e := &n.edges[k]
			p := math.Exp(e.through(n) - total)
			if p < minShare*1e-3 {
				continue
			}
			label := e.label
			if o, known := w.labelOf[label]; known && label != l.detection.Idx && o != None {
				label = o
			}
			i := slices.IndexFunc(a.Shares, func(s Share) bool { return s.Label == label })
			if i < 0 {
				i = len(a.Shares)
				a.Shares = append(a.Shares, Share{Label: label})
			}
			a.Shares[i].Probability += p
			if top, ok := likeliest[label]; !ok || p > top {
				likeliest[label], a.Shares[i].Terms = p, &e.terms
			}
		}
	}
	a.sortShares()
	return a
}

// sortShares sorts the shares but for the assignment's own, and drops the smallest.
func (a *Assignment) sortShares() {
	slices.SortStableFunc(a.Shares[1:], func(x, y Share) int {
		return cmp.Compare(y.Probability, x.Probability)
	})
	a.Shares = slices.DeleteFunc(a.Shares, func(s Share) bool {
		return s.Label != a.Label && s.Probability < minShare
	})
}
