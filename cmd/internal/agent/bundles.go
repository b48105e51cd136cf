package agent

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/bundle"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	"lanewarden/edge/lane/booth"
	firmwareconfig "lanewarden/firmware-config"
)

// BundlesName is the folder in the state directory that keeps configuration from the centre.
const BundlesName = "bundles"

// openBundles opens what configuration has come to the agent of a machine's lane file.
func openBundles(file *firmwareconfig.Config, o Options) (*bundle.Store, error) {
	return bundle.Open(bundle.Options{
		Dir: filepath.Join(file.Agent.StateDir, BundlesName), File: file, Specs: drivers.Catalog, Log: o.Log,
	})
}

// switcher switches a running agent to bundles, and watches over the one on trial.
type switcher struct {
	store   *bundle.Store
	journal bundle.Journal
	o       Options

	health func() bundle.Health           // of the lane now
	quiet  func(ctx context.Context) bool // no vehicle is in a lane
	wait   time.Duration                  // for a quiet moment, at most

	// resettle has some devices begin anew with the settings of another configuration, while the agent goes on.
	resettle func(next *firmwareconfig.Config, changed []string) error
	current  *firmwareconfig.Config // with which the agent runs

	told bool // that something did not succeed
}

// newSwitcher returns the switcher of one run of the agent.
func newSwitcher(c *firmwareconfig.Config, store *bundle.Store, j *journal.Journal, devices *lane.Supervisor, link link,
	passages passageList, booths *decider, resettle func(*firmwareconfig.Config, []string) error, o Options) *switcher {
	s := &switcher{store: store, journal: j, resettle: resettle, current: c, o: o}
	s.quiet = func(ctx context.Context) bool { return nobodyAt(booths) && noVehicle(ctx, passages) }
	s.health = func() bundle.Health {
		return bundle.Health{Devices: devices.Devices(), Linked: link.status().Ready}
	}
	if c.Uplink != nil {
		s.wait = c.Uplink.Orders.BundleWait
	}
	return s
}

// switchPeriod is how often is looked whether a vehicle is in a lane, and whether the journal can be written again.
const switchPeriod = time.Second

// run journals what becomes of bundles until ctx ends. It returns bundle.ErrChanged when the agent must run again with
// another configuration: the staged bundle, or what was in force before the one on trial. Where nothing but settings of
// devices differs, these devices alone begin anew, and it goes on.
func (s *switcher) run(ctx context.Context) error {
	if err := s.trial(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	var since time.Time // of the staged bundle
	for {
		s.try("what became of a bundle is not journalled", s.store.Flush(ctx, s.journal))
		switch {
		case s.store.Next() == nil:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
			fallthrough
		default:
			if time.Since(since) < s.wait && !s.quiet(ctx) {
				break
			}
			if !s.try("a bundle waits", s.store.Switch(s.health())) {
				break
			}
			since = time.Time{}
			if !s.follow() {
				return bundle.ErrChanged
			}
			if err := s.trial(ctx); err != nil || ctx.Err() != nil {
				return err
			}
		}
		if err := s.pause(ctx, since); err != nil {
			return nil
		}
	}
}

// trial watches over the bundle in force while it is on trial. It returns bundle.ErrChanged where it was given up, and the
// agent must run again for that.
func (s *switcher) trial(ctx context.Context) error {
	before, on := s.store.Trial()
	if !on {
		return nil
	}
	err := s.watch(ctx, before)
	if errors.Is(err, bundle.ErrChanged) && s.follow() {
		return nil
	}
	return err
}

// follow goes over to the configuration in force, and reports whether the running agent could: else it must run again.
func (s *switcher) follow() bool {
	next := s.store.Config()
	changed, alone := s.current.ChangedDevices(next)
	if !alone {
		return false
	}
	if err := s.resettle(next, changed); err != nil {
		s.o.Log.Error("devices cannot begin anew with other settings: the agent does", "devices", changed, "err", err)
		return false
	}
	s.o.Log.Info("another configuration is in force", "file", next.File, "devices begun anew", changed)
	s.current = next
	return true
}

// try reports whether something succeeded. What did not, for want of disk mostly, is logged once, and tried again.
func (s *switcher) try(what string, err error) bool {
	if err != nil && !s.told {
		s.o.Log.Error(what+", will be tried again", "err", err)
	}
	s.told = err != nil
	return err == nil
}

// pause waits for news of bundles, or for switchPeriod while there is something to try again.
func (s *switcher) pause(ctx context.Context, since time.Time) error {
	every := time.Minute
	if !since.IsZero() || s.store.Unjournalled() {
		every = switchPeriod
	}
	timer := time.NewTimer(every)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-s.store.Changed():
	}
	return ctx.Err()
}

// watch waits until the trial is over. A lane that is then worse than before goes back.
func (s *switcher) watch(ctx context.Context, before bundle.Health) error {
	end := time.Now().Add(cmp.Or(s.o.BundleTrial, bundle.TrialTime))
	for time.Now().Before(end) {
		_ = s.store.Flush(ctx, s.journal) // that it does not succeed until the end is told below
		if wait.For(ctx, min(switchPeriod, time.Until(end))) != nil {
			return nil
		}
	}
	worse := before.Worse(s.health())
	if err := s.store.Flush(ctx, s.journal); err != nil && worse.IsZero() {
		worse = message.New("bundle.journal")
	}
	if ctx.Err() != nil {
		return nil
	}
	if !worse.IsZero() {
		s.store.Revert(worse)
		return bundle.ErrChanged
	}
	for !s.try("that a bundle works is not kept", s.store.Keep()) {
		if wait.For(ctx, switchPeriod) != nil {
			return nil
		}
	}
	return nil
}

// passageList are the passages that the agent knows.
type passageList interface {
	Passages(ctx context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error)
}

// passagesWait bounds the wait for an answer of who follows passages.
const passagesWait = 2 * time.Second

// noVehicle reports whether no passage is open. One that cannot be asked for may be.
func noVehicle(ctx context.Context, passages passageList) bool {
	ctx, cancel := context.WithTimeout(ctx, passagesWait)
	defer cancel()
	all, _, err := passages.Passages(ctx)
	return err == nil && !slices.ContainsFunc(all, func(p *observation.PassageClosed) bool {
		return p.End == observation.PassageEnd_PASSAGE_END_UNSPECIFIED
	})
}

// nobodyAt reports whether it is known that no vehicle is at a booth; booths is nil where none of the lanes decides.
func nobodyAt(booths *decider) bool {
	if booths == nil {
		return true
	}
	states := booths.States()
	return len(states) > 0 && !slices.ContainsFunc(states, func(b booth.State) bool { return b.Current != nil })
}
