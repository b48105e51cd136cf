package agent

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/console"
	"lanewarden/edge/evidence"
	"lanewarden/edge/journal"
	"lanewarden/edge/journal/keyfile"
	"lanewarden/edge/lane"
	"lanewarden/edge/lane/booth"
	"lanewarden/edge/lane/clearance"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/edge/lane/liststore"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/firmware-config/policy"
	"lanewarden/sync/wire"
)

// rules is the policy of a lane, with the hash of its file.
type rules struct {
	*policy.Policy
	sum [32]byte
}

// decider decides at the booths of an agent.
type decider struct {
	lists   *liststore.Store
	rules   map[string]rules // by lane
	secrets *draw.Secrets
	draws   *draw.Keeper
	seen    *inquirer
	log     *slog.Logger
	*booth.Follower
}

// outputsOf are the outputs of an agent's devices, and its clock.
type outputsOf interface {
	Command(ctx context.Context, device, output, value, reason string) error
	Clock() lane.ClockState
}

// newDecider returns what decides at the lanes of a configuration, by the lists of a store; nil when none of them does.
func newDecider(c *firmwareconfig.Config, j *journal.Journal, devices outputsOf, store *liststore.Store, log *slog.Logger) (*decider, error) {
	d := &decider{lists: store, rules: map[string]rules{}, log: log, seen: newInquirer(j, log)}
	var booths []booth.Settings
	for _, l := range c.Lanes {
		if l.Clearance == nil {
			continue
		}
		d.rules[l.ID] = rules{l.Clearance.Policy.Value, l.Clearance.Policy.SHA256}
		one := boothOf(c, l)
		one.Journal = j.Identity().ID
		booths = append(booths, one)
	}
	if len(booths) == 0 {
		return nil, nil
	}
	for _, problem := range store.Problems() {
		log.Error("lists", "err", message.Of(problem).English())
	}
	if err := d.openDraws(c, j); err != nil {
		return nil, err
	}
	d.Follower = booth.NewFollower(booths, booth.Options{
		Journal: j, Decide: d.decide, Remember: d.remember, Set: devices.Command, Log: log,
		ClockTrusted: func() bool { return devices.Clock().Synchronised },
	})
	return d, nil
}

// SecretsName is the file of the draws' secrets in the state directory.
const SecretsName = "draw.secrets"

// openDraws opens the secrets of random checks, which are sealed by a key that follows from the agent's.
func (d *decider) openDraws(c *firmwareconfig.Config, j *journal.Journal) error {
	key, err := keyfile.Open(filepath.Join(journalDir(c), journal.KeyFile), evidence.KeyName(c.Site.ID, c.Agent.ID))
	if err != nil {
		return err
	}
	commit := func(ctx context.Context, o *observation.Observation) error {
		o.Device = observation.AgentDevice
		_, err := j.Commit(ctx, o)
		return err
	}
	d.secrets, err = draw.OpenSecrets(filepath.Join(c.Agent.StateDir, SecretsName), key.Secret(), commit)
	if err != nil {
		return fmt.Errorf("secrets of random checks: %w", err)
	}
	if aside := d.secrets.SetAside(); aside != "" {
		d.log.Error("the secrets of random checks could not be opened: draws go on with new ones", "set aside", aside)
	}
	d.draws = draw.NewKeeper(d.secrets)
	return nil
}

// remember keeps a draw that the journal has.
func (d *decider) remember(said *observation.ClearanceDecision) {
	if one := draw.FromRow(said.Draw); !one.IsNone() {
		d.draws.Remember(said.Presentation, one)
	}
}

// boothOf returns a lane's booth as package booth takes it.
func boothOf(c *firmwareconfig.Config, l firmwareconfig.Lane) booth.Settings {
	s := booth.Settings{Keyed: l.Clearance.Keyed, Lane: booth.Lane{
		Site: c.Site.ID, SiteKind: c.Site.Kind, ID: l.ID, Booth: l.Clearance.Booth, Idle: l.Clearance.Idle,
	}}
	if at := l.Clearance.Leaving; at != nil {
		s.Leaving = booth.Detector{Device: at.Device, Station: at.Station}
	}
	for _, one := range l.Stations {
		s.Stations = append(s.Stations, booth.Station{ID: one.ID, Position: one.Position, Devices: one.Devices, Late: one.Late})
	}
	for _, o := range l.Clearance.Outputs {
		s.Outputs = append(s.Outputs, booth.Output{Device: o.Device, Output: o.Output, On: o.On})
	}
	return s
}

// decide decides by one version of each list.
func (d *decider) decide(ctx context.Context, in *clearance.Input) (out clearance.Decision) {
	r := d.rules[in.Lane]
	err := d.lists.View(func(l clearance.Lists) error {
		d.draw(ctx, in, l, r.Policy)
		out = clearance.Decide(*in, l, r.Policy)
		d.seen.look(in, &out, l)
		return nil
	})
	if err != nil { // the store is closed: the agent ends
		d.log.Error("clearance: the lists cannot be read", "err", err)
	}
	out.PolicySHA256 = r.sum
	return out
}

// draw draws for what is presented. Where that fails nothing is drawn, and the policy says what follows from that.
func (d *decider) draw(ctx context.Context, in *clearance.Input, l clearance.Lists, p *policy.Policy) {
	identity, ready := clearance.DrawFor(*in, l, p)
	if !ready {
		return
	}
	one, err := d.draws.Draw(ctx, in.Presented.ID, identity, in.Now)
	if err != nil {
		d.log.Error("clearance: nothing was drawn", "presentation", in.Presented.ID, "err", err)
		return
	}
	in.Draw = one
}

// order puts an outcome in force for a vehicle at a booth, because the centre says so. A nil decider has no booth.
func (d *decider) order(ctx context.Context, o *wire.Order, outcome clearance.Outcome) error {
	if d == nil {
		return message.Errorf("booth.none")
	}
	return d.OverrideVehicle(ctx, o.Vehicle, string(outcome), "centre", cmp.Or(o.Reason, o.Kind))
}

// run decides until ctx ends. A nil decider decides nothing.
func (d *decider) run(ctx context.Context) error {
	if d == nil {
		<-ctx.Done()
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.reveal(ctx) })
	g.Go(func() error { return d.seen.run(ctx) })
	g.Go(func() error { return d.Run(ctx) })
	return g.Wait()
}

// revealEvery is how often the lane looks whether a day is over whose secret it may reveal.
const revealEvery = time.Hour

// reveal reveals the lane's own secrets of days that are over, until ctx ends. It returns nil. While the clock is not
// disciplined nothing is revealed: one that is set ahead would reveal what draws are still made with.
func (d *decider) reveal(ctx context.Context) error {
	for {
		if d.ClockTrusted() {
			if err := d.secrets.Reveal(ctx, time.Now()); err != nil && ctx.Err() == nil {
				d.log.Error("the secrets of random checks that may be revealed were not", "err", err)
			}
		}
		if wait.For(ctx, revealEvery) != nil {
			return nil
		}
	}
}

// booths returns the booths for the console; nil for a nil decider.
func (d *decider) booths() console.Booths {
	if d == nil {
		return nil
	}
	return d
}
