// Package uplink carries the journal to the hub: rows go in by class, alarms first; batches go out over MQTT, and what
// the hub acknowledged comes back. It measures the link and keeps little in flight, so that an alarm never waits behind
// telemetry. docs/wire.md tells the rules.
package uplink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/wire"
)

// Options describe an uplink. Paths and Log are required.
type Options struct {
	// Paths are the ways to the hub in order of preference, one at least.
	Paths []Path
	// Hold is how long a preferred path must answer before it is taken again; default 1 minute.
	Hold time.Duration
	// UsageFile keeps what the paths carried this month, for Path.MonthlyBytes; "" to forget it at the end.
	UsageFile      string
	Inventory      *observation.Inventory
	Software       string
	Trouble        func() []*wire.DeviceTrouble // devices that do not work; nil for none
	Health         func() *wire.Health          // how the lane is beside that; nil for an agent that does not say
	TelemetryDelay time.Duration                // how long telemetry may wait for company when nothing else is queued; default 1 minute
	// Beside is the uplink of the agent's own journal when this one is of a journal that was set aside: the agent's
	// state is said by that one alone, and both are one run of one box.
	Beside *Uplink
	// Fork says that the hub holds another past of the journal: it is sent as a journal of its own (wire.ForkID).
	Fork bool
	// Codec packs and unpacks what is said, and stays open at the end. It has megabytes of tables, so many uplinks in
	// one process share a few. nil makes one for this uplink alone.
	Codec *wire.Codec
	// HubKey is told the public key with which the hub signs receipts, at each answer to a hello; nil for nobody.
	HubKey func(key string)
	// Down takes what comes down from the centre; nil for nobody.
	Down Down
	// Contradicted is told, at each refusal, that the hub holds another past of the journal, and why; nil for nobody.
	Contradicted func(why message.Text)
	Log          *slog.Logger
}

const (
	defaultTelemetryDelay = time.Minute
	reconnectMin          = 200 * time.Millisecond
	// reconnectMax bounds back-off, so that draining begins within a second of the link's return. What protects the hub
	// from all agents at once is that pauses differ, by half at most, and the credit that it grants.
	reconnectMax = 650 * time.Millisecond
	ackQueue     = 64
	stopGrace    = 250 // ms that the client has to send its last state
)

// Uplink is the agent's side of the wire. Run owns the connection; the other methods may be called
// from any goroutine.
type Uplink struct {
	journal Source
	opts    Options
	codec   *wire.Codec

	instance uint64 // of this run, so that the hub can tell two boxes of one name

	chooser    *chooser
	usage      *usage
	unreadable atomic.Int64 // artifacts that this connection cannot send: nobody has their bytes any more
	inUse      atomic.Int32 // index of the path that is taken, or was tried last

	renewer *renewer // nil: there is no certificate, or another uplink renews it

	pulls   chan []byte   // artifacts, by SHA-256, that are to go first
	altered chan struct{} // holds a token while the agent's state is to be said anew

	flushing chan struct{} // closed by Flush: nothing lingers any more
	flush    sync.Once

	mu     sync.Mutex
	status api.Link
}

// New returns an uplink for a journal. It does not connect; Run does.
func New(j Source, opts Options) (*Uplink, error) {
	if opts.TelemetryDelay == 0 {
		opts.TelemetryDelay = defaultTelemetryDelay
	}
	opts.Hold = cmp.Or(opts.Hold, holdDefault)
	codec := opts.Codec
	if codec == nil {
		var err error
		if codec, err = wire.NewCodec(); err != nil {
			return nil, err
		}
	}
	status := api.Link{Configured: true, Since: time.Now().UTC()}
	status.SetProblem(message.New("link.not-yet"))
	u := &Uplink{
		journal: j, opts: opts, codec: codec, instance: rand.Uint64() | 1, flushing: make(chan struct{}), status: status,
		pulls: make(chan []byte, maxPulls), altered: make(chan struct{}, 1),
		chooser: newChooser(len(opts.Paths), opts.Hold),
	}
	if opts.Beside != nil {
		u.instance, u.usage = opts.Beside.instance, opts.Beside.usage
	} else {
		id := j.Identity()
		u.usage = newUsage(opts.UsageFile, time.Now(), opts.Log)
		u.renewer = newRenewer(opts.Paths[0].Broker, id.Site+"/"+id.Agent)
	}
	u.opts.Paths = slices.Clone(opts.Paths)
	for i := range u.opts.Paths {
		id := opts.Paths[i].ID
		u.opts.Paths[i].Broker.Count = func(n int) { u.usage.add(id, n) }
	}
	return u, nil
}

