package hub

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanewarden/edge/journal"
	"lanewarden/sync/downlink"
	lanecommand "lanewarden/sync/downlink/command"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/command"
)

// A command goes from the centre to the lane, is carried out once, and the feed says so; the hub stops sending it.
func TestCommand(t *testing.T) {
	dir, laneDir, log := t.TempDir(), t.TempDir(), slog.New(slog.DiscardHandler)
	_, _, root, _ := published(t, dir, 10)
	o := start(t, Options{Dir: dir})
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"commanders": command.Commanders{
		{Name: "duty", Key: public, Kinds: []string{command.Reboot}, NotAfter: time.Now().Add(time.Hour)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(laneDir, "commanders.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(filepath.Join(laneDir, "journal"), journal.Options{Site: "demo", Agent: "lane-1"})
	if err != nil {
		t.Fatal(err)
	}
	codec := mustCodec(t)
	d, err := downlink.New(downlink.Options{
		Dir: filepath.Join(laneDir, "orders"), Site: "demo", Agent: "lane-1", Root: root, ClockTrusted: func() bool { return true },
		Journal: j, Codec: codec, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := uplink.New(j, uplink.Options{Paths: uplink.Direct(wire.Broker{URL: "mqtt://" + o.MQTT, KeepAlive: 20 * time.Second}),
		TelemetryDelay: time.Millisecond, Log: log, Down: d.Link(), Codec: codec})
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Int32
	r := lanecommand.New(lanecommand.Options{
		Journal: j, Now: d.Now, Run: u.Instance, File: file, Log: log,
		Executors: map[string]lanecommand.Executor{command.Reboot: func(context.Context, *wire.Order) error { done.Add(1); return nil }},
	})
	d.Link().OnCommand(r.Receive)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 3)
	go func() { ended <- u.Run(ctx) }()
	go func() { ended <- d.Run(ctx) }()
	go func() { ended <- r.Run(ctx, d.Link().Received) }()
	t.Cleanup(func() {
		cancel()
		for range 3 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	var run uint64
	eventually(t, "the agent at the hub", func() bool {
		_, body := get(t, "http://"+o.HTTP+"/v1/agents")
		var all []hubapi.AgentSummary
		if json.Unmarshal([]byte(body), &all) == nil && len(all) == 1 && all[0].Run != "" {
			run, err = strconv.ParseUint(all[0].Run, 16, 64)
		}
		return run != 0
	})
	if err != nil || run != u.Instance() {
		t.Fatalf("the hub says run %x: %v", run, err)
	}
	signed, err := command.Sign(&wire.Order{
		Site: "demo", Agent: "lane-1", Journal: j.Identity().ID, Sequence: 1, IssuedNs: time.Now().UnixNano(), Run: run,
		NotAfterNs: time.Now().Add(time.Hour).UnixNano(), Kind: command.Reboot, Device: "rpm-1",
	}, "duty", private)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(hubapi.Command{Order: base64.StdEncoding.EncodeToString(signed.Order),
		Signature: base64.StdEncoding.EncodeToString(signed.Signature), Key: signed.Key})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post("http://"+o.HTTP+"/v1/commands", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	eventually(t, "the feed", func() bool {
		_, body := get(t, "http://"+o.HTTP+"/v1/feed?kind=order.*")
		return strings.Contains(body, "order.received") && strings.Contains(body, "OUTCOME_DONE") &&
			strings.Contains(body, hex.EncodeToString(command.ID(signed)))
	})
	eventually(t, "an empty outbox", func() bool {
		_, body := get(t, "http://"+o.HTTP+"/v1/commands")
		return strings.TrimSpace(body) == "[]"
	})
	if n := done.Load(); n != 1 {
		t.Errorf("it was carried out %d times", n)
	}
}

// The outbox forgets what has expired, and what its own agent says to have.
func TestOutbox(t *testing.T) {
	dir := t.TempDir()
	r, _, _, _ := published(t, dir, 10)
	out := r.Outbox()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	add := func(agent string, good time.Duration) string {
		c, err := command.Sign(&wire.Order{Site: "demo", Agent: agent, NotAfterNs: time.Now().Add(good).UnixNano()}, "x", private)
		if err != nil {
			t.Fatal(err)
		}
		one, err := out.Add(c)
		if err != nil {
			t.Fatal(err)
		}
		return one.ID
	}
	first, _ := add("lane-1", time.Hour), add("lane-2", time.Minute)
	if all, err := out.All(time.Now()); err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	if err := out.Received("demo", "lane-2", first); err != nil {
		t.Fatal(err)
	}
	if all, err := out.All(time.Now().Add(2 * time.Minute)); err != nil || len(all) != 1 || all[0].ID != first {
		t.Fatal(all, err)
	}
	if err := out.Received("demo", "lane-1", first); err != nil {
		t.Fatal(err)
	}
	if all, err := out.All(time.Now()); err != nil || len(all) > 0 {
		t.Fatal(all, err)
	}
	for _, id := range []string{"", "../timestamp", strings.Repeat("0", 63)} {
		if err := out.Received("demo", "lane-1", id); err == nil {
			t.Errorf("%q", id)
		}
	}
	if _, err := out.Add(&wire.Command{Order: []byte("x")}); err == nil {
		t.Error("rubbish is kept")
	}
}
