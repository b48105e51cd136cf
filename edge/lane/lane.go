// Package lane runs the devices of an agent: it supervises their drivers, reconnects with back-off, stamps what they
// observe with device, time and clock state, and hands it to the journal. What each device says of itself can be read
// at any time.
package lane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/thejerf/suture/v4"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Journal makes observations durable. Commit returns when they are; it may be called by all devices
// at once.
type Journal interface {
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
	StoreArtifact(ctx context.Context, r io.Reader, mediaType, name string) (*observation.Artifact, error)
	OpenArtifact(sum []byte) (r observation.ArtifactReader, size int64, err error)
	Latest(device string, kind observation.Kind) (o *observation.Observation, err error)
}

// Device is one device to run.
type Device struct {
	ID, Title, Lane string
	Spec            driver.Spec
	Settings        any // of the type of Spec.Config
}

// Options bound the lane's tapes, and name their folder and the log.
type Options struct {
	TapeDir   string // one folder a device below it; "" for no tapes
	TapeBytes int64
	// Maintenance is the file that keeps which devices are in maintenance; "" for none: it ends with the process.
	Maintenance string
	Log         *slog.Logger
}

// Supervisor runs devices. Its methods may be called from any goroutine while Run runs.
type Supervisor struct {
	journal Journal
	clock   *Clock
	log     *slog.Logger
	opts    Options
	upkeep  *upkeep
	suture  *suture.Supervisor

	mu      sync.RWMutex
	devices []*device // in the order of the configuration; each place is replaced as a whole
}

// stopTimeout bounds the wait for a driver to end after its context has; the contract of drivers
// says a second.
const stopTimeout = 3 * time.Second

// New prepares devices to run. It fails when a driver refuses its settings, with the device's name
// in the error. A tape that cannot be written is no failure: the device then runs without one until it
// can, and says so.
func New(journal Journal, devices []Device, opts Options) (*Supervisor, error) {
	s := &Supervisor{journal: journal, clock: &Clock{}, log: opts.Log, opts: opts}
	s.upkeep = openUpkeep(opts.Maintenance, journal, s.clock, opts.Log)
	s.suture = suture.New("lane", suture.Spec{
		Timeout:   stopTimeout,
		EventHook: func(e suture.Event) { s.log.Error("supervisor", "event", e.String()) },
	})
	for _, d := range devices {
		one, err := s.newDevice(d)
		if err != nil {
			return nil, err
		}
		s.devices = append(s.devices, one)
		one.token = s.suture.Add(one)
	}
	return s, nil
}

// newDevice prepares one device, with the tape that records its line.
func (s *Supervisor) newDevice(d Device) (*device, error) {
	var tape *transport.Tape
	if s.opts.TapeDir != "" {
		tape = transport.OpenTape(filepath.Join(s.opts.TapeDir, d.ID), s.opts.TapeBytes)
		if err := tape.Problem(); err != nil {
			s.log.Error("nothing is recorded of the device's line for now: recordings and replay lack it",
				"device", d.ID, "err", err)
		}
	}
	links, err := transport.NewOpener(tape)
	var run driver.Driver
	if err == nil {
		run, err = d.Spec.New(d.Settings, driver.Env{Device: d.ID, Links: links, Tape: tape})
	}
	if err != nil {
		return nil, errors.Join(message.Wrap(err, "output.of-device", message.String("device", d.ID)), tape.Close())
	}
	return &device{
		Device: d, driver: run, tape: tape, journal: s.journal, clock: s.clock, upkeep: s.upkeep, log: s.log.With("device", d.ID),
		status: Status{ID: d.ID, Title: d.Title, Lane: d.Lane, Driver: d.Spec.Name,
			State: stateName(observation.DeviceState_STATE_CONNECTING), Since: time.Now().UTC()},
	}, nil
}

