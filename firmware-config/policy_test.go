package firmwareconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/firmware-config/policy"
)

// Every built-in policy is right, has each reason and outcome, and is named like its file.
func TestBuiltinPolicies(t *testing.T) {
	if len(Builtin(Policies)) < 3 {
		t.Fatal(Builtin(Policies))
	}
	for _, name := range Builtin(Policies) {
		p, sum, err := ReadPolicy(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name || sum == [32]byte{} {
			t.Errorf("%s is named %s", name, p.Name)
		}
		given := map[policy.Code]bool{}
		for _, r := range p.Reasons {
			given[r.ID] = true
		}
		for _, c := range policy.Codes() {
			if !given[c] {
				t.Errorf("%s does not say what %s leads to", name, c)
			}
		}
		for outcome, codes := range map[policy.Outcome][2]string{policy.Release: {"4", "1C"}, policy.Refer: {"5", "1A"},
			policy.Hold: {"7", "1G"}, policy.Move: {"8", ""}, policy.Documents: {"6", ""}} {
			if n := p.NameOf(outcome); n.EDIFACT != codes[0] || n.CBP != codes[1] {
				t.Errorf("%s: %s is %+v", name, outcome, n)
			}
		}
	}
}

// All codes are told in an order, each once, and docs/clearance.md explains each.
func TestCodesOfReasons(t *testing.T) {
	page, err := os.ReadFile("../docs/clearance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Reason codes")
	table, _, _ = strings.Cut(table, "\n## ")
	explained := map[string]bool{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for code := range strings.SplitSeq(cells[1], ",") {
				explained[strings.TrimSpace(code)] = true
			}
		}
	}
	seen := map[policy.Code]bool{}
	for _, c := range policy.Codes() {
		if seen[c] || !explained[string(c)] {
			t.Errorf("%s is there twice, or not explained", c)
		}
		seen[c] = true
	}
	if len(explained) != len(seen)+2 { // the table's head and its rule
		t.Errorf("%d codes are explained, %d are there", len(explained)-2, len(seen))
	}
}

// What is wrong with a policy is told with line, column and a suggestion, in both languages.
func TestPolicyProblems(t *testing.T) {
	right, _, err := ReadDocument(Policies, "csa-land")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key":         {"otherwise:", "otherwize:", `unknown key "otherwize"; did you mean "otherwise"?`},
		"unknown code":        {"code: DRIVER-SUSPENDED", "code: DRIVER-SUSPENDE", `did you mean "DRIVER-SUSPENDED"?`},
		"unknown outcome":     {"{code: RANDOM, outcome: REFER", "{code: RANDOM, outcome: REFFER", `"REFFER" is not one of RELEASE, MOVE, DOCUMENTS, REFER, HOLD; did you mean "REFER"?`},
		"code twice":          {"{code: RANDOM,", "{code: CASE-OPEN,", "CASE-OPEN"},
		"unknown examination": {"exams: [RPM, IMG]", "exams: [RPM, XXX]", `ALARM-RADIATION asks for examination "XXX", which is not in exams`},
		"unknown list":        {"list: drivers", "list: driver", `did you mean "drivers"?`},
		"order of ages":       {"old: 24h, stale: 72h", "old: 96h, stale: 72h", "limits of list drivers must grow"},
		"outcome without":     {"  - {id: MOVE, en: may go on to its exit site, fr: peut continuer vers son lieu de sortie, edifact: \"8\"}\n", "", "outcome MOVE has no names"},
		"rate":                {"rate: 0.01", "rate: 1.01", "1.01 is too large: the most is 1"},
		"tares":               {"tare_least_kg: 6000", "tare_least_kg: 60000", "lightest empty vehicle (60,000\u00a0kg) is heavier than the heaviest (20,000\u00a0kg)"},
		"kind of site":        {"site_kinds: [land, ", "site_kinds: [lnad, ", `did you mean "land"?`},
		"station":             {"{id: portal, exam: RPM}", "{id: portal, exam: QQQ}", `portal asks for examination "QQQ"`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(string(right), c.old) {
				t.Fatalf("%q is not in the policy", c.old)
			}
			_, err := ParsePolicy([]byte(strings.Replace(string(right), c.old, c.new, 1)), "p.yaml")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "p.yaml:") {
				t.Fatalf("%v; want %s", err, c.want)
			}
			if french := message.Of(err).In(message.French); french == err.Error() || strings.Contains(french, " is ") {
				t.Errorf("French: %s", french)
			}
		})
	}
}

// A policy that says little is still total: what it does not list leads to "otherwise", which refers by default.
func TestShortPolicy(t *testing.T) {
	var outcomes strings.Builder
	for _, o := range policy.Outcomes() {
		outcomes.WriteString("{id: " + string(o) + ", en: x, fr: x}, ")
	}
	p, err := ParsePolicy([]byte("name: p\ntitle: t\ntitle_fr: t\nversion: v\nsite_kinds: [land]\nexams: [{id: DOC, en: d, fr: d}]\n"+
		"reasons: [{code: RANDOM, outcome: HOLD}]\noutcomes: ["+outcomes.String()+"]\n"), "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Consequence(policy.DriverUnknown); got.Outcome != policy.Refer {
		t.Errorf("%+v", got)
	}
	if p.Consequence(policy.RandomCheck).Outcome != policy.Hold || p.Weight.EmptyKg != 500 || p.Expect(policy.ExpectPlate) {
		t.Errorf("%+v", p)
	}
	if got := p.Order([]policy.Exam{"ZZZ", "DOC", "AAA", "DOC"}); len(got) != 3 || got[0] != "DOC" || got[1] != "AAA" {
		t.Error(got)
	}
}

// A lane file that names a policy is checked with it: the policy is read, and must fit lane and site.
func TestPolicyOfLane(t *testing.T) {
	const lane = "site: {id: s, kind: KIND}\nagent: {id: a}\ndevices: [{id: d, driver: clock, lane: l}]\n" +
		"lanes: [{id: l, stations: [{id: STATION, position: 1, devices: [d]}], clearance: {policy: POLICY, booth: STATION}}]\n"
	broken := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(broken, []byte("name: p\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ kind, station, policy, want string }{
		"right":        {"land", "portal", "csa-land", ""},
		"no portal":    {"land", "gate", "csa-land", `policy csa-land requires station "portal", and lane l has none of that id: it has gate`},
		"rail":         {"rail", "portal", "csa-land", "policy csa-land of lane l is made for sites of kind land, joint-facility, and this one is rail"},
		"unknown":      {"land", "portal", "csa-lant", `did you mean "csa-land"?`},
		"file":         {"land", "portal", broken, broken + ":1:1: "},
		"file missing": {"land", "portal", "/nowhere/p.yaml", "/nowhere/p.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.NewReplacer("KIND", c.kind, "STATION", c.station, "POLICY", c.policy).Replace(lane)
			got, err := Decode([]byte(text), "lane.yaml", drivers.Catalog)
			if c.want == "" {
				if err != nil || got.Lanes[0].Clearance.Policy.Value.SHA256 == [32]byte{} {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || message.Of(err).In(message.French) == err.Error() {
				t.Errorf("%v; want %s", err, c.want)
			}
		})
	}
}
