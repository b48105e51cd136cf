package hub

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/wire"
)

// TestWhoLookedIsOnRecord: who reads the feed and who changes something is a row, under the hub's own name, in the
// feed; the hub itself is no agent of the fleet, and no agent may speak under its name.
func TestWhoLookedIsOnRecord(t *testing.T) {
	file, all := holders(t)
	o := start(t, Options{HTTPTokens: file})
	ask := func(method, path, body string, scope api.Scope) string {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+o.HTTP+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+all[scope])
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	said := func() (out []string) { // WHO ACTION WHAT of each row
		lines := bufio.NewScanner(strings.NewReader(ask(http.MethodGet, "/v1/feed?kind=agent.access", "", api.ScopeFeed)))
		for lines.Scan() {
			var e struct {
				Source string
				Data   struct {
					AgentAccess struct{ Action, User, Peer, Text string }
				}
			}
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatal(err, lines.Text())
			}
			a := e.Data.AgentAccess
			if e.Source != "/lanewarden/"+hubjournal.Name.Site+"/"+hubjournal.Name.Agent || a.Peer != "127.0.0.1" {
				t.Errorf("%s", lines.Text())
			}
			out = append(out, a.User+" "+a.Action+" "+a.Text)
		}
		return out
	}
	for begin := time.Now(); len(said()) == 0; time.Sleep(20 * time.Millisecond) { // the first look makes the first row
		if time.Since(begin) > 30*time.Second {
			t.Fatal("no look is on record")
		}
	}
	ask(http.MethodPost, "/v1/erasures", `{"name":"QZKX482"}`, api.ScopeAdmin)
	for begin := time.Now(); len(said()) < 2; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatal("no act is on record")
		}
	}
	got := said()
	if len(got) != 2 || got[0] != "feed look the feed of all observations" || got[1] != "admin erase of one name" {
		t.Errorf("%q", got)
	}
	if agents := ask(http.MethodGet, "/v1/agents", "", api.ScopeFleet); strings.TrimSpace(agents) != "[]" {
		t.Errorf("agents: %s", agents)
	}
}

func TestNoAgentMayHaveTheHubsName(t *testing.T) {
	d := &decoder{metrics: newMetrics(nil, newStates()), log: slog.New(slog.DiscardHandler)}
	if _, ok := d.decode(incoming{topic: wire.Topic(hubjournal.Name.Site, hubjournal.Name.Agent, wire.LeafHello)}); ok {
		t.Error("a hello under the hub's own name is accepted")
	}
}
