package views

import (
	"fmt"
	"testing"

	"lanewarden/drivers/observation"
)

// TestDecisionsOfAPassage: of the decisions about a passage the last row is in force, of each presentation its highest
// revision; one that goes to another passage leaves the one before in force, or none. That does not depend on which rows
// are folded together.
func TestDecisionsOfAPassage(t *testing.T) {
	steps := []struct {
		presentation string
		revision     uint32
		passage      string
		outcome      string
		p1, p2       string // in force afterwards
	}{
		{"v1", 1, "p1", "RELEASE", "RELEASE", ""},
		{"v2", 1, "p1", "HOLD", "HOLD", ""},
		{"v1", 2, "p1", "MOVE", "MOVE", ""},
		{"v1", 3, "p2", "REFER", "HOLD", "REFER"},
		{"v1", 2, "p1", "DOCUMENTS", "HOLD", "REFER"}, // an older revision that comes late
		{"v2", 2, "", "HOLD", "", "REFER"},
		{"v3", 1, "p1", "RELEASE", "RELEASE", "REFER"},
		{"v1", 4, "p1", "HOLD", "HOLD", ""},
		{"v3", 2, "p1", "RELEASE", "RELEASE", ""},
	}
	for _, limit := range []int{1, 2, 5, batchRows} {
		onBoth(t, func(t *testing.T, c *centre) {
			l := newLane(c, "emerson", "lane-7")
			l.event(&observation.PassageOpened{Id: "p1", Lane: "lane-1"})
			l.event(&observation.PassageOpened{Id: "p2", Lane: "lane-1"})
			check := func(name string, step int) {
				for id, want := range map[string]string{"p1": steps[step].p1, "p2": steps[step].p2} {
					p, err := c.Passage(l.from, id)
					if err != nil || p.Outcome != want || p.Decision.GetOutcome() != want {
						t.Errorf("%s, %s: %q and %v, expected %q (%v)", name, id, p.Outcome, p.Decision, want, err)
					}
				}
			}
			for i, s := range steps {
				l.event(&observation.ClearanceDecision{Presentation: s.presentation, Revision: s.revision, Lane: "lane-1",
					Passage: s.passage, Outcome: s.outcome, Decided: s.outcome})
				if l.send(); limit == 1 {
					c.follow(limit)
					check(fmt.Sprint("step ", i), i)
				}
			}
			c.follow(limit)
			check(fmt.Sprint("in batches of ", limit), len(steps)-1)
			c.sameAgain()
		})
	}
}
