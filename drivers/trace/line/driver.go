package line

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of an instrument that has no driver of its own.
type Config struct {
	transport.Link `yaml:",inline"`
	Profile        driver.Ref[Profile] `yaml:"profile" required:"true" builtin:"profiles" help:"profile of the instrument: a built-in one by name, or a file by path" example:"/etc/lanewarden/scale.yaml"`
	SilentAfter    time.Duration       `yaml:"silent_after" default:"60s" min:"1s" help:"the instrument counts as silent when nothing that is understood came for so long"`
}

// Check implements driver.Checker.
func (c Config) Check() error { return c.Link.Check() }

// Spec describes the driver.
var Spec = driver.New("line", "ASCII instrument, by profile", build)

func build(c Config, env driver.Env) (driver.Driver, error) { return &instrument{c, env}, nil }

type instrument struct {
	Config
	env driver.Env
}

// Run implements driver.Driver.
func (i *instrument) Run(ctx context.Context, sink driver.Sink) error {
	l := Live{Link: i.Link, Profile: i.Profile.Value, SilentAfter: i.SilentAfter}
	return l.Run(ctx, i.env.Links, sink, func(r *Reading) []*observation.Observation {
		if r.Kind == "ignore" {
			return nil
		}
		return []*observation.Observation{r.Observation(i.Profile.Value.Name)}
	})
}

// Observation returns the reading as device.reading. Its key makes a replayed reading the same one.
func (r *Reading) Observation(profile string) *observation.Observation {
	body := &observation.DeviceReading{Profile: profile, Message: r.Message, Alarm: r.Alarm}
	add := func(prefix string, values []Value) {
		for _, v := range values {
			q := &observation.Quantity{Name: prefix + v.Name, Text: v.Text, Unit: v.Unit}
			if v.IsNum {
				q.Number = &v.Number
			}
			body.Values = append(body.Values, q)
		}
	}
	add("", r.Values)
	for _, row := range r.Rows {
		add(row.Name+".", row.Values)
	}
	class := observation.Class_CLASS_TELEMETRY
	if r.Alarm != "" {
		class = observation.Class_CLASS_ALARM
	}
	at := r.At
	var deviceTime int64
	if v, ok := r.Get("time"); ok && !v.Time.IsZero() {
		deviceTime = v.Time.UnixNano()
	}
	o := observation.New(class, at, body)
	o.Body.DeviceTimeNs = deviceTime
	return o
}

// Live runs a profile on a link: it polls, reads, commits and answers.
type Live struct {
	Link        transport.Link
	Profile     *Profile
	SilentAfter time.Duration
	Tick        func(at time.Time) []*observation.Observation // what is to be committed because time passed; may be nil
}

// Run reads the link until ctx ends or the connection is lost. make turns a reading into observations; those without a key get one.
func (l Live) Run(ctx context.Context, links *transport.Opener, sink driver.Sink, make func(*Reading) []*observation.Observation) error {
	stream, err := links.Open(ctx, l.Link)
	if err != nil {
		return err
	}
	defer stream.Close()
	reader, err := NewReader(l.Profile)
	if err != nil {
		return err
	}
	s := session{Live: l, sink: sink, stream: stream, reader: reader, make: make, faults: driver.Faults{Source: l.Link.String()}, polled: map[int]time.Time{}}
	sink.State(observation.DeviceState_STATE_CONNECTING, "connected to "+l.Link.String()+", waiting for its first line")
	s.heard = time.Now()
	for {
		chunk, err := stream.Next(ctx)
		if err != nil {
			return errors.Join(s.finish(ctx), lost(err))
		}
		if err := s.take(ctx, chunk); err != nil {
			return err
		}
		s.state()
		if s.reader.Idle() {
			stream.Settled()
		}
	}
}

// lost words the end of a connection.
func lost(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the instrument closed the connection")
	}
	return err
}

// session is one connection.
type session struct {
	Live
	sink    driver.Sink
	stream  transport.Stream
	reader  *Reader
	make    func(*Reading) []*observation.Observation
	faults  driver.Faults
	polled  map[int]time.Time // when each poll was sent
	greeted bool              // what is sent after connecting was sent
	heard   time.Time         // when something was understood last
	last    time.Time         // time of the last reading, and how many had it: keys
	same    int
	at      time.Time
}

// take reads a chunk, commits what it held, and answers.
func (s *session) take(ctx context.Context, c transport.Chunk) error {
	s.at = c.At
	var obs []*observation.Observation
	readings := 0
	emit := func(e Event) {
		if e.Fault != "" {
			s.faults.Add(e.At, e.Fault, e.Offset, e.Frame)
			return
		}
		readings++
		s.heard = time.Now()
		obs = append(obs, s.keyed(e.Reading)...)
	}
	if c.Break {
		s.reader.Break(c.At, emit)
	} else {
		s.reader.Feed(c.At, c.Data, emit)
	}
	if s.Tick != nil {
		obs = append(obs, s.Tick(c.At)...)
	}
	s.faults.Tick(c.At)
	obs = append(obs, s.faults.Take()...)
	if len(obs) > 0 {
		if _, err := s.sink.Commit(ctx, obs...); err != nil {
			return err
		}
	}
	return s.send(readings)
}

func (s *session) keyed(r *Reading) []*observation.Observation {
	if !r.At.Equal(s.last) {
		s.last, s.same = r.At, 0
	}
	obs := s.make(r)
	for _, o := range obs {
		if o.Key == "" {
			s.same++
			o.Key = fmt.Sprintf("%s@%d#%d", r.Message, r.At.UnixNano(), s.same)
		}
	}
	return obs
}

// send answers readings, greets, and polls. A stream that still replays its tape takes nothing.
func (s *session) send(readings int) error {
	write := func(text string) error {
		if text == "" {
			return nil
		}
		_, err := s.stream.Write([]byte(text))
		if errors.Is(err, transport.ErrReplaying) {
			return nil
		}
		return err
	}
	for range readings {
		if err := write(s.Profile.Answer); err != nil {
			return err
		}
	}
	if !s.greeted {
		for _, text := range s.Profile.Connect {
			if err := write(text); err != nil {
				return err
			}
		}
		s.greeted = true
	}
	for i, p := range s.Profile.Poll {
		if now := time.Now(); now.Sub(s.polled[i]) >= p.Every {
			s.polled[i] = now
			if err := write(p.Send); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) state() {
	silent := time.Since(s.heard)
	switch {
	case silent > s.SilentAfter:
		s.sink.State(observation.DeviceState_STATE_SILENT, fmt.Sprintf("connected to %s, but no line that profile %s understands came for %s: power, cable, speed of the line, profile?",
			s.Link, s.Profile.Name, s.SilentAfter))
	case !s.last.IsZero():
		s.sink.State(observation.DeviceState_STATE_RUNNING, "")
	}
}

// finishTimeout bounds the last commit of a connection that ends because the agent stops.
const finishTimeout = 500 * time.Millisecond

// finish commits what is under way, also when ctx has ended already.
func (s *session) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	var obs []*observation.Observation
	at := s.at // not now: a replay must give the same
	s.reader.Break(at, func(e Event) {
		if e.Fault != "" {
			s.faults.Add(e.At, e.Fault, e.Offset, e.Frame)
			return
		}
		obs = append(obs, s.keyed(e.Reading)...)
	})
	s.faults.Flush()
	if obs = append(obs, s.faults.Take()...); len(obs) == 0 {
		return nil
	}
	_, err := s.sink.Commit(ctx, obs...)
	return err
}
