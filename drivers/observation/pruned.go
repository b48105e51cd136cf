package observation

import "iter"

// Removed yields the rows that p declares removed, as ranges of idx from first to last, both included, in rising order.
// A range that does not fit an int64 ends it.
func (p *AgentPruned) Removed() iter.Seq2[int64, int64] {
	return func(yield func(first, last int64) bool) {
		at := p.GetFirst()
		for i, n := range p.GetRuns() {
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
	p := &AgentPruned{Class: class, First: rows[0], Rows: uint64(len(rows))}
	run := uint64(1)
	for i, idx := range rows[1:] {
		if gap := idx - rows[i] - 1; gap > 0 {
			p.Runs = append(p.Runs, run, uint64(gap))
			run = 0
		}
		run++
	}
	p.Runs = append(p.Runs, run)
	return p
}
