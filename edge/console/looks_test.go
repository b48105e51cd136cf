package console

import (
	"net/http"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api/looks"
	"lanewarden/edge/journal"
)

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
	if o.Body.Kind() != observation.Kind_KIND_AGENT_ACCESS || a.Action != looks.Action {
		return nil
	}
	return []string{a.User + ": " + a.Text}
}
