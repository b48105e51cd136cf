package hub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger"
)

// AgentSummary is an agent as GET /v1/agents shows it.
type AgentSummary struct {
	Site      string                `json:"site"`
	Agent     string                `json:"agent"`
	Online    bool                  `json:"online"`
	Heard     *time.Time            `json:"heard,omitempty"` // last state message
	Hello     time.Time             `json:"hello"`
	Software  string                `json:"software"`
	Journal   string                `json:"journal"`
	Size      int64                 `json:"size"`     // rows at the last hello
	Held      int64                 `json:"held"`     // rows here without holes
	Verified  int64                 `json:"verified"` // rows under a checkpoint found right
	Refused   string                `json:"refused,omitempty"`
	Cursors   map[string]int64      `json:"cursors"`
	Waiting   map[string]int64      `json:"waiting,omitempty"` // as the agent last said
	Devices   []*observation.Device `json:"devices"`
	VerifyKey string                `json:"verify_key"`
	Console   string                `json:"console,omitempty"` // URL of the lane's console
	Trouble   []DeviceTrouble       `json:"trouble"`           // devices that do not work, as the agent last said
}

// DeviceTrouble is a device that does not work, as its agent says.
type DeviceTrouble struct {
	Device string `json:"device"`
	State  string `json:"state"`  // connecting, silent, down or stopped
	Reason string `json:"reason"` // in words, for a technician, English
	// ReasonFR is Reason in French; empty from agents that do not say it.
	ReasonFR string    `json:"reason_fr,omitempty"`
	Since    time.Time `json:"since"`
}

// agentParameters are the parameters of GET /v1/agents; docs/openapi.yaml describes them.
var agentParameters = []string{"after", "limit"}

// agents serves GET /v1/agents?limit=1000&after=…: a page of what the hub holds, newest hello first. The header Link
// names the next page.
func (h *Hub) agents(w http.ResponseWriter, r *http.Request) {
	after, limit, err := parseAgents(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	journals, next, err := h.ledger.Journals(after, limit)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	out := []AgentSummary{}
	for i := range journals {
		out = append(out, h.summary(&journals[i]))
	}
	if next != nil {
		q := url.Values{"after": {fmt.Sprintf("%d-%d", next.HelloNs, next.ID)}, "limit": {strconv.Itoa(limit)}}
		w.Header().Set("Link", fmt.Sprintf(`</v1/agents?%s>; rel="next"`, q.Encode()))
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		h.opts.Log.Debug("agents", "err", err)
	}
}

// parseAgents reads the parameters of GET /v1/agents.
func parseAgents(q url.Values) (after ledger.Place, limit int, err error) {
	for name := range q {
		if !slices.Contains(agentParameters, name) {
			return after, 0, fmt.Errorf("parameter %.80q is unknown; known are %s", name, strings.Join(agentParameters, ", "))
		}
	}
	limit = ledger.JournalsMax
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > ledger.JournalsMax {
			return after, 0, fmt.Errorf("limit=%.80q is not a number from 1 to %d", text, ledger.JournalsMax)
		}
	}
	if text := q.Get("after"); text != "" {
		if n, err := fmt.Sscanf(text, "%d-%d", &after.HelloNs, &after.ID); err != nil || n != 2 || after.ID < 1 || after.HelloNs < 0 {
			return after, 0, fmt.Errorf("after=%.80q is of no page: take the URL of the header Link", text)
		}
	}
	return after, limit, nil
}

// summary puts together what the ledger holds of a journal and what its agent last said.
func (h *Hub) summary(j *ledger.Summary) AgentSummary {
	a := AgentSummary{
		Site: j.Site, Agent: j.Agent, Hello: time.Unix(0, j.HelloNs).UTC(), Software: j.Software,
		Journal: fmt.Sprintf("%x", j.Journal), Size: j.Size, Held: j.Contiguous, Verified: j.Verified, Refused: j.Refused,
		Cursors: map[string]int64{}, Trouble: []DeviceTrouble{}, Devices: j.Inventory.Devices, VerifyKey: j.Verifier,
		Console: j.Inventory.ConsoleUrl,
	}
	for class, idx := range j.Cursors {
		a.Cursors[class.Name()] = idx
	}
	s, ok := h.states.of(j.Site, j.Agent)
	if !ok || s.Journal != a.Journal && s.Journal != "" {
		return a
	}
	a.Online, a.Heard = s.Online, &s.heard
	for _, d := range s.Trouble {
		a.Trouble = append(a.Trouble, DeviceTrouble{
			Device: d.Device, State: d.State, Reason: d.Reason, ReasonFR: d.ReasonFr, Since: time.Unix(0, d.SinceNs).UTC(),
		})
	}
	if s.Online {
		a.Waiting = map[string]int64{
			"alarm": s.WaitingAlarms, "event": s.WaitingEvents, "telemetry": s.WaitingTelemetry, "artifact": s.WaitingArtifacts,
		}
	}
	return a
}
