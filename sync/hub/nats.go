package hub

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/cluster"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// NATS names the servers of a cluster of hubs, to which agents connect by MQTT.
type NATS struct {
	Servers []string    // nats://HOST:PORT, or tls://HOST:PORT
	Login   wire.Broker // user name, password, certificates of the hub; its URL is not used
}

const (
	// natsPing and natsPings say how soon a server that is silent is given up for another one: natsPing * (natsPings + 1).
	natsPing     = time.Second
	natsPings    = 2
	natsRetry    = 250 * time.Millisecond
	natsDeadline = 2 * time.Second // of one try to connect

	// beatQueue bounds the beats that wait: those of a hundred hubs for some seconds.
	beatQueue = 1024
	// renewQueue is the queue group in which hubs that issue certificates share the requests for them.
	renewQueue = "lanehub"
	// leaveTime is how long a hub that ends waits at most for others to take over.
	leaveTime = 3 * time.Second
	// pausedAfter is the gap between two looks at the clock after which a hub knows that others have taken it for dead.
	pausedAfter = 5 * cluster.BeatEvery
)

// clustered is one of several hubs on NATS servers that run already. It serves the agents of the partitions that fall
// to it (package cluster), and hears the states of all agents. Its fields belong to the goroutine of run.
type clustered struct {
	opts   NATS
	self   cluster.Beat // Serves and Leaving are kept up to date
	log    *slog.Logger
	health *health
	issues bool // certificates
	// greet has the agents of partitions that this hub begins to serve told that it is there.
	greet func(serves func(ledger.Sender) bool)

	conn   *nats.Conn
	roster *cluster.Roster
	in     *inbox
	subs   map[int]*nats.Subscription // by partition
	beats  chan *nats.Msg
	seen   time.Time // when the loop last looked at the clock

	hubs, partitions prometheus.Gauge
}

// newClustered returns a hub of a cluster, which connects as soon as a server can be reached. key is the hub's public
// key, the same in all processes. Errors are wrong settings.
func newClustered(
	o NATS, key string, log *slog.Logger, health *health, metrics prometheus.Registerer,
) (*clustered, error) {
	id := make([]byte, 8)
	rand.Read(id)
	name, _ := os.Hostname()
	c := &clustered{
		opts: o, self: cluster.Beat{ID: hex.EncodeToString(id), Name: name, Key: key}, log: log, health: health,
		subs: map[int]*nats.Subscription{}, beats: make(chan *nats.Msg, beatQueue), greet: func(func(ledger.Sender) bool) {},
	}
	c.roster = cluster.NewRoster(c.self.ID)
	c.hubs = prometheus.NewGauge(prometheus.GaugeOpts{Name: "lanehub_cluster_hubs",
		Help: "Hubs of the cluster that live."})
	c.partitions = prometheus.NewGauge(prometheus.GaugeOpts{Name: "lanehub_cluster_partitions",
		Help: "Partitions of agents, of 64, that this hub serves."})
	metrics.MustRegister(c.hubs, c.partitions)
	settings, err := c.settings()
	if err != nil {
		return nil, err
	}
	servers := strings.Join(o.Servers, ",")
	health.set(partBroker, message.New("hub.no-nats", message.String("servers", servers)))
	if c.conn, err = nats.Connect(servers, settings...); err != nil {
		return nil, message.Wrap(err, "hub.nats", message.String("servers", servers))
	}
	return c, nil
}

// settings returns the settings of the connection.
func (c *clustered) settings() ([]nats.Option, error) {
	out := []nats.Option{
		nats.Name("lanehub " + c.self.Name), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(natsRetry), nats.ReconnectJitter(natsRetry, natsRetry), nats.Timeout(natsDeadline),
		nats.PingInterval(natsPing), nats.MaxPingsOutstanding(natsPings),
		nats.ReconnectBufSize(-1), // an acknowledgement that cannot be sent now is worth nothing later
		nats.ConnectHandler(c.connected),
		nats.ReconnectHandler(c.connected),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { c.disconnected(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.log.Warn("NATS", "err", err) }),
	}
	login := c.opts.Login
	if login.PasswordFile != "" || login.Username != "" {
		password := ""
		if login.PasswordFile != "" {
			text, err := os.ReadFile(login.PasswordFile)
			if err != nil {
				return nil, err
			}
			password = strings.TrimSpace(string(text))
		}
		out = append(out, nats.UserInfo(login.Username, password))
	}
	if login.CAFile != "" || login.CertFile != "" {
		config, err := login.TLS()
		if err != nil {
			return nil, err
		}
		out = append(out, nats.Secure(config))
	}
	return out, nil
}

// connected notes that a server answers. It may be called before newClustered has returned.
func (c *clustered) connected(conn *nats.Conn) {
	c.health.set(partBroker, message.Message{})
	c.log.Info("connected to NATS", "server", conn.ConnectedUrlRedacted())
}

func (c *clustered) disconnected(err error) {
	if err == nil {
		return // this hub ends
	}
	c.health.set(partBroker, message.Of(err))
	c.log.Warn("NATS server is lost", "reason", err)
}

