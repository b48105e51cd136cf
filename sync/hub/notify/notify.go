// Package notify tells people and programs outside what happens: rows of the ledger go in, webhooks, mail, lines of
// syslog and push messages come out, by rules in a file (Rules). docs/telling.md.
//
// Each pair of a rule and a receiver is a sender of its own, with its own goroutine, cursor and file: a receiver that
// is away holds up nobody else. The ledger itself is the queue; in memory is one message for each sender.
package notify

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
)

// Dir is the folder of the senders' files in the hub's directory.
const Dir = "notify"

// source is the ledger as senders read it.
type source interface {
	Events(after int64, limit int, f ledger.Filter) ([]ledger.Event, error)
	LaneOf(journal []byte, device string) (string, error)
	Durable() (int64, <-chan struct{})
	Cursor(seq int64) string
	ParseCursor(text string) (int64, error)
	AfterRestore(cursor string) int64
}

// Teller has the senders of a file of rules. A nil Teller has none.
type Teller struct {
	senders []*sender
	log     *slog.Logger
}

// writer words letters for one rule and one receiver.
type writer struct {
	link string
	rule *Rule
	to   *Receiver
}

// New returns the senders of rules that read the ledger l and keep their files in the folder dir, which is made. A sender
// that is new begins with what comes from now on.
func New(rules *Rules, l *ledger.Ledger, dir string, log *slog.Logger) (*Teller, error) {
	return newTeller(rules, l, dir, log)
}

func newTeller(rules *Rules, from source, dir string, log *slog.Logger) (*Teller, error) {
	if err := sqlog.MakeDir(dir); err != nil {
		return nil, err
	}
	t := &Teller{log: log}
	for i := range rules.Rules {
		r := &rules.Rules[i]
		for _, id := range r.To {
			w := &writer{link: rules.Link, rule: r, to: rules.receiver(id)}
			out, err := newOutlet(w.to)
			if err != nil {
				return nil, err
			}
			s, err := newSender(w, out, from, progressFile(dir, r.ID, id), log)
			if err != nil {
				return nil, err
			}
			t.senders = append(t.senders, s)
		}
	}
	return t, nil
}

// newOutlet returns the way to a receiver.
func newOutlet(to *Receiver) (outlet, error) {
	switch {
	case to.Webhook != nil:
		client, err := newClient(to.Webhook.CAFile)
		return &webhookOutlet{to.Webhook, client}, err
	case to.Ntfy != nil:
		client, err := newClient(to.Ntfy.CAFile)
		return &ntfyOutlet{to.Ntfy, client}, err
	case to.Syslog != nil:
		host, err := os.Hostname()
		if err != nil {
			host = "-"
		}
		return &syslogOutlet{to.Syslog, host}, nil
	}
	return &emailOutlet{to.Email}, nil
}

// way names how a receiver is told.
func (r *Receiver) way() string {
	switch {
	case r.Webhook != nil:
		return "webhook"
	case r.Ntfy != nil:
		return "ntfy"
	case r.Syslog != nil:
		return "syslog"
	}
	return "email"
}

// Run runs all senders until ctx ends, and returns nil.
func (t *Teller) Run(ctx context.Context) error {
	if t == nil {
		return nil
	}
	var g errgroup.Group
	for _, s := range t.senders {
		g.Go(func() error { s.run(ctx); return nil })
	}
	return g.Wait()
}

// Senders returns how far all senders are.
func (t *Teller) Senders() []hubapi.Sender {
	out := []hubapi.Sender{}
	if t == nil {
		return out
	}
	for _, s := range t.senders {
		out = append(out, s.state())
	}
	return out
}

// Test sends a message of its own to the receivers of a rule, which says that it is a test. It calls told with what came of
// each.
func Test(ctx context.Context, rules *Rules, rule string, told func(receiver string, err error)) error {
	r := rules.find(rule)
	if r == nil {
		return message.Errorf("notify.no-rule", message.Quoted("rule", rule))
	}
	for _, id := range r.To {
		w := &writer{link: rules.Link, rule: r, to: rules.receiver(id)}
		out, err := newOutlet(w.to)
		if err == nil {
			err = out.send(ctx, w.testLetter(time.Now()))
		}
		told(id, err)
	}
	return nil
}

// InDir returns the folder of senders' files in a hub's directory.
func InDir(hub string) string { return filepath.Join(hub, Dir) }

var (
	sentDesc     = metric("sent_total", "Messages that a receiver outside has accepted.")
	summedDesc   = metric("summed_total", "Events that were summed up instead of being sent one by one.")
	waitingDesc  = metric("waiting", "Events that wait to be told, as far as they were counted.")
	failuresDesc = metric("failures_total", "Tries to reach a receiver outside that failed.")
	failingDesc  = metric("failing", "1 while the last try to reach a receiver failed.")
	lastDesc     = metric("last_sent_timestamp_seconds",
		"When a receiver accepted a message last; 0 for never since the hub's start.")
)

func metric(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("lanehub_notify_"+name, help, []string{"rule", "receiver"}, nil)
}

// Describe implements prometheus.Collector.
func (t *Teller) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sentDesc, summedDesc, waitingDesc, failuresDesc, failingDesc, lastDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (t *Teller) Collect(ch chan<- prometheus.Metric) {
	if t == nil {
		return
	}
	for _, s := range t.senders {
		now, failures := s.state(), s.failures()
		add := func(d *prometheus.Desc, kind prometheus.ValueType, v float64) {
			ch <- prometheus.MustNewConstMetric(d, kind, v, now.Rule, now.Receiver)
		}
		add(sentDesc, prometheus.CounterValue, float64(now.Sent))
		add(summedDesc, prometheus.CounterValue, float64(now.Summed))
		add(waitingDesc, prometheus.GaugeValue, float64(now.Waiting))
		add(failuresDesc, prometheus.CounterValue, float64(failures))
		failing, last := 0.0, 0.0
		if now.Error != nil {
			failing = 1
		}
		if now.LastSent != nil {
			last = float64(now.LastSent.UnixMilli()) / 1000
		}
		add(failingDesc, prometheus.GaugeValue, failing)
		add(lastDesc, prometheus.GaugeValue, last)
	}
}
