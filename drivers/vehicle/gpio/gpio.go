// Package gpio is the driver of loops, beams, buttons, barriers and lights at the pins of the agent's own machine,
// through periph.io. Two loops in line give direction, speed and length. Stuck and chattering detectors are reported.
// docs/protocols/gpio.md.
package gpio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/host/v3"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of the pins (SETTINGS.md). There must be an input or an output; names and pins are each
// used once.
type Config struct {
	Inputs  []Input  `yaml:"inputs"`
	Pairs   []Pair   `yaml:"pairs"`
	Outputs []Output `yaml:"outputs"`
}

// Input is a loop, a beam or a button. A detector of vehicles gives a detection when it goes off again, a button an
// event when it is pressed.
type Input struct {
	Name string `yaml:"name" required:"true" format:"id"`
	// Pin is a name that periph.io's register knows: GPIO17, or an alias of the board's.
	Pin  string `yaml:"pin" required:"true" example:"GPIO17"`
	Pull string `yaml:"pull" default:"down" enum:"up,down,none"`
	// Invert makes a low level "on": contacts to ground, with Pull "up".
	Invert bool `yaml:"invert"`
	Button bool `yaml:"button"`
	// Debounce is how long a level must hold to count. It delays the report, not the time in it.
	Debounce time.Duration `yaml:"debounce" default:"20ms" min:"0s" max:"1s"`
	// StuckAfter is how long an input may be on; 0 for any time.
	StuckAfter time.Duration `yaml:"stuck_after" default:"5m" min:"0s" max:"24h"`
}

// Pair is two inputs in line, First being the one that a vehicle in the lane's direction comes to first. Speed and
// length are as good as DistanceM: 10 % there are 10 % in both.
type Pair struct {
	Name      string  `yaml:"name" required:"true" format:"id"`
	First     string  `yaml:"first" required:"true"`
	Second    string  `yaml:"second" required:"true"`
	DistanceM float64 `yaml:"distance" default:"2" min:"0.1" max:"100" unit:"m"`
	LoopM     float64 `yaml:"loop_length" default:"1.8" min:"0" max:"20" unit:"m"`
	// Within is the longest gap between leaving one input and reaching the other: distance over the lowest speed.
	Within time.Duration `yaml:"within" default:"5s" min:"100ms" max:"5m"`
}

// Output is a barrier, a light, a siren. Safe is set when the driver starts and however it ends; Invert makes "on" a
// low level.
type Output struct {
	Name   string `yaml:"name" required:"true" format:"id"`
	Pin    string `yaml:"pin" required:"true" example:"GPIO27"`
	Invert bool   `yaml:"invert"`
	Safe   string `yaml:"safe" default:"off" enum:"on,off"`
}

// Check implements driver.Checker.
func (c Config) Check() error {
	if len(c.Inputs)+len(c.Outputs) == 0 {
		return message.Errorf("settings.no-pins")
	}
	names, pins := map[string]bool{}, map[string]string{}
	reserve := func(name, pin string) error {
		if names[name] {
			return message.Errorf("settings.twice", message.String("name", name))
		}
		if other := pins[pin]; other != "" {
			return message.Errorf("settings.pin-twice", message.String("pin", pin), message.String("first", other),
				message.String("second", name))
		}
		names[name], pins[pin] = true, name
		return nil
	}
	for _, i := range c.Inputs {
		if err := reserve(i.Name, i.Pin); err != nil {
			return err
		}
	}
	for _, o := range c.Outputs {
		if err := reserve(o.Name, o.Pin); err != nil {
			return err
		}
	}
	for _, p := range c.Pairs {
		for _, name := range []string{p.First, p.Second} {
			if !slices.ContainsFunc(c.Inputs, func(i Input) bool { return i.Name == name && !i.Button }) {
				return message.Errorf("settings.pair-input", message.String("pair", p.Name), message.Quoted("input", name))
			}
		}
		if p.First == p.Second {
			return message.Errorf("settings.pair-same", message.String("pair", p.Name))
		}
	}
	return nil
}

// Spec describes the driver.
var Spec = driver.New("gpio", "Loops, beams, barriers and lights at the machine's own pins",
	func(c Config, env driver.Env) (driver.Driver, error) {
		return &board{Config: c, env: env, Commands: driver.NewCommands(), pin: hostPin}, nil
	}).WithTests(tests...)

// board is the pins of one device of the settings. pin finds a pin by name; tests put their own in.
type board struct {
	Config
	driver.Commands
	env driver.Env
	pin func(name string) (gpio.PinIO, error)
}

// initHost loads periph.io's drivers, once for the process: it knows no way back.
var initHost = sync.OnceValue(func() error { _, err := host.Init(); return err })

// hostPin finds a pin of this machine. The error for one that there is not names up to 40 that there are.
func hostPin(name string) (gpio.PinIO, error) {
	if err := initHost(); err != nil {
		return nil, err
	}
	if p := gpioreg.ByName(name); p != nil {
		return p, nil
	}
	var known []string
	for _, p := range gpioreg.All() {
		if len(known) < 40 {
			known = append(known, p.Name())
		}
	}
	if len(known) == 0 {
		return nil, message.Errorf("gpio.no-pins", message.String("pin", name))
	}
	return nil, message.Errorf("gpio.no-pin", message.String("pin", name), message.Names("known", known))
}