// run delivers messages of the partitions that fall to this hub until ctx ends, hands them over then, and returns ctx's
// error. That another hub has another key is an error: its ledger would be another one.
func (c *clustered) run(ctx context.Context, in *inbox) error {
	c.in = in
	if err := c.listen(); err != nil {
		return err
	}
	defer c.stopServing()
	c.seen = time.Now()
	ticker := time.NewTicker(cluster.BeatEvery)
	defer ticker.Stop()
	ends, ended := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case m := <-c.beats:
			if err := c.note(m); err != nil {
				return err
			}
		case <-ticker.C:
			c.noticePause(time.Now())
			c.beat()
		case <-ends:
			c.self.Leaving, ends, ended = true, nil, time.After(leaveTime)
			c.beat()
		case <-ended:
			return ctx.Err()
		}
		if c.serve(); c.self.Leaving && len(c.subs) == 0 {
			return ctx.Err()
		}
	}
}

// listen subscribes to what every hub hears: beats, and states of all agents; and requests for certificates, of which
// each comes to one of the hubs that issue them.
func (c *clustered) listen() error {
	if _, err := c.conn.ChanSubscribe(cluster.Beats, c.beats); err != nil {
		return err
	}
	pass := func(m *nats.Msg) {
		c.in.offer(incoming{topic: strings.ReplaceAll(m.Subject, ".", "/"), payload: m.Data})
	}
	if _, err := c.conn.Subscribe(subject(wire.Topic("*", "*", wire.LeafState)), pass); err != nil {
		return err
	}
	if !c.issues {
		return nil
	}
	_, err := c.conn.QueueSubscribe(subject(wire.Topic("*", "*", wire.LeafRenew)), renewQueue, pass)
	return err
}

// note notes a beat. One that is no beat is passed over: only a hub may send there.
func (c *clustered) note(m *nats.Msg) error {
	b, err := cluster.DecodeBeat(m.Data)
	if err != nil {
		c.log.Warn("beat", "err", err)
		return nil
	}
	if b.Key == c.self.Key {
		c.roster.Note(b)
		return nil
	}
	if !c.roster.Joined() {
		return message.Errorf("hub.other-key", message.String("name", b.Name))
	}
	c.log.Warn("a hub with another key wants to join; it is passed over", "name", b.Name)
	return nil
}

// beat says that this hub lives, and what it serves. One that is not sent is like one that is lost.
func (c *clustered) beat() {
	text, err := c.self.Encode()
	if err == nil {
		err = c.conn.Publish(cluster.Beats, text)
	}
	if err != nil {
		c.log.Debug("beat", "err", err)
	}
}

// noticePause begins anew when the process was stopped for so long that others serve its partitions: what has waited
// for it meanwhile was answered by them.
func (c *clustered) noticePause(now time.Time) {
	gap := now.Sub(c.seen)
	c.seen = now
	if gap < pausedAfter {
		return
	}
	c.log.Warn("this hub was stopped; others serve its agents", "for", gap.Round(time.Millisecond).String())
	c.stopServing()
	c.in.clear()
	c.roster.Forget()
	for len(c.beats) > 0 {
		<-c.beats
	}
}

// serve subscribes to the partitions that this hub is to serve now, and leaves the others. Each change is said at once.
func (c *clustered) serve() {
	next := c.roster.Next(c.self.Serves, c.self.Leaving)
	c.hubs.Set(float64(len(c.roster.Members())))
	c.partitions.Set(float64(len(next)))
	if slices.Equal(next, c.self.Serves) {
		return
	}
	begun := map[int]bool{}
	for _, p := range next {
		if c.subs[p] != nil {
			continue
		}
		sub, err := c.conn.Subscribe(cluster.Filter(strconv.Itoa(p)), c.pass)
		if err != nil {
			c.log.Warn("partition cannot be served", "partition", p, "err", err)
			return
		}
		c.subs[p], begun[p] = sub, true
	}
	for p, sub := range c.subs {
		if !slices.Contains(next, p) {
			_ = sub.Unsubscribe() // a connection that is closed has none
			delete(c.subs, p)
		}
	}
	c.self.Serves = next
	c.log.Info("agents are shared out", "hubs", len(c.roster.Members()), "partitions", len(next), "new", len(begun))
	c.beat()
	if len(begun) > 0 {
		c.greet(func(s ledger.Sender) bool { return begun[cluster.Of(s.Site, s.Agent)] })
	}
}

// pass takes a message of an agent of a partition.
func (c *clustered) pass(m *nats.Msg) {
	if topic, ok := cluster.Topic(m.Subject); ok {
		c.in.offer(incoming{topic: topic, payload: m.Data})
	}
}

// tap passes on what an agent says on a topic, whichever hub serves it.
func (c *clustered) tap(topic string, receive func(payload []byte)) (stop func(), err error) {
	site, agent, leaf, err := wire.ParseTopic(topic)
	if err != nil {
		return nil, err
	}
	sub, err := c.conn.Subscribe(cluster.Subject(site, agent, leaf), func(m *nats.Msg) { receive(m.Data) })
	if err != nil {
		return nil, err
	}
	return func() { _ = sub.Unsubscribe() }, nil // a connection that is closed has none
}

// stopServing leaves all partitions.
func (c *clustered) stopServing() {
	for p, sub := range c.subs {
		_ = sub.Unsubscribe()
		delete(c.subs, p)
	}
	c.self.Serves = nil
}

// publish sends an acknowledgement through whichever server this hub is connected to.
func (c *clustered) publish(topic string, payload []byte) error {
	return c.conn.Publish(subject(topic), payload)
}

func (c *clustered) close() error {
	_ = c.conn.FlushTimeout(publishGrace) // acknowledgements that are lost are replaced by answers to hellos
	c.conn.Close()
	return nil
}
