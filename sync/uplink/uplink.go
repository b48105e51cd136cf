// Package uplink carries the journal to the hub: rows go in by class, alarms first; batches go out over MQTT, and what
// the hub acknowledged comes back. It measures the link and keeps little in flight, so that an alarm never waits behind
// telemetry. docs/wire.md tells the rules.
package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// Options describe an uplink. Broker and Log are required.
type Options struct {
	Broker         wire.Broker
	Inventory      *observation.Inventory
	Software       string
	Trouble        func() []*wire.DeviceTrouble // devices that do not work; nil for none
	TelemetryDelay time.Duration                // how long telemetry may wait for company when nothing else is queued; default 1 minute
	// Beside is the uplink of the agent's own journal when this one is of a journal that was set aside: the agent's
	// state is said by that one alone, and both are one run of one box.
	Beside *Uplink
	// Fork says that the hub holds another past of the journal: it is sent as a journal of its own (wire.ForkID).
	Fork bool
	// HubKey is told the public key with which the hub signs receipts, at each answer to a hello; nil for nobody.
	HubKey func(key string)
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
	journal *journal.Journal
	opts    Options
	codec   *wire.Codec

	instance uint64 // of this run, so that the hub can tell two boxes of one name

	renewer *renewer // nil: there is no certificate, or another uplink renews it

	flushing chan struct{} // closed by Flush: nothing lingers any more
	flush    sync.Once

	mu     sync.Mutex
	status api.Link
}

// New returns an uplink for a journal. It does not connect; Run does.
func New(j *journal.Journal, opts Options) (*Uplink, error) {
	if opts.TelemetryDelay == 0 {
		opts.TelemetryDelay = defaultTelemetryDelay
	}
	codec, err := wire.NewCodec()
	if err != nil {
		return nil, err
	}
	status := api.Link{Configured: true, Broker: opts.Broker.URL, Since: time.Now().UTC()}
	status.SetProblem(message.New("link.not-yet"))
	u := &Uplink{
		journal: j, opts: opts, codec: codec, instance: rand.Uint64() | 1, flushing: make(chan struct{}), status: status,
	}
	if opts.Beside != nil {
		u.instance = opts.Beside.instance
	} else {
		id := j.Identity()
		u.renewer = newRenewer(opts.Broker, id.Site+"/"+id.Agent)
	}
	return u, nil
}

// drainPoll is how often Drain looks whether all is acknowledged.
const drainPoll = time.Second

// Drain runs until the hub has all of a journal to which nothing is added, or until ctx ends; done tells which.
func (u *Uplink) Drain(ctx context.Context) (done bool, err error) {
	u.flush.Do(func() { close(u.flushing) })
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- u.Run(running) }()
	for !done && wire.Pause(ctx, drainPoll) == nil {
		_, bytes, err := u.journal.Backlog()
		done = err == nil && bytes == 0 && u.Status().Ready && !u.waiting()
	}
	stop()
	return done, <-ended
}

// Status returns the state of the link, for pages and metrics.
func (u *Uplink) Status() api.Link {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
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
	defer u.codec.Close()
	pauses, told := wire.NewBackoff(reconnectMin, reconnectMax), ""
	for ctx.Err() == nil {
		begin := time.Now()
		err := u.connection(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errRenewed) {
			u.update(func(s *api.Link) { s.Connected, s.Ready, s.InFlight = false, false, 0 })
			continue
		}
		if err.Error() != told {
			told = err.Error()
			u.opts.Log.Warn("link is down", "broker", u.opts.Broker.URL, "reason", told)
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

// connection makes one connection and serves it until it is lost. It returns why, never nil. The
// last will says offline, for an agent that ends without a word.
func (u *Uplink) connection(ctx context.Context) error {
	id := u.journal.Identity()
	client := "lw-" + id.Site + "-" + id.Agent
	if u.opts.Beside != nil {
		client += fmt.Sprintf("-%x", id.ID[:4]) // a broker knows one connection of each name
	}
	o, err := u.opts.Broker.Options(client)
	if err != nil {
		return err
	}
	s := newSession(u, id)
	if u.opts.Beside == nil {
		will, err := protojson.Marshal(&wire.State{Journal: fmt.Sprintf("%x", id.ID)})
		if err != nil {
			return err
		}
		o.SetBinaryWill(wire.Topic(id.Site, id.Agent, wire.LeafState), will, 1, true)
	}
	if s.client, s.lost, err = wire.Connect(ctx, o); err != nil {
		return err
	}
	defer s.client.Disconnect(stopGrace)
	u.opts.Log.Info("link is up", "broker", u.opts.Broker.URL)
	u.update(func(st *api.Link) {
		st.Connected, st.Since = true, time.Now().UTC()
		st.SetProblem(message.New("link.no-answer-yet"))
	})
	return s.serve(ctx)
}

var errStopped = errors.New("the agent stops")
