package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire"
)

// maxBuffer and minBuffer bound the broker's buffer before the ledger, sessions included. What does
// not fit is refused by the broker and sent again by the agents.
const (
	streamName         = "LW1"
	maxBuffer          = 2 << 30 // bytes of the buffer before the ledger and of sessions; what is over is sent again by the agents
	minBuffer          = 16 << 20
	maxBrokerMemory    = 64 << 20 // bytes; nothing of ours is kept in memory
	brokerStartTimeout = 20 * time.Second
	maxPayload         = wire.MaxPayload + 64<<10 // with the broker's own headers
	hubUser            = "lanehub"
	publishGrace       = 2 * time.Second
)

// embedded is a NATS server inside this process: its MQTT listener is for agents, JetStream is the
// buffer before the ledger. It is stopped while the disk is nearly full and started again when
// there is room.
type embedded struct {
	opts      Options
	health    *health
	freeBytes func() (uint64, error) // bytes left on the broker's disk

	mu      sync.Mutex
	running *brokerRun // nil while it is stopped
}

// brokerRun is the broker from one start to the next stop.
type brokerRun struct {
	server   *server.Server
	agents   *agentBook // nil: whoever is on this machine
	conn     *nats.Conn
	consumer jetstream.Consumer
	broken   chan struct{} // has something when a write of its files failed
}

// newEmbedded starts the embedded broker. With a full disk it returns a stopped one, which run
// starts later.
func newEmbedded(ctx context.Context, o Options, h *health) (*embedded, error) {
	e := &embedded{opts: o, health: h, freeBytes: func() (uint64, error) { return freeBytes(o.Dir) }}
	if err := e.checkRoom(minFreeRunning); err != nil {
		_, _, _, err := serverOptions(o, minFreeRunning) // a wrong setting is an error now; a full disk is waited out
		return e, err
	}
	return e, e.start(ctx)
}

// checkRoom returns an error that says what to do when the disk has fewer than need bytes left.
func (e *embedded) checkRoom(need uint64) error {
	free, err := e.freeBytes()
	if err == nil && free < need {
		err = noRoomError(e.opts.Dir, free)
	}
	return err
}

// start starts the broker and makes it the current one. The buffer holds nothing that the agents do
// not have too, so one that cannot be read after the disk was full is emptied, once.
func (e *embedded) start(ctx context.Context) error {
	one, err := e.startOnce(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errListener) && e.opts.bufferExists() {
		e.opts.Log.Warn("the broker's buffer is emptied: the agents send again what it held", "reason", err)
		if err := os.RemoveAll(e.opts.bufferDir()); err != nil {
			return err
		}
		one, err = e.startOnce(ctx)
	}
	if err != nil {
		return message.Wrap(err, "hub.embedded")
	}
	e.mu.Lock()
	e.running = one
	e.mu.Unlock()
	return nil
}

// errListener is the error of a port that is taken. The buffer is not to blame, and is not emptied
// for it.
var errListener = errors.New("MQTT listener did not come up")

// startOnce starts a server and opens its stream; after an error nothing of it is left running.
func (e *embedded) startOnce(ctx context.Context) (one *brokerRun, err error) {
	free, err := e.freeBytes()
	if err != nil {
		return nil, err
	}
	so, secret, book, err := serverOptions(e.opts, free)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(so)
	if err != nil {
		return nil, err
	}
	one = &brokerRun{server: s, agents: book, broken: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			one.stop()
		}
	}()
	s.SetLoggerV2(natsLog{e.opts.Log, one.broken}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(brokerStartTimeout) {
		if s.JetStreamEnabled() {
			return nil, &message.Error{Message: message.New("hub.port", message.String("address", e.opts.MQTT)), Err: errListener}
		}
		return nil, message.Errorf("hub.buffer", message.String("dir", e.opts.bufferDir()))
	}
	if one.conn, err = nats.Connect("", nats.InProcessServer(s), nats.UserInfo(hubUser, secret), nats.MaxReconnects(-1)); err != nil {
		return nil, err
	}
	return one, one.openStream(ctx, so.JetStreamMaxStore)
}

