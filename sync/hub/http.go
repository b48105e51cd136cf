package hub

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lanewarden/edge/api"
	"lanewarden/edge/journal/keyfile"
	"lanewarden/sync/hub/fleet"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/notify"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/hub/orders/rollout"
	"lanewarden/sync/hub/views"
)

// Limits of the HTTP side. headerTimeout keeps a client that sends its header byte by byte from
// holding a connection. shutdownGrace is short: whatever is cut off, a reader of the feed continues
// from its cursor.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = time.Minute
	shutdownGrace = time.Second
)

// httpServer is the hub's HTTP side. It answers from the ledger and from what agents last said; it
// writes nothing itself: what people ask for is filed by the ingester.
type httpServer struct {
	ledger     *ledger.Ledger
	requests   chan<- decoded // to the ingester
	states     *states
	health     *health
	metrics    *metrics
	access     *access // nil: everyone may
	issuer     *issuer
	key        keyfile.Key // signs receipts
	repository *orders.Repository
	rolls      *rollout.Keeper
	boxes      *boxes // runs of agents
	due        dueTimes
	views      *views.Views
	cases      *caseServer
	board      *fleet.Board
	reading    api.Drawing
	regions    *regions
	outside    *notify.Teller
	opts       Options

	fleetStreams atomic.Int64 // pages that follow the fleet
}

// maxReading is how many answers with the values of images there are at a time.
const maxReading = 8

// operations returns what the hub serves, each operation of hubapi with the function that answers
// it.
func (s *httpServer) operations() []api.Bound {
	return []api.Bound{
		api.Write(&hubapi.GetFeed, s.feed),
		api.Answer(&hubapi.GetAgents, s.agents),
		api.Write(&hubapi.GetArtifact, s.artifact),
		api.Write(&hubapi.GetValues, s.values),
		api.Write(&hubapi.GetRegion, s.region),
		api.Answer(&hubapi.GetArtifactState, s.artifactState),
		api.Perform(&hubapi.PullArtifact, s.pullArtifact),
		api.Perform(&hubapi.RekeyAgent, s.rekeyAgent),
		api.Perform(&hubapi.Erase, s.erase),
		api.Write(&hubapi.TakeCarried, s.takeCarried),
		api.Write(&hubapi.GetMetrics, s.writeMetrics),
		api.Write(&hubapi.GetHealth, s.writeHealth),
		api.Write(&hubapi.GetAuthority, s.issuer.authority),
		api.Perform(&hubapi.Enrol, s.issuer.enrol),
		api.Answer(&hubapi.GetOrders, s.orders),
		api.Answer(&hubapi.GetSenders, s.senders), api.Perform(&hubapi.TestSender, s.testSender),
		api.Answer(&hubapi.GetRollouts, s.rollouts),
		api.Answer(&hubapi.GetSession, s.session),
		api.Perform(&hubapi.PostSession, s.signIn),
		api.Perform(&hubapi.DeleteSession, s.signOut),
		api.Write(&hubapi.SignOn, s.signOn),
		api.Write(&hubapi.SignOnBack, s.signOnBack),
		api.Perform(&hubapi.SendCommand, s.sendCommand), api.Answer(&hubapi.GetCommands, s.outstanding),
		api.Answer(&hubapi.GetPassages, s.passages), api.Answer(&hubapi.GetPassage, s.passage),
		api.Answer(&hubapi.GetDecisions, s.decisions), api.Answer(&hubapi.GetLanes, s.lanes),
		api.Answer(&hubapi.GetTransits, s.transits),
		api.Answer(&hubapi.GetCases, s.cases.list), api.Answer(&hubapi.GetCase, s.cases.one),
		api.Write(&hubapi.GetCasesCSV, s.cases.file), api.Perform(&hubapi.PostCaseEvent, s.cases.act),
		api.Perform(&hubapi.PostCasePhoto, s.cases.addPhoto), api.Write(&hubapi.GetCasePhoto, s.casePhoto),
		api.Answer(&hubapi.GetLooks, s.looks),
		api.Answer(&hubapi.GetReport, s.report), api.Write(&hubapi.ExportReport, s.exportReport),
		api.Answer(&hubapi.GetFleet, s.fleet), api.Write(&hubapi.GetFleetChanges, s.fleetChanges),
		api.Answer(&hubapi.GetFleetAgent, s.fleetAgent),
	}
}

// handler returns everything that the hub serves, behind the check of the Host header that keeps
// pages of other sites from reaching it by DNS rebinding.
func (s *httpServer) handler() http.Handler {
	table := &api.Server{Log: s.opts.Log}
	if s.access != nil {
		table.Guard = s.access
	}
	// A browser that knows a token sends it with what pages of other sites ask for, too.
	own := http.NewCrossOriginProtection().Handler(s.access.withSessions(compressed(table.Handler(s.opts.Pages, s.operations()...))))
	return api.GuardHost(s.opts.HTTPNames, own)
}

// compressed has the list of lanes compressed for those who take that: it is long, and the same words again and again.
func compressed(next http.Handler) http.Handler {
	small := gzhttp.GzipHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/v1/fleet" {
			small.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// run serves until ctx ends, and returns ctx's error. An address or certificate that cannot be used
// is an error that names the flag.
func (s *httpServer) run(ctx context.Context) error {
	config, err := api.ServerTLS(s.opts.HTTPCert, s.opts.HTTPKey, s.opts.HTTPClientCA)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.opts.HTTP)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	if config != nil {
		config.NextProtos = []string{"h2", "http/1.1"}
		l = tls.NewListener(l, config)
	}
	srv := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	if err := api.Serve(ctx, srv, l, shutdownGrace); err != nil {
		return err
	}
	return ctx.Err()
}

// writeMetrics serves hubapi.GetMetrics in Prometheus' text format.
func (s *httpServer) writeMetrics(w http.ResponseWriter, c *api.Call, _ api.None) error {
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, c.Request)
	return nil
}

// file has the ingester commit what somebody asked for, and returns once that is durable, or with ctx's error. Only the
// ingester writes to the ledger.
func (s *httpServer) file(ctx context.Context, asked ledger.Message) error {
	return s.request(ctx, decoded{Message: asked})
}

func (s *httpServer) request(ctx context.Context, m decoded) error {
	filed := make(chan struct{})
	m.onCommit = func() { close(filed) }
	select {
	case s.requests <- m:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-filed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// derive has a function run in a transaction of the ledger, by the ingester.
func (s *httpServer) derive(ctx context.Context, do func(store.Tx) error) error {
	var wrong error
	if err := s.file(ctx, ledger.Derive{Do: do, Failed: &wrong}); err != nil {
		return err
	}
	return wrong
}
