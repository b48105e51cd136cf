package e2e

import (
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"lanewarden/drivers/radiation/n42/sim"
	"lanewarden/edge/evidence/sqlog"
)

// proxied puts a proxy between agent and broker, with toxics as toxiproxy names them in JSON.
func proxied(t *testing.T, proxy **toxiproxy.Proxy, toxics ...string) func(string) string {
	return func(broker string) string {
		server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
		*proxy = toxiproxy.NewProxy(server, "link", freeAddress(t), broker)
		if err := (*proxy).Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup((*proxy).Stop)
		for _, toxic := range toxics {
			if _, err := (*proxy).Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				t.Fatal(err)
			}
		}
		return (*proxy).Listen
	}
}

// thinLink is a proxy that passes so many kB/s to the broker.
type thinLink struct{ proxy *toxiproxy.Proxy }

func (l *thinLink) through(t *testing.T, kilobytes int) func(string) string {
	return proxied(t, &l.proxy, fmt.Sprintf(`{"name":"thin","type":"bandwidth","stream":"upstream","attributes":{"rate":%d}}`, kilobytes))
}

// span is a length of time that a longer run sets in the environment.
func span(name string, def time.Duration) time.Duration {
	if d, err := time.ParseDuration(os.Getenv(name)); err == nil {
		return d
	}
	return def
}

// TestLinkCut cuts the link under load (LANEWARDEN_CUT long) and restores it: everything arrives, alarms first, nothing
// twice.
func TestLinkCut(t *testing.T) {
	var proxy *toxiproxy.Proxy
	w := newWorld(t, options{through: proxied(t, &proxy)})
	load := startLoad(w, 1)
	w.waitFor("the link", 30*time.Second, func() bool { s, err := w.status(); return err == nil && s.Link.Ready })
	time.Sleep(time.Second)
	proxy.Stop()
	w.waitFor("the agent to see it", 30*time.Second, func() bool { s, err := w.status(); return err == nil && !s.Link.Ready })
	time.Sleep(time.Second) // what was in flight is not part of the question
	before, err := w.status()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(span("LANEWARDEN_CUT", 5*time.Second))
	during, err := w.status()
	if err != nil {
		t.Fatal(err)
	}
	acked := during.Link.LastAck
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	restored := time.Now()
	w.waitFor("draining to begin", 30*time.Second, func() bool { s, err := w.status(); return err == nil && s.Link.LastAck.After(acked) })
	t.Logf("%d rows waited; draining began %s after the link's return", during.Journal.Waiting["alarm"]+during.Journal.Waiting["event"]+during.Journal.Waiting["telemetry"], time.Since(restored).Round(10*time.Millisecond))
	waited := during.Journal.Size - before.Journal.Size
	w.waitFor("all that waited to arrive, under load", 5*time.Minute, func() bool { return w.countHeld(before.Journal.Size, during.Journal.Size-1) == waited })
	acknowledged := load.stop()
	w.waitFor("the rest, and the documents", 5*time.Minute, w.drained)
	w.stop()
	w.checkCopies()
	w.checkDocuments(acknowledged)
	w.checkOrder(before.Journal.Size, during.Journal.Size-1)
}

// countHeld counts the rows from..to in the ledger.
func (w *world) countHeld(from, to int64) int64 {
	db, err := sqlog.Open(w.ledgerDB(), sqlog.ReadOnly)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	n, err := db.Int("SELECT count(*) FROM observation WHERE idx BETWEEN ? AND ?", 0, from, to)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// checkOrder holds the order of arrival of rows from..to, all committed while the link was down, against their classes.
func (w *world) checkOrder(from, to int64) {
	w.t.Helper()
	db, err := sqlog.Open(w.ledgerDB(), sqlog.ReadOnly)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var first, last, count [4]int64
	err = db.Query("SELECT class, min(seq), max(seq), count(*) FROM observation WHERE idx BETWEEN ? AND ? GROUP BY class", func(c []driver.Value) error {
		k := sqlog.Int64(c[0])
		first[k], last[k], count[k] = sqlog.Int64(c[1]), sqlog.Int64(c[2]), sqlog.Int64(c[3])
		return nil
	}, from, to)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Logf("rows %d to %d: %d alarms, %d events, %d telemetry", from, to, count[1], count[2], count[3])
	if count[1] == 0 || count[2] == 0 {
		w.t.Fatal("no alarms or no events while the link was down: nothing was tested")
	}
	if last[1] > first[2] || count[3] > 0 && last[2] > first[3] {
		w.t.Errorf("arrived as alarms %d..%d, events %d..%d, telemetry %d..%d", first[1], last[1], first[2], last[2], first[3], last[3])
	}
}

// TestThinLink puts a backlog on a link of 4 KB/s with 300 ms of delay. An alarm that comes while it drains must overtake
// what is left of it.
func TestThinLink(t *testing.T) {
	var proxy *toxiproxy.Proxy
	w := newWorld(t, options{through: proxied(t, &proxy,
		`{"name":"thin","type":"bandwidth","stream":"upstream","attributes":{"rate":4}}`,
		`{"name":"far","type":"latency","stream":"downstream","attributes":{"latency":300}}`,
	)})
	w.waitFor("the link", 30*time.Second, func() bool { s, err := w.status(); return err == nil && s.Link.Ready })
	rng := rand.New(rand.NewPCG(3, 3))
	for n := range 300 { // events, some 150 bytes each
		w.mustPost(t, sim.Document(sim.Pass{Number: n, Start: time.Now(), Seconds: 1}, rng.Uint64()))
	}
	w.mustPost(t, sim.Document(sim.Pass{Number: 1000, Start: time.Now(), Seconds: 1, Source: &sim.Nuclides[0], Counts: 9000}, 1))
	posted, err := w.status()
	if err != nil {
		t.Fatal(err)
	}
	alarmAt := time.Now()
	if posted.Journal.Waiting["event"] < 20 {
		t.Skipf("only %d events wait: this machine was too slow to fill the link", posted.Journal.Waiting["event"])
	}
	var then int64
	w.waitFor("the alarm", 2*time.Minute, func() bool {
		s, err := w.status()
		then = s.Journal.Waiting["event"]
		return err == nil && s.Journal.Waiting["alarm"] == 0
	})
	t.Logf("%d events waited when the alarm came, %d when it was at the hub, %s later", posted.Journal.Waiting["event"], then, time.Since(alarmAt).Round(10*time.Millisecond))
	if then == 0 {
		t.Error("the alarm did not overtake the events")
	}
	w.waitFor("the queue to drain", 3*time.Minute, w.rowsDrained)
	w.stop()
	w.checkCopies()
}

// postPasses posts n documents, each of a further pass.
func (w *world) postPasses(n int) {
	w.t.Helper()
	for range n {
		w.passes++
		w.mustPost(w.t, sim.Document(sim.Pass{Number: w.passes, Start: time.Now(), Seconds: 1}, 1))
	}
}

func (w *world) mustPost(t *testing.T, doc []byte) {
	t.Helper()
	if !w.post(t.Context(), doc) {
		t.Fatal("the document was not stored")
	}
}
