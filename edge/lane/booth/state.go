package booth

import (
	"slices"

	"lanewarden/drivers/observation"
)

// shownEnded is the number of vehicles that have left that a lane's page shows.
const shownEnded = 12

// show publishes what a lane's booth looks like.
func (f *Follower) show(l *lane) {
	s := State{Lane: l.ID, Current: l.inForce(), Outputs: l.outputs.states(), Keyed: l.Keyed != ""}
	if p := l.booth.Current(); p != nil {
		s.Begun = p.Begun
	}
	for _, p := range slices.Backward(l.booth.ended) {
		if len(s.Last) < shownEnded && p.said != nil {
			s.Last = append(s.Last, p.said)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shown[l.ID] = s
}

// States returns the booths, in the order of the lane file; none before the journal was read back, as a vehicle may be
// there. Decisions are not to be changed.
func (f *Follower) States() (out []State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.lanes {
		s, ok := f.shown[l.ID]
		if !ok {
			return nil
		}
		s.Outputs = l.outputs.states()
		out = append(out, s)
	}
	return out
}

// find returns the decision in force of a presentation; nil for one that is not shown.
func (f *Follower) find(presentation string) *observation.ClearanceDecision {
	for _, s := range f.States() {
		for _, d := range append([]*observation.ClearanceDecision{s.Current}, s.Last...) {
			if d.GetPresentation() == presentation && d != nil {
				return d
			}
		}
	}
	return nil
}
