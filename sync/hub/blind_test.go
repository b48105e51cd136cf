package hub

import (
	"net/http"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
)

// TestSecondReaderAtTheHub: what an officer at the lane said is kept from who is to give the second opinion at the centre,
// by every route, until their own verdict is on record at both ends; a supervisor sees it.
func TestSecondReaderAtTheHub(t *testing.T) {
	rules := cases.DefaultRules()
	rules.SecondBlind = true
	_, l, as := hubWithRules(t, rules)
	id := l.pass(1)[0]
	eventually(t, "the lane opens the case", func() bool { return l.at(id) != nil })
	act := &observation.CaseEvent{
		Id: id, Action: observation.CaseEvent_ACTION_DECIDE, By: "ana", Role: "officer", Key: "ana", Notes: "cigarettes",
		Verdict: &observation.CaseVerdict{Code: 1},
	}
	if _, err := l.book.Act(t.Context(), act, l.at(id).Revision()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the centre has heard", func() bool {
		r, code := as["sue"].found(id)
		return code == http.StatusOK && r.Case.State == string(cases.SecondAsked)
	})
	routes := []string{casesAt + id, "/v1/cases?state=all", "/v1/cases.csv", "/v1/feed?kind=case.event"}
	tells := func(who string) (which []string) {
		for _, path := range routes {
			code, text := as[who].do(http.MethodGet, path, "")
			if code != http.StatusOK {
				t.Fatalf("%s %s: %d %s", who, path, code, text)
			}
			if strings.Contains(text, "cigarettes") || strings.Contains(text, "contraband") || strings.Contains(text, "real-alarm") {
				which = append(which, path)
			}
		}
		return which
	}
	for _, who := range []string{"max", "eve"} {
		if found := tells(who); found != nil {
			t.Errorf("%s learns the first verdict from %v", who, found)
		}
	}
	if found := tells("sue"); len(found) != len(routes) {
		t.Errorf("a supervisor sees it in %v", found)
	}
	r, _ := as["max"].found(id)
	if !r.Case.Blind || len(r.Case.Verdicts) > 0 {
		t.Errorf("%+v", r.Case)
	}
	revision := `"revision":2}`
	if code, text := as["max"].act(id, `{"action":"overrule","code":6,"reason":"r",`+revision); code != http.StatusConflict || !strings.Contains(text, "without knowing") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := as["max"].act(id, `{"action":"decide","code":6,`+revision); code != http.StatusOK || !strings.Contains(text, "cigarettes") {
		t.Errorf("%d %s", code, text)
	}
	eventually(t, "the lane has heard", func() bool { return l.at(id).State == cases.Disputed })
	if r, _ := as["eve"].found(id); r.Case.State != string(cases.Disputed) || r.Case.Blind || len(r.Case.Verdicts) != 2 {
		t.Errorf("%+v", r.Case)
	}
}
