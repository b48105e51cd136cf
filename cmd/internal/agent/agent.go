// Package agent wires one running lane agent together, in reading order: journal, devices, link, console. A Config goes
// in; the agent runs until its context ends.
package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/units"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
	"lanewarden/edge/bundle"
	"lanewarden/edge/console"
	"lanewarden/edge/diag/guided"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	"lanewarden/edge/lane/liststore"
	"lanewarden/edge/lane/passage"
	"lanewarden/edge/retention"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/downlink"
	"lanewarden/sync/downlink/bundletaker"
	"lanewarden/sync/downlink/listtaker"
)

// SocketName is the default name of the local API's socket in the state directory.
const SocketName = "laned.sock"

// Options are the command line's additions to the configuration. Log is required.
type Options struct {
	Software       string
	Built          time.Time     // when; the zero time when that is not known
	TelemetryDelay time.Duration // 0 for the default
	BundleTrial    time.Duration // how long a bundle is on trial; 0 for bundle.TrialTime
	Log            *slog.Logger
}

// Run runs an agent until ctx ends, and returns nil then. It returns an error for settings that
// cannot be used, for a journal that cannot be opened, and for a state directory that another agent
// uses. Devices that do not work, a link that is down and a full disk are no errors: the agent goes
// on and says so. A journal that is found damaged, or that the hub refuses because it holds another past of it, is set
// aside and a new one begins. c is the machine's own lane file; a bundle from the centre may be in force in its place.
func Run(ctx context.Context, c *firmwareconfig.Config, o Options) error {
	if err := sqlog.MakeDir(c.Agent.StateDir); err != nil {
		return err
	}
	unlock, err := journal.Lock(c.Agent.StateDir, "laned")
	if err != nil {
		return err
	}
	defer unlock()
	bundles, err := openBundles(c, o)
	if err != nil {
		return err
	}
	for {
		err := runOn(ctx, bundles.Config(), bundles, o)
		if changed(ctx, bundles, err) {
			continue
		}
		if !errors.Is(err, journal.ErrDamaged) && !errors.Is(err, errContradicted) || ctx.Err() != nil {
			return err
		}
		o.Log.Error("the journal cannot be used any more: the agent begins anew", "err", err)
		if wait.For(ctx, journalRetry) != nil {
			return nil
		}
	}
}

// changed reports whether an agent that has ended is to run again with another configuration. A bundle on trial with which
// it could not run is given up.
func changed(ctx context.Context, bundles *bundle.Store, err error) bool {
	switch _, trial := bundles.Trial(); {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, bundle.ErrChanged):
		return true
	case trial && err != nil && !errors.Is(err, journal.ErrDamaged) && !errors.Is(err, errContradicted):
		bundles.Revert(message.New("bundle.failed", message.CausedBy(err)))
		return true
	}
	return false
}

// errContradicted is why an agent ends that the hub has refused: it holds another past of the journal.
var errContradicted = errors.New("the hub refuses the journal")

