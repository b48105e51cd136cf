package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// table prints what the fleet did from the beginning of the traffic to the end.
func (f *fleet) table() {
	t := f.p.Table("fleet.table")
	all := row{name: f.p.Phrase("fleet.all")}
	for _, class := range observation.Classes {
		c := &f.tally.classes[class]
		one := row{
			f.p.Phrase("class." + class.Name()), c.recorded.Load(), c.sent.Load(), c.acked.Load(),
			c.fromSent.counts(), c.fromRecorded.counts(),
		}
		all = row{
			all.name, all.recorded + one.recorded, all.sent + one.sent, all.acked + one.acked,
			all.fromSent.plus(one.fromSent), all.fromRecorded.plus(one.fromRecorded),
		}
		fmt.Fprintln(t, f.cells(one))
	}
	fmt.Fprintln(t, f.cells(all))
	_ = t.Flush() // a terminal that is gone is no matter for the fleet

	seconds := f.end.Sub(f.begin).Seconds()
	f.p.Say("fleet.rates", message.Quantity("time", seconds, 0, "s"),
		message.Number("recorded", float64(all.recorded)/seconds, 0),
		message.Number("acked", float64(f.ackedInTime)/seconds, 0))
	f.links(all.sent)
	if n := f.tally.held.Load(); n > 0 {
		f.p.Say("fleet.held", message.Count("n", n), message.Int("most", maxWaiting))
	}
	if !f.agents[0].line.cutAt.IsZero() {
		f.stormResult()
	}
}

// row is a class in the table.
type row struct {
	name                   string
	recorded, sent, acked  int64
	fromSent, fromRecorded counts
}

func (f *fleet) cells(r row) string {
	n := func(n int64) string { return f.p.Phrase("fleet.number", message.Int("n", n)) }
	ms := func(c counts, share float64) string {
		if c == (counts{}) {
			return "-"
		}
		return f.p.Phrase("fleet.delay", milliseconds("delay", c.quantile(share)))
	}
	return strings.Join([]string{
		r.name, n(r.recorded), n(r.sent), n(r.acked), n(r.recorded - r.acked),
		ms(r.fromSent, 0.5), ms(r.fromSent, 0.99), ms(r.fromSent, 1), ms(r.fromRecorded, 0.5), ms(r.fromRecorded, 0.99),
	}, "\t")
}

// links prints what the uplinks say of their connections. sent is the number of rows that were sent.
func (f *fleet) links(sent int64) {
	var bytes, rows, goBacks, verified int64
	for _, a := range f.agents {
		s := a.up.Status()
		bytes, rows = bytes+int64(s.SentBytes), rows+int64(s.SentRows)
		goBacks, verified = goBacks+int64(s.GoBacks), verified+s.Verified
	}
	f.p.Say("fleet.links", message.Number("bytes", float64(bytes)/float64(max(sent, 1)), 1),
		message.Int("again", max(rows-sent, 0)), message.Int("goBacks", goBacks), message.Int("verified", verified))
	f.p.Say("fleet.lost", message.Int("lost", f.tally.lost.Load()), message.Int("failed", f.tally.failed.Load()))
}

// stormResult prints how the fleet came back after its connections were cut.
func (f *fleet) stormResult() {
	var answered, acked []time.Duration
	once, more := 0, 0
	for _, a := range f.agents {
		l := a.line
		if !l.answeredAt.IsZero() {
			answered = append(answered, l.answeredAt.Sub(l.cutAt))
		}
		if !l.ackedAt.IsZero() {
			acked = append(acked, l.ackedAt.Sub(l.cutAt))
		}
		switch {
		case l.lostAgain == 1:
			once++
		case l.lostAgain > 1:
			more++
		}
	}
	f.p.Say("fleet.back", message.Int("cut", f.stormCut), message.Int("agents", len(answered)),
		seconds("half", answered, 0.5), seconds("most", answered, 1))
	f.p.Say("fleet.acked-again", message.Int("agents", len(acked)),
		seconds("half", acked, 0.5), seconds("most", acked, 1))
	f.p.Say("fleet.lost-again", message.Int("once", once), message.Int("more", more))
}

// seconds returns the time within which a share of what took so long was done, s.
func seconds(name string, took []time.Duration, share float64) message.Arg {
	slices.Sort(took)
	var d time.Duration
	if n := len(took); n > 0 {
		d = took[min(int(share*float64(n)), n-1)]
	}
	return message.Quantity(name, d.Seconds(), 2, "s")
}

// judge returns an error when something was not acknowledged although it had its time.
func (f *fleet) judge() error {
	n := f.tally.waiting()
	if n == 0 || f.stopped {
		return nil
	}
	var names []string
	var why message.Message
	for _, a := range f.agents {
		if a.journal.waiting() == 0 {
			continue
		}
		if why.IsZero() {
			why = a.up.Status().Message.Message()
		}
		names = append(names, a.site+"/"+a.name)
	}
	if why.IsZero() {
		why = message.New("fleet.too-much")
	}
	return message.Errorf("fleet.not-acknowledged", message.Count("n", n), message.Duration("grace", f.opts.Grace),
		message.Names("agents", names), message.Nested("why", why))
}
