package passage

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage/detection"
)

// Journal is the part of the agent's journal that passages use. Read may be called from several
// goroutines. Commit takes a key once: the same observation again adds nothing.
type Journal interface {
	Read(from int64, maxRows int) ([]journal.Row, error)
	Size() int64
	Changed() <-chan struct{}
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// Follower keeps the passages of an agent: it follows the journal, and commits what the correlator
// says. Run owns the correlator; the exported methods may be called from any goroutine.
type Follower struct {
	journal    Journal
	correlator *Correlator
	log        *slog.Logger
	commands   chan command
	asks       chan chan answer
	next       int64                                    // row to be read next
	heard      time.Time                                // when a row was read last; zero before any was
	then       time.Time                                // time of the correlator at that moment
	offsets    atomic.Pointer[map[string]time.Duration] // of devices' clocks, for those who only ask for them
}

// command is a function to be run on the follower's goroutine, with the channel of its outcome.
type command struct {
	do      func(ctx context.Context) error
	outcome chan error // with room for one: whoever asked may have gone
}

// answer is the result of Passages.
type answer struct {
	passages []*observation.PassageClosed
	clocks   map[string]time.Duration
}

// NewFollower returns a follower of some lanes; those without stations have no passages.
func NewFollower(j Journal, lanes []Lane, log *slog.Logger) *Follower {
	var with []Lane
	for _, l := range lanes {
		if len(l.Stations) > 0 {
			with = append(with, l)
		}
	}
	f := &Follower{
		journal: j, correlator: New(with), log: log, commands: make(chan command), asks: make(chan chan answer),
	}
	f.correlator.Fetch = f.fetch
	return f
}

const (
	readRows = 256
	tick     = time.Second
	// lag keeps the correlator's time behind the clock while no rows come: those that devices commit at this moment
	// are to come before it.
	lag = 2 * time.Second
)

// Run follows the journal until ctx ends, and returns nil. It continues the passages that were open
// when the agent stopped. A journal that cannot be read or written is logged and tried again.
func (f *Follower) Run(ctx context.Context) error {
	if !f.hasLanes() {
		<-ctx.Done()
		return nil
	}
	if err := f.restore(ctx); err != nil {
		f.log.Error("passages: those that were open at the last stop cannot be read back; they stay as journalled",
			"err", err)
	}
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		changed := f.journal.Changed()
		if err := f.catchUp(ctx); err != nil {
			f.log.Error("passages: the journal cannot be read, will be tried again", "err", err)
			changed = nil // with the next tick, not at once
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-t.C:
			f.tick(ctx)
		case c := <-f.commands:
			c.outcome <- c.do(ctx)
		case to := <-f.asks:
			if err := f.catchUp(ctx); err != nil {
				f.log.Error("passages: the journal cannot be read, will be tried again", "err", err)
			}
			to <- answer{f.correlator.documents(), f.clockOffsets()}
		}
	}
}

func (f *Follower) hasLanes() bool { return len(f.correlator.groups) > 0 }

// tick lets the correlator's time go on while no rows come. It counts from the last row rather than
// by the clock: rows may be of another day, and the clock may be set.
func (f *Follower) tick(ctx context.Context) {
	if !f.heard.IsZero() {
		f.commit(ctx, f.correlator.Tick(f.then.Add(time.Since(f.heard)-lag)))
	}
}

// catchUp processes the rows that are new, and returns when everything that follows from them is
// committed. While what follows from some rows is being committed, the next ones are read.
func (f *Follower) catchUp(ctx context.Context) error {
	var c *committer
	defer func() { c.wait() }()
	for ctx.Err() == nil {
		rows, err := f.journal.Read(f.next, readRows)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			if c == nil {
				return nil
			}
			c.wait() // and go on with the rows that were committed
			c = nil
			continue
		}
		var obs []*observation.Observation
		for i := range rows {
			f.next = rows[i].Idx + 1
			if r, ok := f.row(&rows[i]); ok {
				obs = append(obs, f.correlator.Take(r)...)
			}
		}
		f.mark()
		if len(obs) > 0 {
			if c == nil {
				c = f.startCommitter(ctx)
			}
			c.batches <- obs
		}
	}
	return nil
}

