package booth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance"
	"lanewarden/edge/lane/clearance/draw"
)

// Journal is the part of the agent's journal that booths use. Commit takes a key once: the same observation again adds
// nothing.
type Journal interface {
	Read(from int64, maxRows int) ([]journal.Row, error)
	Size() int64
	Changed() <-chan struct{}
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// Options are what a Follower works with. All are required.
type Options struct {
	Journal Journal
	// Decide draws for what is presented, sets the input's Draw, and decides, by the lists and the policy in force at this
	// moment.
	Decide func(ctx context.Context, in *clearance.Input) clearance.Decision
	// Remember is told the decisions that the journal has, in their order, before the first is made.
	Remember func(*observation.ClearanceDecision)
	// Set sets an output of a device, and returns when the device has it.
	Set func(ctx context.Context, device, output, value, reason string) error
	// ClockTrusted reports whether the agent's clock is disciplined.
	ClockTrusted func() bool
	Log          *slog.Logger
}

// Settings are a lane with a booth, and what follows its decisions.
type Settings struct {
	Lane
	Outputs []Output
	Keyed   string // device under whose name codes are journalled that are keyed in; "" for none
}

// Follower decides about the vehicles at the booths of an agent's lanes: it follows the journal, commits each decision,
// and then lets lights and barriers follow it. Run owns the booths; the other methods may be called from any goroutine.
type Follower struct {
	Options
	lanes []*lane
	next  int64             // row to be read next
	step  func(name string) // tests end the program at these
	mu    sync.Mutex        // guards shown
	shown map[string]State
}

// lane is one lane with its booth.
type lane struct {
	Settings
	booth   *Booth
	outputs *outputs
	due     bool // a decision may be another one
}

// State is what a lane's booth looks like to people.
type State struct {
	Lane string
	// Current is the decision in force about the vehicle at the booth; nil while nobody is there.
	Current *observation.ClearanceDecision
	Begun   time.Time // of the current presentation
	// Last are the last decisions about vehicles that have left, newest first.
	Last    []*observation.ClearanceDecision
	Outputs []OutputState
	Keyed   bool // codes can be keyed in
}

// NewFollower returns a follower of the booths of some lanes.
func NewFollower(lanes []Settings, o Options) *Follower {
	f := &Follower{Options: o, step: func(string) {}, shown: map[string]State{}}
	for _, s := range lanes {
		f.lanes = append(f.lanes, &lane{Settings: s, booth: New(s.Lane), outputs: newOutputs(s.Outputs, o.Set, o.Log)})
	}
	return f
}

// Bounds of what is read of the journal.
const (
	readRows = 256
	// restoreRows is how far back a start looks: some hours of a lane, and more than a vehicle takes.
	restoreRows = 16384
	// rememberRows is how far back a start looks for draws, which are kept for 4 h.
	rememberRows = 131_072
	tick         = time.Second
)

// Run follows the journal until ctx ends, and returns nil. It goes on with the presentation that was there when the
// agent stopped. A journal that cannot be read or written is logged and tried again.
func (f *Follower) Run(ctx context.Context) error {
	if len(f.lanes) == 0 {
		<-ctx.Done()
		return nil
	}
	var running sync.WaitGroup
	defer running.Wait()
	for _, l := range f.lanes {
		running.Go(func() { l.outputs.run(ctx) })
	}
	f.restore(ctx)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		changed := f.Journal.Changed()
		if err := f.catchUp(ctx); err != nil {
			f.Log.Error("clearance: the journal cannot be read, will be tried again", "err", err)
			changed = nil // with the next tick, not at once
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case now := <-t.C:
			for _, l := range f.lanes {
				l.due = l.booth.Tick(now) || l.booth.Current() != nil
			}
		}
	}
}

