package brokerrules

import (
	"strings"
	"testing"

	"lanewarden/sync/wire"
)

// Both brokers' rules have each topic of the table, once for agents and once for the hub, and no other.
func TestRulesAreTheTable(t *testing.T) {
	for broker, own := range map[string]string{"mosquitto": "%u", "emqx": "${username}"} {
		files, err := For(broker, Options{Hub: "lanehub", Dir: "/d"})
		if err != nil {
			t.Fatal(err)
		}
		rules := files[0].Text
		for _, r := range wire.Rules() {
			for _, want := range []string{wire.Version + "/+/+/" + r.Leaf, wire.Version + "/" + own + "/" + r.Leaf} {
				if n := strings.Count(rules+" ", want+"\n") + strings.Count(rules, want+`"`); n != 1 {
					t.Errorf("%s: %s is there %d times:\n%s", broker, want, n, rules)
				}
			}
		}
		if n := strings.Count(rules, wire.Version+"/"); n != 2*len(wire.Rules()) {
			t.Errorf("%s: %d topics", broker, n)
		}
	}
	for _, bad := range []string{"", "a b", "s/a", "+", `x"`, "x\nuser y"} {
		if _, err := For("mosquitto", Options{Hub: bad}); err == nil {
			t.Errorf("hub %q", bad)
		}
	}
}
