package associate

import (
	"cmp"
	"math"
	"slices"

	"lanewarden/edge/lane/passage/detection"
	"lanewarden/edge/lane/passage/motion"
)

// Bounds of the search.
const (
	beam      = 200  // hypotheses at most
	pruneAt   = 14.0 // a hypothesis that is less likely than the best by more than e to this is dropped
	maxLayers = 400  // detections that may be undecided
	maxTracks = 64   // vehicles in the lanes
)

// Window is the detections of the last moments in their order, with all hypotheses of whose they are: a graph in which
// each path from the root is a hypothesis, and hypotheses that do not differ in what later detections depend on are one
// node. Not for concurrent use.
type Window struct {
	layout        *Layout
	model         *motion.Model
	down          func(dev int, at float64) bool
	layers        []layer         // the first is the root: what was decided before
	hasRoot       bool            // something was decided before the root
	detectionLogs []detectionLogs // of each device, as learnt
	now           float64         // s: nobody was seen since the last detection
	backwardDone  bool            // what nodes say of the time after them is of all layers, and of now

	scratch *stepper        // used for one step after the other
	labelOf map[int64]int64 // for one reading: of detections, their vehicle on the likeliest path
	edges   []*edge         // for path

	beam      int // bounds of the search; tests set them wider
	pruneAt   float64
	keepApart bool // hypotheses are never put together; tests compare with that
}

// detectionLogs are logarithms of a device's probability to see a vehicle, and not to, and of how many tags of other
// lanes it hears per second.
type detectionLogs struct{ hit, miss, stray float64 }

type layer struct {
	detection *detection.Detection
	nodes     []*node
}

// node merges hypotheses that agree about the vehicles in the lanes.
type node struct {
	queue    []*track // foremost first; those that have merged before those that have not
	hash     uint64
	edges    []edge  // from the layer before
	first    [1]edge // room for the first of them, which is the only one for the most part
	keep     bool    // while force decides which nodes stay
	weight   float64 // logarithm of the sum over all paths to here
	best     float64 // of the best path
	bestEdge int     // the edge of the best path
	after    float64 // logarithm of the sum over all paths from here
	pending  float64 // log-probability that its vehicles have not been seen further on

	bestAfter  float64 // of the likeliest path from here
	onward     *node   // on that path; nil at the end
	onwardEdge int     // the edge to it
}

// edge is the assignment of one detection, from a hypothesis before it.
type edge struct {
	from  *node
	terms Terms
	sum   float64 // of the terms, and of what went by until this detection
	label int64
}

// None is the label of a detection of no vehicle. Other labels are the row of the vehicle's first detection.
const None = -1

// Unknown is the label, in a share, of a vehicle that is none of the likeliest path's.
const Unknown = -2

// NewWindow returns an empty window. down says when a device is known not to have worked; nil means
// never.
func NewWindow(l *Layout, m *motion.Model, down func(dev int, at float64) bool) *Window {
	if down == nil {
		down = func(int, float64) bool { return false }
	}
	w := &Window{layout: l, model: m, down: down, layers: []layer{{nodes: []*node{{}}}}, beam: beam, pruneAt: pruneAt}
	w.labelOf = map[int64]int64{}
	w.scratch = newStepper(w, nil)
	w.ReadModel()
	return w
}

// ReadModel reads the devices' detection probabilities and stray tags from the model; call it when the model has
// learnt something.
func (w *Window) ReadModel() {
	w.backwardDone = false
	w.detectionLogs = w.detectionLogs[:0]
	for d := range w.layout.Devices {
		p := w.model.HitRate(d).Probability()
		w.detectionLogs = append(w.detectionLogs, detectionLogs{math.Log(p), math.Log(1 - p), math.Log(w.model.StrayRate(d).Rate())})
	}
}

// compareDetections orders detections by nothing that depends on the order in which they came.
func compareDetections(a, b *detection.Detection) int {
	return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Key, b.Key))
}

// Insert inserts a detection, and reports whether it could: what happened before everything
// undecided comes too late. The steps behind it are computed anew.
func (w *Window) Insert(d *detection.Detection) bool {
	at := len(w.layers)
	for at > 1 && compareDetections(d, w.layers[at-1].detection) < 0 {
		at--
	}
	if w.hasRoot && compareDetections(d, w.layers[0].detection) < 0 {
		return false
	}
	again := []*detection.Detection{d}
	for _, l := range w.layers[at:] {
		again = append(again, l.detection)
	}
	w.layers = w.layers[:at]
	w.appendAll(again)
	return true
}

