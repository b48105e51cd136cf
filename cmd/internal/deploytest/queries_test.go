package deploytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/cmd/internal/agent"
	"lanewarden/drivers"
	"lanewarden/drivers/driver/drivertest/peer"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/hub"
)

// The dashboard and the alerts name metrics and labels that a hub and an agent export while they work together.
func TestQueriesNameWhatIsExported(t *testing.T) {
	exported := exports(t)
	queries, err := Queries(Folder(3))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, q := range queries {
		if unknown := q.Unknown(exported); unknown != "" {
			t.Errorf("%s: nobody exports %s", q.Where, unknown)
		}
		for _, m := range used.FindAllStringSubmatch(q.Expr, -1) {
			named[m[1]] = true
		}
	}
	// The reverse: what is exported for people to look at is looked at.
	for name := range exported {
		ours := strings.HasPrefix(name, "laned_") || strings.HasPrefix(name, "lanehub_commit_seconds_bucket") ||
			strings.HasPrefix(name, "lanehub_") && !strings.HasPrefix(name, "lanehub_commit_seconds")
		if ours && !named[name] {
			t.Errorf("neither dashboard nor alerts show %s", name)
		}
	}
}

func TestUnknown(t *testing.T) {
	exported := map[string]map[string]bool{}
	AddMetrics(exported, "# HELP laned_a Rows.\nlaned_a{class=\"alarm\"} 1\nlaned_b 2\n")
	for _, c := range []struct{ expr, want string }{
		{`sum by (class) (rate(laned_a{class="alarm",job="laned"}[5m])) + laned_b`, ""},
		{`laned_c > 0`, "laned_c"},
		{`laned_b{class="alarm"}`, "laned_b{class}"},
		{`sum by (device) (laned_a)`, "the label device"},
	} {
		if got := (Query{Expr: c.expr}).Unknown(exported); got != c.want {
			t.Errorf("%s: %q, want %q", c.expr, got, c.want)
		}
	}
}

// Prometheus reads its settings and alerts, and the alerts' own tests pass.
func TestPrometheusReadsIts(t *testing.T) {
	peer.Need(t, peer.Promtool)
	for _, args := range [][]string{
		{"check", "config", "--syntax-only", "prometheus.yaml"}, {"check", "rules", "rules.yaml"},
		{"test", "rules", "rules_test.yaml"},
	} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = filepath.Join(Folder(3), "prometheus")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
}

// exports runs a hub and an agent with one device until the hub has filed rows of it, and returns what both export.
func exports(t *testing.T) map[string]map[string]bool {
	dir := t.TempDir()
	addresses := free(t, 3)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	lane := filepath.Join(dir, "lane.yaml")
	text := fmt.Sprintf(`site: {id: demo}
agent: {id: lane-1, state_dir: %s}
lanes: [{id: lane-1}]
devices: [{id: clock-1, driver: clock}]
uplink: {broker: "mqtt://%s"}
console: {listen: "%s"}
`, filepath.Join(dir, "agent"), addresses[1], addresses[2])
	if err := os.WriteFile(lane, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := firmwareconfig.Load(lane, drivers.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(dir, "notify.yaml") // nobody is there, and nothing concerns the rule
	text = "receivers: [{id: x, ntfy: {url: 'http://127.0.0.1:1', topic: x}}]\nrules: [{id: x, to: [x], sites: [none]}]\n"
	if err := os.WriteFile(outside, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() {
		ended <- hub.Run(ctx, hub.Options{
			Dir: filepath.Join(dir, "hub"), HTTP: addresses[0], MQTT: addresses[1], Log: log, Notify: outside,
		})
	}()
	go func() { ended <- agent.Run(ctx, config, agent.Options{Software: "test", Log: log}) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, <-ended); err != nil {
			t.Error(err)
		}
	})
	return scrape(t, addresses[0], addresses[2])
}

// free returns addresses on this machine at which nobody listens.
func free(t *testing.T, n int) (all []string) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all
}

// scrape returns the metrics of hub and agent, as soon as the hub has some of the agent.
func scrape(t *testing.T, hubAt, agentAt string) map[string]map[string]bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		exported := map[string]map[string]bool{}
		for _, at := range []string{hubAt, agentAt} {
			AddMetrics(exported, get(ctx, "http://"+at+"/metrics"))
		}
		if exported["lanehub_rows_total"] != nil && exported["laned_device_running"] != nil {
			return exported
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("no rows at the hub after a minute; exported are %v", exported)
		}
	}
}

// get returns what a URL answers, "" when it does not answer yet.
func get(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(text)
}
