package hub

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/edge/evidence"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// Who follows the header Link sees every agent once.
func TestAgentsComeInPages(t *testing.T) {
	l, err := ledger.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := range 5 {
		agent := fmt.Sprint("lane-", i)
		_, verifier, err := note.GenerateKey(rand.Reader, evidence.KeyName("demo", agent))
		if err != nil {
			t.Fatal(err)
		}
		hello := &wire.Hello{Journal: fmt.Appendf(nil, "%-16d", i), BlindKey: make([]byte, 32), Verifier: verifier, Size: 1}
		if a, err := l.Apply([]ledger.Message{ledger.Hello{From: ledger.Sender{Site: "demo", Agent: agent}, Body: hello}}); err != nil || a[0].Ack.Refusal != 0 {
			t.Fatal(a, err)
		}
	}
	h := (&httpServer{ledger: l, states: newStates(), boxes: newBoxes(), metrics: newMetrics(l, newStates())}).handler()
	next := regexp.MustCompile(`^<(/v1/agents\?.*)>; rel="next"$`)
	seen := map[string]bool{}
	for url, pages := "/v1/agents?limit=2", 1; ; pages++ {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", url, nil)
		r.Host = "localhost"
		h.ServeHTTP(w, r)
		var page []hubapi.AgentSummary
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d %s", url, w.Code, w.Body)
		}
		for _, a := range page {
			if seen[a.Agent] {
				t.Errorf("%s comes twice", a.Agent)
			}
			seen[a.Agent] = true
		}
		link := w.Header().Get("Link")
		if link == "" {
			if len(seen) != 5 || pages != 3 {
				t.Errorf("%d agents on %d pages", len(seen), pages)
			}
			return
		}
		if !next.MatchString(link) || pages > 5 {
			t.Fatalf("page %d: Link: %s", pages, link)
		}
		url = next.FindStringSubmatch(link)[1]
	}
}