// Remove removes a detection, and reports whether it was there. The steps behind it are computed
// anew.
func (w *Window) Remove(idx int64) bool {
	at := slices.IndexFunc(w.layers, func(l layer) bool { return l.detection != nil && l.detection.Idx == idx })
	if at < 1 {
		return false
	}
	var again []*detection.Detection
	for _, l := range w.layers[at+1:] {
		again = append(again, l.detection)
	}
	w.layers = w.layers[:at]
	w.appendAll(again)
	return true
}

// Len returns the number of detections that are undecided.
func (w *Window) Len() int { return len(w.layers) - 1 }

// appendAll adds a layer for each detection.
func (w *Window) appendAll(all []*detection.Detection) {
	w.backwardDone = false
	for _, d := range all {
		w.layers = append(w.layers, w.step(w.layers[len(w.layers)-1].nodes, d))
	}
}

// step returns the next layer: each hypothesis with each assignment of a detection.
func (w *Window) step(from []*node, d *detection.Detection) layer {
	s := w.startStep(d)
	for _, n := range from {
		s.expand(n)
	}
	return layer{d, s.prune()}
}

// stepper computes one layer. It embeds the window, whose bounds and model it reads.
type stepper struct {
	*Window
	detection       *detection.Detection
	nodes           []*node
	best            float64
	missCosts       []float64 // of each lane, what it costs that the device did not see vehicles from the foremost on
	newTracksByLane []*track  // in each lane, the vehicle that nobody saw before
	memos           []memo
}

func newStepper(w *Window, d *detection.Detection) *stepper {
	lanes := w.layout.Lanes
	return &stepper{
		Window: w, detection: d, missCosts: make([]float64, lanes), newTracksByLane: make([]*track, lanes),
	}
}

// startStep returns the window's own stepper for a detection. What it made last is not to be used any more.
func (w *Window) startStep(d *detection.Detection) *stepper {
	s := w.scratch
	clear(s.nodes)
	clear(s.memos)
	clear(s.newTracksByLane)
	s.detection, s.nodes, s.memos, s.best = d, s.nodes[:0], s.memos[:0], 0
	return s
}

// prunes reports whether add would drop a hypothesis.
func (s *stepper) prunes(from *node, departureCost float64, terms *Terms) bool {
	return len(s.nodes) > 0 && from.weight+(departureCost+terms.Sum()) < s.best-s.pruneAt
}

// add adds a hypothesis: the vehicles as they are after an assignment. It is merged with one whose
// vehicles are the same.
func (s *stepper) add(from *node, queue []*track, departureCost float64, label int64, terms *Terms) {
	hash := uint64(len(queue))
	for _, t := range queue {
		hash = mix(hash*31 + t.state())
	}
	e := edge{from: from, terms: *terms, sum: departureCost + terms.Sum(), label: label}
	weight, best := from.weight+e.sum, from.best+e.sum
	if len(s.nodes) == 0 || weight > s.best {
		s.best = weight
	} else if weight < s.best-s.pruneAt {
		return
	}
	for _, n := range s.nodes {
		if n.hash != hash || s.keepApart {
			continue
		}
		n.edges = append(n.edges, e)
		n.first = [1]edge{} // they have moved
		n.weight = logAdd(n.weight, weight)
		s.best = max(s.best, n.weight)
		if best > n.best {
			n.best, n.bestEdge = best, len(n.edges)-1
		}
		return
	}
	n := &node{queue: queue, hash: hash, first: [1]edge{e}, weight: weight, best: best}
	n.edges = n.first[:]
	s.nodes = append(s.nodes, n)
}

// prune keeps the likeliest hypotheses.
func (s *stepper) prune() []*node {
	keep := slices.DeleteFunc(s.nodes, func(n *node) bool { return n.weight < s.best-s.pruneAt })
	if len(keep) > s.beam {
		slices.SortStableFunc(keep, func(a, b *node) int { return cmp.Compare(b.weight, a.weight) })
		keep = keep[:s.beam]
	}
	return slices.Clone(keep)
}

// logAdd returns the logarithm of the sum of two numbers whose logarithms are given.
func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) || b-a < -40 && math.Abs(a) > 1 { // less than half the last bit
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}
