package console

import (
	"context"

	"lanewarden/drivers/observation"
)

// Candidate is a passage that an observation belongs to, or may.
type Candidate struct {
	Passage    string  `json:"passage"`         // empty: no vehicle of these lanes
	Plate      string  `json:"plate,omitempty"` // of that passage
	Confidence float32 `json:"confidence"`      // 0 to 1
}

// nameCandidates says of each line to which passages it may belong: of those that are open and the last ones that are
// closed. Where passages do not answer, lines are shown without.
func (c *Console) nameCandidates(ctx context.Context, lines []Line) {
	if len(lines) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	all, _, err := c.Passages.Passages(ctx)
	if err != nil {
		c.Log.Warn("events are shown without their passages", "err", err)
		return
	}
	of := candidates(all)
	for i := range lines {
		if lines[i].Device != observation.AgentDevice {
			lines[i].Passages = of[lines[i].Idx]
		}
	}
}

// candidates are the passages of each reading, by its row: the one that it was given to, and the other of which it
// may be.
func candidates(all []*observation.PassageClosed) map[int64][]Candidate {
	plates := map[string]string{}
	for _, p := range all {
		plates[p.Id] = p.Plate
	}
	out := map[int64][]Candidate{}
	for _, p := range all {
		for _, r := range p.Readings {
			of := []Candidate{{p.Id, p.Plate, r.Confidence}}
			if r.Other != "" || r.OtherConfidence > 0 {
				of = append(of, Candidate{r.Other, plates[r.Other], r.OtherConfidence})
			}
			out[r.Idx] = of
		}
	}
	for _, p := range all { // of a passage that is not among these, or of none: only the other candidate knows of it
		for _, r := range p.Possible {
			if out[r.Idx] == nil {
				out[r.Idx] = []Candidate{{r.Other, plates[r.Other], r.OtherConfidence}, {p.Id, p.Plate, r.Confidence}}
			}
		}
	}
	return out
}
