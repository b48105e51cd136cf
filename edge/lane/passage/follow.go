package passage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// Journal is what passages are read from, and written to.
type Journal interface {
	Read(from int64, maxRows int) ([]journal.Row, error)
	Size() int64
	Changed() <-chan struct{}
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// Follower keeps the passages of an agent: it follows the journal, and commits what the correlator says.
type Follower struct {
	journal    Journal
	correlator *Correlator
	log        *slog.Logger
	commands   chan command
	asks       chan chan report
	offsets    atomic.Pointer[map[string]time.Duration] // of devices' clocks, for those who only ask for them
}

// command is what a person wants done, and where the outcome goes.
type command struct {
	do      func() ([]*observation.Observation, error)
	outcome chan error // with room for one: whoever asked may have gone
}

// NewFollower makes a follower of these lanes; those without stations have no passages.
func NewFollower(j Journal, lanes []Lane, log *slog.Logger) *Follower {
	var with []Lane
	for _, l := range lanes {
		if len(l.Stations) > 0 {
			with = append(with, l)
		}
	}
	return &Follower{
		journal: j, correlator: New(with), log: log, commands: make(chan command), asks: make(chan chan report),
	}
}

const (
	readRows    = 256
	restoreRows = 20_000          // of the journal, that are read at the start: some hours of a full lane
	unsure      = 2 * time.Minute // rows of the last moments before a stop may not have been dealt with
	tick        = time.Second
)

// Run follows the journal until ctx ends. It takes up the passages that were open when the agent stopped.
func (f *Follower) Run(ctx context.Context) error {
	if len(f.correlator.lanes) == 0 {
		<-ctx.Done()
		return nil
	}
	next, err := f.restore(ctx)
	if err != nil {
		f.log.Error("passages: those that were open at the last stop cannot be read back; they stay as they were journalled", "err", err)
		next = f.journal.Size()
	}
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		changed := f.journal.Changed()
		if next, err = f.catchUp(ctx, next); err != nil {
			f.log.Error("passages: the journal cannot be read, will be tried again", "err", err)
			changed = nil // with the next tick, not at once
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case now := <-t.C:
			f.commit(ctx, f.correlator.Tick(now.UTC()))
		case c := <-f.commands:
			obs, err := c.do()
			if err == nil && len(obs) > 0 {
				_, err = f.journal.Commit(ctx, obs...)
			}
			c.outcome <- err
		case to := <-f.asks:
			if next, err = f.catchUp(ctx, next); err != nil {
				f.log.Error("passages: the journal cannot be read, will be tried again", "err", err)
			}
			to <- f.report()
		}
	}
}

// catchUp takes the rows that are new, and returns the next one.
func (f *Follower) catchUp(ctx context.Context, next int64) (int64, error) {
	for ctx.Err() == nil {
		rows, err := f.journal.Read(next, readRows)
		if err != nil {
			return next, err
		}
		if len(rows) == 0 {
			break
		}
		var obs []*observation.Observation
		for i := range rows {
			next = rows[i].Idx + 1
			if r, ok := f.row(&rows[i]); ok {
				obs = append(obs, f.correlator.Take(r)...)
			}
		}
		f.publishOffsets()
		f.commit(ctx, obs)
	}
	return next, nil
}

func (f *Follower) report() report { return report{f.correlator.documents(), f.clockOffsets()} }

// clockOffsets is how far the clocks of devices are ahead.
func (f *Follower) clockOffsets() map[string]time.Duration {
	out := make(map[string]time.Duration, len(f.correlator.clocks.devices))
	for device, d := range f.correlator.clocks.devices {
		out[device] = d.offset
	}
	return out
}

func (f *Follower) publishOffsets() {
	offsets := f.clockOffsets()
	f.offsets.Store(&offsets)
}

