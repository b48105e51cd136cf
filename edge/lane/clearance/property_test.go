package clearance

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/edge/lane/clearance/clearancetest"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
)

// wordsOfTable returns all words of the notation that the table uses.
func wordsOfTable(t testing.TB) (words []string) {
	_, table, _ := strings.Cut(page(t), "## Decision table")
	_, table, _ = strings.Cut(table, "| # |")
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			words = append(words, strings.Fields(strings.Trim(strings.TrimSpace(cells[3]), "`"))...)
		}
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "facts" || w == "CSA" || strings.HasPrefix(w, "-") })
	slices.Sort(words)
	return slices.Compact(words)
}

// drawSituation draws facts from the words of the table and from codes that nobody expects.
func drawSituation(t *rapid.T, tb testing.TB, words []string) (*situation, *policy.Policy) {
	word := rapid.OneOf(rapid.SampledFrom(words), rapid.StringMatching(`[0-9A-Z-]{1,16}`), rapid.StringN(1, 40, 200).Filter(
		func(s string) bool { return !strings.ContainsAny(s, ":@{ \t\n\r") && len(strings.Fields(s)) == 1 }))
	s := read(tb, strings.Join(rapid.SliceOfN(word, 0, 12).Draw(t, "facts"), " "))
	s.in.Draw.Value = rapid.SampledFrom([]float64{0, 0.02, 0.5, 1, -1, math.NaN(), math.Inf(1)}).Draw(t, "draw")
	s.in.Vehicle.WeightKg = rapid.SampledFrom([]float64{0, 9300, 28000, -5, math.NaN(), math.Inf(1)}).Draw(t, "kg")
	return s, readPolicy(tb, s.policy)
}

// checkProperties states what holds of every decision.
func checkProperties(tb testing.TB) func(*rapid.T) {
	words := wordsOfTable(tb)
	return func(t *rapid.T) {
		s, p := drawSituation(t, tb, words)
		d := Decide(s.in, s.lists, p)
		if again := Decide(s.in, s.lists, p); !reflect.DeepEqual(d, again) && !math.IsNaN(d.Rate) {
			t.Fatalf("the same input, another decision:\n%+v\n%+v", d, again)
		}
		worstReason := Release
		for i, r := range d.Reasons {
			worstReason = policy.Worst(worstReason, r.Outcome)
			if i > 0 && r.Outcome.Severity() > d.Reasons[i-1].Outcome.Severity() {
				t.Fatalf("reason %s comes after a milder one", r.Code)
			}
			if r.Text.English() == "" || r.Text.In("fr") == "" || strings.Contains(r.Text.English(), "{{") {
				t.Fatalf("%s says nothing", r.Code)
			}
		}
		if d.Outcome != worstReason || len(d.Reasons) == 0 {
			t.Fatalf("%s, but the worst of %d reasons is %s", d.Outcome, len(d.Reasons), worstReason)
		}
		for _, one := range d.Shipments {
			if one.Outcome != worst(one.Reasons) || one.Outcome.Severity() > d.Outcome.Severity() || len(one.Reasons) == 0 {
				t.Fatalf("shipment %+v of a vehicle with %s", one, d.Outcome)
			}
		}
		sameInAnyOrder(t, s, p, d)
		alarmsNeverImprove(t, s, p, d)
	}
}

func sameInAnyOrder(t *rapid.T, s *situation, p *policy.Policy, d Decision) {
	other := s.in
	other.Presented.Codes = rapid.Permutation(s.in.Presented.Codes).Draw(t, "codes")
	other.Presented.Cards = rapid.Permutation(s.in.Presented.Cards).Draw(t, "cards")
	other.Presented.Seals = rapid.Permutation(s.in.Presented.Seals).Draw(t, "seals")
	if got := Decide(other, s.lists, p); !reflect.DeepEqual(d, got) && !math.IsNaN(d.Rate) {
		t.Fatalf("another order, another decision:\n%+v\n%+v", d, got)
	}
	one, ready := DrawFor(s.in, s.lists, p)
	if two, readyToo := DrawFor(other, s.lists, p); one != two || ready != readyToo {
		t.Fatal("another order, another draw")
	}
}

func alarmsNeverImprove(t *rapid.T, s *situation, p *policy.Policy, d Decision) {
	other := s.in
	a := Alarm{Row: 9999, Device: "rpm-9", Kind: rapid.SampledFrom([]string{"radiation.occupancy", "xray.threat-report", "", "trace.x"}).Draw(t, "alarm"),
		Possible: rapid.Bool().Draw(t, "possible"), Natural: rapid.Bool().Draw(t, "natural"),
		Nuclides: rapid.SampledFrom([][]string{nil, {"K-40"}, {"Cs-137"}}).Draw(t, "nuclides")}
	other.Vehicle.Alarms = append(slices.Clone(s.in.Vehicle.Alarms), a)
	if got := Decide(other, s.lists, p); got.Outcome.Severity() < d.Outcome.Severity() {
		t.Fatalf("%s became %s by an alarm", d.Outcome, got.Outcome)
	}
}

