package associate

import (
	"math"
	"slices"
)

// What the likeliest path calls one vehicle, another hypothesis may call by another name, when they differ only in its
// first detection, or may give half of its detections to two vehicles. So where assignments are in doubt, the hypothesis
// behind each is held against the likeliest path vehicle by vehicle: a detection is right in the passage that has most of
// its vehicle's detections, and of whose detections that vehicle has most.

const (
	certain   = 0.99 // probability from which on a detection's assignment is not looked into
	minWeight = 1e-3 // probability, of the likeliest one's, from which on a hypothesis is looked into
)

// hypothesis is one path through the window, by the labels of its detections; the first, of the root, is not used.
type hypothesis struct {
	labels []int64
	edges  []*edge
}

// matcher holds hypotheses against the likeliest path.
type matcher struct {
	w       *Window
	on      hypothesis
	other   hypothesis
	counts  []pairCount // of the vehicles that other differs in
	before  map[int64]int
	touched map[int64]bool
}

// pairCount is how many detections are of one vehicle in one hypothesis and of another one on the likeliest path.
type pairCount struct {
	label, on int64
	n         int
}

// match works out the shares of those detections whose vehicles are not certain. all are the assignments of all layers.
func (w *Window) match(all []Assignment, path []*edge) {
	var doubtful []int
	for i := range all {
		if all[i].Shares[0].Probability < certain {
			doubtful = append(doubtful, i+1)
		}
	}
	if len(doubtful) == 0 {
		return
	}
	m := newMatcher(w, path)
	found := make([]*Assignment, len(all)+1)
	for _, j := range doubtful {
		for i, a := range m.conditionedOn(j) {
			if a != nil && (found[i] == nil || a.Shares[0].Probability < found[i].Shares[0].Probability) {
				found[i] = a
			}
		}
	}
	for i, a := range found {
		if a == nil {
			continue
		}
		was := &all[i-1]
		if was.Shares[0].Probability < certain || a.Shares[0].Probability < was.Shares[0].Probability {
			was.Shares = a.Shares
			was.sortShares()
		}
	}
}

func newMatcher(w *Window, path []*edge) *matcher {
	n := len(w.layers)
	m := &matcher{w: w, before: map[int64]int{}, touched: map[int64]bool{}}
	m.on = hypothesis{make([]int64, n), path}
	m.other = hypothesis{make([]int64, n), make([]*edge, n)}
	for i := 1; i < n; i++ {
		m.on.labels[i] = path[i].label
	}
	for _, t := range w.layers[0].nodes[0].queue {
		for s := t; s != nil; s = s.prev {
			m.before[t.firstDetection.Idx]++
		}
	}
	w.onwardPass()
	return m
}

// onwardPass notes, for each node, the likeliest path from it to the end.
func (w *Window) onwardPass() {
	for _, l := range w.layers {
		for _, n := range l.nodes {
			n.bestAfter, n.onward = math.Inf(-1), nil
		}
	}
	for _, n := range w.layers[len(w.layers)-1].nodes {
		n.bestAfter = n.pending
	}
	for i := len(w.layers) - 1; i > 0; i-- {
		for _, n := range w.layers[i].nodes {
			for k := range n.edges {
				e := &n.edges[k]
				if v := e.sum + n.bestAfter; v > e.from.bestAfter {
					e.from.bestAfter, e.from.onward, e.from.onwardEdge = v, n, k
				}
			}
		}
	}
}

// conditionedOn returns the shares of all detections, by layer, as the hypotheses say that give the detection of layer
// j to one vehicle or another; nil for those about which they agree.
func (m *matcher) conditionedOn(j int) []*Assignment {
	out := make([]*Assignment, len(m.w.layers))
	nodes, top := m.w.layers[j].nodes, math.Inf(-1)
	for _, n := range nodes {
		for k := range n.edges {
			top = max(top, n.edges[k].through(n))
		}
	}
	sum := 0.0
	for _, n := range nodes {
		for k := range n.edges {
			e := &n.edges[k]
			if p := math.Exp(e.through(n) - top); p >= minWeight {
				m.follow(j, n, e)
				m.compare(out, sum, p)
				sum += p
			}
		}
	}
	for _, a := range out {
		if a == nil {
			continue
		}
		for s := range a.Shares {
			a.Shares[s].Probability /= sum
		}
	}
	out[0] = nil
	if out[j] == nil { // all hypotheses agree about it
		on := m.on.edges[j]
		out[j] = &Assignment{Label: on.label, Shares: []Share{{Label: on.label, Probability: 1, Terms: &on.terms}}}
	}
	return out
}