// Run runs the devices and watches the clock until ctx ends, and returns nil then. Tapes are closed
// after all drivers have ended.
func (s *Supervisor) Run(ctx context.Context) error {
	defer func() {
		for _, d := range s.all() {
			if err := d.tape.Close(); err != nil {
				d.log.Error("tape", "err", err)
			}
		}
	}()
	s.suture.Add(s.upkeep)
	s.suture.Add(&clockWatch{clock: s.clock, journal: s.journal, log: s.log})
	err := s.suture.Serve(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Devices returns the state of each device, in the order of the configuration.
func (s *Supervisor) Devices() []Status {
	all := s.all()
	out := make([]Status, len(all))
	for i, d := range all {
		out[i] = d.snapshot()
	}
	return out
}

// Live returns the latest live samples of a device, oldest first; nil for a device that does not
// exist.
func (s *Supervisor) Live(device string) []driver.Sample {
	if d := s.find(device); d != nil {
		return d.samples()
	}
	return nil
}

// Raw returns the beginnings of what passed between a device and the agent after the nth record,
// and the number of records so far.
func (s *Supervisor) Raw(device string, n uint64) ([]transport.Record, uint64) {
	if d := s.find(device); d != nil {
		return d.tape.Recent(n)
	}
	return nil, 0
}

// Command sets an output of a device: a barrier, a light. A device or output that does not exist is
// an error that names those that do. It returns once the device has accepted the value.
func (s *Supervisor) Command(ctx context.Context, device, output, value, reason string) error {
	d := s.find(device)
	if d == nil {
		return s.withOutputs(message.New("config.no-device", message.Quoted("device", device)))
	}
	c, ok := d.driver.(driver.Commander)
	if !ok {
		return s.withOutputs(message.New("output.no-outputs", message.String("device", device)))
	}
	if there := c.OutputNames(); !slices.Contains(there, output) { // said at once, also when the device is not connected
		return message.Wrap(driver.NoOutput(output, there), "output.of-device", message.String("device", device))
	}
	return c.Command(ctx, output, value, reason)
}

// Restart ends a device's connection and begins it anew, with all that its driver keeps of it. The other devices go on.
func (s *Supervisor) Restart(device string) error {
	d := s.find(device)
	if d == nil {
		return message.Errorf("config.no-device", message.Quoted("device", device))
	}
	d.restart()
	return nil
}

// Replace ends a device's driver and begins it anew with other settings; the other devices go on. It needs Run to run. With
// settings that the driver refuses the device goes on with those that it had, and that is an error.
func (s *Supervisor) Replace(next Device) error {
	old := s.find(next.ID)
	if old == nil {
		return message.Errorf("config.no-device", message.Quoted("device", next.ID))
	}
	old.resettled.Store(true)
	if err := s.suture.RemoveAndWait(old.token, stopTimeout); err != nil {
		return err
	}
	if err := old.tape.Close(); err != nil { // two cannot write it
		old.log.Error("tape", "err", err)
	}
	one, err := s.newDevice(next)
	if err != nil {
		before, again := s.newDevice(old.Device)
		if again != nil {
			return errors.Join(err, again)
		}
		one = before
	}
	one.status = old.carried()
	s.mu.Lock()
	s.devices[slices.Index(s.devices, old)] = one
	s.mu.Unlock()
	one.token = s.suture.Add(one)
	return err
}

// all returns the devices, in the order of the configuration.
func (s *Supervisor) all() []*device {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.devices)
}

// find returns a device; nil for none.
func (s *Supervisor) find(device string) *device {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, d := range s.devices {
		if d.ID == device {
			return d
		}
	}
	return nil
}

// withOutputs returns an error that says m, and which devices have outputs, with the outputs' names.
func (s *Supervisor) withOutputs(m message.Message) error {
	var out []string
	for _, d := range s.all() {
		if c, ok := d.driver.(driver.Commander); ok {
			out = append(out, fmt.Sprintf("%s (%s)", d.ID, strings.Join(c.OutputNames(), ", ")))
		}
	}
	if len(out) == 0 {
		return &message.Error{Message: message.Join("; ", m, message.New("output.nowhere"))}
	}
	there := message.New("output.at", message.String("devices", strings.Join(out, ", ")))
	return &message.Error{Message: message.Join("; ", m, there)}
}

// Clock returns the state of the agent's clock.
func (s *Supervisor) Clock() ClockState { return s.clock.State() }