// Corrected returns when an observation happened by the agent's clock: its time less what its device's clock is ahead,
// and never later than it arrived. It may be called while Run runs, and on a nil Follower, which knows no clocks.
func (f *Follower) Corrected(o *observation.Observation) time.Time {
	if !byOwnClock(o) {
		return o.Time()
	}
	at := o.Time()
	if f != nil {
		if offsets := f.offsets.Load(); offsets != nil {
			at = at.Add(-(*offsets)[o.Device])
		}
	}
	if late := at.Sub(arrival(o)); late > ownClock { // the clock was set since, or there is no offset yet
		return arrival(o)
	}
	return at
}

// row decodes a row that a device wrote.
func (f *Follower) row(r *journal.Row) (Row, bool) {
	if r.Device == observation.AgentDevice {
		return Row{}, false
	}
	o := &observation.Observation{Class: r.Class, TimeNs: r.Time, Device: r.Device, Key: r.Key, Body: &observation.Body{}}
	if err := proto.Unmarshal(r.Body, o.Body); err != nil {
		f.log.Error("passages: a row of the journal cannot be read", "idx", r.Idx, "err", err)
		return Row{}, false
	}
	return Row{r.Idx, o}, true
}

// commit commits what the correlator says. A journal that refuses is tried again: nothing is said twice, for keys are the same.
func (f *Follower) commit(ctx context.Context, obs []*observation.Observation) {
	for wait := 100 * time.Millisecond; len(obs) > 0 && ctx.Err() == nil; wait = min(2*wait, 10*time.Second) {
		_, err := f.journal.Commit(ctx, obs...)
		if err == nil || ctx.Err() != nil {
			return
		}
		f.log.Error("passages: not committed, will be tried again", "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// history is what the journal says was decided.
type history struct {
	in     map[int64]string // passage of each reading
	sure   map[int64]*observation.PassageReading
	closed map[string]*observation.PassageClosed
	mute   map[string]bool // devices that read nothing
}

// restore reads the journal's end: what was decided stays so, and what came since is taken anew. It returns the next row to read.
func (f *Follower) restore(ctx context.Context) (next int64, err error) {
	size := f.journal.Size()
	from := max(0, size-restoreRows)
	h := history{map[int64]string{}, map[int64]*observation.PassageReading{}, map[string]*observation.PassageClosed{}, map[string]bool{}}
	var last time.Time
	each := func(do func(r *journal.Row) error) error {
		for at := from; at < size; {
			rows, err := f.journal.Read(at, readRows)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return nil
			}
			for i := range rows {
				if at = rows[i].Idx + 1; rows[i].Idx < size {
					if err := do(&rows[i]); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	err = each(func(r *journal.Row) error {
		if row, ok := f.row(r); ok {
			last = later(last, arrival(row.Observation))
		}
		return h.note(r)
	})
	if err != nil {
		return 0, err
	}
	for device := range h.mute {
		f.correlator.conditions.Resume(muteCondition, device)
	}
	var obs []*observation.Observation
	err = each(func(r *journal.Row) error {
		row, ok := f.row(r)
		if !ok {
			return nil
		}
		if id := h.in[r.Idx]; id != "" {
			f.correlator.restored(row, id, h.sure[r.Idx], h.closed[id])
		} else if last.Sub(arrival(row.Observation)) < unsure {
			obs = append(obs, f.correlator.Take(row)...)
		} else {
			f.correlator.clocks.correct(row.Observation)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	f.commit(ctx, obs)
	return size, nil
}

// note takes a row that says what was decided.
func (h *history) note(r *journal.Row) error {
	condition := r.Kind == observation.Kind_KIND_DEVICE_CONDITION
	if r.Device != observation.AgentDevice || !condition && (r.Kind < observation.Kind_KIND_PASSAGE_OPENED || r.Kind > observation.Kind_KIND_PASSAGE_CORRECTED) {
		return nil
	}
	b := &observation.Body{}
	if err := proto.Unmarshal(r.Body, b); err != nil {
		return fmt.Errorf("row %d: %w", r.Idx, err)
	}
	switch p := b.Typed().(type) {
	case *observation.DeviceCondition:
		if p.Condition == muteCondition && !p.Cleared {
			h.mute[p.Subject] = true
		} else if p.Condition == muteCondition {
			delete(h.mute, p.Subject)
		}
	case *observation.PassageOpened:
		h.noteReadings(p.Id, p.Readings)
	case *observation.PassageUpdated:
		h.noteReadings(p.Id, p.Readings)
	case *observation.PassageCorrected:
		h.in[p.Idx] = p.To
		if p.Reading != nil {
			h.sure[p.Idx] = p.Reading
		}
	case *observation.PassageClosed:
		h.closed[p.Id] = p
	}
	return nil
}

func (h *history) noteReadings(passage string, readings []*observation.PassageReading) {
	for _, r := range readings {
		h.in[r.Idx], h.sure[r.Idx] = passage, r
	}
}

// restored puts a reading where it was before the restart.
func (c *Correlator) restored(r Row, id string, reading *observation.PassageReading, closed *observation.PassageClosed) {
	at, ok := c.where[r.Device]
	if !ok || reading == nil {
		return
	}
	t, _ := c.clocks.correct(r.Observation)
	e := eventOf(r, at.station, t)
	l := at.lane
	v := l.named(id)
	if v == nil {
		l.ranks++
		v = &vehicle{id: id, opened: e.at, last: e.at, rank: l.ranks}
		if closed != nil {
			v.closed, v.end = time.Unix(0, closed.ClosedNs).UTC(), closed.End
			l.recent = append(l.recent, v)
		} else {
			l.open = append(l.open, v)
		}
	}
	e.linked = slices.ContainsFunc(e.links, func(link string) bool { return l.links[link] != nil })
	l.place(v, e, reading.Confidence > 0.9)
	v.readings = append(v.readings, reading)
}

// documents are the passages that are open, and the last ones that are closed, newest first.
func (c *Correlator) documents() (out []*observation.PassageClosed) {
	const most = 100
	for _, l := range c.lanes {
		for _, v := range append(slices.Clone(l.recent[max(0, len(l.recent)-most):]), l.open...) {
			out = append(out, c.document(l, v))
		}
	}
	slices.SortStableFunc(out, func(a, b *observation.PassageClosed) int { return int(min(max(b.OpenedNs-a.OpenedNs, -1), 1)) })
	return out[:min(len(out), most)]
}

// report is what Passages returns.
type report struct {
	passages []*observation.PassageClosed
	clocks   map[string]time.Duration
}

// Passages returns the passages that are open (ClosedNs is 0) and the last ones that are closed, newest first, and how far the
// clocks of devices are ahead.
func (f *Follower) Passages(ctx context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error) {
	if len(f.correlator.lanes) == 0 {
		return nil, nil, nil // no lane has stations, so there is nothing to ask
	}
	to := make(chan report, 1)
	select {
	case f.asks <- to:
		r := <-to
		return r.passages, r.clocks, nil
	case <-ctx.Done():
		return nil, nil, errNoPassages
	}
}

// Errors of Passages and Correct.
var (
	errNoPassages = errors.New("the passages do not answer: the journal cannot be written, or the agent is stopping")
	errNoStations = errors.New("no lane has stations (lanes.stations in the lane file), so there are no passages")
)

// Correct moves a reading to another passage, because a person says so.
func (f *Follower) Correct(ctx context.Context, idx int64, to, reason, by string) error {
	if len(f.correlator.lanes) == 0 {
		return errNoStations
	}
	c := command{func() ([]*observation.Observation, error) { return f.correlator.Correct(idx, to, reason, by) }, make(chan error, 1)}
	select {
	case f.commands <- c:
	case <-ctx.Done():
		return errNoPassages
	}
	select {
	case err := <-c.outcome:
		return err
	case <-ctx.Done():
		return errNoPassages
	}
}
