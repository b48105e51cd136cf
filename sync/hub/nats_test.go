package hub

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/journal/keyfile"
	"lanewarden/sync/hub/brokerrules"
	"lanewarden/sync/hub/cluster"
	"lanewarden/sync/hub/ledger/postgres/postgrestest"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// natsCluster is NATS servers with the rules that lanehub broker-rules writes, and what hubs and agents need to use them.
type natsCluster struct {
	t        *testing.T
	urls     []string // for hubs
	mqtt     []string // for agents
	servers  []*server.Server
	agents   []string // SITE/AGENT
	password string   // file
	ledger   string   // its URL, "" for one of the hub's own
	key      []byte   // of all hubs, once one has it
	dir      string
}

// startNATS starts n servers with rules for some agents of one password.
func startNATS(t *testing.T, n, agents int) *natsCluster {
	c := &natsCluster{t: t, dir: t.TempDir()}
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	shows := map[string]string{}
	for i := range agents {
		name := fmt.Sprintf("demo/lane-%d", i)
		c.agents, shows[name] = append(c.agents, name), string(hash)
	}
	c.password = filepath.Join(c.dir, "password")
	write(t, c.password, "secret\n")
	files, err := brokerrules.For("nats", brokerrules.Options{Hub: hubUser, Dir: c.dir, Agents: shows})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LANEHUB_PASSWORD", "secret")
	write(t, filepath.Join(c.dir, "lanewarden-nats.conf"), files[0].Text)
	var routes []string
	for range n {
		routes = append(routes, address(t))
	}
	for i := range n {
		c.startServer(i, routes)
	}
	return c
}

// startServer starts the server with a number, from 0 on.
func (c *natsCluster) startServer(i int, routes []string) {
	client, agents := address(c.t), address(c.t)
	config := filepath.Join(c.dir, fmt.Sprintf("nats-%d.conf", i))
	text := fmt.Sprintf("server_name: n%d\nlisten: %q\njetstream {store_dir: %q, max_memory_store: 64MB, max_file_store: 256MB}\n"+
		"mqtt {listen: %q}\ninclude lanewarden-nats.conf\n", i, client, filepath.Join(c.dir, fmt.Sprint("store-", i)), agents)
	if len(routes) > 1 {
		text += fmt.Sprintf("cluster {name: lanewarden, listen: %q, no_advertise: true, routes: [\"nats://%s\"]}\n", routes[i], strings.Join(routes, "\", \"nats://"))
	}
	write(c.t, config, text)
	o, err := server.ProcessConfigFile(config)
	if err != nil {
		c.t.Fatal(err)
	}
	o.NoSigs = true
	s, err := server.NewServer(o)
	if err != nil {
		c.t.Fatal(err)
	}
	s.Start()
	c.t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		c.t.Fatalf("server %d does not start", i)
	}
	c.servers, c.urls, c.mqtt = append(c.servers, s), append(c.urls, "nats://"+client), append(c.mqtt, "mqtt://"+agents)
}

// clusterHub is a hub of a cluster that can be ended, and cut off from the servers.
type clusterHub struct {
	Options
	end   func() // in good order
	proxy *toxiproxy.Proxy
}

