// Package retention keeps an agent within its disk budget: a journal's size goes in; what the centre has acknowledged
// is removed, oldest first, and when even that is not enough telemetry, events and images are refused, alarms never.
package retention

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
)

// Shares of the budget at which something changes, and at which it changes back.
const (
	pruneFrom  = 0.90 // acknowledged data is removed,
	pruneTo    = 0.85 // down to this
	prunedOver = 0.80 // below this the condition is over: a lane that runs for years is near its budget all the time

	noTelemetryFrom, telemetryFrom = 0.97, 0.95
	noEventsFrom, eventsFrom       = 0.99, 0.98
)

const (
	lookEvery     = time.Second
	eraseEvery    = time.Hour        // personal values
	besideEvery   = 30 * time.Second // tapes grow slowly, and are bounded by themselves
	rowsAtOnce    = 5000
	reserveMost   = 64 << 20 // bytes of the file system that are left to others
	reserveShare  = 50       // and at most one of so many of its bytes
	defaultShare  = 0.8      // of the file system
	lookBackRows  = 200      // of the agent's own rows, for the conditions in force when it stopped
	subjectOfDisk = ""
)

// Journal is what is kept small.
type Journal interface {
	Usage() (journal.Usage, error)
	PruneRows(ctx context.Context, class observation.Class, most int, budget int64) (int, error)
	PruneArtifacts(ctx context.Context, ofAlarms bool, enough, budget int64) (int64, error)
	SetRoom(journal.Room)
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
	Newest(n int, class observation.Class, device string) ([]journal.Row, error)
	EraseBefore(ctx context.Context, t time.Time) (journal.Erased, error)
}

// Options say what is to be kept.
type Options struct {
	Budget int64    // bytes; 0 for 80 % of the file system
	Dir    string   // on the file system that counts
	Beside []string // folders that count as well, such as that of the tapes
	// Personal is how long the values of personal fields are kept; 0 for as long as their rows.
	Personal time.Duration
	// ClockTrusted reports whether the agent's clock is disciplined: one that is years ahead would erase everything.
	ClockTrusted func() bool
	Log          *slog.Logger
}

// State is how much of the disk budget is used.
type State struct {
	Budget int64 `json:"budget"` // bytes; less than configured when others fill the disk
	Used   int64 `json:"used"`   // bytes
	// Refused is the first class that is not stored any more: telemetry, or event, with which artifacts are refused
	// too; empty when all is stored.
	Refused string       `json:"refused,omitempty"`
	Message message.Text `json:"message,omitzero"` // what is wrong, and what to do; zero while nothing is
}

// Refused of a State.
const (
	RefusedTelemetry = "telemetry"
	RefusedEvents    = "event"
)

// Keeper keeps one agent within its budget.
type Keeper struct {
	journal Journal
	opts    Options

	conditions driver.Conditions // of Run
	room       journal.Room
	beside     int64
	besideAt   time.Time
	erasedAt   time.Time // when personal values were looked through last

	mu    sync.Mutex
	state State
}

// New makes the Keeper of a journal.
func New(j Journal, o Options) *Keeper { return &Keeper{journal: j, opts: o} }

// State returns how much is used, as of the last look.
func (k *Keeper) State() State {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state
}

// Run keeps to the budget until ctx ends. What the disk refuses is tried again.
func (k *Keeper) Run(ctx context.Context) error {
	k.resume()
	failing := false
	for {
		err := errors.Join(k.look(ctx), k.erase(ctx))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !failing {
			k.opts.Log.Error("the disk budget cannot be kept, will be tried again", "err", err)
		}
		failing = err != nil
		if wait.For(ctx, lookEvery) != nil {
			return nil
		}
	}
}

// resume finds the conditions that were in force when the agent stopped: they were reported then.
func (k *Keeper) resume() {
	rows, err := k.journal.Newest(lookBackRows, 0, observation.AgentDevice)
	if err != nil {
		k.opts.Log.Error("conditions of the disk before the start are not known", "err", err)
		return
	}
	inForce := map[string]bool{}
	for i := range rows {
		if o, err := rows[i].Observation(); err == nil && o.Body.GetDeviceCondition() != nil {
			c := o.Body.GetDeviceCondition()
			inForce[c.Condition] = !c.Cleared
		}
	}
	for _, c := range []string{condBudget, condTelemetry, condEvents} {
		if inForce[c] {
			k.conditions.Resume(c, subjectOfDisk)
		}
	}
}

// look measures, removes what may go when there is too much, and decides what is stored from now on.
func (k *Keeper) look(ctx context.Context) error {
	used, budget, err := k.measure()
	if err != nil {
		return err
	}
	share := float64(used) / float64(budget)
	began := share >= pruneFrom
	if began {
		if err := k.report(ctx, condBudget, true, used, budget); err != nil {
			return err
		}
		if used, budget, err = k.prune(ctx, used, budget); err != nil {
			return err
		}
		share = float64(used) / float64(budget)
	}
	k.decide(share)
	k.show(used, budget)
	if !began && share < prunedOver {
		if err := k.report(ctx, condBudget, false, used, budget); err != nil {
			return err
		}
	}
	if err := k.report(ctx, condEvents, k.room >= journal.RoomForAlarms, used, budget); err != nil {
		return err
	}
	return k.report(ctx, condTelemetry, k.room >= journal.RoomForEvents, used, budget)
}

