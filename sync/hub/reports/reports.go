// Package reports adds up what happened at lanes in a time. The counters of the views go in, with what is asked for;
// figures come out, as programs, pages and spreadsheets have them. docs/reports.md.
package reports

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/views"
)

// Counters are where figures come from: package views has them.
type Counters interface {
	// Senders returns whose the journals are, by their ids.
	Senders() (map[int64]store.Sender, error)
	// EachCounter calls f with the counters of a time.
	EachCounter(from, to time.Time, f func(*views.DayCounter)) error
	// EachCase calls f with each case that was opened in a time, EachOpenCase with each that is not settled, the worst
	// first.
	EachCase(from, to time.Time, f func(*views.CaseSummary)) error
	EachOpenCase(f func(*views.CaseSummary)) error
	// Availability returns a letter for each of n half hours (views.Slot) from a time on, by device of a journal: r for
	// running all the time, - for not known.
	Availability(owner int64, from time.Time, n int) (map[string]string, error)
}

// Of returns a report; sees says which sites are counted. An error of the question is a message.
func Of(c Counters, q hubapi.ReportQuery, sees func(site string) bool, now time.Time) (*hubapi.Report, error) {
	span, err := spanOf(q, now)
	if err != nil {
		return nil, err
	}
	senders, err := c.Senders()
	if err != nil {
		return nil, err
	}
	b := newBuilder(q, span, senders, sees)
	if err := c.EachCounter(span.from, span.to, b.add); err != nil {
		return nil, err
	}
	if err := c.EachCase(span.from, span.to, b.addCase); err != nil {
		return nil, err
	}
	if q.Kind == Shift || q.Kind == Adjudication {
		if err := c.EachOpenCase(b.addOpen); err != nil {
			return nil, err
		}
	}
	if q.Kind == Device && q.Device != "" {
		if err := b.addAvailability(c, now); err != nil {
			return nil, err
		}
	}
	return b.report(now), nil
}

// addAvailability counts in which half hours the device that is asked for ran.
func (b *builder) addAvailability(c Counters, now time.Time) error {
	n := int(math.Ceil(b.span.passed(b.span.from, b.span.to, now) * float64(time.Hour/views.Slot))) // with the one of now
	for owner, from := range b.senders {
		states, err := c.Availability(owner, b.span.from, n)
		if err != nil {
			return err
		}
		letters, known := states[b.q.Device]
		if !known {
			continue
		}
		k := laneKey{from, b.q.Device}
		if b.devices[k] == nil {
			b.devices[k] = &figures{}
		}
		b.devices[k].running += int64(strings.Count(letters, "r"))
		b.devices[k].known += int64(len(letters) - strings.Count(letters, "-"))
	}
	return nil
}

// builder adds counters up.
type builder struct {
	q       hubapi.ReportQuery
	span    span
	sees    func(site string) bool
	senders map[int64]store.Sender // those that are counted
	total   figures
	periods []figures // by number
	number  map[int64]int
	lanes   map[laneKey]*figures
	devices map[laneKey]*figures // by their names in place of lanes

	cases     adjudication
	caseLanes map[laneKey]*adjudication
	handOver  []hubapi.OpenCase // the worst of those that are not settled
	openCases int64
}

type laneKey struct {
	store.Sender
	name string
}

func newBuilder(q hubapi.ReportQuery, s span, senders map[int64]store.Sender, sees func(string) bool) *builder {
	b := &builder{
		q: q, span: s, sees: sees, senders: map[int64]store.Sender{}, lanes: map[laneKey]*figures{},
		devices: map[laneKey]*figures{}, caseLanes: map[laneKey]*adjudication{},
	}
	for owner, from := range senders {
		if sees(from.Site) && is(q.Site, from.Site) && is(q.Agent, from.Agent) {
			b.senders[owner] = from
		}
	}
	b.periods = make([]figures, len(s.starts))
	b.number = s.numbers()
	return b
}

// is reports whether a name is the one that is asked for, if one is.
func is(asked, name string) bool { return asked == "" || asked == name }

// add adds a counter to the figures of all that it is of.
func (b *builder) add(c *views.DayCounter) {
	from, counted := b.senders[c.Owner]
	if !counted || !is(b.q.Lane, c.Lane) && c.Device == "" || !is(b.q.Device, c.Device) && c.Lane == "" {
		return
	}
	group, name := b.lanes, c.Lane
	if c.Device != "" {
		group, name = b.devices, c.Device
	}
	k := laneKey{from, name}
	if group[k] == nil {
		group[k] = &figures{}
	}
	for _, cell := range c.Cells {
		group[k].add(c.What, cell)
		if b.counts(c) {
			b.total.add(c.What, cell)
			b.periods[b.number[cell.Hour]].add(c.What, cell)
		}
	}
}

