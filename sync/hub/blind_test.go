package hub

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/sync/wire"
)

// TestSecondReaderAtTheHub: what an officer at the lane said is kept from who is to give the second opinion at the centre,
// by every route, until their own verdict is on record at both ends; a supervisor sees it.
func TestSecondReaderAtTheHub(t *testing.T) {
	rules := cases.DefaultRules()
	rules.SecondBlind = true
	_, l, as := hubWithRules(t, rules)
	id := l.pass(1)[0]
	eventually(t, "the lane opens the case", func() bool { return l.at(id) != nil })
	firstVerdict(t, l, id)
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

// TestSecondReaderOutside: what goes outside while a second opinion is pending does not tell the first verdict, neither by a
// rule nor as JSON, also where names may go out; the second verdict does, and so does what is said where the policy hides
// nothing.
func TestSecondReaderOutside(t *testing.T) {
	for name, blind := range map[string]bool{"blind": true, "not blind": false} {
		t.Run(name, func(t *testing.T) {
			told, url := hook(t)
			rules := cases.DefaultRules()
			rules.SecondBlind = blind
			o, l, as := hubWithRules(t, rules, func(o *Options) {
				o.JSON, o.Notify = true, notifyFile(t, url, "kinds: [case.event], personal: true")
			})
			published, refused := listen(t, o.MQTT, "risk", "", wire.JSONVersion+"/#")
			if refused {
				t.Fatal("nobody may listen")
			}
			id := l.pass(1)[0]
			eventually(t, "the lane opens the case", func() bool { return l.at(id) != nil })
			firstVerdict(t, l, id)
			first := <-told
			if !strings.Contains(first, "ACTION_DECIDE") || strings.Contains(first, "cigarettes") == blind || strings.Contains(first, "verdict") == blind {
				t.Errorf("a rule tells of the first verdict: %s", first)
			}
			if text := string(caseEvent(published)); strings.Contains(text, "verdict") == blind {
				t.Errorf("as JSON: %s", text)
			}
			if !blind {
				return
			}
			eventually(t, "the centre has heard", func() bool {
				r, code := as["max"].found(id)
				return code == http.StatusOK && r.Case.Blind
			})
			if code, text := as["max"].act(id, `{"action":"decide","code":6,"revision":2}`); code != http.StatusOK {
				t.Fatalf("%d %s", code, text)
			}
			if second := <-told; !strings.Contains(second, `"code":6`) {
				t.Errorf("a rule tells of the second verdict: %s", second)
			}
		})
	}
}

// caseEvent returns the next event of a case of what is published.
func caseEvent(published chan mqtt.Message) []byte {
	for m := range published {
		if strings.HasSuffix(m.Topic(), "/case/event") {
			return m.Payload()
		}
	}
	return nil
}

// hook is a webhook's receiver, and what comes to it.
func hook(t *testing.T) (came chan string, url string) {
	came = make(chan string, 100)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body) // what is missing of it is missed by who reads it
		came <- string(text)
	}))
	t.Cleanup(s.Close)
	return came, s.URL
}

// notifyFile is a file with one rule that tells a webhook.
func notifyFile(t *testing.T, url, conditions string) string {
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "secret"), filepath.Join(dir, "notify.yaml")
	write(t, secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	write(t, file, fmt.Sprintf("receivers:\n  - {id: a, webhook: {url: %q, secret_file: %s}}\nrules:\n  - {id: r, to: [a], %s}\n",
		url, secret, conditions))
	return file
}

// firstVerdict has an officer at the lane decide a case: cigarettes, a real alarm.
func firstVerdict(t *testing.T, l *casesLane, id string) {
	t.Helper()
	act := &observation.CaseEvent{
		Id: id, Action: observation.CaseEvent_ACTION_DECIDE, By: "ana", Role: "officer", Key: "ana", Notes: "cigarettes",
		Verdict: &observation.CaseVerdict{Code: 1},
	}
	if _, err := l.book.Act(t.Context(), act, l.at(id).Revision()); err != nil {
		t.Fatal(err)
	}
}