// stop ends the server and waits until its files are closed, so that the next start can open them.
func (s *brokerRun) stop() {
	if s.conn != nil {
		s.conn.Close()
	}
	s.server.Shutdown()
	s.server.WaitForShutdown()
}

// runningBroker returns the broker that runs, nil while it is stopped. It may be stopped at any
// time after that; calls to it return errors then.
func (e *embedded) runningBroker() *brokerRun {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.running
}

// stop stops the broker, if it runs.
func (e *embedded) stop() {
	e.mu.Lock()
	one := e.running
	e.running = nil
	e.mu.Unlock()
	if one != nil {
		one.stop()
	}
}

// bufferDir is the folder of the broker's own files; it may be deleted while the hub is stopped.
func (o Options) bufferDir() string { return filepath.Join(o.Dir, "broker") }

func (o Options) bufferExists() bool {
	_, err := os.Stat(o.bufferDir())
	return err == nil
}

// openStream opens the buffer. Half of store bytes is for it, and the rest for what the broker
// keeps of MQTT sessions. A full buffer refuses new messages, rather than drop old ones that the
// broker has accepted.
func (s *brokerRun) openStream(ctx context.Context, store int64) error {
	js, err := jetstream.New(s.conn)
	if err != nil {
		return err
	}
	var subjects []string
	for _, leaf := range wire.UpLeaves() {
		subjects = append(subjects, subject(wire.Topic("*", "*", leaf)))
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName, Subjects: subjects, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
		MaxBytes: store / 2, Discard: jetstream.DiscardNew, MaxMsgSize: maxPayload,
	})
	if err != nil {
		return err
	}
	s.consumer, err = js.CreateOrUpdateConsumer(ctx, streamName, jetstream.ConsumerConfig{
		Durable: "ledger", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: 4 * queueLength,
	})
	return err
}

// run delivers messages until ctx ends, and returns ctx's error. Whatever befalls the broker is
// noted as trouble and tried again every retryInterval.
func (e *embedded) run(ctx context.Context, in chan<- incoming) error {
	defer e.stop()
	for ctx.Err() == nil {
		err := e.runOnce(ctx, in)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			e.health.set(partBroker, message.Of(err))
			e.opts.Log.Warn("embedded broker", "reason", err)
		}
		_ = wire.Pause(ctx, retryInterval) // an end of ctx ends the loop
	}
	return ctx.Err()
}

// runOnce starts the broker if it does not run and there is room, and delivers until something is
// wrong. It returns what was wrong; the broker goes on running unless that was errStopBroker.
func (e *embedded) runOnce(ctx context.Context, in chan<- incoming) error {
	one := e.runningBroker()
	if one == nil {
		if err := e.checkRoom(minFreeToStart); err != nil {
			return err
		}
		if err := e.start(ctx); err != nil {
			return err
		}
		one = e.runningBroker()
	}
	e.health.set(partBroker, message.Message{})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return one.deliverStates(ctx, in) })
	g.Go(func() error { return one.deliverMessages(ctx, in) })
	g.Go(func() error { return e.watchBroker(ctx, one) })
	if one.agents != nil {
		g.Go(func() error { return one.agents.revoke(ctx, one.server) })
	}
	err := g.Wait()
	if errors.Is(err, errStopBroker) {
		e.stop()
	}
	return err
}

// errStopBroker means that the broker has to be started anew.
var errStopBroker = errors.New("the broker stops")

