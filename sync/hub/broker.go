package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire"
)

const (
	brokerStartTimeout = 20 * time.Second
	publishGrace       = 2 * time.Second
)

// embedded is a NATS server inside this process, whose MQTT listener is for agents. It keeps nothing on disk: what the
// ledger has not acknowledged is with the agents (docs/decisions/0022-no-buffer.md).
type embedded struct {
	opts   Options
	health *health

	mu      sync.Mutex
	running *brokerRun // nil while it is stopped
}

// brokerRun is the broker from one start to the next stop.
type brokerRun struct {
	server *server.Server
	gate   *gate
	log    *brokerLog
	conn   *nats.Conn
}

// newEmbedded starts the embedded broker. Wrong settings and a port that is taken are errors; when its folder cannot be
// made, on a full disk, a stopped one is returned, which run starts later.
func newEmbedded(ctx context.Context, o Options, h *health) (*embedded, error) {
	e := &embedded{opts: o, health: h}
	if _, _, err := serverOptions(o); err != nil {
		return nil, err
	}
	err := e.start(ctx)
	if errors.Is(err, errBrokerDir) {
		o.Log.Warn("embedded broker", "reason", err)
		err = nil
	}
	return e, err
}

// errBrokerDir is the error of a folder that cannot be made.
var errBrokerDir = errors.New("the broker's folder cannot be made")

// brokerDir is the folder of the broker. JetStream wants one, though all that it keeps for MQTT is in memory. Earlier
// versions had a buffer there.
func (o Options) brokerDir() string { return filepath.Join(o.Dir, "broker") }

// emptyDir makes the broker's folder anew. What an earlier version has buffered in it is with the agents, too.
func (o Options) emptyDir() error {
	err := errors.Join(os.RemoveAll(o.brokerDir()), os.Mkdir(o.brokerDir(), 0o700))
	if err != nil {
		return &message.Error{Message: troubleOf(o.Dir, err), Err: errBrokerDir}
	}
	return nil
}

// start starts the broker and makes it the current one.
func (e *embedded) start(ctx context.Context) error {
	if err := e.opts.emptyDir(); err != nil {
		return err
	}
	one, err := startBroker(ctx, e.opts)
	if err != nil {
		return message.Wrap(err, "hub.embedded")
	}
	e.mu.Lock()
	e.running = one
	e.mu.Unlock()
	return nil
}

// startBroker starts a server, which lets agents in once somebody delivers what they say; after an error nothing of it is
// left running.
func startBroker(ctx context.Context, o Options) (one *brokerRun, err error) {
	so, gate, err := serverOptions(o)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(so)
	if err != nil {
		return nil, err
	}
	one = &brokerRun{server: s, gate: gate, log: &brokerLog{log: o.Log}}
	defer func() {
		if err != nil {
			one.stop()
		}
	}()
	s.SetLoggerV2(one.log, false, false, false)
	s.Start()
	if !s.ReadyForConnections(brokerStartTimeout) {
		if s.JetStreamEnabled() {
			return nil, message.Errorf("hub.port", message.String("address", o.MQTT))
		}
		return nil, message.Errorf("hub.sessions", message.String("dir", o.brokerDir()))
	}
	one.conn, err = nats.Connect("", nats.InProcessServer(s), nats.UserInfo(hubUser, gate.secret), nats.MaxReconnects(-1), nats.NoEcho())
	if err != nil {
		return nil, err
	}
	if err := keepSessionsInMemory(ctx, one.conn); err != nil {
		return nil, err
	}
	return one, nil
}

// stop ends the server and waits until it is gone, so that its port is free for the next start.
func (r *brokerRun) stop() {
	r.gate.close()
	if r.conn != nil {
		r.conn.Close()
	}
	r.server.Shutdown()
	r.server.WaitForShutdown()
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

// run delivers messages until ctx ends, and returns ctx's error. Whatever befalls the broker is
// noted as trouble and tried again every retryInterval.
func (e *embedded) run(ctx context.Context, in *inbox) error {
	defer e.stop()
	for ctx.Err() == nil {
		err := e.runOnce(ctx, in)
		if ctx.Err() != nil {
			break
		}
		e.health.set(partBroker, message.Of(err))
		e.opts.Log.Warn("embedded broker", "reason", err)
		e.stop()
		_ = wire.Pause(ctx, retryInterval) // an end of ctx ends the loop
	}
	return ctx.Err()
}

// runOnce starts the broker if it does not run, and delivers until something is wrong. It returns what was wrong, never
// nil.
func (e *embedded) runOnce(ctx context.Context, in *inbox) error {
	if e.runningBroker() == nil {
		if err := e.start(ctx); err != nil {
			return err
		}
	}
	one := e.runningBroker()
	e.health.set(partBroker, message.Message{})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return one.deliver(ctx, in) })
	g.Go(func() error { return one.log.run(ctx) })
	if book := one.gate.book; book != nil {
		g.Go(func() error { return book.revoke(ctx, one.server) })
	}
	if readers := one.gate.readers; readers != nil {
		g.Go(func() error { return readers.revoke(ctx, one.server) })
	}
	return g.Wait()
}

// errBrokerStopped means that there is nobody to answer to at the moment.
var errBrokerStopped = errors.New("the embedded broker is stopped")

// deliver lets agents in and passes on what they say, until ctx ends or the broker gave up by itself.
func (r *brokerRun) deliver(ctx context.Context, in *inbox) error {
	all, err := r.conn.Subscribe(subject(wire.Topic("*", "*", "*")), func(m *nats.Msg) {
		in.offer(incoming{topic: strings.ReplaceAll(m.Subject, ".", "/"), payload: m.Data})
	})
	if err != nil {
		return err
	}
	defer all.Unsubscribe()
	if err := r.conn.FlushTimeout(brokerStartTimeout); err != nil {
		return err
	}
	r.gate.open() // not before: what nobody is subscribed to is gone
	t := time.NewTicker(retryInterval)
	defer t.Stop()
	for seen := 0; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			for dropped, _ := all.Dropped(); seen < dropped; seen++ { // by the client, when this process was starved
				in.dropped.Inc()
			}
			if !r.server.Running() || !r.server.JetStreamEnabled() {
				return errBrokerStopped
			}
		}
	}
}

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
