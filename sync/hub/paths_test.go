package hub

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// proxy passes on to an address until it is stopped.
func proxy(t *testing.T, to string) *toxiproxy.Proxy {
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "path", address(t), to)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// An agent with two paths takes the second while the first is down, and the first again once it has answered for a
// while; what it sends is counted, and nothing is lost or doubled.
func TestPaths(t *testing.T) {
	o := start(t, Options{})
	wired, cellular := proxy(t, o.MQTT), proxy(t, o.MQTT)
	j, err := journal.Open(t.TempDir(), journal.Options{Site: "demo", Agent: "lane-1"})
	if err != nil {
		t.Fatal(err)
	}
	broker := func(p *toxiproxy.Proxy) wire.Broker {
		return wire.Broker{URL: "mqtt://" + p.Listen, KeepAlive: 20 * time.Second}
	}
	u, err := uplink.New(j, uplink.Options{
		Paths: []uplink.Path{{ID: "wired", Broker: broker(wired)}, {ID: "cellular", Broker: broker(cellular), MonthlyBytes: 1 << 30}},
		Hold:  time.Second, TelemetryDelay: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); u.Run(ctx) }()
	defer func() { cancel(); <-done; j.Close() }()
	delivered := func(by string) {
		t.Helper()
		eventually(t, "the path "+by, func() bool { st := u.Status(); return st.Ready && st.Path == by })
		commit(t, j, observation.Class_CLASS_EVENT, 20)
		eventually(t, "rows by "+by, func() bool { return j.Acked(observation.Class_CLASS_EVENT) == j.Last(observation.Class_CLASS_EVENT) })
	}
	delivered("wired")
	wired.Stop()
	delivered("cellular")
	used := u.Status().Paths[1].UsedBytes
	if used == 0 {
		t.Error("nothing is counted of what the second path carried")
	}
	if err := wired.Start(); err != nil {
		t.Fatal(err)
	}
	delivered("wired")
	st := u.Status()
	if !st.Paths[0].InUse || st.Paths[1].InUse || st.Paths[0].UsedBytes == 0 {
		t.Errorf("paths: %+v", st.Paths)
	}
	_, feed := get(t, "http://"+o.HTTP+"/v1/feed?limit=1000")
	if held := strings.Count(feed, `"specversion"`); held != int(j.Size()) {
		t.Errorf("%d rows at the hub, %d in the journal", held, j.Size())
	}
}