// watchBroker returns when there is no room any more, or when the broker gave up by itself, as it
// does when a write failed: JetStream switches itself off on a full disk, and on any other error
// refuses all that is published to that stream. Neither comes back without a new start.
func (e *embedded) watchBroker(ctx context.Context, one *brokerRun) error {
	t := time.NewTicker(retryInterval)
	defer t.Stop()
	for {
		broken := false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		case <-one.broken:
			broken = true
		}
		if err := e.checkRoom(minFreeRunning); err != nil {
			return &message.Error{Message: message.Of(err), Err: errStopBroker}
		}
		if broken || !one.server.JetStreamEnabled() || !one.server.Running() {
			return &message.Error{Message: message.New("hub.anew", message.String("dir", e.opts.bufferDir())), Err: errStopBroker}
		}
	}
}

// deliverStates passes on what agents say of themselves, until ctx ends. States bypass the stream:
// only the newest counts, and an agent repeats its own every minute.
func (s *brokerRun) deliverStates(ctx context.Context, in chan<- incoming) error {
	states, err := s.conn.Subscribe(subject(wire.Topic("*", "*", wire.LeafState)), func(m *nats.Msg) {
		select {
		case in <- incoming{topic: strings.ReplaceAll(m.Subject, ".", "/"), payload: m.Data}:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	states.Unsubscribe()
	return ctx.Err()
}

// deliverMessages passes messages on until ctx ends or the broker stops delivering, mostly after a
// missed heartbeat, when this process was stopped or starved. A message leaves the buffer only when
// it is committed or cannot be decoded; others are delivered again after AckWait.
func (s *brokerRun) deliverMessages(ctx context.Context, in chan<- incoming) error {
	messages, err := s.consumer.Messages(jetstream.PullMaxMessages(queueLength))
	if err != nil {
		return err
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		done := func() { _ = m.Ack() } // one that is not acknowledged comes again, and is answered from the ledger
		select {
		case in <- incoming{topic: strings.ReplaceAll(m.Subject(), ".", "/"), payload: m.Data(), onCommit: done}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errBrokerStopped means that there is nobody to answer to at the moment.
var errBrokerStopped = errors.New("the embedded broker is stopped")

// publish sends an acknowledgement, without waiting for anybody to receive it.
func (e *embedded) publish(topic string, payload []byte) error {
	one := e.runningBroker()
	if one == nil {
		return errBrokerStopped
	}
	return one.conn.Publish(subject(topic), payload)
}

func (e *embedded) close() error {
	e.stop()
	return nil
}

// natsLog passes the broker's log on. Its notices are for debugging: what an administrator needs is
// in the hub's own log.
type natsLog struct {
	log    *slog.Logger
	broken chan<- struct{} // gets something, without waiting, when a write failed
}

// writeError is in what the broker says once when a write of a stream or a consumer failed. It refuses everything there
// from then on, and says so nowhere else: its health check asks clusters only.
const writeError = "critical write error"

func (l natsLog) Noticef(f string, v ...any) {
	l.log.Debug("broker", "text", fmt.Sprintf(f, v...))
}

// plaintextWarning is the beginning of what the broker warns of at each start. The only passwords that are not hashed
// are our own: random ones of this start, which are nowhere but in memory. Agents' are hashes, or parseAgents refuses
// them.
const plaintextWarning = "Plaintext passwords detected"

func (l natsLog) Warnf(f string, v ...any) {
	level := slog.LevelWarn
	if strings.HasPrefix(f, plaintextWarning) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "broker", "text", fmt.Sprintf(f, v...))
}
func (l natsLog) Fatalf(f string, v ...any) {
	l.log.Error("broker", "text", fmt.Sprintf(f, v...))
}
func (l natsLog) Errorf(f string, v ...any) {
	if strings.Contains(strings.ToLower(f), writeError) {
		select {
		case l.broken <- struct{}{}:
		default: // it is known
		}
	}
	l.log.Error("broker", "text", fmt.Sprintf(f, v...))
}
func (l natsLog) Debugf(string, ...any) {}
func (l natsLog) Tracef(string, ...any) {}
