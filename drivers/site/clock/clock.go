// Package clock is the driver of the agent's own clock: what the kernel says of it (adjtimex), and, where there is
// one, what a GPS receiver says through gpsd. docs/protocols/site.md.
package clock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of the clock (SETTINGS.md). GPSD is "" where there is no receiver. Patient is how long a
// clock may run free, or a receiver be without fix, before it is reported.
type Config struct {
	GPSD    string        `yaml:"gpsd" format:"hostport" example:"127.0.0.1:2947"`
	Report  time.Duration `yaml:"report" default:"1m" min:"1s" max:"24h"`
	Error   time.Duration `yaml:"max_error" default:"500ms" min:"1ms" max:"1h"`
	Patient time.Duration `yaml:"patience" default:"10m" min:"1s" max:"24h"`
}

// Spec describes the driver.
var Spec = driver.New("clock", "The agent's clock: kernel, and GPS through gpsd",
	func(c Config, env driver.Env) (driver.Driver, error) {
		return &clock{Config: c, env: env, kernel: adjtimex}, nil
	}).WithTests(tests...)

// clock is the agent's clock. kernel reads its state; tests put their own in.
type clock struct {
	Config
	env    driver.Env
	kernel func() (kernelState, error)
}

// kernelState is the clock's state by adjtimex(2): the estimated error and the offset that is being corrected in ms,
// the correction of the oscillator's frequency in ppm.
type kernelState struct {
	synchronised           bool
	errorMs, offsetMs, ppm float64
}

// Bits of the kernel's status: the offset is in nanoseconds.
const staNano = 0x2000

// adjtimex reads the kernel's state without changing it. The kernel gives its error in µs, the offset in µs or ns,
// the frequency in ppm scaled by 65536.
func adjtimex() (k kernelState, err error) {
	var tx unix.Timex
	status, err := unix.Adjtimex(&tx)
	if err != nil {
		return k, fmt.Errorf("adjtimex: %w", err)
	}
	k.synchronised = status != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0
	k.errorMs, k.offsetMs, k.ppm = float64(tx.Esterror)/1000, float64(tx.Offset)/1000, float64(tx.Freq)/65536
	if tx.Status&staNano != 0 {
		k.offsetMs /= 1000
	}
	return k, nil
}

// kernelEvery is how often the kernel is asked without gpsd; with it, each of gpsd's messages, one a second, is the
// occasion.
const kernelEvery = time.Second

// Run implements driver.Driver. With gpsd it ends when the connection does. Rows that the journal does not take are
// dropped; conditions are said again after the next connection.
func (c *clock) Run(ctx context.Context, sink driver.Sink) error {
	sink = driver.Unacknowledged(sink)
	w := watch{Config: c.Config, faults: driver.Faults{Source: c.GPSD}}
	if c.GPSD == "" {
		t := time.NewTicker(kernelEvery)
		defer t.Stop()
		for {
			if err := c.update(ctx, sink, &w); err != nil {
				return err
			}
			select {
			case <-t.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	stream, err := c.env.Links.Open(ctx, transport.Link{Address: c.GPSD})
	if err != nil {
		return message.Wrap(err, "clock.gpsd")
	}
	defer stream.Close()
	asked := false
	for {
		chunk, err := stream.Next(ctx)
		if errors.Is(err, io.EOF) {
			err = message.Wrap(err, "clock.gpsd-closed")
		}
		if err != nil {
			return err
		}
		w.feed(chunk.At, chunk.Data)
		stream.Settled()
		if !asked {
			_, err := stream.Write([]byte("?DEVICES;\n?WATCH={\"enable\":true,\"json\":true}\n"))
			if asked = err == nil; err != nil && !errors.Is(err, transport.ErrReplaying) {
				return err
			}
		}
		if err := c.update(ctx, sink, &w); err != nil {
			return err
		}
	}
}

// update asks the kernel, tells the device's state, and commits what is new.
func (c *clock) update(ctx context.Context, sink driver.Sink, w *watch) error {
	k, err := c.kernel()
	if err != nil {
		return err
	}
	at := time.Now().UTC()
	obs := w.report(at, k)
	sink.State(observation.DeviceState_STATE_RUNNING, w.about(at, k))
	w.faults.Tick(at)
	return driver.CommitAny(ctx, sink, append(obs, w.faults.Take()...))
}
