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

// NATS servers name each agent, on its own topics and its own partition.
func TestRulesForNATS(t *testing.T) {
	o := Options{Hub: "lanehub", Dir: "/d", Agents: map[string]string{"demo/lane-1": "$2a$x", "demo/lane-2": "$2a$y"}, File: "agents"}
	files, err := For("nats", o)
	if err != nil {
		t.Fatal(err)
	}
	rules := files[0].Text
	for _, r := range wire.Rules() {
		if n := strings.Count(rules, `lane-1.`+r.Leaf+`"`); n != 1 {
			t.Errorf("lane-1's %s is there %d times:\n%s", r.Leaf, n, rules)
		}
	}
	if strings.Contains(files[1].Text, "verify_and_map") {
		t.Error("agents with passwords are to show certificates")
	}
	o.Agents["demo/lane-2"] = byCertificate
	if _, err := For("nats", o); err == nil || !strings.Contains(err.Error(), "agents has agents") {
		t.Errorf("agents of both kinds: %v", err)
	}
	o.Agents["demo/lane-1"] = byCertificate
	if files, err = For("nats", o); err != nil || !strings.Contains(files[0].Text, `"CN=demo/lane-1"`) ||
		!strings.Contains(files[1].Text, "verify_and_map") || strings.Contains(files[0].Text, "password") {
		t.Errorf("agents with certificates: %v, %v", files, err)
	}
	o.Agents = nil
	if _, err := For("nats", o); err == nil || !strings.Contains(err.Error(), "--agents") {
		t.Errorf("without agents: %v", err)
	}
}
