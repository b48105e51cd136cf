package cases

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestPageOffersWhatIsAllowed: each button that the pages show in a state is something that somebody may do then.
func TestPageOffersWhatIsAllowed(t *testing.T) {
	text, err := os.ReadFile("../web/static/pages/cases.js")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "const possible = {")
	table, _, _ = strings.Cut(table, "};")
	rows := regexp.MustCompile(`"([a-z-]+)": \[([^\]]*)\]`).FindAllStringSubmatch(table, -1)
	if len(rows) != len(States()) {
		t.Errorf("%d states of %d", len(rows), len(States()))
	}
	before := map[string]string{"second-opinion-asked": "second asked", "secondary-requested": "secondary", "secondary-done": "secondary done"}
	does := map[string]string{
		"ask-secondary": "ask secondary", "secondary-result": "result 6", "decide": "decide 6", "overrule": "overrule 6", "ask-second": "ask second",
	}
	for _, row := range rows {
		situation := before[row[1]]
		if situation == "" {
			situation = row[1]
		}
		for _, action := range strings.Split(strings.ReplaceAll(row[2], `"`, ""), ", ") {
			if does[action] == "" {
				does[action] = action
			}
			allowed := false
			for _, who := range []string{"Ana", "Bob", "Sue"} {
				b := newBoth(t, "")
				b.before(situation)
				allowed = allowed || b.do(who, does[action], b.events) == nil
			}
			if !allowed {
				t.Errorf("%s is offered in the state %s, and nobody may do it", action, row[1])
			}
		}
	}
}
