// Package tsa is the driver of radiation portals that speak the TSA line protocol: ASCII lines over TCP or a serial
// line, or recorded daily files from a drop folder, become occupancies, backgrounds, faults, tampers and setups.
// Source: OpenSensorHub's Rapiscan driver, SpecUtils' notes on daily files; docs/protocols/tsa.md.
package tsa

import (
	"context"
	"errors"
	"io"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/rpm"
	"lanewarden/drivers/transport"
)

// Config is the settings of a portal (SETTINGS.md): a connection, a drop folder of recorded files, or both. NSigma
// and Intervals are of the recomputation, until the portal's own SG1 line says others. Timeout ends an occupancy
// without further lines; SilentAfter is how long no line may come, background lines being due every 5 s.
type Config struct {
	transport.Link `yaml:",inline"`
	Files          *Files        `yaml:"files"`
	NSigma         float64       `yaml:"n_sigma" default:"7" min:"1" max:"20"`
	Intervals      int           `yaml:"intervals" default:"5" min:"1" max:"50" unit:"intervals of 200 ms"`
	Timeout        time.Duration `yaml:"occupancy_timeout" default:"10s" min:"1s" max:"10m"`
	SilentAfter    time.Duration `yaml:"silent_after" default:"15s" min:"2s"`
}

// Files is a drop folder of recorded daily files.
type Files struct {
	transport.Folder `yaml:",inline"`
	TimeZone         string `yaml:"time_zone" default:"UTC" format:"timezone" example:"America/Montreal"`
}

// Sandbox implements driver.Sandboxed: the folder is left alone; the connection is the sandbox's.
func (c *Config) Sandbox(driver.Sandbox) { c.Files = nil }

// Check implements driver.Checker.
func (c Config) Check() error {
	if c.Files != nil && c.Link.IsZero() {
		return nil
	}
	return c.Link.Check()
}

// Spec describes the driver.
var Spec = driver.New("tsa", "Radiation portal, TSA line protocol", build, Daily).WithTests(rpm.Tests()...)

func build(c Config, env driver.Env) (driver.Driver, error) {
	return &portal{Config: c, env: env}, nil
}

// portal is the portal of one block of settings; it outlives its connections.
type portal struct {
	Config
	env driver.Env
}

// rule returns the alarm rule of the settings.
func (p *portal) rule() alarmRule { return alarmRule{nSigma: p.NSigma, intervals: p.Intervals} }

// Run implements driver.Driver.
func (p *portal) Run(ctx context.Context, sink driver.Sink) error {
	g, ctx := errgroup.WithContext(ctx)
	if !p.Link.IsZero() {
		g.Go(func() error { return p.live(ctx, driver.Unacknowledged(sink)) })
	}
	if p.Files != nil {
		ready := func() {} // the line says how the portal is
		if p.Link.IsZero() {
			ready = driver.WhenReady(sink, 1, message.New("device.waits-files", message.String("folder", p.Files.Path)))
		}
		g.Go(func() error {
			return p.Files.Watch(ctx, ready, func(ctx context.Context, path string) error {
				return p.importFile(ctx, sink, path)
			})
		})
	}
	return g.Wait()
}

// live reads the portal's connection until it ends, which is always an error: the supervisor connects again. What a
// chunk gives is committed before the next is read; only when nothing is under way may the tape be cut (Settled).
func (p *portal) live(ctx context.Context, sink driver.Sink) error {
	stream, err := p.env.Links.Open(ctx, p.Link)
	if err != nil {
		return err
	}
	defer stream.Close()
	s := newSession(sink, p.rule(), p.Timeout)
	s.live, s.faults.Source = true, p.Link.String()
	sink.State(observation.DeviceState_STATE_CONNECTING,
		message.New("tsa.connecting", message.String("address", p.Link.String())))
	lastLine := time.Now()
	for {
		chunk, err := stream.Next(ctx)
		if err != nil {
			return errors.Join(s.finish(ctx), lost(err))
		}
		if s.handleChunk(chunk) > 0 {
			lastLine = time.Now()
			sink.State(observation.DeviceState_STATE_RUNNING, message.Message{})
		} else if silent := time.Since(lastLine); silent > p.SilentAfter {
			sink.State(observation.DeviceState_STATE_SILENT,
				message.New("tsa.silent", message.String("address", p.Link.String())))
		}
		if err := s.commit(ctx); err != nil {
			return err
		}
		if s.idle() {
			stream.Settled()
		}
	}
}

