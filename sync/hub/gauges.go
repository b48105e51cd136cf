package hub

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"lanewarden/sync/hub/fleet"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/views"
)

// gauges exports what is read at each scrape: cases, when agents were heard, the disk, and which program this is.
type gauges struct {
	views    *views.Views
	board    *fleet.Board
	dir      string // of the hub
	software string // version of the hub
}

var (
	casesDesc  = prometheus.NewDesc("lanehub_cases_open", "Cases that are not settled.", []string{"site"}, nil)
	oldestDesc = prometheus.NewDesc("lanehub_cases_oldest_open_seconds",
		"For how long the oldest case that is not settled has been open; 0 without one.", []string{"site"}, nil)
	heardDesc = prometheus.NewDesc("lanehub_agent_heard_timestamp_seconds",
		"When the hub heard the agent last, by the hub's clock.", []string{"site", "agent"}, nil)
	freeDesc  = prometheus.NewDesc("lanehub_disk_free_bytes", "Bytes that the disk of the hub's directory has left.", nil, nil)
	sizeDesc  = prometheus.NewDesc("lanehub_disk_size_bytes", "Bytes of the disk of the hub's directory.", nil, nil)
	buildDesc = prometheus.NewDesc("lanehub_build_info", "1; the labels say which program runs.", []string{"version", "goversion"}, nil)
)

// Describe implements prometheus.Collector.
func (gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{casesDesc, oldestDesc, heardDesc, freeDesc, sizeDesc, buildDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. What cannot be read gives no values.
func (g gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(buildDesc, 1, g.software, runtime.Version())
	var disk unix.Statfs_t
	if unix.Statfs(g.dir, &disk) == nil {
		gauge(freeDesc, float64(disk.Bavail*uint64(disk.Bsize)))
		gauge(sizeDesc, float64(disk.Blocks*uint64(disk.Bsize)))
	}
	open, oldest, now := map[string]int{}, map[string]time.Time{}, time.Now()
	g.board.EachHeard(func(name store.Sender, heard time.Time) {
		if name != hubjournal.Name {
			gauge(heardDesc, float64(heard.UnixMilli())/1000, name.Site, name.Agent)
			open[name.Site] += 0 // its sites have a number, if it is none
		}
	})
	err := g.views.EachOpenCase(func(c *views.CaseSummary) {
		if first, known := oldest[c.Site]; !known || c.Opened.Before(first) {
			oldest[c.Site] = c.Opened
		}
		open[c.Site]++
	})
	if err != nil {
		return
	}
	for site, n := range open {
		gauge(casesDesc, float64(n), site)
		age := time.Duration(0)
		if n > 0 {
			age = now.Sub(oldest[site])
		}
		gauge(oldestDesc, age.Seconds(), site)
	}
}
