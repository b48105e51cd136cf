package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// observeTime bounds how long the stack may take until its lane is seen at the hub, and in Prometheus.
const observeTime = 3 * time.Minute

// observe waits until the hub has verified rows of the lane and, where Prometheus is installed, until it has scraped
// hub and agent as its settings say, and answers every query of the dashboard.
func (s *stack) observe() error {
	ctx, cancel := context.WithTimeout(context.Background(), observeTime)
	defer cancel()
	client, err := s.client()
	if err != nil {
		return err
	}
	token, err := os.ReadFile(filepath.Join(s.dir, "compose/secrets/people"))
	if err != nil {
		return err
	}
	var agents string
	if err := s.until(ctx, func() bool {
		agents = fetch(ctx, client, "https://hub:8490/v1/agents", strings.TrimSpace(string(token)))
		return strings.Contains(agents, `"lane-1"`) && strings.Contains(agents, `"rpm-1"`)
	}); err != nil {
		return fmt.Errorf("the hub does not know the lane and its devices: %w: %s", err, agents)
	}
	fmt.Println("compose.yaml: hub, agent and lane run from read-only roots; the hub holds what the lane's devices say")
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		fmt.Println("compose.yaml: Prometheus not run: apt-get install prometheus. Grafana is not run here in any case")
		return nil
	}
	return s.prometheus(ctx, prometheus)
}

// client returns an HTTP client for which every name is this machine, and the demonstration's authority the only one.
func (s *stack) client() (*http.Client, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, "compose/secrets/ca/ca.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
		},
	}}, nil
}

// until asks again and again until ok, or a service ends, or time is up.
func (s *stack) until(ctx context.Context, ok func() bool) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for !ok() {
		if err := s.running(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fetch returns what a URL answers, or why it does not. token is "" for none.
func fetch(ctx context.Context, client *http.Client, at, token string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err.Error()
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// prometheus runs Prometheus with the compose file's settings, its paths being those on this machine, and asks it what
// the dashboard asks.
func (s *stack) prometheus(ctx context.Context, program string) error {
	dir := filepath.Join(s.dir, "prometheus")
	text, err := os.ReadFile(filepath.Join(dir, "prometheus.yaml"))
	if err != nil {
		return err
	}
	settings := strings.ReplaceAll(string(text), "/run/prometheus", filepath.Join(s.dir, "compose/secrets/prometheus"))
	settings = strings.ReplaceAll(settings, "15s", "2s") // we do not wait for long
	file := filepath.Join(dir, "here.yaml")
	if err := os.WriteFile(file, []byte(settings), 0o644); err != nil {
		return err
	}
	// The names of compose.yaml, in this mount namespace.
	names := filepath.Join(s.dir, "hosts")
	if err := os.WriteFile(names, []byte(hosts), 0o644); err != nil {
		return err
	}
	if err := mount(names, "/etc/hosts", syscall.MS_BIND); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, program, "--config.file="+file, "--web.listen-address=127.0.0.1:9090",
		"--storage.tsdb.path="+filepath.Join(s.dir, "compose/state/prometheus"), "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		stop()
		return err
	}
	defer func() {
		stop()
		_ = cmd.Wait() // we end it
	}()
	up := ""
	if err := s.until(ctx, func() bool { // twice scraped, so that there are rates
		up = query(ctx, `count(count_over_time(up[1m]) >= 5 and up == 1)`)
		return up == "2"
	}); err != nil {
		return fmt.Errorf("hub and agent are not both scraped by Prometheus: %w: %s", err, up)
	}
	return dashboardQueries(ctx, filepath.Join(s.dir, "grafana/dashboards/lanewarden.json"))
}

// query returns the first value that Prometheus answers to an expression, "none" when there is none, or its error.
func query(ctx context.Context, expr string) string {
	text := fetch(ctx, http.DefaultClient, "http://127.0.0.1:9090/api/v1/query?query="+url.QueryEscape(expr), "")
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Status != "success" {
		return "error: " + text
	}
	if len(answer.Data.Result) == 0 {
		return "none"
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

// dashboardQueries asks Prometheus what a dashboard's panels ask, for all agents. An error, or an answer without values
// to a query that does not choose among them, is an error.
func dashboardQueries(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		return err
	}
	n := 0
	for _, p := range dashboard.Panels {
		for _, t := range p.Targets {
			n++
			value := query(ctx, strings.NewReplacer("$__rate_interval", "1m", "$agent", ".*").Replace(t.Expr))
			chooses := strings.HasSuffix(t.Expr, "> 0")
			if strings.HasPrefix(value, "error") || value == "none" && !chooses {
				return fmt.Errorf("panel %s: %s: %s", p.Title, t.Expr, value)
			}
		}
	}
	fmt.Printf("compose.yaml: Prometheus scrapes hub and agent over TLS, and answers the dashboard's %d queries\n", n)
	return nil
}
