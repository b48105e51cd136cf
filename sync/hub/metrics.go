package hub

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"lanewarden/sync/hub/ledger"
)

// metrics holds the hub's counters, which may be used by many goroutines. The names that Prometheus
// sees are public: dashboards and alerts refer to them.
type metrics struct {
	registry  *prometheus.Registry
	rows      *prometheus.CounterVec
	alarms    *prometheus.CounterVec
	passages  *prometheus.CounterVec
	malformed prometheus.Counter
	failures  prometheus.Counter

	dropped       prometheus.Counter
	hellosDropped prometheus.Counter
	refusals      prometheus.Counter
	goBacks       prometheus.Counter
	artifacts     prometheus.Counter
	commit        prometheus.Histogram
}

// newMetrics registers the counters, and gauges that read the ledger and the states whenever they
// are scraped. The registry is the hub's own, so that several hubs can run in one process, as tests
// do.
func newMetrics(l *ledger.Ledger, s *states) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lanehub_rows_total",
			Help: "Observations filed in the ledger."}, []string{"site", "agent"}),
		alarms: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lanehub_alarms_total",
			Help: "Observations of class alarm filed in the ledger."}, []string{"site", "agent"}),
		passages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lanehub_passages_total",
			Help: "Vehicles whose passage has ended, as lanes said."}, []string{"site", "agent"}),
		malformed: prometheus.NewCounter(prometheus.CounterOpts{Name: "lanehub_malformed_total",
			Help: "Messages that could not be understood."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "lanehub_commit_failures_total",
			Help: "Transactions of the ledger that failed."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "lanehub_messages_dropped_total",
			Help: "Messages for which there was no room; their agents send them again."}),
		hellosDropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "lanehub_hellos_dropped_total",
			Help: "Hellos that came faster than an agent says them, and were passed over."}),
		refusals: prometheus.NewCounter(prometheus.CounterOpts{Name: "lanehub_refusals_total",
			Help: "Messages answered with a refusal."}),
		goBacks: prometheus.NewCounter(prometheus.CounterOpts{Name: "lanehub_go_backs_total",
			Help: "Batches that did not continue their class."}),
		artifacts: prometheus.NewCounter(prometheus.CounterOpts{Name: "lanehub_artifacts_total",
			Help: "Answers that an artifact is held whole; one that is asked for again counts again."}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "lanehub_commit_seconds",
			Help: "Time to file a group of messages.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8)}),
	}
	online := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lanehub_agents_online",
		Help: "Agents that say they are online."}, func() float64 { return float64(s.online()) })
	seq := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lanehub_feed_cursor",
		Help: "Cursor of the newest event."}, func() float64 {
		n, _ := l.Durable()
		return float64(n)
	})
	m.registry.MustRegister(m.rows, m.alarms, m.passages, m.malformed, m.failures, m.dropped, m.hellosDropped, m.refusals, m.goBacks, m.artifacts,
		m.commit, online, seq,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// countCommit counts a committed group by what was answered to it. took is the time of the
// transaction, retries included. The cursors of a hello's answer are not go-backs: they tell the
// agent where to begin.
func (m *metrics) countCommit(answers []ledger.Answer, took time.Duration) {
	m.commit.Observe(took.Seconds())
	for _, a := range answers {
		if a.Rows > 0 {
			m.rows.WithLabelValues(a.Site, a.Agent).Add(float64(a.Rows))
			m.alarms.WithLabelValues(a.Site, a.Agent).Add(float64(a.Alarms))
			m.passages.WithLabelValues(a.Site, a.Agent).Add(float64(a.Passages))
		}
		for _, h := range a.Ack.Artifacts {
			if h.Complete {
				m.artifacts.Inc()
			} else if h.GoBack {
				m.goBacks.Inc()
			}
		}
		for _, c := range a.Ack.Cursors {
			if c.GoBack && a.Ack.HelloEpoch == 0 {
				m.goBacks.Inc()
			}
		}
	}
}