// erase erases personal values that were kept for long enough.
func (k *Keeper) erase(ctx context.Context) error {
	if k.opts.Personal == 0 || time.Since(k.erasedAt) < eraseEvery || !k.opts.ClockTrusted() {
		return nil
	}
	done, err := k.journal.EraseBefore(ctx, time.Now().Add(-k.opts.Personal))
	if done.Rows > 0 {
		k.opts.Log.Info("personal data was erased for its age", "rows", done.Rows, "artifacts", done.Artifacts)
	}
	if err == nil {
		k.erasedAt = time.Now()
	}
	return err
}

// measure returns what is used of the disk, and what may be: the budget, or what the file system has left when that is
// less.
func (k *Keeper) measure() (used, budget int64, err error) {
	u, err := k.journal.Usage()
	if err != nil {
		return 0, 0, err
	}
	if time.Since(k.besideAt) >= besideEvery {
		k.beside = 0
		for _, dir := range k.opts.Beside {
			n, err := sqlog.BytesBelow(dir)
			if err != nil {
				return 0, 0, err
			}
			k.beside += n
		}
		k.besideAt = time.Now()
	}
	used = u.Database + u.Artifacts + k.beside
	var fs unix.Statfs_t
	if err := unix.Statfs(k.opts.Dir, &fs); err != nil {
		return 0, 0, err
	}
	total, free := int64(fs.Blocks)*fs.Bsize, int64(fs.Bavail)*fs.Bsize
	if budget = k.opts.Budget; budget == 0 {
		budget = int64(float64(total) * defaultShare)
	}
	return used, max(1, min(budget, used+free-min(reserveMost, total/reserveShare))), nil
}

// prune removes what the centre has acknowledged until little enough is used, or nothing is left that may go.
func (k *Keeper) prune(ctx context.Context, used, budget int64) (int64, int64, error) {
	for float64(used) > pruneTo*float64(budget) {
		if some, err := k.pruneNext(ctx, used-int64(pruneTo*float64(budget)), budget); err != nil || !some {
			return used, budget, err
		}
		var err error
		if used, budget, err = k.measure(); err != nil {
			return used, budget, err
		}
	}
	return used, budget, nil
}

// pruneNext removes some of the first of these that there is any of: artifacts of vehicles without an alarm, telemetry,
// events, artifacts of vehicles with an alarm; of artifacts no more than makes enough bytes. It reports whether there
// was any.
func (k *Keeper) pruneNext(ctx context.Context, enough, budget int64) (some bool, err error) {
	artifacts := func(ofAlarms bool) {
		if !some && err == nil {
			var n int64
			n, err = k.journal.PruneArtifacts(ctx, ofAlarms, enough, budget)
			some = n > 0
		}
	}
	rows := func(class observation.Class) {
		if !some && err == nil {
			var n int
			n, err = k.journal.PruneRows(ctx, class, rowsAtOnce, budget)
			some = n > 0
		}
	}
	artifacts(false)
	rows(observation.Class_CLASS_TELEMETRY)
	rows(observation.Class_CLASS_EVENT)
	artifacts(true)
	return some, err
}

// decide sets what is stored from now on. Each limit has one for the way back, so that it does not change with every
// row.
func (k *Keeper) decide(share float64) {
	room := journal.RoomForAll
	switch {
	case share >= noEventsFrom, k.room == journal.RoomForAlarms && share >= eventsFrom:
		room = journal.RoomForAlarms
	case share >= noTelemetryFrom, k.room >= journal.RoomForEvents && share >= telemetryFrom:
		room = journal.RoomForEvents
	}
	if room != k.room {
		k.opts.Log.Warn("what is stored has changed with the room on the disk", "used", share, "refused", refused(room))
	}
	k.room = room
	k.journal.SetRoom(room)
}

func refused(r journal.Room) string {
	return map[journal.Room]string{journal.RoomForEvents: RefusedTelemetry, journal.RoomForAlarms: RefusedEvents}[r]
}

// show puts what was found into the state.
func (k *Keeper) show(used, budget int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state.Budget, k.state.Used, k.state.Refused = budget, used, refused(k.room)
	k.state.Message = message.Text{}
	switch k.room {
	case journal.RoomForEvents:
		k.state.Message = wording(condTelemetry, used, budget).Text()
	case journal.RoomForAlarms:
		k.state.Message = wording(condEvents, used, budget).Text()
	}
}

// The conditions, as device.condition names them.
const (
	condBudget    = "disk-budget"
	condTelemetry = "disk-telemetry"
	condEvents    = "disk-events"
)

func wording(condition string, used, budget int64) message.Message {
	const mega = 1e6
	return message.New("condition."+condition, message.Quantity("used", float64(used)/mega, 0, "MB"),
		message.Quantity("budget", float64(budget)/mega, 0, "MB"))
}

// report journals that a condition begins, as an alarm, or is over, when that is new.
func (k *Keeper) report(ctx context.Context, condition string, on bool, used, budget int64) error {
	for _, o := range k.conditions.Alarm(time.Now(), condition, subjectOfDisk, on, wording(condition, used, budget)) {
		o.Device = observation.AgentDevice
		if _, err := k.journal.Commit(ctx, o); err != nil {
			k.conditions.Retract(condition, subjectOfDisk)
			return err
		}
	}
	return nil
}