// through returns the log-probability, but for a constant, of all hypotheses that go through an edge into a node.
func (e *edge) through(into *node) float64 { return e.from.weight + e.sum + into.after }

// follow sets other to the likeliest path through an edge into a node of layer j.
func (m *matcher) follow(j int, into *node, through *edge) {
	o := &m.other
	o.edges[j] = through
	for i, n := j-1, through.from; i > 0; i-- {
		o.edges[i] = &n.edges[n.bestEdge]
		n = o.edges[i].from
	}
	for i, n := j+1, into; i < len(o.edges); i++ {
		o.edges[i] = &n.onward.edges[n.onwardEdge]
		n = n.onward
	}
	for i := 1; i < len(o.edges); i++ {
		o.labels[i] = o.edges[i].label
	}
}

// compare adds a hypothesis, of probability p, to the shares of detections; those before had the probability sum.
func (m *matcher) compare(out []*Assignment, sum, p float64) {
	m.countPairs()
	for i := 1; i < len(out); i++ {
		own := m.on.labels[i]
		if m.touched[own] || m.touched[m.other.labels[i]] {
			own = m.ownPassage(i)
		}
		if own == m.on.labels[i] && out[i] == nil {
			continue
		}
		if out[i] == nil {
			on := m.on.edges[i]
			out[i] = &Assignment{Label: on.label, Shares: []Share{{Label: on.label, Probability: sum, Terms: &on.terms}}}
		}
		out[i].add(own, p, &m.other.edges[i].terms)
	}
}

// countPairs counts the detections of all vehicles about which other differs from the likeliest path.
func (m *matcher) countPairs() {
	clear(m.touched)
	for i := 1; i < len(m.on.labels); i++ {
		if m.on.labels[i] != m.other.labels[i] {
			m.touched[m.on.labels[i]], m.touched[m.other.labels[i]] = true, true
		}
	}
	m.counts = m.counts[:0]
	for label := range m.touched {
		if n := m.before[label]; n > 0 {
			m.count(label, label, n)
		}
	}
	for i := 1; i < len(m.on.labels); i++ {
		if label, on := m.other.labels[i], m.on.labels[i]; m.touched[label] || m.touched[on] {
			m.count(label, on, 1)
		}
	}
}

func (m *matcher) count(label, on int64, n int) {
	for i := range m.counts {
		if c := &m.counts[i]; c.label == label && c.on == on {
			c.n += n
			return
		}
	}
	m.counts = append(m.counts, pairCount{label, on, n})
}

// ownPassage returns the label, on the likeliest path, of the vehicle that has most of the detections of the one that
// other gives a detection to; Unknown when that is another one's.
func (m *matcher) ownPassage(i int) int64 {
	label := m.other.labels[i]
	if label == None {
		return None
	}
	own, most := int64(None), 0
	for _, c := range m.counts {
		if c.label == label && c.on != None && (c.n > most || c.n == most && c.on < own) {
			own, most = c.on, c.n
		}
	}
	owner, most := int64(None), 0
	for _, c := range m.counts {
		if c.on == own && c.label != None && (c.n > most || c.n == most && c.label < owner) {
			owner, most = c.label, c.n
		}
	}
	if own == None || owner != label {
		return Unknown
	}
	return own
}

// add adds to the share of a vehicle.
func (a *Assignment) add(label int64, p float64, terms *Terms) {
	i := slices.IndexFunc(a.Shares, func(s Share) bool { return s.Label == label })
	if i < 0 {
		a.Shares = append(a.Shares, Share{Label: label, Probability: p, Terms: terms})
		return
	}
	a.Shares[i].Probability += p
}
