package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// TestLooksAreGathered: a look is fresh once in its time, for each person and thing; a clock that was set back
// makes it fresh again.
func TestLooksAreGathered(t *testing.T) {
	var l looks
	now := time.Unix(1_000_000, 0)
	a, b := look{"anna", "10.0.0.1", "passage 1"}, look{"bert", "10.0.0.1", "passage 1"}
	for i, c := range []struct {
		one   look
		after time.Duration
		want  bool
	}{
		{a, 0, true}, {a, time.Minute, false}, {b, time.Minute, true}, {a, lookEvery, true},
		{a, lookEvery + time.Minute, false}, {a, 0, true},
	} {
		if got := l.fresh(c.one, now.Add(c.after)); got != c.want {
			t.Errorf("look %d: %v", i, got)
		}
	}
	for i := range 3 * maxLooks {
		l.fresh(look{"anna", "", time.Duration(i).String()}, now)
	}
	if len(l.last) > maxLooks {
		t.Errorf("%d looks are remembered", len(l.last))
	}
}

// TestWhoLooked: a search is a row that names who searched and for what, once, and does not find that row; what
// nobody may see is none.
func TestWhoLooked(t *testing.T) {
	g := newGuarded(t)
	viewer, guest := g.browser(), g.browser()
	viewer.signIn("viewer", "correct horse")
	for range 3 {
		code, text := viewer.ask(http.MethodGet, "/v1/observations?q=QZKX482", "")
		if code != http.StatusOK {
			t.Fatal(code, text)
		}
		if strings.Contains(text, "agent.access") {
			t.Errorf("a search finds itself: %s", text)
		}
	}
	guest.ask(http.MethodGet, "/v1/observations?q=QZKX482", "")
	rows, err := g.console.Journal.Read(0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, r := range rows {
		said = append(said, lookIn(t, &r)...)
	}
	if len(said) != 1 || said[0] != `viewer: search for "qzkx482"` {
		t.Errorf("rows say %q", said)
	}
}

// lookIn returns who looked at what, when a row says so.
func lookIn(t *testing.T, r *journal.Row) []string {
	o, err := r.Observation()
	if err != nil {
		t.Fatal(err)
	}
	a := o.Body.GetAgentAccess()
	if o.Body.Kind() != observation.Kind_KIND_AGENT_ACCESS || a.Action != lookAction {
		return nil
	}
	return []string{a.User + ": " + a.Text}
}