// drainPoll is how often Drain looks whether all is acknowledged.
const drainPoll = time.Second

// Drain runs until the hub has all of a journal to which nothing is added, but artifacts that cannot be read, or until
// ctx ends; done tells which.
func (u *Uplink) Drain(ctx context.Context) (done bool, err error) {
	u.flush.Do(func() { close(u.flushing) })
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- u.Run(running) }()
	for !done && wire.Pause(ctx, drainPoll) == nil {
		artifacts, _, err := u.journal.Backlog()
		done = err == nil && artifacts <= u.unreadable.Load() && u.Status().Ready && !u.waiting()
	}
	stop()
	return done, <-ended
}

// Instance returns the random number of this run, which the agent's hellos say.
func (u *Uplink) Instance() uint64 { return u.instance }

// Pull has an artifact sent before others; with too many of them it is an error.
func (u *Uplink) Pull(sum []byte) error {
	select {
	case u.pulls <- sum:
		return nil
	default:
		return message.Errorf("order.busy")
	}
}

// SayState has the agent's state said soon, and not only with the next minute: a device or the agent's health is not as
// it was. Alarms go first, and states that change without end are said at a bounded rate.
func (u *Uplink) SayState() {
	select {
	case u.altered <- struct{}{}:
	default: // it is to be said already
	}
}

// Status returns the state of the link, for pages and metrics.
func (u *Uplink) Status() api.Link {
	now := time.Now()
	inUse := int(u.inUse.Load())
	u.mu.Lock()
	defer u.mu.Unlock()
	st := u.status
	st.Path, st.Broker = u.opts.Paths[inUse].ID, u.opts.Paths[inUse].Broker.URL
	for i := range u.opts.Paths {
		p := &u.opts.Paths[i]
		used := u.usage.of(p.ID, now)
		held := p.withholds(used, now)
		st.Paths = append(st.Paths, api.LinkPath{
			ID: p.ID, Broker: p.Broker.URL, Interface: p.Broker.Interface, InUse: i == inUse && st.Connected,
			UsedBytes: used, MonthlyBytes: p.MonthlyBytes,
			HoldsArtifacts: held.Artifacts, HoldsTelemetry: held.Telemetry, HoldsEvents: held.Events,
			Message: held.message().Text(),
		})
	}
	return st
}

// update changes the status.
func (u *Uplink) update(f func(*api.Link)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f(&u.status)
}

// flushPoll is the interval at which Flush looks whether everything is acknowledged.
const flushPoll = 20 * time.Millisecond

// Flush sends what lingers and returns when the hub has acknowledged everything, when the link is
// down, or when ctx ends. It is for an agent that stops: telemetry does not linger any more
// afterwards.
func (u *Uplink) Flush(ctx context.Context) {
	u.flush.Do(func() { close(u.flushing) })
	for ctx.Err() == nil && u.Status().Ready && u.waiting() {
		_ = wire.Pause(ctx, flushPoll) // an end of ctx ends the loop
	}
}

// waiting reports whether the hub has not acknowledged everything yet.
func (u *Uplink) waiting() bool {
	for _, class := range observation.Classes {
		if u.journal.Acked(class) < u.journal.Last(class) {
			return true
		}
	}
	return false
}

