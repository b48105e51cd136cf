package deploytest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

// Query is an expression of Prometheus.
type Query struct {
	Where string // the panel's title or the alert's name
	Expr  string
}

// Queries returns those of the dashboard and of the alerts. folder is that of docs/deploy.
func Queries(folder string) (all []Query, err error) {
	text, err := os.ReadFile(filepath.Join(folder, "grafana/dashboards/lanewarden.json"))
	if err != nil {
		return nil, err
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	for _, p := range dashboard.Panels {
		for _, t := range p.Targets {
			all = append(all, Query{"panel " + p.Title, t.Expr})
		}
	}
	if text, err = os.ReadFile(filepath.Join(folder, "prometheus/rules.yaml")); err != nil {
		return nil, err
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			all = append(all, Query{"alert " + r.Alert, r.Expr})
		}
	}
	return all, nil
}

var (
	// used is a metric in an expression, with its matchers.
	used = regexp.MustCompile(`\b((?:laned|lanehub|process|go)_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	// matcher is a label with which a metric is selected, grouped the labels by which values are grouped.
	matcher = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
	grouped = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
)

// scraped are the labels that Prometheus adds when it scrapes, as prometheus.yaml has it.
var scraped = map[string]bool{"job": true, "instance": true, "site": true, "agent": true}

// Unknown returns what a query names that the programs do not export, "" when there is nothing. exported are the
// metrics, each with its labels.
func (q Query) Unknown(exported map[string]map[string]bool) string {
	labels := map[string]bool{}
	for _, m := range used.FindAllStringSubmatch(q.Expr, -1) {
		own, ok := exported[m[1]]
		if !ok {
			return m[1]
		}
		for name := range own {
			labels[name] = true
		}
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !own[l[1]] && !scraped[l[1]] {
				return m[1] + "{" + l[1] + "}"
			}
		}
	}
	for _, g := range grouped.FindAllStringSubmatch(q.Expr, -1) {
		for name := range strings.SplitSeq(g[1], ",") {
			if name = strings.TrimSpace(name); !labels[name] && !scraped[name] {
				return "the label " + name
			}
		}
	}
	return ""
}

var (
	sample = regexp.MustCompile(`(?m)^([a-z][a-z0-9_]*)(?:\{([^}]*)\})? `)
	label  = regexp.MustCompile(`([a-z_]+)="`)
)

// AddMetrics adds the metrics of a scrape, in Prometheus' text format, to exported.
func AddMetrics(exported map[string]map[string]bool, text string) {
	for _, m := range sample.FindAllStringSubmatch(text, -1) {
		if exported[m[1]] == nil {
			exported[m[1]] = map[string]bool{}
		}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			exported[m[1]][l[1]] = true
		}
	}
}
