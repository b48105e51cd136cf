package associate

import (
	"math"
	"slices"
)

// Settle decides what happened before a time: up to the last detection after which all hypotheses
// that count agree about the vehicles in the lanes, so that nothing that comes changes it. When
// they have not agreed for patience, the likeliest one is kept. It returns what was decided, which
// leaves the window. Everything that has happened by now is in the window.
func (w *Window) Settle(before, now float64) []Assignment {
	w.now, w.backwardDone = now, false
	if len(w.layers) < 2 || w.layers[1].detection.Order >= before {
		return nil
	}
	w.backwardPass()
	w.dropUnlikely()
	cut := 0
	for i := len(w.layers) - 1; i > 0 && cut == 0; i-- {
		l := &w.layers[i]
		at := l.detection.Order
		if at < before && w.agreed(l) || at < before-patience || len(w.layers)-i > maxLayers {
			cut = i
		}
	}
	if cut == 0 {
		return nil
	}
	out := w.assignmentsBelow(cut + 1)
	w.keepBest(cut)
	root := w.layers[cut]
	w.layers = slices.Clone(w.layers[cut:])
	for _, n := range root.nodes {
		n.edges, n.first = nil, [1]edge{}
	}
	clear(w.edges)
	w.hasRoot, w.backwardDone = true, false
	w.normalize()
	return out
}

const (
	patience     = 900.0 // s that hypotheses may differ
	disagreement = 1e-3  // probability of what is not looked at any more when they are said to agree
)

// agreed reports whether nearly all hypotheses go through one node of a layer.
func (w *Window) agreed(l *layer) bool {
	total, top := math.Inf(-1), math.Inf(-1)
	for _, n := range l.nodes {
		total, top = logAdd(total, n.weight+n.after), max(top, n.weight+n.after)
	}
	return top > total+math.Log1p(-disagreement)
}

// dropMargin is by how much more than a step drops a hypothesis must be less likely, with all that came since, to be
// dropped: a report that comes late may bear it out.
const dropMargin = 6.0

// dropUnlikely drops hypotheses that what came since has made unlikely, or that lead nowhere, so that they take no room.
func (w *Window) dropUnlikely() {
	for i := 1; i < len(w.layers); i++ {
		top := math.Inf(-1)
		for _, n := range w.layers[i].nodes {
			top = max(top, n.weight+n.after)
		}
		for _, n := range w.layers[i].nodes {
			n.keep = n.weight+n.after >= top-w.pruneAt-dropMargin
		}
	}
	for _, n := range w.layers[0].nodes {
		n.keep = true
	}
	w.dropUnkept(1)
}

// dropUnkept drops, from a layer on, the nodes that are not to be kept, and those that only these lead to. From the first
// node that loses an edge on, the weights of all are worked out anew: they hold those of the nodes before them.
func (w *Window) dropUnkept(from int) {
	changed := false
	for i := from; i < len(w.layers); i++ {
		for _, n := range w.layers[i].nodes {
			had := len(n.edges)
			n.edges = slices.DeleteFunc(n.edges, func(e edge) bool { return !e.from.keep })
			changed = changed || len(n.edges) < had
			if n.keep = n.keep && len(n.edges) > 0; n.keep && changed {
				n.recompute()
			}
		}
	}
	for i := range w.layers {
		l := &w.layers[i]
		l.nodes = slices.DeleteFunc(l.nodes, func(n *node) bool { return !n.keep })
	}
}

// keepBest keeps of a layer only the node through which the likeliest path goes.
func (w *Window) keepBest(cut int) {
	on := w.likeliestPath()
	nodes := w.layers[cut].nodes
	one := nodes[0]
	if cut+1 < len(on) {
		one = on[cut+1].from
	} else {
		for _, n := range nodes {
			if n.best > one.best {
				one = n
			}
		}
	}
	for i := range w.layers {
		for _, n := range w.layers[i].nodes {
			n.keep = i != cut || n == one
		}
	}
	w.dropUnkept(cut + 1)
}

// recompute computes a node's weight and best path from its edges.
func (n *node) recompute() {
	n.weight, n.best, n.bestEdge = math.Inf(-1), math.Inf(-1), 0
	for k := range n.edges {
		e := &n.edges[k]
		n.weight = logAdd(n.weight, e.from.weight+e.sum)
		if b := e.from.best + e.sum; b > n.best {
			n.best, n.bestEdge = b, k
		}
	}
}

// normalize subtracts the root's weight from all nodes, so that weights do not grow without end.
func (w *Window) normalize() {
	weight, best := w.layers[0].nodes[0].weight, w.layers[0].nodes[0].best
	for _, l := range w.layers {
		for _, n := range l.nodes {
			n.weight, n.best = n.weight-weight, n.best-best
		}
	}
}
