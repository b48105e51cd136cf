package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/bundle"
	"lanewarden/edge/diag/guided"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	"lanewarden/edge/lane/casebook"
	"lanewarden/edge/lane/clearance"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/downlink"
	"lanewarden/sync/downlink/command"
	"lanewarden/sync/downlink/secrettaker"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
	signed "lanewarden/sync/wire/command"
	"lanewarden/sync/wire/layout"
)

// OrdersName is the folder in the state directory that keeps what comes down from the centre.
const OrdersName = "orders"

// ListsName is the folder in the state directory that keeps the lists by which vehicles are cleared.
const ListsName = "lists"

// orders is what comes down from the centre; its zero value is of a lane that was given no root of trust.
type orders struct {
	service *downlink.Service
	codec   *wire.Codec // shared with the uplink: it has megabytes of tables

	commands *command.Receiver
}

// CommandersName is the file in the state directory that says who may command.
const CommandersName = "commanders.json"

// carriers carry out commands. up is set once there is an uplink, before any command can come.
type carriers struct {
	up      *uplink.Uplink
	tests   *guided.Runner
	devices *lane.Supervisor
	bundles *bundle.Store
	look    func()   // has what is published looked at soon
	booths  *decider // nil when no lane decides
	cases   *casebook.Casebook
}

// run returns the number of this run of the agent.
func (c *carriers) run() uint64 { return c.up.Instance() }

// executors returns what carries out which orders. Others are refused.
func (c *carriers) executors() map[string]command.Executor {
	return map[string]command.Executor{
		signed.Pull: func(_ context.Context, o *wire.Order) error { return c.up.Pull(o.Sha256) },
		signed.Test: func(ctx context.Context, o *wire.Order) error {
			return c.tests.Start(ctx, o.Device, o.Test, "centre")
		},
		signed.Bundle: func(_ context.Context, o *wire.Order) error {
			defer c.look()
			return c.bundles.Order(o.Sha256)
		},
		signed.Block:   func(ctx context.Context, o *wire.Order) error { return c.booths.order(ctx, o, clearance.Hold) },
		signed.Release: func(ctx context.Context, o *wire.Order) error { return c.booths.order(ctx, o, clearance.Release) },
		signed.Maintenance: func(ctx context.Context, o *wire.Order) error {
			if o.UntilNs == 0 {
				return c.devices.EndMaintenance(ctx, o.Device, "centre", o.Reason)
			}
			return c.devices.Maintain(ctx, o.Device, time.Unix(0, o.UntilNs), "centre", o.Reason)
		},
		signed.Case:   func(ctx context.Context, o *wire.Order) error { return c.cases.Receive(ctx, o.CaseEvent) },
		signed.Reboot: func(_ context.Context, o *wire.Order) error { return c.devices.Restart(o.Device) },
	}
}

// newOrders opens what has come down. A root that cannot be used is an error: the lane would go on with old lists, and
// nobody would know.
func newOrders(c *firmwareconfig.Config, j *journal.Journal, clock *lane.Clock, consumers []downlink.Consumer,
	carriers *carriers, o Options) (orders, error) {
	if c.Uplink == nil || c.Uplink.Orders.Root == "" {
		return orders{}, nil
	}
	info, err := os.Stat(c.Uplink.Orders.Root)
	if err == nil && info.Size() > layout.MaxMetadata {
		err = message.Errorf("orders.too-large", message.String("file", c.Uplink.Orders.Root), message.Int("most", layout.MaxMetadata))
	}
	if err != nil {
		return orders{}, err
	}
	root, err := os.ReadFile(c.Uplink.Orders.Root)
	if err != nil {
		return orders{}, err
	}
	codec, err := wire.NewCodec()
	if err != nil {
		return orders{}, err
	}
	d := &orders{codec: codec}
	d.commands = command.New(command.Options{
		Journal: j, Now: func() time.Time { return d.service.Now() }, Run: carriers.run, Executors: carriers.executors(),
		File: filepath.Join(c.Agent.StateDir, CommandersName), Log: o.Log,
	})
	consumers = append(consumers, d.commands)
	if carriers.booths != nil {
		consumers = append(consumers, secrettaker.New(c.Site.ID, carriers.booths.secrets,
			func() *age.X25519Identity { return d.service.Identity() }, func() time.Time { return d.service.Now() }))
	}
	s, err := downlink.New(downlink.Options{
		Dir: filepath.Join(c.Agent.StateDir, OrdersName), Site: c.Site.ID, Agent: c.Agent.ID, Root: root, Built: o.Built,
		ClockTrusted: func() bool { return clock.State().Synchronised }, StaleAfter: c.Uplink.Orders.StaleAfter,
		DiskBytes: c.Uplink.Orders.DiskBytes, Consumers: consumers, Journal: j, Codec: codec, Log: o.Log,
	})
	if err != nil {
		return orders{}, errors.Join(err, codec.Close())
	}
	d.service = s
	carriers.look = s.Link().LookSoon
	s.Link().OnCommand(d.commands.Receive)
	if b := carriers.booths; b != nil {
		b.seen.ask = s.Link().AskSeen
		s.Link().OnSeen(b.seen.take)
	}
	return *d, nil
}

// down returns the end that the uplink's connection is given to; nil for none.
func (d orders) down() uplink.Down {
	if d.service == nil {
		return nil
	}
	return d.service.Link()
}

// run looks for what is new until ctx ends.
func (d orders) run(ctx context.Context) error {
	if d.service == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.service.Run(ctx) })
	g.Go(func() error { return d.commands.Run(ctx, d.service.Link().Received) })
	return g.Wait()
}

// close frees what is shared, once the uplink has ended.
func (d orders) close() error {
	if d.codec == nil {
		return nil
	}
	return d.codec.Close()
}

// status returns what has come down, also where nothing may.
func (d orders) status() api.Orders {
	if d.service == nil {
		none := api.Orders{Targets: []api.OrdersTarget{}}
		none.SetProblem(message.New("orders.no-root"))
		return none
	}
	return d.service.Status()
}

// take takes what is in a folder, and returns how many files were taken into use.
func (d orders) take(ctx context.Context, dir string) (int, error) {
	if d.service == nil {
		return 0, message.Errorf("orders.no-root")
	}
	taken, err := d.service.Import(ctx, dir)
	return len(taken), err
}