// counts reports whether a counter is among the total: what devices count is, unless a lane is asked for, of which it
// is not known whether the device stands there.
func (b *builder) counts(c *views.DayCounter) bool {
	return c.Device == "" && b.q.Device == "" || c.Device != "" && b.q.Lane == ""
}

// report returns the sum.
func (b *builder) report(now time.Time) *hubapi.Report {
	q, s := b.q, b.span
	hours := s.passed(s.from, s.to, now)
	r := &hubapi.Report{
		Kind: q.Kind, Period: s.name, Zone: s.zone.String(), Site: q.Site, Agent: q.Agent, Lane: q.Lane, Device: q.Device,
		From: s.from, To: s.to, Made: now.UTC().Truncate(time.Second), Total: b.total.figures(hours),
		Periods: []hubapi.PeriodFigures{}, Lanes: []hubapi.LaneFigures{}, Devices: []hubapi.DeviceFigures{},
	}
	for i, from := range s.starts {
		to := s.to
		if i+1 < len(s.starts) {
			to = s.starts[i+1]
		}
		of := b.periods[i].figures(s.passed(from, to, now))
		r.Periods = append(r.Periods, hubapi.PeriodFigures{From: from, Figures: of})
	}
	for _, k := range sorted(b.lanes) {
		of := b.lanes[k].figures(hours)
		r.Lanes = append(r.Lanes, hubapi.LaneFigures{Site: k.Site, Agent: k.Agent, Lane: k.name, Figures: of})
	}
	for _, k := range sorted(b.devices) {
		r.Devices = append(r.Devices, b.devices[k].device(k))
	}
	b.tellCases(r)
	return r
}

func sorted(all map[laneKey]*figures) []laneKey {
	return slices.SortedFunc(maps.Keys(all), compareLanes)
}

func compareLanes(a, b laneKey) int {
	return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.name, b.name))
}

// figures are sums. The zero figures are of nothing.
type figures struct {
	passages, alarms, blind, detections int64
	running, known                      int64 // half hours, of a device
	outcomes, kinds, classes            map[string]int64
	dwell                               views.Spread
}

// add adds a cell of a counter.
func (f *figures) add(what string, c views.Cell) {
	switch what {
	case views.CountPassages:
		f.passages += c.N
	case views.CountAlarms:
		f.alarms += c.N
	case views.CountBlind:
		f.blind += c.N
	case views.CountDetections:
		f.detections += c.N
	case views.CountDwell:
		if f.dwell == nil {
			f.dwell = views.Spread{}
		}
		f.dwell[c.Bucket] += c.N
	default:
		if outcome, ok := strings.CutPrefix(what, views.CountOutcome); ok {
			increase(&f.outcomes, outcome, c.N)
		} else if class, ok := strings.CutPrefix(what, views.CountClass); ok {
			increase(&f.classes, class, c.N)
		} else if kind, ok := strings.CutPrefix(what, views.CountAlarmKind); ok {
			increase(&f.kinds, kind, c.N)
		}
	}
}

func increase(m *map[string]int64, name string, n int64) {
	if *m == nil {
		*m = map[string]int64{}
	}
	(*m)[name] += n
}

// figures returns the sums of some hours as they are told.
func (f *figures) figures(hours float64) hubapi.Figures {
	out := hubapi.Figures{
		Passages: f.passages, Alarms: rateOf(f.alarms, f.passages), Blind: rateOf(f.blind, f.passages),
		Outcomes: present(f.outcomes), Classes: present(f.classes), AlarmKinds: present(f.kinds), Dwell: spreadOf(f.dwell),
	}
	if hours > 0 {
		out.PerHour = float64(f.passages) / hours
	}
	return out
}

// device returns the sums as they are told of a device. Alarms about the device itself are of no vehicle.
func (f *figures) device(k laneKey) hubapi.DeviceFigures {
	alarms := int64(0)
	for kind, n := range f.kinds {
		if kind != observation.Kind_KIND_DEVICE_CONDITION.Name() && kind != observation.Kind_KIND_DEVICE_STATE.Name() {
			alarms += n
		}
	}
	return hubapi.DeviceFigures{Site: k.Site, Agent: k.Agent, Device: k.name, Detections: f.detections,
		Alarms: rateOf(alarms, f.detections), AlarmKinds: present(f.kinds), Running: f.running, Known: f.known}
}

func sortedNames(m map[string]int64) []string { return slices.Sorted(maps.Keys(m)) }

// present returns the sums that are not zero, never nil.
func present(m map[string]int64) map[string]int64 {
	out := map[string]int64{}
	for name, n := range m {
		if n != 0 {
			out[name] = n
		}
	}
	return out
}

func spreadOf(s views.Spread) (out hubapi.Spread) {
	for _, n := range s {
		out.N += n
	}
	if out.N > 0 {
		median, p95 := s.Quantile(0.5).Seconds(), s.Quantile(0.95).Seconds()
		out.Median, out.P95 = &median, &p95
	}
	return out
}