// hub starts a hub that reaches the first server through a proxy, and no other.
func (c *natsCluster) hub(name string) *clusterHub {
	t := c.t
	h := &clusterHub{}
	quiet := zerolog.Nop()
	h.proxy = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), quiet), name, address(t), strings.TrimPrefix(c.urls[0], "nats://"))
	if err := h.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.proxy.Stop)
	dir := filepath.Join(c.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if c.key == nil {
		if _, err := keyfile.Open(filepath.Join(dir, KeyFile), wire.HubKeyName); err != nil {
			t.Fatal(err)
		}
		var err error
		if c.key, err = os.ReadFile(filepath.Join(dir, KeyFile)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, KeyFile), string(c.key))
	h.Options = Options{
		Dir: dir, HTTP: address(t), Log: slog.New(slog.NewTextHandler(logTo{t, name}, nil)), Ledger: c.ledger,
		NATS: &NATS{Servers: []string{"nats://" + h.proxy.Listen}, Login: wire.Broker{Username: hubUser, PasswordFile: c.password}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, h.Options) }()
	ended := false
	h.end = func() {
		if cancel(); !ended {
			ended = true
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(h.end)
	eventually(t, "the hub's health", func() bool {
		resp, err := http.Get("http://" + h.HTTP + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return h
}

// serves waits until the hub serves n partitions, or one more.
func (h *clusterHub) serves(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("a hub to serve %d partitions", n), func() bool {
		_, body := get(t, "http://"+h.HTTP+"/metrics")
		return strings.Contains(body, fmt.Sprintf("lanehub_cluster_partitions %d\n", n)) ||
			strings.Contains(body, fmt.Sprintf("lanehub_cluster_partitions %d\n", n+1))
	})
}

// logTo writes a hub's log to a test's.
type logTo struct {
	t    *testing.T
	name string
}

func (l logTo) Write(p []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Logf("%s: %s", l.name, strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// lanes starts the agents, each at another server.
func (c *natsCluster) lanes() (all []*journal.Journal) {
	for i, name := range c.agents {
		site, agent, _ := strings.Cut(name, "/")
		j, err := journal.Open(c.t.TempDir(), journal.Options{Site: site, Agent: agent})
		if err != nil {
			c.t.Fatal(err)
		}
		b := wire.Broker{URL: c.mqtt[i%len(c.mqtt)], Username: name, PasswordFile: c.password, KeepAlive: 5 * time.Second}
		u, err := uplink.New(j, uplink.Options{Paths: uplink.Direct(b), TelemetryDelay: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			c.t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); u.Run(ctx) }()
		c.t.Cleanup(func() { cancel(); <-done; j.Close() })
		all = append(all, j)
	}
	return all
}

// file has each agent commit n rows, and waits until all is acknowledged.
func (c *natsCluster) file(what string, all []*journal.Journal, n int) {
	c.t.Helper()
	for _, j := range all {
		commit(c.t, j, observation.Class_CLASS_ALARM, n)
	}
	begin := time.Now()
	eventually(c.t, "acknowledgements "+what, func() bool {
		for _, j := range all {
			if j.Acked(1) < j.Last(1) {
				return false
			}
		}
		return true
	})
	c.t.Logf("%s: acknowledged after %s", what, time.Since(begin).Round(time.Millisecond))
}

// Three hubs share the agents of three NATS servers: each row is in the ledger once, whichever hub ends, is cut off, or
// joins, and whichever server an agent is connected to; any hub's feed has all rows.
func TestHubsShareAgents(t *testing.T) {
	url := postgrestest.URL(t)
	c := startNATS(t, 3, 12)
	c.ledger = url
	a, b := c.hub("a"), c.hub("b")
	lanes := c.lanes()
	c.file("with two hubs", lanes, 3)
	third := c.hub("c")
	c.file("while a hub joins", lanes, 3)
	third.serves(t, cluster.Partitions/3)
	b.end()
	c.file("after a hub ended", lanes, 3)
	third.proxy.Stop()
	c.file("while a hub is cut off", lanes, 3)
	a.serves(t, cluster.Partitions)
	if err := third.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	c.file("when it is back", lanes, 3)
	third.serves(t, cluster.Partitions/2)
	a.serves(t, cluster.Partitions/2)
	c.servers[2].Shutdown()
	some := lanes[:0:0]
	for i, j := range lanes {
		if i%3 != 2 {
			some = append(some, j)
		}
	}
	c.file("at the servers that are left", some, 3)
	seen := map[string]int{}
	for _, h := range []*clusterHub{a, third} {
		_, body := get(t, "http://"+h.HTTP+"/v1/feed?limit=10000")
		if n := strings.Count(body, "\n"); n != len(lanes)*15+len(some)*3 {
			t.Errorf("the feed of a hub has %d rows, want %d", n, len(lanes)*15+len(some)*3)
		}
		for line := range strings.Lines(body) {
			_, id, _ := strings.Cut(line, `"id":"`)
			id, _, _ = strings.Cut(id, `"`)
			seen[id]++
		}
	}
	for id, n := range seen {
		if n != 2 {
			t.Errorf("row %s is %d times in two feeds", id, n)
		}
	}
}

// An agent of a cluster uses its own topics on its own partition only, and the wrong password lets nobody in.
func TestClusterRulesKeepAgentsApart(t *testing.T) {
	c := startNATS(t, 1, 2)
	h := c.hub("a")
	j := c.lanes()[0]
	c.file("of the honest one", []*journal.Journal{j}, 1)
	_, err := connect(t, wire.Broker{URL: c.mqtt[0], Username: "demo/lane-1", PasswordFile: filepath.Join(c.dir, "nats-0.conf")}, "wrong")
	if err == nil {
		t.Error("a wrong password was let in")
	}
	client, err := connect(t, wire.Broker{URL: c.mqtt[0], Username: "demo/lane-1", PasswordFile: c.password}, "intruder")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	client.AddRoute("#", func(_ mqtt.Client, m mqtt.Message) { got <- m.Topic() })
	for _, f := range []string{"#", "lw1/#", "lw1p/#", "lw1c/beat", "lw1/demo/lane-0/ack", "$MQTT/#", "$JS/#"} {
		_ = wire.Await(client.Subscribe(f, 0, nil), 10*time.Second)
	}
	for _, r := range wire.Rules() {
		client.Publish(wire.Topic("demo", "lane-0", r.Leaf), 0, false, "forged")
		client.Publish(strings.ReplaceAll(cluster.Subject("demo", "lane-0", r.Leaf), ".", "/"), 0, false, "forged")
	}
	client.Publish("lw1c/beat", 0, false, `{"id":"x"}`)
	client.Publish(wire.Topic("demo", "lane-1", wire.LeafHello), 0, false, "not a hello")
	eventually(t, "the intruder's own message", func() bool {
		_, body := get(t, "http://"+h.HTTP+"/metrics")
		return strings.Contains(body, "lanehub_malformed_total 1\n")
	})
	c.file("of the honest one, then", []*journal.Journal{j}, 1)
	select {
	case topic := <-got:
		t.Errorf("the intruder got %s", topic)
	default:
	}
}

// A hub with another key has another ledger: it does not join.
func TestHubWithAnotherKeyDoesNotJoin(t *testing.T) {
	c := startNATS(t, 1, 1)
	c.hub("a")
	o := Options{Dir: filepath.Join(c.dir, "stranger"), HTTP: address(t), Log: slog.New(slog.DiscardHandler), NATS: &NATS{
		Servers: c.urls, Login: wire.Broker{Username: hubUser, PasswordFile: c.password}}}
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "hub.key") {
		t.Errorf("error %v", err)
	}
}

// A hub that was stopped for so long that others serve its agents begins anew, and what waited is not its any more; one
// that was late is not.
func TestHubNoticesThatItWasStopped(t *testing.T) {
	now := time.Now()
	c := &clustered{
		self: cluster.Beat{ID: "a", Serves: []int{1}}, log: slog.New(slog.DiscardHandler), roster: cluster.NewRoster("a"),
		in: newInbox(&tally{}), beats: make(chan *nats.Msg, 1), seen: now,
	}
	for !c.roster.Joined() {
		c.roster.Note(c.self)
	}
	c.in.offer(incoming{topic: "lw1/demo/lane-1/a"})
	c.beats <- &nats.Msg{}
	if c.noticePause(now.Add(pausedAfter - 1)); !c.roster.Joined() || c.in.empty() || c.self.Serves == nil {
		t.Error("a hub that was late began anew")
	}
	if c.noticePause(now.Add(3 * pausedAfter)); c.roster.Joined() || !c.in.empty() || c.self.Serves != nil || len(c.beats) > 0 {
		t.Error("a hub that was stopped goes on")
	}
}
