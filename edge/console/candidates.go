package console

import (
	"context"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// nameCandidates fills in, for each line, the passages that it may belong to, of those that are
// open and the last ones that are closed. When the passages do not answer in time, lines are shown
// without them.
func (c *Console) nameCandidates(ctx context.Context, lines []api.Line) {
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

// candidates returns the passages of each reading, by its row: the one that it was given to first,
// and then the other one that it may be of.
func candidates(all []*observation.PassageClosed) map[int64][]api.Candidate {
	plates := map[string]string{}
	for _, p := range all {
		plates[p.Id] = p.Plate
	}
	out := map[int64][]api.Candidate{}
	for _, p := range all {
		for _, r := range p.Readings {
			of := []api.Candidate{{Passage: p.Id, Plate: p.Plate, Confidence: r.Confidence}}
			if r.Other != "" || r.OtherConfidence > 0 {
				of = append(of, api.Candidate{
					Passage: r.Other, Plate: plates[r.Other], Confidence: r.OtherConfidence,
				})
			}
			out[r.Idx] = of
		}
	}
	for _, p := range all { // of a passage that is not among these, or of none: only the other candidate knows of it
		for _, r := range p.Possible {
			if out[r.Idx] == nil {
				out[r.Idx] = []api.Candidate{
					{Passage: r.Other, Plate: plates[r.Other], Confidence: r.OtherConfidence},
					{Passage: p.Id, Plate: p.Plate, Confidence: r.Confidence},
				}
			}
		}
	}
	return out
}
