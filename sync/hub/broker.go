package hub

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"lanewarden/sync/wire"
)

const (
	streamName   = "LW1"
	streamBytes  = 1 << 30 // buffer before the ledger; what is over it is sent again by the agents
	brokerStart  = 20 * time.Second
	maxPayload   = wire.MaxPayload + 64<<10 // with the broker's own headers
	hubUser      = "lanehub"
	publishGrace = 2 * time.Second
)

var errWrongTopic = errors.New("the batch is of another class than its topic")

// embedded is NATS inside this process: its MQTT listener for agents, JetStream as the buffer before the ledger.
type embedded struct {
	server   *server.Server
	conn     *nats.Conn
	consumer jetstream.Consumer
	log      *slog.Logger
}

func newEmbedded(ctx context.Context, o Options) (*embedded, error) {
	so, secret, err := serverOptions(o)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(so)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	s.SetLoggerV2(natsLog{o.Log}, false, false, false)
	s.Start()
	e := &embedded{server: s, log: o.Log}
	if !s.ReadyForConnections(brokerStart) {
		return nil, errors.Join(fmt.Errorf("embedded broker: MQTT listener %s did not come up: is the port taken?", o.MQTT), e.close())
	}
	if e.conn, err = nats.Connect("", nats.InProcessServer(s), nats.UserInfo(hubUser, secret), nats.MaxReconnects(-1)); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded broker: %w", err), e.close())
	}
	if err := e.openStream(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded broker: %w", err), e.close())
	}
	return e, nil
}

// serverOptions sets the broker up: durable on every message, no NATS port, MQTT only.
func serverOptions(o Options) (*server.Options, string, error) {
	host, portText, err := net.SplitHostPort(o.MQTT)
	if err != nil {
		return nil, "", fmt.Errorf("MQTT address %q: %w", o.MQTT, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, "", fmt.Errorf("MQTT address %q: %w", o.MQTT, err)
	}
	secret := make([]byte, 16)
	rand.Read(secret)
	so := &server.Options{
		ServerName: "lanehub", DontListen: true, NoSigs: true, MaxPayload: maxPayload,
		JetStream: true, StoreDir: filepath.Join(o.Dir, "broker"), SyncAlways: true,
		MQTT: server.MQTTOpts{Host: host, Port: port},
	}
	if o.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
		if err != nil {
			return nil, "", err
		}
		so.MQTT.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	pass := hex.EncodeToString(secret)
	so.Users = []*server.User{{Username: hubUser, Password: pass}}
	if o.AgentsFile == "" {
		if !loopback(host) {
			return nil, "", fmt.Errorf("MQTT address %q can be reached from other machines: name an agents file, so that not everyone may send", o.MQTT)
		}
		so.Users = append(so.Users, &server.User{Username: "anyone", Password: pass})
		so.MQTT.NoAuthUser = "anyone"
		return so, pass, nil
	}
	agents, err := readAgents(o.AgentsFile)
	so.Users = append(so.Users, agents...)
	return so, pass, err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// readAgents reads a file of lines SITE/AGENT:BCRYPT, as htpasswd -B makes them; each agent may use its own topics only.
func readAgents(path string) (users []*server.User, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, found := strings.Cut(line, ":")
		site, agent, slash := strings.Cut(name, "/")
		if !found || !slash || !strings.HasPrefix(hash, "$2") {
			return nil, fmt.Errorf("%s:%d: write SITE/AGENT:BCRYPT, with a hash as 'htpasswd -nB SITE/AGENT' makes it", path, i+1)
		}
		up := make([]string, 0, 6)
		for _, leaf := range append(wire.UpLeaves(), wire.LeafState) {
			up = append(up, subject(wire.Topic(site, agent, leaf)))
		}
		users = append(users, &server.User{Username: name, Password: hash, Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: up},
			Subscribe: &server.SubjectPermission{Allow: []string{subject(wire.Topic(site, agent, wire.LeafAck))}},
		}})
	}
	return users, nil
}

// subject is an MQTT topic as NATS names it.
func subject(topic string) string { return strings.ReplaceAll(topic, "/", ".") }

func (e *embedded) openStream(ctx context.Context) error {
	js, err := jetstream.New(e.conn)
	if err != nil {
		return err
	}
	var subjects []string
	for _, leaf := range wire.UpLeaves() {
		subjects = append(subjects, subject(wire.Topic("*", "*", leaf)))
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName, Subjects: subjects, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
		MaxBytes: streamBytes, Discard: jetstream.DiscardNew, MaxMsgSize: maxPayload,
	})
	if err != nil {
		return err
	}
	e.consumer, err = js.CreateOrUpdateConsumer(ctx, streamName, jetstream.ConsumerConfig{
		Durable: "ledger", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: 4 * queueLen,
	})
	return err
}

func (e *embedded) run(ctx context.Context, in chan<- incoming) error {
	states, err := e.conn.Subscribe(subject(wire.Topic("*", "*", wire.LeafState)), func(m *nats.Msg) {
		select {
		case in <- incoming{topic: strings.ReplaceAll(m.Subject, ".", "/"), payload: m.Data}:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return err
	}
	defer states.Unsubscribe()
	for {
		err := e.deliver(ctx, in)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// A missed heartbeat, mostly: this process was stopped, or starved. What was delivered comes again.
		e.log.Warn("embedded broker: reading anew", "reason", err)
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deliver passes messages on until ctx ends or the broker stops delivering.
func (e *embedded) deliver(ctx context.Context, in chan<- incoming) error {
	messages, err := e.consumer.Messages(jetstream.PullMaxMessages(queueLen))
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
		done := func() {
			if err := m.Ack(); err != nil {
				e.log.Warn("embedded broker", "err", err)
			}
		}
		select {
		case in <- incoming{topic: strings.ReplaceAll(m.Subject(), ".", "/"), payload: m.Data(), done: done}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *embedded) publish(topic string, payload []byte) error {
	return e.conn.Publish(subject(topic), payload)
}

func (e *embedded) close() error {
	if e.conn != nil {
		e.conn.Close()
	}
	e.server.Shutdown()
	e.server.WaitForShutdown()
	return nil
}

// natsLog passes the broker's log on.
type natsLog struct{ log *slog.Logger }

func (l natsLog) Noticef(f string, v ...any) {
	l.log.Debug("broker", "msg", fmt.Sprintf(f, v...))
}
func (l natsLog) Warnf(f string, v ...any) { l.log.Warn("broker", "msg", fmt.Sprintf(f, v...)) }
func (l natsLog) Fatalf(f string, v ...any) {
	l.log.Error("broker", "msg", fmt.Sprintf(f, v...))
}
func (l natsLog) Errorf(f string, v ...any) {
	l.log.Error("broker", "msg", fmt.Sprintf(f, v...))
}
func (l natsLog) Debugf(string, ...any) {}
func (l natsLog) Tracef(string, ...any) {}
