package fleet

import (
	"context"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

const (
	lineEvery = time.Second            // between two lines for people
	lookEvery = 100 * time.Millisecond // between two looks whether it is over
)

// watch prints a line every second until the time is over, ctx ends, or done says that it is enough.
func (f *fleet) watch(ctx context.Context, most time.Duration, done func() bool) {
	over, look, line := time.NewTimer(most), time.NewTicker(lookEvery), time.NewTicker(lineEvery)
	defer over.Stop()
	defer look.Stop()
	defer line.Stop()
	last := f.moment()
	for !done() {
		select {
		case <-ctx.Done():
			return
		case <-over.C:
			return
		case <-look.C:
		case <-line.C:
			now := f.moment()
			f.line(last, now)
			last = now
		}
	}
}

// moment is what was done until a time.
type moment struct {
	at          time.Time
	sent, acked int64
	delays      counts // from sending to acknowledgement, all classes
}

func (f *fleet) moment() moment {
	m := moment{at: time.Now()}
	for _, class := range observation.Classes {
		c := &f.tally.classes[class]
		m.sent, m.acked = m.sent+c.sent.Load(), m.acked+c.acked.Load()
		m.delays = m.delays.plus(c.fromSent.counts())
	}
	return m
}

// line prints what was done since the last line, as rates, and how things are.
func (f *fleet) line(last, now moment) {
	seconds := now.at.Sub(last.at).Seconds()
	if f.begin.IsZero() {
		f.p.Say("fleet.connecting", message.Int("connected", f.tally.connected.Load()),
			message.Count("n", f.opts.Agents))
		return
	}
	delays := message.New("fleet.no-delays")
	if now.acked > last.acked {
		these := now.delays.since(last.delays)
		delays = message.New("fleet.delays", milliseconds("half", these.quantile(0.5)),
			milliseconds("most", these.quantile(0.99)))
	}
	f.p.Say("fleet.line", message.Quantity("time", now.at.Sub(f.begin).Seconds(), 0, "s"),
		message.Int("connected", f.tally.connected.Load()),
		message.Int("sent", now.sent), message.Number("sentRate", float64(now.sent-last.sent)/seconds, 0),
		message.Int("acked", now.acked), message.Number("ackedRate", float64(now.acked-last.acked)/seconds, 0),
		message.Int("waiting", f.tally.waiting()),
		message.Nested("delays", delays), message.Int("lost", f.tally.lost.Load()))
}

// milliseconds is a delay as lines and tables have it.
func milliseconds(name string, d time.Duration) message.Arg {
	return message.Quantity(name, float64(d.Microseconds())/1e3, decimals(d), "ms")
}

// decimals is how many a delay has: none where they say nothing.
func decimals(d time.Duration) int {
	if d < 10*time.Millisecond {
		return 1
	}
	return 0
}
