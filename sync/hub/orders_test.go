package hub

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanewarden/edge/journal"
	"lanewarden/sync/downlink"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// oneList takes the newest file under lists/ and keeps its content.
type oneList struct{ content atomic.Pointer[[]byte] }

func (*oneList) Prefix() string { return "lists/" }

func (l *oneList) Choose(all []downlink.Target) (downlink.Target, bool) {
	if len(all) == 0 {
		return downlink.Target{}, false
	}
	newest := all[len(all)-1]
	have := l.content.Load()
	return newest, have == nil || int64(len(*have)) != newest.Length
}

func (l *oneList) Apply(_ context.Context, _ downlink.Target, file string) error {
	text, err := os.ReadFile(file)
	l.content.Store(&text)
	return err
}

// published makes a repository with a list of random bytes, and returns it with its keys.
func published(t *testing.T, dir string, size int) (r *orders.Repository, key orders.Key, root, content []byte) {
	t.Helper()
	r = orders.At(filepath.Join(dir, orders.Dir))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	files, rootFile, err := r.Init(filepath.Join(dir, "keys"), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "/lists.key") {
			if key, err = orders.ReadKey(f, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if root, err = os.ReadFile(rootFile); err != nil {
		t.Fatal(err)
	}
	content = publish(t, r, key, "lists/targets/full-1.csv", size)
	return r, key, root, content
}

func publish(t *testing.T, r *orders.Repository, key orders.Key, path string, size int) []byte {
	t.Helper()
	content, file := make([]byte, size), filepath.Join(t.TempDir(), "list")
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if done, err := r.Publish([]orders.File{{Path: path, From: file}}, nil, []orders.Key{key}); err != nil || !done {
		t.Fatal(done, err)
	}
	return content
}

// taking runs an agent that takes lists, until the test ends or stop is called.
func taking(t *testing.T, b wire.Broker, dir string, root []byte) (l *oneList, d *downlink.Service, j *journal.Journal, stop func()) {
	t.Helper()
	log, codec := slog.New(slog.DiscardHandler), mustCodec(t)
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "demo", Agent: "lane-1"})
	if err != nil {
		t.Fatal(err)
	}
	l = &oneList{}
	d, err = downlink.New(downlink.Options{
		Dir: filepath.Join(dir, "orders"), Site: "demo", Agent: "lane-1", Root: root, ClockTrusted: func() bool { return true },
		Consumers: []downlink.Consumer{l}, Journal: j, Codec: codec, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.KeepAlive = 20 * time.Second
	u, err := uplink.New(j, uplink.Options{Paths: uplink.Direct(b), TelemetryDelay: time.Millisecond, Log: log, Down: d.Link(), Codec: codec})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- u.Run(ctx) }()
	go func() { done <- d.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := errors.Join(<-done, <-done, j.Close()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return l, d, j, stop
}

func mustCodec(t *testing.T) *wire.Codec {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { codec.Close() })
	return codec
}

// A list comes down over a broker, and the next one soon after it is published; what was taken is in the feed.
func TestOrdersOverTheLink(t *testing.T) {
	dir := t.TempDir()
	r, key, root, content := published(t, dir, 3<<20)
	o := start(t, Options{Dir: dir})
	l, d, _, _ := taking(t, wire.Broker{URL: "mqtt://" + o.MQTT}, t.TempDir(), root)
	has := func(want []byte) func() bool {
		return func() bool { have := l.content.Load(); return have != nil && bytes.Equal(*have, want) }
	}
	eventually(t, "the list", has(content))
	eventually(t, "the next list", has(publish(t, r, key, "lists/targets/full-2.csv", 1<<20)))
	eventually(t, "the feed", func() bool {
		_, body := get(t, "http://"+o.HTTP+"/v1/feed?kind=orders.checked")
		return strings.Contains(body, "full-1.csv") && strings.Contains(body, "full-2.csv")
	})
	if st := d.Status(); st.Way != "link" || len(st.Targets) != 2 || st.Problem != "" {
		t.Errorf("status %+v", st)
	}
	code, body := get(t, "http://"+o.HTTP+"/v1/orders")
	if code != http.StatusOK || !strings.Contains(body, `"role":"lists","version":3`) || !strings.Contains(body, "full-2.csv") {
		t.Errorf("%d %s", code, body)
	}
}

// cut is a source that loses, repeats and holds back what it sends down.
type cut struct {
	source
	sent atomic.Int64
	held atomic.Pointer[func() error]
}

func (c *cut) publish(topic string, payload []byte) error {
	if !strings.HasSuffix(topic, "/"+wire.LeafPart) {
		return c.source.publish(topic, payload)
	}
	send := func() error { return c.source.publish(topic, payload) }
	switch n := c.sent.Add(1); {
	case n == 3: // lost
		return nil
	case n%5 == 0: // twice
		return errors.Join(send(), send())
	case n%5 == 1: // held back until a later one has gone
		late := c.held.Swap(&send)
		if late != nil {
			return errors.Join(send(), (*late)())
		}
		return send()
	}
	return send()
}

// What is lost, comes twice and comes late does no harm; an agent that is stopped in the middle goes on where it was, also
// at a hub that was stopped meanwhile.
func TestOrdersOverABadLink(t *testing.T) {
	dir, lane := t.TempDir(), t.TempDir()
	_, _, root, content := published(t, dir, 6<<20)
	o := start(t, Options{Dir: dir, wrapSource: func(s source) source { return &cut{source: s} }})
	b := wire.Broker{URL: "mqtt://" + o.MQTT}
	_, d, _, stop := taking(t, b, lane, root)
	held := int64(0)
	eventually(t, "a part of the list", func() bool {
		if f := d.Status().Fetching; f != nil {
			held = f.Held
		}
		return held > 1<<20
	})
	stop()
	l, d, _, _ := taking(t, b, lane, root)
	first := int64(-1)
	eventually(t, "the list", func() bool {
		if f := d.Status().Fetching; f != nil && first < 0 {
			first = f.Held
		}
		have := l.content.Load()
		return have != nil && bytes.Equal(*have, content)
	})
	if first >= 0 && first < held {
		t.Errorf("%d bytes were here, and the agent began again at %d", held, first)
	}
}

// An agent cannot read what is for another site, and questions that are none cost nothing.
func TestOrdersAnswer(t *testing.T) {
	dir := t.TempDir()
	r, _, _, _ := published(t, dir, 100)
	for name, missing := range map[string]bool{
		"timestamp.json": false, "1.root.json": false, "2.root.json": true, "1.site-demo.json": true, "lock": true,
		"keys/timestamp.key": true, "pending/targets.json": true, "../lanehub.key": true, "/etc/passwd": true, "": true,
		"targets/../keys/timestamp.key": true, "targets/sites/other/lists/a/b": true,
	} {
		part, err := r.Answer("demo", &wire.Get{Tag: 7, Name: name, Limit: 1 << 30})
		if err != nil || part.Missing != missing || part.Tag != 7 || part.Name != name {
			t.Errorf("%s: %v, %v", name, part, err)
		}
	}
	for _, get := range []*wire.Get{{Name: "timestamp.json", Offset: -1, Limit: 10}, {Name: "timestamp.json", Offset: 1 << 40, Limit: 10},
		{Name: "timestamp.json"}} {
		if part, err := r.Answer("demo", get); err != nil || len(part.Data) > 0 {
			t.Errorf("%v: %v, %v", get, part, err)
		}
	}
	s := newOrderServer(r, nil, mustCodec(t), nil, slog.New(slog.DiscardHandler))
	payload, err := s.codec.Encode(&wire.Get{Tag: 1, Name: "timestamp.json"})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := s.ask(ledger.Sender{Site: "demo", Agent: "lane-1"}, payload); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.gets) != maxGetsOfAgent {
		t.Errorf("%d questions of one agent wait", len(s.gets))
	}
	if err := s.ask(ledger.Sender{Site: "demo", Agent: "lane-1"}, []byte("x")); err == nil {
		t.Error("rubbish is a question")
	}
}