// Whatever is presented, there is a decision, and it is the worst of its reasons; the order of codes does not matter, and
// an alarm never makes it better.
func TestProperties(t *testing.T) { rapid.Check(t, checkProperties(t)) }

func FuzzDecide(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkProperties(f))) }

// Without lists and policy nobody goes on.
func TestNothingToGoBy(t *testing.T) {
	s := read(t, "CSA")
	for name, d := range map[string]Decision{
		"nothing":   Decide(s.in, nil, nil),
		"no lists":  Decide(s.in, nil, readPolicy(t, "csa-land")),
		"no policy": Decide(s.in, s.lists, nil),
		"no facts":  Decide(Input{}, nil, nil),
	} {
		if d.Outcome != Hold {
			t.Errorf("%s: %s", name, d.Outcome)
		}
	}
}

// What a decision names is what it was made by.
func TestDecisionNamesItsGrounds(t *testing.T) {
	s := read(t, "CSA draw:0.01")
	p := readPolicy(t, "csa-land")
	d := Decide(s.in, s.lists, p)
	if d.Policy != "csa-land" || d.PolicySHA256 != p.SHA256 || p.SHA256 == [32]byte{} || len(d.Lists) != len(lists.Kinds()) {
		t.Errorf("%+v", d)
	}
	if !d.Selected || d.Rate != 0.05 || !d.At.Equal(s.in.Now) {
		t.Errorf("selected %v, rate %g, at %s", d.Selected, d.Rate, d.At)
	}
	for _, r := range d.Reasons {
		if r.Code == policy.CSAApproved && len(r.Rows) == 0 {
			t.Errorf("%+v rests on nothing", r)
		}
	}
}

// Targets that the driver may not know of are marked, and their sentence says so.
func TestDiscreetTargets(t *testing.T) {
	s := read(t, "CSA plate:MULTI1")
	discreet := map[bool]int{}
	for _, r := range Decide(s.in, s.lists, readPolicy(t, "csa-land")).Reasons {
		if r.Code == policy.Targeted {
			discreet[r.Discreet]++
			if strings.Contains(r.Text.English(), "Do not tell the driver") != r.Discreet ||
				strings.Contains(r.Text.In("fr"), "Ne pas le dire au chauffeur") != r.Discreet {
				t.Errorf("%+v", r)
			}
		}
	}
	if discreet[true] != 1 || discreet[false] != 1 {
		t.Error(discreet)
	}
}

// The identity of a draw is that of what is shown, however it is shown.
func TestDrawFor(t *testing.T) {
	p := readPolicy(t, "csa-land")
	identity := func(facts string) [32]byte {
		s := read(t, facts)
		id, ready := DrawFor(s.in, s.lists, p)
		if !ready {
			t.Errorf("%s: nothing to draw for", facts)
		}
		return id
	}
	same := identity("CSA")
	for _, facts := range []string{"12345678 8080 123456782RM0001", "8080 123456782RM0001 card:E280AA01/E2003401",
		"key:8080 123456782RM0001 12345678", "CSA plate:QQ1"} {
		if identity(facts) != same {
			t.Errorf("%s has another identity", facts)
		}
	}
	if identity("8080TRIP0001") != identity("8080PARS0001 8080PARS0002") {
		t.Error("a trip is not its shipments")
	}
	for _, facts := range []string{"CSA 100000009RM0001", "8080 12345678", "8080 123456782RM0001 12340001"} {
		if identity(facts) == same {
			t.Errorf("%s has the same identity", facts)
		}
	}
	for _, facts := range []string{"", "8080", "8080 123456782RM0001", "plate:ABC123"} {
		s := read(t, facts)
		if _, ready := DrawFor(s.in, s.lists, p); ready {
			t.Errorf("%q is enough to draw for", facts)
		}
	}
}

// BenchmarkDecide decides about a truck of CSA and announced freight with 20 rows of lists in memory.
func BenchmarkDecide(b *testing.B) {
	for name, facts := range map[string]string{
		"csa":   "CSA",
		"mixed": "8080 100000009RM0001 12345678 8080TRIP0001 card:E280AA01/E2003401 kg:21000 tare:9000 alarm:radiation",
	} {
		b.Run(name, func(b *testing.B) {
			s, p := read(b, facts), readPolicy(b, "csa-land")
			b.ReportAllocs()
			for b.Loop() {
				Decide(s.in, s.lists, p)
			}
		})
	}
}

var _ Lists = (*clearancetest.Lists)(nil)
