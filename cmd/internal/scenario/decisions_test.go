package scenario

import (
	"strings"
	"testing"

	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/firmware-config/policy"
)

// policies of the scenarios whose lanes decide.
var policies = map[string]string{"csa-lane": "csa-land", "joint-post": "joint-facility", "demo": "csa-land"}

func loadPolicy(t testing.TB, scenario string) *policy.Policy {
	t.Helper()
	p, _, err := firmwareconfig.ReadPolicy(policies[scenario])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// decidedDays judges the decisions of n days, and returns a report; "" for a scenario whose lane decides nothing.
func decidedDays(t testing.TB, name string, seed, n uint64) string {
	s := load(t, name)
	if s.boothStation() == "" {
		return ""
	}
	p := loadPolicy(t, name)
	var b strings.Builder
	for i := range n {
		score := JudgeDecisions(s, Make(s, seed+i), p, seed+i)
		b.WriteString(score.Report())
		if *wrong {
			b.WriteString(strings.Join(score.Wrong, "\n") + "\n")
		}
	}
	return b.String()
}

// A lane decides about each driver with papers: lets nobody go with whom something is wrong, or whose alarm was known,
// and stops few others.
func TestDecisions(t *testing.T) {
	for _, name := range []string{"csa-lane", "joint-post"} {
		t.Run(name, func(t *testing.T) {
			s := load(t, name)
			score := JudgeDecisions(s, Make(s, 3), loadPolicy(t, name), 3)
			t.Log(score.Report())
			if score.Decided*100 < score.Vehicles*98 || score.Right*100 < score.Decided*97 || score.Released > 0 {
				t.Errorf("%s", strings.Join(score.Wrong, "\n"))
			}
		})
	}
}
