// Package fleet runs many agents in one process, to load a hub honestly: each is the uplink of laned with a
// connection, a signing key and a journal of its own, into which the rows of a scenario's day come. It says what they
// sent, what was acknowledged and when.
package fleet

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/cmd/internal/cli"
	"lanewarden/cmd/internal/scenario"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// Options describe a fleet. All but Storm and Journals are required.
type Options struct {
	// Broker is the broker to which all connect. In its user name and files, {site} and {agent} stand for an agent's
	// names.
	Broker   wire.Broker
	Site     string // the sites of the agents are SITE-001, SITE-002, ... with 20 agents each
	Agents   int
	Rate     float64 // observations/s of one agent, over its day; 0 for the scenario's own
	Duration time.Duration
	Storm    time.Duration // after the beginning of the traffic all connections are cut; 0 for no storm
	Grace    time.Duration // how long the agents have to connect, and what was sent to be acknowledged at the end
	Scenario *scenario.Scenario
	Seed     uint64
	// Journals is a directory for real journals, each with its SQLite database; "" keeps them in memory.
	Journals       string
	TelemetryDelay time.Duration // how long telemetry may wait to be sent with more
	Software       string        // that the agents say they are

	inventory *observation.Inventory
}

// fleet is the agents with what they did.
type fleet struct {
	opts   *Options
	tally  *tally
	agents []*agent
	p      cli.Printer

	begin    time.Time // of the traffic
	end      time.Time // likewise; zero while it flows
	stormCut int       // connections that the storm cut
	stopped  bool      // somebody ended it before its time

	ackedInTime int64 // rows that were acknowledged while the traffic flowed

	uplinks, players *errgroup.Group
	connecting       sync.WaitGroup
	stopUplinks      context.CancelFunc
}

// Run runs a fleet and prints what it does, until its time is over or ctx ends. That something which was recorded is
// not acknowledged in time is an error.
func Run(ctx context.Context, o Options, p cli.Printer) error {
	_, err := run(ctx, o, p)
	return err
}

// run is Run; it returns the fleet, too, for tests.
func run(ctx context.Context, o Options, p cli.Printer) (f *fleet, err error) {
	f = &fleet{opts: &o, tally: &tally{}, p: p}
	if err := checkFiles(&o); err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	closeCodecs, err := f.make()
	defer closeCodecs()
	if err != nil {
		return f, err
	}
	f.connect(ctx)
	err = f.live(ctx)
	f.stopUplinks()
	f.connecting.Wait()
	err = errors.Join(err, f.uplinks.Wait())
	if f.begin.IsZero() {
		return f, err
	}
	f.table()
	return f, errors.Join(err, f.judge())
}

const (
	// days is how many different days the agents have. Each takes some seconds to make.
	days = 4
	// codecs is how many codecs the uplinks share: each has megabytes of tables, and the machine has few cores.
	codecs = 8
)

// make makes days and agents. closeCodecs is to be called when the uplinks have ended, after an error too.
func (f *fleet) make() (closeCodecs func(), err error) {
	o := f.opts
	f.p.Say("fleet.making", message.Count("n", o.Agents), message.String("scenario", o.Scenario.Name))
	made, shared := make([]day, min(days, o.Agents)), make([]*wire.Codec, 0, codecs)
	closeCodecs = func() {
		for _, c := range shared {
			_ = c.Close() // it only releases memory
		}
	}
	var making sync.WaitGroup
	for i := range made {
		making.Go(func() { made[i] = makeDay(o.Scenario, o.Seed+uint64(i)) })
	}
	making.Wait()
	for range codecs {
		c, err := wire.NewCodec()
		if err != nil {
			return closeCodecs, err
		}
		shared = append(shared, c)
	}
	o.inventory = &observation.Inventory{}
	for _, d := range o.Scenario.Devices() {
		o.inventory.Devices = append(o.inventory.Devices, &observation.Device{Id: d.ID})
	}
	begins := mathrand.New(mathrand.NewPCG(o.Seed, 0xbe91)).Perm(o.Agents)
	for i := range o.Agents {
		a, err := newAgent(o, i, f.tally, shared[i%codecs])
		if err != nil {
			return closeCodecs, err
		}
		a.day = made[i%len(made)]
		a.from = dayLength * time.Duration(begins[i]) / time.Duration(o.Agents)
		a.later = rampOf(o) * time.Duration(i) / time.Duration(o.Agents)
		a.speed = 1
		if o.Rate > 0 {
			a.speed = o.Rate * dayLength.Seconds() / float64(len(a.day))
		}
		f.agents = append(f.agents, a)
	}
	return closeCodecs, nil
}

