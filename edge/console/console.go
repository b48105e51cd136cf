// Package console is the agent's local API: what journal, devices, clock and link say goes in; JSON, NDJSON and metrics
// come out, over a unix socket for lanectl and, when configured, over TCP. docs/console.md.
package console

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
	"lanewarden/edge/api/looks"
	"lanewarden/edge/diag/guided"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	"lanewarden/edge/retention"
	"lanewarden/edge/web"
	firmwareconfig "lanewarden/firmware-config"
)

// Options name the sources of the console's data and its addresses.
type Options struct {
	Site, Agent, Software string
	Socket                string // path of the unix socket
	Listen                string // HOST:PORT; "" for none
	TapeDir               string // where the devices' tapes are
	InForce               Configuration
	Accounts              *accounts.Book // who may sign in on TCP; nil: everybody may look, nobody may do anything
	TLS                   *tls.Config    // for TCP; nil for none
	JournalDir            string
	Journal               *journal.Journal
	Lane                  *lane.Supervisor
	Passages              Passages // nil: no lane has any
	Booths                Booths   // nil: no lane decides
	Cases                 Cases    // nil: no lane has passages
	Tests                 *guided.Runner
	Link                  func() api.Link
	Disk                  func() retention.State // nil: no disk budget is kept
	// Receive marks in the journal what a receipt of the hub names; hubKey "" means the keys that are known.
	Receive func(receipt, hubKey string) error
	// Orders is the state of what comes down from the centre; TakeOrders takes it from a folder, and returns how many files
	// were taken into use. nil: nothing comes down.
	Orders     func() api.Orders
	TakeOrders func(ctx context.Context, dir string) (int, error)
	Log        *slog.Logger
}

// Configuration is what the console shows of the configuration in force.
type Configuration struct {
	Config, ConfigPath string // the lane file, and where it is
	Devices            []firmwareconfig.Device
}

// Console serves the API. Its methods may be called from any goroutine.
type Console struct {
	Options
	started time.Time
	dir     string // the agent's working folder; "" when it is not known
	access  *access
	looks   looks.Recent
	config  atomic.Pointer[Configuration]
	// Each holds a token while it is done: one at a time, for they cost a core; and as many streams as there may be.
	verifying, finding, photos, streams chan struct{}
	drawing, reading                    api.Drawing
}

// New returns a console; Run serves it.
func New(o Options) *Console {
	dir, _ := os.Getwd()
	if o.Passages == nil {
		o.Passages = noPassages{}
	}
	if o.Cases == nil {
		o.Cases = noCases{}
	}
	c := &Console{
		dir:     dir,
		Options: o, started: time.Now().UTC(), access: newAccess(o.Accounts, o.TLS != nil, o.Journal.Commit),
		drawing: api.NewDrawing(1), reading: api.NewDrawing(maxReading),
		verifying: make(chan struct{}, 1), finding: make(chan struct{}, 1),
		photos: make(chan struct{}, 1), streams: make(chan struct{}, maxStreams),
	}
	c.config.Store(&o.InForce)
	return c
}

// SetConfiguration has the console show another configuration from now on.
func (c *Console) SetConfiguration(next Configuration) { c.config.Store(&next) }

// Limits of one server. Streams have a limit of their own, and no limit of time.
const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 30 * time.Second
	idleTimeout   = time.Minute
	maxConns      = 256 // on TCP
	maxBody       = 64 << 10
	maxHeader     = 16 << 10
	maxReading    = 4 // answers with the values of images: rows are decoded as fast as the reader takes them
	shutdownGrace = 500 * time.Millisecond
	socketMode    = 0o660 // root and the agent's group
)

