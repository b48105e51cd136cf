package observation

import "iter"

// Removed yields the rows that p declares removed, as ranges of idx from first to last, both included, in rising order.
// A range that does not fit an int64 ends it.
func (p *AgentPruned) Removed() iter.Seq2[int64, int64] { return runsFrom(p.GetFirst(), p.GetRuns()) }

// Erased yields the rows that e declares erased, as Removed does those of AgentPruned.
func (e *AgentErased) Erased() iter.Seq2[int64, int64] { return runsFrom(e.GetFirst(), e.GetRuns()) }

// runsFrom yields every second run of rows, of those that begin with the row first.
func runsFrom(first int64, runs []uint64) iter.Seq2[int64, int64] {
	return func(yield func(first, last int64) bool) {
		at := first
		for i, n := range runs {
			end := at + int64(n)
			if end < at {
				return
			}
			if i%2 == 0 && n > 0 && !yield(at, end-1) {
				return
			}
			at = end
		}
	}
}

// NewAgentPruned declares rows removed: their idx in rising order, one at least.
func NewAgentPruned(class Class, rows []int64) *AgentPruned {
	return &AgentPruned{Class: class, First: rows[0], Rows: uint64(len(rows)), Runs: runsOf(rows)}
}

// MaxErased is how many rows one AgentErased declares at most.
const MaxErased = 200

// NewAgentErased declares the personal values of rows erased: their idx in rising order, one at least, MaxErased at most.
func NewAgentErased(rows []int64, artifacts int) *AgentErased {
	return &AgentErased{First: rows[0], Rows: uint64(len(rows)), Runs: runsOf(rows), Artifacts: uint64(artifacts)}
}

// runsOf returns how many of rows follow each other, how many are between these and the next, and so on.
func runsOf(rows []int64) (runs []uint64) {
	run := uint64(1)
	for i, idx := range rows[1:] {
		if gap := idx - rows[i] - 1; gap > 0 {
			runs = append(runs, run, uint64(gap))
			run = 0
		}
		run++
	}
	return append(runs, run)
}