// rampOf returns the time within which the agents begin one after the other: as long as telemetry waits to be sent, or
// a quarter of the traffic.
func rampOf(o *Options) time.Duration { return min(o.TelemetryDelay, o.Duration/4) }

// close closes the journals.
func (f *fleet) close() (err error) {
	for _, a := range f.agents {
		err = errors.Join(err, a.close())
	}
	return err
}

// connectEach is the pause between two agents' first connections. All at once is what a storm is for.
const connectEach = 2 * time.Millisecond

// connect starts the uplinks one after the other. They outlive ctx, so that what was sent can be acknowledged.
func (f *fleet) connect(ctx context.Context) {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.uplinks, running = errgroup.WithContext(running)
	f.stopUplinks = func() {
		for _, a := range f.agents {
			a.line.end()
		}
		stop()
	}
	f.connecting.Go(func() {
		for _, a := range f.agents {
			f.uplinks.Go(func() error { return a.up.Run(running) })
			if wire.Pause(running, connectEach) != nil {
				return
			}
		}
	})
}

// stopTime is how long what was sent may wait for its acknowledgement when somebody ends the program: as laned has it.
const stopTime = 2 * time.Second

// live lets the agents connect, work, be cut off and finish. Those that did not connect in time work all the same.
func (f *fleet) live(ctx context.Context) error {
	all := int64(f.opts.Agents)
	f.watch(ctx, f.opts.Grace, func() bool { return f.tally.connected.Load() == all })
	if ctx.Err() != nil {
		return nil
	}
	if f.tally.connected.Load() == 0 {
		return message.Errorf("fleet.nobody", message.String("broker", f.opts.Broker.URL),
			message.Nested("why", f.agents[0].up.Status().Message.Message()))
	}
	err := f.work(ctx)
	f.stopped = ctx.Err() != nil
	settling, wait := ctx, f.opts.Grace
	if f.stopped {
		settling, wait = context.WithoutCancel(ctx), stopTime
	}
	for _, a := range f.agents {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		a.up.Flush(over) // telemetry waits no more; the waiting is done here for all
	}
	f.watch(settling, wait, func() bool { return f.tally.waiting() == 0 })
	return err
}

// work lets the traffic flow for its time, with the storm in it.
func (f *fleet) work(ctx context.Context) error {
	playing, stop := context.WithCancel(ctx)
	defer stop()
	f.players, playing = errgroup.WithContext(playing)
	f.begin = time.Now()
	for _, a := range f.agents {
		f.players.Go(func() error { return a.play(playing) })
	}
	failed := func() bool { return playing.Err() != nil }
	rest := f.opts.Duration
	if f.opts.Storm > 0 {
		f.watch(ctx, f.opts.Storm, failed)
		if playing.Err() == nil {
			f.storm()
		}
		rest -= f.opts.Storm
	}
	f.watch(ctx, rest, failed)
	stop()
	err := f.players.Wait()
	now := f.moment()
	f.end, f.ackedInTime = now.at, now.acked
	f.tally.end.Store(now.at.UnixNano())
	return err
}

// storm cuts all connections.
func (f *fleet) storm() {
	now := time.Now()
	for _, a := range f.agents {
		if a.line.cut(now) {
			f.stormCut++
		}
	}
	f.p.Say("fleet.storm", message.Count("n", f.stormCut))
}