// restore reads the journal's end: what was decided before the stop stays so.
func (f *Follower) restore(ctx context.Context) {
	end := f.Journal.Size()
	for f.next = max(0, end-rememberRows); f.next < end && ctx.Err() == nil; {
		rows, err := f.Journal.Read(f.next, readRows)
		if err != nil || len(rows) == 0 {
			f.Log.Error("clearance: the vehicle at the booth before the last stop cannot be read back", "err", err)
			break
		}
		for i := range rows {
			f.next = rows[i].Idx + 1
			if rows[i].Kind == observation.Kind_KIND_CLEARANCE_DECISION || cases.IsKind(rows[i].Kind) || rows[i].Idx >= end-restoreRows {
				f.recall(&rows[i])
			}
		}
	}
	f.next = max(f.next, end)
	for _, l := range f.lanes {
		l.booth.forgetUnsaid()
		l.due = true
	}
}

// recall takes a row from before the start.
func (f *Follower) recall(r *journal.Row) {
	if o := f.take(r); o != nil {
		if d := o.Body.GetClearanceDecision(); d != nil {
			f.Remember(d)
		}
	}
}

// catchUp processes the rows that are new, and decides what follows from them.
func (f *Follower) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		rows, err := f.Journal.Read(f.next, readRows)
		if err != nil {
			return err
		}
		read := time.Now()
		for i := range rows {
			f.take(&rows[i])
		}
		for _, l := range f.lanes {
			if l.due {
				l.due = false
				f.decide(ctx, l, read)
			}
		}
		if len(rows) == 0 {
			return nil
		}
	}
	return nil
}

// take processes a row of the journal, and returns its observation; nil for one that does not matter. One that cannot be
// decoded is passed over.
func (f *Follower) take(r *journal.Row) *observation.Observation {
	f.next = r.Idx + 1
	if !concerns(r) {
		return nil
	}
	o, err := r.Observation()
	if err != nil {
		f.Log.Error("clearance: a row of the journal cannot be read", "idx", r.Idx, "err", err)
		return nil
	}
	for _, l := range f.lanes {
		if r.Kind == observation.Kind_KIND_DEVICE_STATE || o.Body.GetLaneOutput().GetSafeState() {
			l.outputs.again(r.Device) // a device that comes back has lost what was set, or its driver sets the safe state
		}
		if l.booth.Take(Row{r.Idx, o}) {
			l.due = true
			f.step("taken")
		}
	}
	return o
}

// concerns reports whether a row can matter to a booth, by its head alone.
func concerns(r *journal.Row) bool {
	if r.Device != observation.AgentDevice {
		return r.Class != observation.Class_CLASS_TELEMETRY
	}
	if cases.IsKind(r.Kind) {
		return true
	}
	switch r.Kind {
	case observation.Kind_KIND_PASSAGE_OPENED, observation.Kind_KIND_PASSAGE_UPDATED,
		observation.Kind_KIND_PASSAGE_CORRECTED, observation.Kind_KIND_PASSAGE_CLOSED,
		observation.Kind_KIND_CLEARANCE_DECISION, observation.Kind_KIND_CLEARANCE_OVERRIDE, observation.Kind_KIND_CLEARANCE_SEEN:
		return true
	}
	return false
}

// decide decides about the vehicles of a lane whose decision may be another one, and lets the outputs follow.
func (f *Follower) decide(ctx context.Context, l *lane, read time.Time) {
	for _, p := range l.booth.Due() {
		in := l.booth.Input(p, time.Now().UTC())
		in.ClockTrusted = f.ClockTrusted()
		in.Draw = draw.None()
		d := f.Decide(ctx, &in)
		said := l.booth.Revise(p, in, d, read)
		if said == nil {
			continue
		}
		f.step("decided")
		if !journal.Persist(ctx, f.Journal, f.Log, "clearance", Observe(said)) {
			return // ctx has ended
		}
		f.step("committed")
		p.decided(said)
	}
	l.outputs.follow(l.inForce())
	f.step("followed")
	f.show(l)
}

// inForce returns the decision in force; nil while nobody is at the booth.
func (l *lane) inForce() *observation.ClearanceDecision {
	if p := l.booth.Current(); p != nil {
		return p.said
	}
	return nil
}
