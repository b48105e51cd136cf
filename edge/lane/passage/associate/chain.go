package associate

import (
	"math"
	"slices"
)

// state is the position in the chain of reports: the vehicle that was seen last, plus one; 0 says none. own says that
// the last report was of it, and not of an unknown one.
type state struct {
	vehicle int
	own     bool
}

// chain is a number for each state.
type chain [2][]float64

func newChain(vehicles int) chain {
	both := make([]float64, 2*(vehicles+1))
	return chain{both[:vehicles+1], both[vehicles+1:]}
}

func (c *chain) at(s state) *float64 {
	if s.own {
		return &c[1][s.vehicle]
	}
	return &c[0][s.vehicle]
}

// scale makes the largest of the numbers one, so that none becomes too small to be held.
func (c *chain) scale() {
	top := max(slices.Max(c[0]), slices.Max(c[1]))
	for _, row := range c {
		for i := range row {
			row[i] /= top
		}
	}
}

// inOrder sums over all assignments in which later reports are of later vehicles. The sums are of probabilities, scaled
// from report to report (Rabiner 1989).
func (a *aligner) inOrder() [][]Candidate {
	n, m := len(a.reports), len(a.vehicles)
	missed := a.missedDetectionCosts()
	forward, backward := make([]chain, n+1), make([]chain, n+1)
	for j := range n + 1 {
		forward[j], backward[j] = newChain(m), newChain(m)
	}
	for i := range m + 1 {
		forward[0][0][i] = 1 // whoever came before was dealt with
		backward[n][0][i], backward[n][1][i] = 1, 1
	}
	links := make([][]transition, n)
	for j := range n {
		links[j] = a.transitions(j, missed)
		for _, l := range links[j] {
			*forward[j+1].at(l.to) += *forward[j].at(l.from) * l.factor
		}
		forward[j+1].scale()
	}
	for j := n - 1; j >= 0; j-- {
		for _, l := range links[j] {
			*backward[j].at(l.from) += l.factor * *backward[j+1].at(l.to)
		}
		backward[j].scale()
	}
	out := make([][]Candidate, n)
	for j := range n {
		of, none, total := make([]float64, m), 0.0, 0.0
		for _, l := range links[j] {
			path := *forward[j].at(l.from) * l.factor * *backward[j+1].at(l.to)
			total += path
			if l.to.own {
				of[l.to.vehicle-1] += path
			} else {
				none += path
			}
		}
		out[j] = a.candidates(j, func(i int) float64 { return of[i] / total }, none/total)
	}
	return out
}

// transition is an assignment of a report, as a step from one state to the next.
type transition struct {
	from, to state
	factor   float64 // of its probability, over that of the report's likeliest one
}

// transitions weighs the assignments of report j. missed is what it costs that vehicles up to each one were not seen.
func (a *aligner) transitions(j int, missed []float64) []transition {
	out := make([]transition, 0, 2*(maxSkipped+3)*(len(a.vehicles)+1))
	top := math.Inf(-1)
	add := func(from, to state, weight float64) {
		top = max(top, weight)
		out = append(out, transition{from, to, weight})
	}
	for _, own := range []bool{false, true} {
		for i := range len(a.vehicles) + 1 {
			if own && (i == 0 || j == 0) {
				continue
			}
			from := state{i, own}
			add(from, state{i, false}, falseAlarmScore)
			if i > 0 { // once more
				add(from, state{i, true}, a.scores[j][i-1]+logSecondScan)
			}
			for k := i + 1; k <= min(len(a.vehicles), i+1+maxSkipped); k++ {
				weight := a.scores[j][k-1] + missed[k-1] - missed[i]
				if own && k == i+1 {
					weight += a.queueGain(j, k-1)
				}
				add(from, state{k, true}, weight)
			}
		}
	}
	for i := range out {
		out[i].factor = math.Exp(out[i].factor - top)
	}
	return out
}
