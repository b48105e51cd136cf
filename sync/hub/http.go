package hub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lanewarden/edge/api"
)

const (
	headerTimeout = 10 * time.Second
	shutdownGrace = time.Second
)

// routes are the paths of the hub's HTTP side; docs/openapi.yaml describes them.
var routes = []string{
	"GET /v1/feed", "GET /v1/agents", "GET /v1/artifacts/{sha256}", "GET /v1/artifacts/{sha256}/state",
	"POST /v1/artifacts/{sha256}/pull", "GET /metrics", "GET /healthz",
}

func (h *Hub) handler() http.Handler {
	return api.GuardHost(h.opts.HTTPNames, h.mux())
}

func (h *Hub) mux() *http.ServeMux {
	mux := http.NewServeMux()
	for i, f := range []http.HandlerFunc{
		h.feed, h.agents, h.artifact, h.artifactState, h.pullArtifact,
		promhttp.HandlerFor(h.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP, h.health.serve,
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
	srv := &http.Server{
		Handler: h.handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
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
