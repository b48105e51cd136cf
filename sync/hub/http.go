package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

const (
	headerTimeout = 10 * time.Second
	shutdownGrace = time.Second
)

// routes are the paths of the hub's HTTP side; docs/openapi.yaml describes them.
var routes = []string{
	"GET /v1/feed", "GET /v1/agents", "GET /v1/artifacts/{sha256}", "GET /v1/artifacts/{sha256}/state", "POST /v1/artifacts/{sha256}/pull",
	"GET /metrics", "GET /healthz",
}

func (h *Hub) handler() http.Handler {
	return api.GuardHost(h.opts.HTTPNames, h.mux())
}

func (h *Hub) mux() *http.ServeMux {
	mux := http.NewServeMux()
	for i, f := range []http.HandlerFunc{
		h.feed, h.agents, h.artifact, h.artifactState, h.pullArtifact, promhttp.HandlerFor(h.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP,
		h.health.serve,
	} {
		mux.HandleFunc(routes[i], f)
	}
	if h.opts.Pages != nil {
		mux.Handle("GET /", h.opts.Pages)
	}
	return mux
}

func (h *Hub) serveHTTP(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", h.opts.HTTP)
	if err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	srv := &http.Server{Handler: h.handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
	})
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return ctx.Err()
}

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
	Device string    `json:"device"`
	State  string    `json:"state"`  // connecting, silent, down or stopped
	Reason string    `json:"reason"` // in words, for a technician
	Since  time.Time `json:"since"`
}

// agents serves GET /v1/agents.
func (h *Hub) agents(w http.ResponseWriter, _ *http.Request) {
	journals, err := h.ledger.Journals()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	out := []AgentSummary{}
	for _, j := range journals {
		a := AgentSummary{
			Site: j.Site, Agent: j.Agent, Hello: time.Unix(0, j.HelloNs).UTC(), Software: j.Software, Journal: fmt.Sprintf("%x", j.Journal),
			Size: j.Size, Held: j.Contiguous, Verified: j.Verified, Refused: j.Refused, Cursors: map[string]int64{},
			Trouble: []DeviceTrouble{}, Devices: j.Inventory.Devices, VerifyKey: j.Verifier, Console: j.Inventory.ConsoleUrl,
		}
		for class, idx := range j.Cursors {
			a.Cursors[class.Name()] = idx
		}
		if s, ok := h.state(j.Site, j.Agent); ok && (s.Journal == a.Journal || s.Journal == "") {
			a.Online, a.Heard = s.Online, &s.heard
			for _, d := range s.Trouble {
				a.Trouble = append(a.Trouble, DeviceTrouble{Device: d.Device, State: d.State, Reason: d.Reason, Since: time.Unix(0, d.SinceNs).UTC()})
			}
			if s.Online {
				a.Waiting = map[string]int64{"alarm": s.WaitingAlarms, "event": s.WaitingEvents, "telemetry": s.WaitingTelemetry, "artifact": s.WaitingArtifacts}
			}
		}
		out = append(out, a)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		h.opts.Log.Debug("agents", "err", err)
	}
}