// change is a level that a pin showed, after Invert and before debouncing. at is the clock when the edge was
// noticed.
type change struct {
	at   time.Time
	name string
	on   bool
}

const (
	edgeWait = 250 * time.Millisecond // between two looks at ctx
	tick     = 10 * time.Millisecond
)

// Run implements driver.Driver. It ends with ctx, or when a pin cannot be used or the journal fails. On whatever way
// it ends, outputs are set to Safe; a failure to do so is told as the device's state, as nothing else is left to do.
func (b *board) Run(ctx context.Context, sink driver.Sink) error {
	sink = driver.Unacknowledged(sink)
	outputs := map[string]gpio.PinIO{}
	for _, o := range b.Outputs {
		p, err := b.pin(o.Pin)
		if err != nil {
			return err
		}
		outputs[o.Name] = p
	}
	if err := b.safe(ctx, sink, outputs, message.New("output.agent-starts")); err != nil {
		return err
	}
	defer func() { // whatever ends the driver
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), edgeWait)
		defer cancel()
		if err := b.safe(late, sink, outputs, message.New("output.agent-stops")); err != nil {
			sink.State(observation.DeviceState_STATE_DOWN, message.Of(err))
		}
	}()
	changes := make(chan change, 256)
	g, ctx := errgroup.WithContext(ctx)
	for _, i := range b.Inputs {
		p, err := b.pin(i.Pin)
		if err != nil {
			return err
		}
		pull := map[string]gpio.Pull{"up": gpio.PullUp, "down": gpio.PullDown, "none": gpio.Float}[i.Pull]
		if err := p.In(pull, gpio.BothEdges); err != nil {
			return message.Wrap(err, "gpio.pin", message.String("pin", i.Pin))
		}
		g.Go(func() error { return watch(ctx, p, i, changes) })
	}
	g.Go(func() error { return b.loop(ctx, sink, changes, outputs) })
	sink.State(observation.DeviceState_STATE_RUNNING, message.Message{})
	return g.Wait()
}

// watch waits for edges of a pin until ctx ends, and passes on the level that the pin has at the start and each
// change. It reads the level after each edge and every edgeWait, so that an edge that the kernel lost shows a little
// later.
func watch(ctx context.Context, p gpio.PinIO, i Input, changes chan<- change) error {
	defer p.Halt()
	level := func() bool { return bool(p.Read()) != i.Invert }
	for last, first := level(), true; ; {
		if on := level(); first || on != last {
			first, last = false, on
			select {
			case changes <- change{time.Now().UTC(), i.Name, on}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.WaitForEdge(edgeWait)
	}
}

// loop follows the inputs and sets the outputs, all in one goroutine: the tracker has no lock. An error of the
// journal ends it; one of a command is its caller's.
func (b *board) loop(ctx context.Context, sink driver.Sink, changes <-chan change,
	outputs map[string]gpio.PinIO) error {
	t := newTracker(b.Inputs, b.Pairs)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		var obs []*observation.Observation
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-changes:
			b.env.Tape.Record(transport.Record{At: c.at, Kind: transport.RecordIn,
				Data: fmt.Appendf(nil, "%s %v\n", c.name, c.on)})
			obs = t.edge(c.at, c.name, c.on)
		case now := <-ticker.C:
			obs = t.tick(now.UTC())
		case c := <-b.C:
			c.Done <- b.set(ctx, sink, outputs, c.Output, c.Value, message.Verbatim(c.Reason), false)
		}
		if err := driver.CommitAny(ctx, sink, obs); err != nil {
			return err
		}
	}
}

// safe sets all outputs to their safe state. It tries each whatever becomes of the others.
func (b *board) safe(ctx context.Context, sink driver.Sink, outputs map[string]gpio.PinIO,
	reason message.Message) (err error) {
	for _, o := range b.Outputs {
		err = errors.Join(err, b.set(ctx, sink, outputs, o.Name, o.Safe, reason, true))
	}
	return err
}

// OutputNames implements driver.Commander.
func (b *board) OutputNames() (out []string) {
	for _, o := range b.Outputs {
		out = append(out, o.Name)
	}
	return out
}

// set sets an output to "on" or "off" and commits that it was set, why, and whether as its safe state. The pin has
// its level before the journal has the row.
func (b *board) set(ctx context.Context, sink driver.Sink, outputs map[string]gpio.PinIO, name, value string,
	reason message.Message, safe bool) error {
	i := slices.IndexFunc(b.Outputs, func(o Output) bool { return o.Name == name })
	if i < 0 {
		return driver.NoOutput(name, b.OutputNames())
	}
	if value != "on" && value != "off" {
		return fmt.Errorf("output %s: %q: on or off is expected", name, value)
	}
	if err := outputs[name].Out(gpio.Level((value == "on") != b.Outputs[i].Invert)); err != nil {
		return fmt.Errorf("output %s: %w", name, err)
	}
	return driver.CommitAny(ctx, sink,
		[]*observation.Observation{driver.OutputSet(time.Now().UTC(), name, value, reason, safe)})
}