// lost words the end of a connection.
func lost(err error) error {
	if errors.Is(err, io.EOF) {
		return message.Wrap(err, "device.closed")
	}
	return err
}

// maxLine bounds a line, in bytes; the longest that the protocol knows has some 60. What is longer is one fault.
const maxLine = 512

// session is one input, live or recorded, cut into lines on its way through the tracker into the sink. One goroutine
// uses it. Reading a line allocates nothing: line is decoded into again and again.
type session struct {
	sink    driver.Sink
	input   driver.Lines
	tracker *tracker
	faults  driver.Faults
	live    bool // shown on strip charts

	at   time.Time // of the line at hand
	line line
}

// newSession makes a session; timeout is how long an occupancy may go on without an occupied line.
func newSession(sink driver.Sink, rule alarmRule, timeout time.Duration) session {
	return session{sink: sink, input: driver.Lines{Max: maxLine}, tracker: newTracker(rule, timeout)}
}

// handleChunk cuts a chunk into lines, decodes them and returns how many were decoded. All lines of a chunk have its
// time; a rest without line end waits for the next chunk. A break of the connection ends an occupancy as incomplete,
// and drops such a rest.
func (s *session) handleChunk(c transport.Chunk) (decoded int) {
	s.at = c.At
	if c.Break {
		s.tracker.breakOff()
		s.input.Reset()
		return 0
	}
	s.input.Feed(c.Data, func(text []byte, offset int64) {
		if s.handleLine(text, offset) {
			decoded++
		}
	}, s.tooLong)
	s.tracker.tick(c.At)
	s.faults.Tick(c.At)
	return decoded
}

// handleLine reads a line at s.at; what it cannot decode, or what does not fit what went before, becomes a fault
// with offset, in bytes from the start of the connection or file. It reports whether the line was decoded and
// fitted.
func (s *session) handleLine(text []byte, offset int64) bool {
	err := decodeLine(text, &s.line)
	if err == nil {
		s.sample()
		err = s.tracker.handleLine(s.at, &s.line)
	}
	if err != nil {
		s.faults.Add(s.at, message.New("fault.byte", message.Int("offset", offset), message.CausedBy(err)),
			offset, text)
		return false
	}
	return true
}

// tooLong reports a line over maxLine as a fault; text is its beginning.
func (s *session) tooLong(text []byte, offset int64) {
	reason := message.New("fault.long-line", message.Count("n", maxLine))
	s.faults.Add(s.at, message.New("fault.byte", message.Int("offset", offset), message.Nested("cause", reason)),
		offset, text)
}

// sample shows the counts of a live line on the strip chart: channels "gamma" and "neutron", a value for each
// detector, NaN where there is none, with the interval in which they were counted.
func (s *session) sample() {
	if !s.live || !s.line.kind.counts() {
		return
	}
	channel, interval := "gamma", backgroundInterval
	switch s.line.kind {
	case lineGS, lineGA:
		interval = gammaInterval
	case lineNB, lineNH, lineNS, lineNA:
		channel, interval = "neutron", neutronInterval
	}
	values := make([]float32, detectors)
	for i, c := range s.line.counts {
		if values[i] = float32(c); c == noValue {
			values[i] = float32(math.NaN())
		}
	}
	s.sink.Live(driver.Sample{At: s.at, Channel: channel, Values: values, Interval: interval})
}

// commit makes what gathered durable. With an error it is lost to this session: the tape has it, and the next
// session begins there.
func (s *session) commit(ctx context.Context) error {
	obs := append(s.tracker.drain(), s.faults.Take()...)
	if len(obs) == 0 {
		return nil
	}
	_, err := s.sink.Commit(ctx, obs...)
	return err
}

// finishTimeout bounds the last commit of a connection that ends because the agent stops.
const finishTimeout = 500 * time.Millisecond

// finish closes what is under way and commits it, also when ctx has ended already.
func (s *session) finish(ctx context.Context) error {
	s.tracker.breakOff()
	s.faults.Flush()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	return s.commit(ctx)
}

// idle reports whether a crash now would lose nothing: no rest of a line, nothing under way, nothing uncommitted.
func (s *session) idle() bool { return s.input.Idle() && s.tracker.idle() && len(s.tracker.out) == 0 }
