package console

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lanewarden/edge/api"
	"lanewarden/edge/lane"
	"lanewarden/edge/retention"
)

// metrics returns the function of api.GetMetrics. Values are read from the agent's status at each
// scrape, so that pages and metrics never differ.
func (c *Console) metrics() func(http.ResponseWriter, *api.Call, api.None) error {
	r := prometheus.NewRegistry()
	r.MustRegister(statusCollector{c}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	h := promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	return func(w http.ResponseWriter, r *api.Call, _ api.None) error {
		h.ServeHTTP(w, r.Request)
		return nil
	}
}

// statusCollector exports the agent's status. Its metric names are public: dashboards and alerts
// refer to them.
type statusCollector struct{ c *Console }

var (
	rowsDesc   = prometheus.NewDesc("laned_journal_rows", "Rows in the journal.", nil, nil)
	signedDesc = prometheus.NewDesc("laned_journal_signed_rows",
		"Rows under the newest signed checkpoint.", nil, nil)
	committedDesc  = prometheus.NewDesc("laned_journal_committed_total", "Rows made durable since start.", nil, nil)
	duplicatesDesc = prometheus.NewDesc("laned_journal_duplicates_total",
		"Observations that the journal had already.", nil, nil)
	groupsDesc   = prometheus.NewDesc("laned_journal_transactions_total", "Transactions of the journal.", nil, nil)
	failuresDesc = prometheus.NewDesc("laned_journal_failures_total",
		"Transactions of the journal that failed.", nil, nil)
	waitingDesc = prometheus.NewDesc("laned_queue_rows", "Rows that the hub has not acknowledged.",
		[]string{"class"}, nil)
	artifactsDesc = prometheus.NewDesc("laned_queue_artifacts",
		"Artifacts that the hub does not have whole.", nil, nil)
	artBytesDesc = prometheus.NewDesc("laned_queue_artifact_bytes",
		"Bytes of artifacts that the hub does not have whole.", nil, nil)
	diskUsedDesc = prometheus.NewDesc("laned_disk_used_bytes",
		"Bytes that journal, artifacts and tapes take of the disk.", nil, nil)
	diskBudgetDesc = prometheus.NewDesc("laned_disk_budget_bytes",
		"Bytes that they may take; less than configured when others fill the disk.", nil, nil)
	refusedDesc = prometheus.NewDesc("laned_disk_refuses",
		"1 when the disk budget leaves no room for observations of a class.", []string{"class"}, nil)
	linkDesc  = prometheus.NewDesc("laned_link_up", "1 when the hub answers.", nil, nil)
	sentDesc  = prometheus.NewDesc("laned_link_sent_bytes_total", "Payload bytes sent.", nil, nil)
	ackedDesc = prometheus.NewDesc("laned_link_acked_rows_total",
		"Rows acknowledged by the hub since start.", nil, nil)
	goBacksDesc   = prometheus.NewDesc("laned_link_go_backs_total", "Times that rows were sent again.", nil, nil)
	reconnectDesc = prometheus.NewDesc("laned_link_reconnects_total",
		"Connections to the broker that ended or failed.", nil, nil)
	clockDesc    = prometheus.NewDesc("laned_clock_synchronised", "1 when the kernel says its clock is.", nil, nil)
	deviceUpDesc = prometheus.NewDesc("laned_device_running", "1 when the device is connected and understood.",
		[]string{"device"}, nil)
	deviceMaintenanceDesc = prometheus.NewDesc("laned_device_maintenance", "1 while somebody works on the device.",
		[]string{"device"}, nil)
	deviceObsDesc = prometheus.NewDesc("laned_device_observations_total", "New observations.", []string{"device"}, nil)
	deviceFaults  = prometheus.NewDesc("laned_device_faults_total", "Input that was not understood.",
		[]string{"device"}, nil)
	deviceConnects = prometheus.NewDesc("laned_device_connects_total", "Runs of the driver.", []string{"device"}, nil)
	alarmsDesc     = prometheus.NewDesc("laned_alarms_total", "Rows of class alarm since start.", nil, nil)
	passagesDesc   = prometheus.NewDesc("laned_passages_total", "Vehicles whose passage has ended, since start.", nil, nil)
	casesDesc      = prometheus.NewDesc("laned_cases_open", "Cases that are not settled.", nil, nil)
	oldestDesc     = prometheus.NewDesc("laned_cases_oldest_open_seconds",
		"For how long the oldest case that is not settled has been open; 0 without one.", nil, nil)
	lastAckDesc = prometheus.NewDesc("laned_link_last_ack_timestamp_seconds",
		"When the hub acknowledged something last; absent before that.", nil, nil)
	freeDesc  = prometheus.NewDesc("laned_disk_free_bytes", "Bytes that the disk of the journal has left.", nil, nil)
	sizeDesc  = prometheus.NewDesc("laned_disk_size_bytes", "Bytes of the disk of the journal.", nil, nil)
	buildDesc = prometheus.NewDesc("laned_build_info", "1; the labels say which program runs.", []string{"version", "goversion"}, nil)

	tapeLostDesc = prometheus.NewDesc("laned_device_tape_lost_total", "Tape records that could not be written.",
		[]string{"device"}, nil)
)

// Describe implements prometheus.Collector.
func (statusCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		rowsDesc, signedDesc, committedDesc, duplicatesDesc, groupsDesc, failuresDesc, waitingDesc, artifactsDesc,
		artBytesDesc, diskUsedDesc, diskBudgetDesc, refusedDesc, linkDesc, sentDesc, ackedDesc,
		goBacksDesc, reconnectDesc, clockDesc, deviceUpDesc, deviceMaintenanceDesc, deviceObsDesc, deviceFaults, deviceConnects, tapeLostDesc,
		alarmsDesc, passagesDesc, casesDesc, oldestDesc, lastAckDesc, freeDesc, sizeDesc, buildDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. A status that cannot be read gives no values, which an
// alert on absent() finds.
func (s statusCollector) Collect(ch chan<- prometheus.Metric) {
	st, err := s.c.Status(context.Background())
	if err != nil {
		s.c.Log.Error("metrics", "err", err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(rowsDesc, float64(st.Journal.Size))
	gauge(signedDesc, float64(st.Journal.Signed))
	counter(committedDesc, st.Journal.Rows)
	counter(duplicatesDesc, st.Journal.Duplicates)
	counter(groupsDesc, st.Journal.Groups)
	counter(failuresDesc, st.Journal.Failures)
	for class, n := range st.Journal.Waiting {
		gauge(waitingDesc, float64(n), class)
	}
	gauge(artifactsDesc, float64(st.Journal.WaitingArtifacts))
	gauge(artBytesDesc, float64(st.Journal.WaitingArtifactBytes))
	gauge(diskUsedDesc, float64(st.Disk.Used))
	gauge(diskBudgetDesc, float64(st.Disk.Budget))
	gauge(refusedDesc, truth(st.Disk.Refused != ""), "telemetry")
	gauge(refusedDesc, truth(st.Disk.Refused == retention.RefusedEvents), "event")
	gauge(linkDesc, truth(st.Link.Ready))
	counter(sentDesc, st.Link.SentBytes)
	counter(ackedDesc, st.Link.AckedRows)
	counter(goBacksDesc, st.Link.GoBacks)
	counter(reconnectDesc, st.Link.Reconnects)
	gauge(clockDesc, truth(st.Clock.Synchronised))
	gauge(buildDesc, 1, st.Software, runtime.Version())
	stats := s.c.Journal.Stats()
	counter(alarmsDesc, stats.Alarms)
	counter(passagesDesc, stats.Passages)
	if !st.Link.LastAck.IsZero() {
		gauge(lastAckDesc, float64(st.Link.LastAck.UnixMilli())/1000)
	}
	if st.Journal.DiskTotal > 0 {
		gauge(freeDesc, float64(st.Journal.DiskFree))
		gauge(sizeDesc, float64(st.Journal.DiskTotal))
	}
	s.cases(gauge)
	for _, d := range st.Devices {
		s.device(d, gauge, counter)
	}
}

// cases exports how many cases wait, and since when.
func (s statusCollector) cases(gauge func(*prometheus.Desc, float64, ...string)) {
	open, now := 0, time.Now()
	oldest := now
	for _, c := range s.c.Cases.Cases() {
		if c.State.Settled() {
			continue
		}
		if open++; c.Opened.Before(oldest) {
			oldest = c.Opened
		}
	}
	gauge(casesDesc, float64(open))
	gauge(oldestDesc, now.Sub(oldest).Seconds())
}

// device exports the metrics of one device.
func (s statusCollector) device(d lane.Status, gauge func(*prometheus.Desc, float64, ...string),
	counter func(*prometheus.Desc, uint64, ...string)) {
	state := d.State
	if d.Maintenance != nil {
		state = d.Maintenance.State
	}
	gauge(deviceUpDesc, truth(state == lane.Running), d.ID)
	gauge(deviceMaintenanceDesc, truth(d.Maintenance != nil), d.ID)
	counter(deviceObsDesc, d.Observations, d.ID)
	counter(deviceFaults, d.Faults, d.ID)
	counter(deviceConnects, d.Connects, d.ID)
	counter(tapeLostDesc, d.TapeLost, d.ID)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