// Run serves until ctx ends, and returns nil then. A socket that cannot be opened is an error, as
// lanectl would have no way in; a TCP port that cannot is not. A socket of a killed agent is
// replaced: the lock on the state directory is what keeps two agents apart.
func (c *Console) Run(ctx context.Context) error {
	if err := os.Remove(c.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("console: %w", err)
	}
	unix, err := (&net.ListenConfig{}).Listen(ctx, "unix", c.Socket)
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	if err := os.Chmod(c.Socket, socketMode); err != nil {
		return errors.Join(err, unix.Close())
	}
	g, ctx := errgroup.WithContext(ctx)
	srv := &http.Server{
		Handler: c.handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog:    slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	api.NewCrowd(maxConns, maxBody, bodyTimeout).Bound(srv)
	g.Go(func() error { return c.access.run(ctx) })
	g.Go(func() error { return api.Serve(ctx, srv, unix, shutdownGrace) })
	g.Go(func() error { return c.serveTCP(ctx, srv) })
	return g.Wait()
}

// listenRetry is the pause before a port that is in use is tried again.
const listenRetry = 5 * time.Second

// serveTCP serves on TCP, if that is configured. A port that is taken costs the pages, not the
// lane: it is tried again until ctx ends.
func (c *Console) serveTCP(ctx context.Context, srv *http.Server) error {
	if c.Listen == "" {
		return nil
	}
	for {
		tcp, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
		if err == nil {
			tcp = netutil.LimitListener(tcp, 2*maxConns) // the rest waits, and costs nothing
			if c.TLS != nil {
				tcp = tls.NewListener(tcp, c.TLS)
			}
			return api.Serve(ctx, srv, tcp, shutdownGrace)
		}
		c.Log.Error("the console's pages are not served", "err", err)
		select {
		case <-time.After(listenRetry):
		case <-ctx.Done():
			return nil
		}
	}
}

// operations returns what the console serves, each operation of package api with the function that
// answers it.
func (c *Console) operations() []api.Bound {
	return []api.Bound{
		api.Answer(&api.GetSession, c.access.session),
		api.Perform(&api.PostSession, c.access.signIn),
		api.Perform(&api.DeleteSession, c.access.signOut),
		api.Answer(&api.GetStatus, c.status),
		api.Write(&api.GetStream, c.stream),
		api.Write(&api.GetTail, c.tail),
		api.Answer(&api.GetLive, c.live),
		api.Answer(&api.GetObservations, c.observations),
		api.Answer(&api.GetPassages, c.passages),
		api.Answer(&api.GetPassage, c.passage),
		api.Perform(&api.PostCorrection, c.correct),
		api.Answer(&api.GetClearance, c.booths),
		api.Perform(&api.PostOverride, c.override),
		api.Perform(&api.PostCode, c.keyed),
		api.Answer(&api.GetCases, c.listCases),
		api.Answer(&api.GetCase, c.oneCase),
		api.Write(&api.GetCasesCSV, c.exportCases),
		api.Perform(&api.PostCaseEvent, c.actInCase),
		api.Perform(&api.PostCasePhoto, c.addPhoto),
		api.Answer(&api.GetDevice, c.deviceDetail),
		api.Perform(&api.PostOutput, c.output),
		api.Perform(&api.PostMaintenance, c.maintain),
		api.Perform(&api.PostMaintenanceEnd, c.endMaintenance),
		api.Write(&api.GetRecording, c.recording),
		api.Write(&api.GetArtifact, c.artifact),
		api.Write(&api.GetPicture, c.picture), api.Write(&api.GetValues, c.values),
		api.Answer(&api.GetTests, c.tests),
		api.Perform(&api.PostTest, c.startTest),
		api.Perform(&api.PostTestAct, c.actTest),
		api.Perform(&api.PostReceipt, c.receipt), api.Perform(&api.PostOrders, c.takeOrders), api.Perform(&api.PostErasure, c.erasure),
		api.Perform(&api.PostVerification, c.verify),
		api.Write(&api.GetMetrics, c.metrics()),
		api.Write(&api.GetHealth, c.healthz),
	}
}

// handler returns everything that the console serves. Where there are no accounts, a page of
// another site could read what guests may see by DNS rebinding, so that the Host header is checked.
func (c *Console) handler() http.Handler {
	server := &api.Server{Guard: c.access, Log: c.Log}
	all := c.access.identify(server.Handler(web.Handler(web.Lane), c.operations()...))
	guarded := api.GuardHost(nil, all)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isLocal(r) || c.Accounts != nil { // a page of another site has no session and no socket
			all.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// healthz answers api.GetHealth: 200 while what devices send is stored, else 503 with the journal's
// trouble.
func (c *Console) healthz(w http.ResponseWriter, _ *api.Call, _ api.None) error {
	if err := c.Journal.Trouble(); err != nil {
		return api.NewProblem(api.Unavailable, message.New("api.journal", message.CausedBy(err))).After(retryHealth)
	}
	fmt.Fprintln(w, "ok")
	return nil
}

// retryHealth is the Retry-After of an unhealthy answer.
const retryHealth = 5 * time.Second

// Status returns the state of agent, journal, link and devices. An error is of the journal's
// database.
func (c *Console) Status(ctx context.Context) (api.Status, error) {
	id, stats := c.Journal.Identity(), c.Journal.Stats()
	waiting, err := c.Journal.Waiting(ctx)
	if err != nil {
		return api.Status{}, err
	}
	signed, _ := c.Journal.Checkpoint()
	artifacts, bytes, err := c.Journal.Backlog()
	if err != nil {
		return api.Status{}, err
	}
	j := api.Journal{
		WaitingArtifacts: artifacts, WaitingArtifactBytes: bytes,
		ID: fmt.Sprintf("%x", id.ID), Origin: id.Origin(), VerifyKey: id.Verifier, Size: c.Journal.Size(), Signed: signed,
		Rows: stats.Rows, Duplicates: stats.Duplicates, Groups: stats.Groups, Failures: stats.Failures, Waiting: map[string]int64{},
	}
	j.DiskFree, j.DiskTotal = disk(c.JournalDir)
	for class, n := range waiting {
		j.Waiting[class.Name()] = n
	}
	var used retention.State
	if c.Disk != nil {
		used = c.Disk()
	}
	var down api.Orders
	if c.Orders != nil {
		down = c.Orders()
	}
	return api.Status{
		Disk: used, Orders: down, Site: c.Site, Agent: c.Agent, Software: c.Software, Config: c.config.Load().ConfigPath, Dir: c.dir, Started: c.started, Now: time.Now().UTC(), Clock: c.Lane.Clock(),
		Journal: j, Link: c.Link(), Devices: c.Lane.Devices(),
	}, nil
}

// disk returns the free and total bytes of the disk of a directory; zeros when that cannot be
// determined. What is reserved for root does not count as free.
func disk(dir string) (free, total uint64) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, 0
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize)
}

// status answers api.GetStatus.
func (c *Console) status(r *api.Call, _ api.None) (api.Status, error) { return c.Status(r.Context()) }

// clockNotice is the error of a device's clock from which the corrected time is shown: less is the
// delay of a line.
const clockNotice = time.Second

// lineOf returns a row of the journal as the API shows it to a user: decoded, with a sentence in both
// languages.
func (c *Console) lineOf(r *journal.Row, u api.User) (api.Line, error) {
	l, _, err := c.concealedLine(r, u)
	return l, err
}

// concealedLine is lineOf; hidden reports that the line does not have what the row says.
func (c *Console) concealedLine(r *journal.Row, u api.User) (l api.Line, hidden bool, err error) {
	o, err := r.Shown(personal.ErasedWord)
	if err != nil {
		return l, false, err
	}
	if o, hidden, err = c.concealed(r.Idx, o, u); err != nil {
		return l, false, err
	}
	l, err = api.NewLine(r.Idx, o)
	if hidden {
		l.Summary = api.SealedText(o.Body.GetCaseEvent())
	}
	if at := c.shown(o); !at.Equal(l.Time) {
		l.Corrected = at.UTC()
	}
	return l, hidden, err
}

// shown returns the time at which people see an observation: by the agent's clock where the
// device's is wrong.
func (c *Console) shown(o *observation.Observation) time.Time {
	if at := c.Passages.Corrected(o); at.Sub(o.Time()).Abs() >= clockNotice {
		return at
	}
	return o.Time()
}

// live answers api.GetLive: the device's samples of the last while, which are not journalled.
func (c *Console) live(_ *api.Call, in api.DeviceQuery) ([]api.Sample, error) {
	out := []api.Sample{}
	for _, s := range c.Lane.Live(in.Device) {
		out = append(out, sampleOf(s))
	}
	return out, nil
}

// sampleOf converts a sample. Counts become counts per second, as devices count over intervals that
// change with their state; a value that is not known becomes null.
func sampleOf(s driver.Sample) api.Sample {
	values := s.PerSecond()
	one := api.Sample{At: s.At, Channel: s.Channel, Values: make([]*float32, len(values))}
	if s.Interval > 0 {
		one.Unit = "1/s"
	}
	for i := range values {
		if !math.IsNaN(float64(values[i])) {
			one.Values[i] = &values[i]
		}
	}
	return one
}