// Run connects, sends and reconnects until ctx ends, and returns nil. The reason of a lost
// connection is logged when it changes, not at each try.
func (u *Uplink) Run(ctx context.Context) error {
	if u.opts.Codec == nil {
		defer u.codec.Close()
	}
	defer func() { u.usage.save(time.Now(), true) }()
	pauses, told := wire.NewBackoff(reconnectMin, reconnectMax), ""
	for ctx.Err() == nil {
		begin := time.Now()
		i := u.choose(begin)
		lasted, err := u.connection(ctx, i)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errRenewed) || errors.Is(err, errBetter) {
			u.update(func(s *api.Link) { s.Connected, s.Ready, s.InFlight = false, false, 0 })
			continue
		}
		u.chooser.ended(i, lasted, time.Now())
		if err.Error() != told {
			told = err.Error()
			u.opts.Log.Warn("link is down", "path", u.opts.Paths[i].ID, "broker", u.opts.Paths[i].Broker.URL, "reason", told)
		}
		u.update(func(s *api.Link) {
			if s.Connected {
				s.Since = time.Now().UTC()
			}
			s.Connected, s.Ready, s.InFlight = false, false, 0
			if !s.Refused { // why the hub refuses matters more
				s.SetProblem(lossMessage(err))
			}
			s.Reconnects++
		})
		u.noteCertificate()
		if time.Since(begin) > 10*time.Second {
			pauses.Reset()
			told = ""
		}
		_ = pauses.Pause(ctx) // an end of ctx ends the loop
	}
	return nil
}

// choose returns the index of the path to take now. A journal that was set aside goes by the path of the agent's own.
func (u *Uplink) choose(now time.Time) int {
	i := u.chooser.pick(now)
	if u.opts.Beside != nil {
		i = int(u.opts.Beside.inUse.Load())
	}
	u.inUse.Store(int32(i))
	return i
}

// lossMessage describes in words why the connection is lost. A broker that lets another in under
// the same name closes the first one's connection without a word, so a refusal before it says more
// than the end of the stream.
func lossMessage(err error) message.Message {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return message.New("link.closed")
	}
	return message.Of(err)
}

// boxName names this machine: its host name, and its address towards the broker. An empty part is
// not known.
func boxName(broker string) string {
	name, _ := os.Hostname()
	u, err := url.Parse(broker)
	if err != nil {
		return name
	}
	c, err := net.Dial("udp", u.Host) // sends nothing: it only chooses an address
	if err != nil {
		return name
	}
	defer c.Close()
	host, _, _ := net.SplitHostPort(c.LocalAddr().String())
	return name + " (" + host + ")"
}

// connection makes one connection by a path and serves it until it is lost. It returns why, never nil, and for how long
// the hub had answered. The last will says offline, for an agent that ends without a word.
func (u *Uplink) connection(ctx context.Context, i int) (lasted time.Duration, err error) {
	id := u.journal.Identity()
	client := "lw-" + id.Site + "-" + id.Agent
	if u.opts.Beside != nil {
		client += fmt.Sprintf("-%x", id.ID[:4]) // a broker knows one connection of each name
	}
	path := &u.opts.Paths[i]
	o, err := path.Broker.Options(client)
	if err != nil {
		return 0, err
	}
	s := newSession(u, id, i)
	if u.opts.Beside == nil {
		will, err := protojson.Marshal(&wire.State{Journal: fmt.Sprintf("%x", id.ID)})
		if err != nil {
			return 0, err
		}
		o.SetBinaryWill(wire.Topic(id.Site, id.Agent, wire.LeafState), will, 1, true)
	}
	if s.client, s.lost, err = wire.Connect(ctx, o); err != nil {
		return 0, err
	}
	defer s.client.Disconnect(stopGrace)
	u.opts.Log.Info("link is up", "path", path.ID, "broker", path.Broker.URL)
	u.update(func(st *api.Link) {
		st.Connected, st.Since = true, time.Now().UTC()
		st.SetProblem(message.New("link.no-answer-yet"))
	})
	err = s.serve(ctx)
	if !s.readyAt.IsZero() {
		lasted = time.Since(s.readyAt)
	}
	return lasted, err
}

var errStopped = errors.New("the agent stops")