// committer commits batches in their order on a goroutine of its own, which ends when batches is
// closed.
type committer struct {
	batches chan []*observation.Observation
	done    chan struct{}
}

// batchesAhead is the number of batches that may wait to be committed.
const batchesAhead = 3

// startCommitter starts a committer. The caller must call wait.
func (f *Follower) startCommitter(ctx context.Context) *committer {
	c := &committer{make(chan []*observation.Observation, batchesAhead), make(chan struct{})}
	go func() {
		defer close(c.done)
		for obs := range c.batches {
			f.commit(ctx, obs)
		}
	}()
	return c
}

// wait returns when all batches are committed, or the context has ended. A nil committer has
// nothing to commit.
func (c *committer) wait() {
	if c != nil {
		close(c.batches)
		<-c.done
	}
}

// mark records that rows were read just now, for tick, and publishes the clock offsets, for
// Corrected.
func (f *Follower) mark() {
	if f.correlator.now > 0 {
		f.heard, f.then = time.Now(), detection.Time(f.correlator.now)
	}
	offsets := f.clockOffsets()
	f.offsets.Store(&offsets)
}

// row decodes a row that counts: a device's, or a correction. Another, or one that cannot be
// decoded, is passed over.
func (f *Follower) row(r *journal.Row) (Row, bool) {
	if r.Device == observation.AgentDevice && r.Kind != observation.Kind_KIND_PASSAGE_CORRECTED {
		return Row{}, false
	}
	o, err := r.Observation()
	if err != nil {
		f.log.Error("passages: a row of the journal cannot be read", "idx", r.Idx, "err", err)
		return Row{}, false
	}
	return Row{r.Idx, o}, true
}

// fetch reads one row; ok is false when the journal does not have it any more or it does not count.
func (f *Follower) fetch(idx int64) (Row, bool) {
	rows, err := f.journal.Read(idx, 1)
	if err != nil || len(rows) == 0 || rows[0].Idx != idx {
		return Row{}, false
	}
	return f.row(&rows[0])
}

// commit commits what the correlator says, trying again until the journal accepts it or ctx ends.
func (f *Follower) commit(ctx context.Context, obs []*observation.Observation) {
	if len(obs) > 0 {
		journal.Persist(ctx, f.journal, f.log, "passages", obs...)
	}
}

// clockOffsets returns by how much devices' clocks are ahead.
func (f *Follower) clockOffsets() map[string]time.Duration {
	out := make(map[string]time.Duration, len(f.correlator.clocks))
	for device := range f.correlator.clocks {
		out[device] = f.correlator.Offset(device)
	}
	return out
}

// early is how far an observation may lie after its own arrival, by the agent's clock: more means
// that a clock was set since, or that its offset is not known yet.
const early = 2 * time.Second

// Corrected returns when an observation happened by the agent's clock: its time less its device's
// clock offset, and never later than it arrived. It may be called from any goroutine, and on a nil
// Follower, which knows no clocks.
func (f *Follower) Corrected(o *observation.Observation) time.Time {
	at := o.Time()
	if !detection.ByOwnClock(o) {
		return at
	}
	if f != nil {
		if offsets := f.offsets.Load(); offsets != nil {
			at = at.Add(-(*offsets)[o.Device])
		}
	}
	if arrived := detection.Arrival(o); at.Sub(arrived) > early {
		return arrived
	}
	return at
}

// Passages returns the passages that are open and the last ones that are closed, newest first, and
// by how much devices' clocks are ahead. It returns an error when ctx ends before the follower
// answers.
func (f *Follower) Passages(ctx context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error) {
	if !f.hasLanes() {
		return nil, nil, nil // no lane has stations, so there is nothing to ask
	}
	to := make(chan answer, 1)
	select {
	case f.asks <- to:
	case <-ctx.Done():
		return nil, nil, errNoPassages
	}
	select {
	case a := <-to:
		return a.passages, a.clocks, nil
	case <-ctx.Done():
		return nil, nil, errNoPassages
	}
}