// runOn opens the journal and runs the agent on it, until ctx ends or the journal cannot be used any more.
func runOn(ctx context.Context, c *firmwareconfig.Config, bundles *bundle.Store, o Options) (err error) {
	j, err := journal.Open(journalDir(c), journal.Options{
		Site: c.Site.ID, Agent: c.Agent.ID, Beside: filepath.Join(c.Agent.StateDir, BesideName),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()

	devices, err := supervisor(c, j, o)
	if err != nil {
		return err
	}
	clock := &lane.Clock{}
	lists, err := liststore.Open(filepath.Join(c.Agent.StateDir, ListsName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lists.Close()) }()
	tests := guided.New(testsOf(c), devices, j, o.Log)
	decider, err := newDecider(c, j, devices, lists, o.Log)
	if err != nil {
		return err
	}
	desk, err := newCasebook(c, j, o.Log)
	if err != nil {
		return err
	}
	carry := &carriers{tests: tests, devices: devices, bundles: bundles, booths: decider, cases: desk}
	consumers := []downlink.Consumer{listtaker.New(lists), bundletaker.New(bundles, c.Site.ID, c.Agent.ID)}
	down, err := newOrders(c, j, clock, consumers, carry, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, down.close()) }()
	keys := newHubKeys(c.Agent.StateDir, o.Log)
	begun := append(opened(j.Opening(), o.Log), started(c, o))
	if _, err := j.Commit(ctx, begun...); err == nil {
		begun = nil
	}
	keeper := retention.New(j, retention.Options{
		Budget: c.Agent.DiskBudget, Dir: c.Agent.StateDir, Beside: []string{tapeDir(c)}, Log: o.Log,
		Personal:     time.Duration(c.Agent.PersonalDays) * 24 * time.Hour,
		ClockTrusted: func() bool { return clock.State().Synchronised },
	})
	health := &health{
		devices: devices, clock: clock, disk: keeper.State, journal: j, tests: tests, orders: down.status, bundles: bundles,
	}
	link, err := newLink(c, j, health, keys, down, o)
	if err != nil {
		return err
	}
	carry.up = link.up
	passages := passage.NewFollower(j, lanes(c), o.Log)
	book, tlsConfig, err := consoleAccess(c.Console)
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	local := console.New(console.Options{
		Site: c.Site.ID, Agent: c.Agent.ID, Software: o.Software, InForce: shown(c),
		Accounts: book, TLS: tlsConfig, Socket: Socket(c), Listen: c.Console.Listen,
		JournalDir: journalDir(c), TapeDir: tapeDir(c),
		Journal: j, Lane: devices, Passages: passages, Booths: decider.booths(), Cases: desk, Tests: tests,
		Link: link.status, Disk: keeper.State, Log: o.Log,
		Receive: func(receipt, hubKey string) error { return keys.receive(j, receipt, hubKey) },
		Orders:  down.status, TakeOrders: down.take,
	})
	o.Log.Info("agent runs", "site", c.Site.ID, "agent", c.Agent.ID, "devices", len(c.Devices),
		"journal", fmt.Sprintf("%x", j.Identity().ID), "rows", j.Size())

	g, ctx := errgroup.WithContext(ctx)
	// The link outlives the devices, so that their last observations still go out.
	linkCtx, stopLink := context.WithCancel(context.WithoutCancel(ctx))
	g.Go(func() error {
		defer stopLink()
		err := devices.Run(ctx)
		link.flush(linkCtx) // the devices' last words
		return err
	})
	g.Go(func() error { return link.run(linkCtx) })
	g.Go(func() error { return health.watch(ctx, link.up) })
	g.Go(func() error { return tidyMemory(ctx) })
	g.Go(func() error { return journalLater(ctx, j, begun, o.Log) })
	g.Go(func() error { return untilDamaged(ctx, j) })
	g.Go(func() error { return selfCheck(ctx, j, c.Agent.StateDir, o.Log) })
	g.Go(func() error { return link.untilContradicted(ctx, j, o.Log) })
	g.Go(func() error { return link.sendAsides(linkCtx, c, j, o) })
	g.Go(func() error { return keeper.Run(ctx) })
	g.Go(func() error { return passages.Run(ctx) })
	g.Go(func() error { return decider.run(ctx) })
	g.Go(func() error { return desk.Run(ctx) })
	g.Go(func() error { return tests.Run(ctx) })
	g.Go(func() error { return down.run(ctx) })
	g.Go(func() error {
		return newSwitcher(c, bundles, j, devices, link, passages, decider, resettler(devices, tests, local), o).run(ctx)
	})
	g.Go(func() error { return local.Run(ctx) })
	return g.Wait()
}

// startedAfter is when an agent has started: what it needed to read its settings and texts is garbage then.
const startedAfter = 5 * time.Second

// gcPercent is how much garbage there may be before it is collected, in percent of what is in use; GOGC in the
// environment says otherwise. Go's own 100 would have twice what is in use, and a lane has more processor time than
// memory to spare: each collection takes some milliseconds, and there are a few in a minute.
const gcPercent = 50

// tidyMemory keeps the process small: garbage is collected early, and the memory that only the start needed goes back
// to the machine at once instead of over minutes. It returns nil.
func tidyMemory(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if wait.For(ctx, startedAfter) == nil {
		debug.FreeOSMemory()
	}
	return nil
}

// Socket returns the path of the agent's local API.
func Socket(c *firmwareconfig.Config) string {
	if c.Console.Socket != "" {
		return c.Console.Socket
	}
	return filepath.Join(c.Agent.StateDir, SocketName)
}

// consoleAccess reads who may sign in to the console, and its certificates. A nil book means no
// accounts, a nil config no TLS; package console decides what may be served without them.
func consoleAccess(c firmwareconfig.Console) (book *accounts.Book, config *tls.Config, err error) {
	if c.AccountsFile != "" {
		if book, err = accounts.Open(c.AccountsFile); err != nil {
			return nil, nil, err
		}
	}
	config, err = api.ServerTLS(c.CertFile, c.KeyFile, c.ClientCAFile)
	return book, config, err
}

func journalDir(c *firmwareconfig.Config) string { return filepath.Join(c.Agent.StateDir, "journal") }

func tapeDir(c *firmwareconfig.Config) string { return filepath.Join(c.Agent.StateDir, "tape") }

// supervisor returns the supervisor of all devices of the configuration; it runs none of them yet.
func supervisor(c *firmwareconfig.Config, j *journal.Journal, o Options) (*lane.Supervisor, error) {
	var list []lane.Device
	for _, d := range c.Devices {
		one, err := deviceOf(d)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return lane.New(j, list, lane.Options{
		TapeDir: tapeDir(c), TapeBytes: c.Agent.TapeBytes, Log: o.Log,
		Maintenance: filepath.Join(c.Agent.StateDir, MaintenanceName),
	})
}

// deviceOf returns a device of the configuration as package lane takes it.
func deviceOf(d firmwareconfig.Device) (lane.Device, error) {
	spec, ok := drivers.Find(d.Driver)
	if !ok {
		return lane.Device{}, fmt.Errorf("device %s: unknown driver %q", d.ID, d.Driver)
	}
	return lane.Device{ID: d.ID, Title: d.Title, Lane: d.Lane, Spec: spec, Settings: d.Settings}, nil
}

// resettler returns what has some devices begin anew with the settings of another configuration, while the agent goes on.
func resettler(devices *lane.Supervisor, tests *guided.Runner, local *console.Console) func(
	*firmwareconfig.Config, []string) error {
	return func(next *firmwareconfig.Config, changed []string) error {
		for _, d := range next.Devices {
			if !slices.Contains(changed, d.ID) {
				continue
			}
			one, err := deviceOf(d)
			if err == nil {
				err = devices.Replace(one)
			}
			if err != nil {
				return err
			}
		}
		tests.SetDevices(testsOf(next))
		local.SetConfiguration(shown(next))
		return nil
	}
}

// shown returns what the console shows of a configuration.
func shown(c *firmwareconfig.Config) console.Configuration {
	return console.Configuration{Config: c.Text, ConfigPath: c.File, Devices: c.Devices}
}

// testsOf returns the devices whose drivers have guided tests.
func testsOf(c *firmwareconfig.Config) (out []guided.Device) {
	for _, d := range c.Devices {
		if spec, ok := drivers.Find(d.Driver); ok && len(spec.Tests) > 0 {
			out = append(out, guided.Device{ID: d.ID, Settings: d.Settings, Tests: spec.Tests})
		}
	}
	return out
}

// lanes returns the lanes of the configuration as package passage takes them.
func lanes(c *firmwareconfig.Config) (out []passage.Lane) {
	for _, l := range c.Lanes {
		one := passage.Lane{ID: l.ID, SpeedKph: l.SpeedKph, Timeout: l.Timeout, Late: l.Late}
		for _, s := range l.Stations {
			one.Stations = append(one.Stations, passage.Station{
				ID: s.ID, Position: units.Metres(s.Position), Devices: s.Devices, Late: s.Late,
			})
		}
		out = append(out, one)
	}
	return out
}

// started returns the observation with which an agent begins: its software and a hash of its
// configuration, so that a journal says under which settings it was written.
func started(c *firmwareconfig.Config, o Options) *observation.Observation {
	obs := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.AgentStarted{
		Inventory: c.Inventory(), Software: o.Software, ConfigSha256: c.SHA256[:],
	})
	obs.Device = observation.AgentDevice
	return obs
}

// MaintenanceName is the file in the state directory that keeps which devices are in maintenance.
const MaintenanceName = "maintenance.json"

// BesideName is the file in the state directory that keeps the journal's newest checkpoint.
const BesideName = "journal.last"

// opened returns what people must know of how the journal was found, as alarms.
func opened(found journal.Opening, log *slog.Logger) (out []*observation.Observation) {
	var conditions driver.Conditions
	alarm := func(condition string, text message.Message) {
		log.Error("journal", "what", text.English())
		for _, o := range conditions.Alarm(time.Now(), condition, "", true, text) {
			o.Device = observation.AgentDevice
			out = append(out, o)
		}
	}
	if found.Damage != nil {
		alarm("journal-damaged", message.New("condition.journal-damaged", message.CausedBy(found.Damage),
			message.String("folder", found.Aside)))
	}
	if !found.Refused.IsZero() {
		alarm("journal-refused", message.New("condition.journal-refused", message.Nested("why", found.Refused.Message()),
			message.String("folder", found.Aside)))
	}
	if before := found.Before; before.Size > 0 {
		alarm("journal-lost", message.New("condition.journal-lost", message.String("origin", before.Origin),
			message.Count("n", before.Size)))
	}
	return out
}

// untilDamaged returns an error when the journal is found damaged, nil when ctx ends.
func untilDamaged(ctx context.Context, j *journal.Journal) error {
	select {
	case <-j.Damaged():
		return journal.ErrDamaged
	case <-ctx.Done():
		return nil
	}
}

// journalRetry is the pause before an observation of the agent's own is tried again.
const journalRetry = time.Second

// journalLater commits an observation that the journal has refused, trying again until it succeeds
// or ctx ends: a full disk must not keep the agent from starting and saying so. nil is nothing to
// do. It always returns nil.
func journalLater(ctx context.Context, j *journal.Journal, all []*observation.Observation, log *slog.Logger) error {
	for told := false; len(all) > 0; told = true {
		if err := wait.For(ctx, journalRetry); err != nil {
			return nil
		}
		_, err := j.Commit(ctx, all...)
		if err == nil {
			return nil
		}
		if !told {
			log.Error("the journal cannot be written, will be tried again", "err", err)
		}
	}
	return nil
}
