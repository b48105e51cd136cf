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
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

// Shown returns of an event what may go outside; it does not change the event. An event that cannot be had now is an
// error, and comes again.
type Shown func(ctx context.Context, e *ledger.Event) (*ledger.Event, error)

// Teller has the senders of a file of rules. A nil Teller has none.
type Teller struct {
	file, dir string // of the rules; of the senders' files
	from      source
	shown     Shown
	log       *slog.Logger
	testing   chan struct{} // holds a token while a test is sent: one at a time

	mu      sync.Mutex
	rules   *Rules // in force
	since   time.Time
	senders []*sender
	seen    fileMark      // of the file as it was tried last
	problem *message.Text // why the file as it is now is not in force; nil when it is
}

// writer words letters for one rule and one receiver.
type writer struct {
	link string
	rule *Rule
	to   *Receiver
}

// Open reads a file of rules and returns their senders, which read the ledger l and keep their files in the folder dir,
// which is made. A sender that is new begins with what comes from now on. What goes out of an event is what shown returns
// of it. Run reads the file again when it changes.
func Open(file string, l *ledger.Ledger, dir string, shown Shown, log *slog.Logger) (*Teller, error) {
	return openTeller(file, l, dir, shown, log)
}

func openTeller(file string, from source, dir string, shown Shown, log *slog.Logger) (*Teller, error) {
	t := &Teller{file: file, dir: dir, from: from, shown: shown, log: log, testing: make(chan struct{}, 1), seen: markOf(file)}
	rules, err := Read(file)
	if err != nil {
		return nil, err
	}
	if err := sqlog.MakeDir(dir); err != nil {
		return nil, err
	}
	return t, t.begin(rules)
}

// begin makes the senders of rules and puts these into force. Senders that there were have ended.
func (t *Teller) begin(rules *Rules) error {
	var all []*sender
	for i := range rules.Rules {
		r := &rules.Rules[i]
		for _, id := range r.To {
			w := &writer{link: rules.Link, rule: r, to: rules.receiver(id)}
			out, err := newOutlet(w.to)
			if err != nil {
				return err
			}
			s, err := newSender(w, out, t.from, progressFile(t.dir, r.ID, id), t.log)
			if err != nil {
				return err
			}
			s.shown = t.shown
			all = append(all, s)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range all {
		s.goOnFrom(t.senders)
	}
	t.rules, t.senders, t.since, t.problem = rules, all, time.Now(), nil
	return nil
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

// current returns the senders of the rules in force.
func (t *Teller) current() []*sender {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.senders
}

// State returns which rules are in force, and how far their senders are.
func (t *Teller) State() hubapi.Senders {
	out := hubapi.Senders{Senders: []hubapi.Sender{}}
	if t == nil {
		return out
	}
	for _, s := range t.current() {
		out.Senders = append(out.Senders, s.state())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	since := t.since.UTC()
	out.File, out.Since, out.Problem = t.file, &since, t.problem
	return out
}

// Test sends a test to one receiver of a rule in force; one at a time. The error is why it was not accepted, and ErrNoPair
// when no rule of that id names the receiver.
func (t *Teller) Test(ctx context.Context, rule, receiver string) error {
	if t == nil {
		return ErrNoPair
	}
	select {
	case t.testing <- struct{}{}:
		defer func() { <-t.testing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	t.mu.Lock()
	rules := t.rules
	t.mu.Unlock()
	r := rules.find(rule)
	if r == nil || !slices.Contains(r.To, receiver) {
		return ErrNoPair
	}
	return sendTest(ctx, rules, r, receiver)
}

// ErrNoPair is the error of a rule and a receiver that do not belong together.
var ErrNoPair = message.Errorf("notify.no-pair")

// sendTest sends a test to a receiver of a rule.
func sendTest(ctx context.Context, rules *Rules, r *Rule, receiver string) error {
	w := &writer{link: rules.Link, rule: r, to: rules.receiver(receiver)}
	out, err := newOutlet(w.to)
	if err == nil {
		err = out.send(ctx, w.testLetter(time.Now()))
	}
	return err
}

// Test sends a message of its own to the receivers of a rule, which says that it is a test. It calls told with what came of
// each.
func Test(ctx context.Context, rules *Rules, rule string, told func(receiver string, err error)) error {
	r := rules.find(rule)
	if r == nil {
		return message.Errorf("notify.no-rule", message.Quoted("rule", rule))
	}
	for _, id := range r.To {
		told(id, sendTest(ctx, rules, r, id))
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
	for _, s := range t.current() {
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
