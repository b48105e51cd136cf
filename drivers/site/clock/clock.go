// Package clock is the driver of the agent's own clock: what the kernel says of it (adjtimex), and, where there is one, what a GPS receiver
// says through gpsd. docs/protocols/site.md.
package clock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of the clock.
type Config struct {
	GPSD    string        `yaml:"gpsd" format:"hostport" help:"TCP address of gpsd, where there is one" example:"127.0.0.1:2947"`
	Report  time.Duration `yaml:"report" default:"1m" min:"1s" max:"24h" help:"how often the clock's state is reported as telemetry"`
	Error   time.Duration `yaml:"max_error" default:"500ms" min:"1ms" max:"1h" help:"a larger estimated error, or a larger offset from GPS, is reported"`
	Patient time.Duration `yaml:"patience" default:"10m" min:"1s" max:"24h" help:"how long the clock may be without discipline before it is reported"`
}

// Spec describes the driver.
var Spec = driver.New("clock", "The agent's clock: kernel, and GPS through gpsd", func(c Config, env driver.Env) (driver.Driver, error) {
	return &clock{Config: c, env: env, kernel: adjtimex}, nil
}).WithTests(tests...)

type clock struct {
	Config
	env    driver.Env
	kernel func() (kernelState, error)
}

// kernelState is what adjtimex says.
type kernelState struct {
	synchronised           bool
	errorMs, offsetMs, ppm float64
}

// Bits of the kernel's status: the offset is in nanoseconds.
const staNano = 0x2000

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

const kernelEvery = time.Second

// Run implements driver.Driver.
func (c *clock) Run(ctx context.Context, sink driver.Sink) error {
	w := watch{Config: c.Config, faults: driver.Faults{Source: c.GPSD}}
	if c.GPSD == "" {
		t := time.NewTicker(kernelEvery)
		defer t.Stop()
		for {
			if err := c.look(ctx, sink, &w); err != nil {
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
		return fmt.Errorf("gpsd: %w", err)
	}
	defer stream.Close()
	asked := false
	for {
		chunk, err := stream.Next(ctx)
		if errors.Is(err, io.EOF) {
			err = errors.New("gpsd closed the connection")
		}
		if err != nil {
			return err
		}
		w.feed(chunk.At, chunk.Data)
		stream.Settled()
		if !asked {
			_, err := stream.Write([]byte("?WATCH={\"enable\":true,\"json\":true}\n"))
			if asked = err == nil; err != nil && !errors.Is(err, transport.ErrReplaying) {
				return err
			}
		}
		if err := c.look(ctx, sink, &w); err != nil {
			return err
		}
	}
}

// look asks the kernel, and commits what is new.
func (c *clock) look(ctx context.Context, sink driver.Sink, w *watch) error {
	k, err := c.kernel()
	if err != nil {
		return err
	}
	at := time.Now().UTC()
	text := "not disciplined"
	if k.synchronised {
		text = fmt.Sprintf("disciplined, estimated error %.3g ms", k.errorMs)
	}
	sink.State(observation.DeviceState_STATE_RUNNING, text)
	obs := w.take(at, k)
	w.faults.Tick(at)
	return driver.CommitAny(ctx, sink, append(obs, w.faults.Take()...))
}

// maxLine bounds a message of gpsd.
const maxLine = 64 << 10

// watch follows the clock. It knows no clock but the times of what it is given.
type watch struct {
	Config
	faults     driver.Faults
	conditions driver.Conditions
	buf        []byte
	offset     int64
	mode       string
	satellites uint32
	gpsOffset  *float64  // ms
	lost       time.Time // since when the clock is not disciplined
	noFix      time.Time
	reported   time.Time
}

var modes = map[int]string{0: "none", 1: "no-fix", 2: "2d", 3: "3d"}

// feed takes gpsd's messages, JSON objects a line.
func (w *watch) feed(at time.Time, data []byte) {
	w.buf = append(w.buf, data...)
	for {
		n := bytes.IndexByte(w.buf, '\n')
		if n < 0 {
			break
		}
		if line := bytes.TrimSpace(w.buf[:n]); len(line) > 0 {
			w.message(at, line)
		}
		w.offset += int64(n + 1)
		w.buf = append(w.buf[:0], w.buf[n+1:]...)
	}
	if len(w.buf) > maxLine {
		w.faults.Add(at, fmt.Sprintf("a message of more than %d bytes: is this gpsd?", maxLine), w.offset, w.buf)
		w.offset += int64(len(w.buf))
		w.buf = w.buf[:0]
	}
}

func (w *watch) message(at time.Time, line []byte) {
	var m struct {
		Class      string `json:"class"`
		Mode       int    `json:"mode"`
		Time       string `json:"time"`
		Used       uint32 `json:"uSat"`
		Satellites []struct {
			Used bool `json:"used"`
		} `json:"satellites"`
	}
	if err := json.Unmarshal(line, &m); err != nil {
		w.faults.Add(at, "a message of gpsd that is no JSON: "+err.Error(), w.offset, line)
		return
	}
	switch m.Class {
	case "TPV":
		w.mode = modes[m.Mode]
		w.gpsOffset = nil
		if t, err := time.Parse(time.RFC3339, m.Time); err == nil && m.Mode >= 2 {
			ms := float64(t.Sub(at).Microseconds()) / 1000
			w.gpsOffset = &ms
		}
	case "SKY":
		used := m.Used
		for _, s := range m.Satellites {
			if s.Used && m.Used == 0 {
				used++
			}
		}
		w.satellites = used
	}
}

// gpsDelay is how late a receiver's message comes after the second it speaks of.
const gpsDelay = 1500 * time.Millisecond

// take reports the state of the clock.
func (w *watch) take(at time.Time, k kernelState) (out []*observation.Observation) {
	since := func(t *time.Time, bad bool) bool {
		if !bad {
			*t = time.Time{}
			return false
		}
		if t.IsZero() {
			*t = at
		}
		return at.Sub(*t) >= w.Patient
	}
	limit := float64(w.Error.Milliseconds())
	out = append(out, w.conditions.Set(at, "unsynchronised", "", since(&w.lost, !k.synchronised), "the clock is not disciplined: no NTP server, no GPS?")...)
	out = append(out, w.conditions.Limit(at, "clock-error", k.synchronised && k.errorMs > limit, k.errorMs, limit, "the clock's estimated error is large")...)
	if w.GPSD != "" {
		out = append(out, w.conditions.Set(at, "gps-no-fix", "", since(&w.noFix, w.mode != "2d" && w.mode != "3d"), "the GPS receiver has no fix: antenna, cable, sky?")...)
		if o := w.gpsOffset; o != nil {
			off := max(*o, -*o) > limit+float64(gpsDelay.Milliseconds())
			out = append(out, w.conditions.Limit(at, "gps-offset", off, *o, limit, "GPS time is not the clock's")...)
		}
	}
	if at.Sub(w.reported) < w.Report {
		return out
	}
	w.reported = at
	o := observation.New(observation.Class_CLASS_TELEMETRY, at, &observation.SiteClock{
		Synchronised: k.synchronised, EstimatedErrorMs: k.errorMs, OffsetMs: k.offsetMs, FrequencyPpm: k.ppm, GpsMode: w.mode, Satellites: w.satellites, GpsOffsetMs: w.gpsOffset,
	})
	driver.SetKey(o, fmt.Sprintf("clock@%d", at.UnixNano()))
	return append(out, o)
}
