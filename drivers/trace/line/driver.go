package line

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of an instrument that has no driver of its own (SETTINGS.md). SilentAfter is how long
// nothing may be read before the device is called silent.
type Config struct {
	transport.Link `yaml:",inline"`
	Profile        driver.Ref[Profile] `yaml:"profile" required:"true" builtin:"profiles" example:"/etc/lanewarden/scale.yaml"`
	SilentAfter    time.Duration       `yaml:"silent_after" default:"60s" min:"1s"`
}

// Check implements driver.Checker.
func (c Config) Check() error { return c.Link.Check() }

// Spec describes the driver.
var Spec = driver.New("line", "ASCII instrument, by profile", build)

func build(c Config, env driver.Env) (driver.Driver, error) { return &instrument{c, env}, nil }

// instrument is one instrument; it outlives its connections.
type instrument struct {
	Config
	env driver.Env
}

// Run implements driver.Driver: each reading becomes a device.reading, but those of kind "ignore".
func (i *instrument) Run(ctx context.Context, sink driver.Sink) error {
	l := Live{Link: i.Link, Profile: i.Profile.Value, SilentAfter: i.SilentAfter}
	return l.Run(ctx, i.env.Links, sink, func(r *Reading) []*observation.Observation {
		if r.Kind == "ignore" {
			return nil
		}
		return []*observation.Observation{r.Observation(i.Profile.Value.Name)}
	})
}

// Observation returns the reading as device.reading, telemetry or, when a rule of the profile holds, an alarm. Its
// time is that of arrival; a field "time" is the device's own. Values of rows have the row's name before theirs,
// "peak.k0". It has no key yet.
func (r *Reading) Observation(profileName string) *observation.Observation {
	body := &observation.DeviceReading{Profile: profileName, Message: r.Message,
		Alarm: r.Alarm.English(), AlarmMessage: driver.EncodeMessage(r.Alarm)}
	add := func(prefix string, values []profile.Value) {
		for _, v := range values {
			body.Values = append(body.Values, v.Quantity(prefix))
		}
	}
	add("", r.Values)
	for _, row := range r.Rows {
		add(row.Name+".", row.Values)
	}
	class := observation.Class_CLASS_TELEMETRY
	if !r.Alarm.IsZero() {
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

// Live runs a profile on a link: it polls, reads, commits and answers. Package ionscan uses it too.
type Live struct {
	Link        transport.Link
	Profile     *Profile
	SilentAfter time.Duration
	Tick        func(at time.Time) []*observation.Observation // what is to be committed because time passed; may be nil
}

// Run reads the link until ctx ends or the connection is lost, which is an error. make turns a reading into
// observations; those without a key get one.
func (l Live) Run(ctx context.Context, links *transport.Opener, sink driver.Sink,
	make func(*Reading) []*observation.Observation) error {
	reader, err := NewReader(l.Profile)
	if err != nil {
		return err
	}
	s := &session{Live: l, reader: reader, make: make, polled: map[int]time.Time{}}
	listener := driver.Listener{
		Link: l.Link, Decoder: s, Faults: &s.faults, SilentAfter: l.SilentAfter,
		Silent: message.New("line.check", message.String("profile", l.Profile.Name)), Talk: s.talk,
	}
	return listener.Run(ctx, links, sink)
}

// session is one connection. Its keys are of message, time of arrival and place among those of that time, so that a
// replay of the tape gives the same ones.
type session struct {
	Live
	reader  *Reader
	make    func(*Reading) []*observation.Observation
	faults  driver.Faults
	sound   uint64            // readings
	replied uint64            // of those, how many were answered
	polled  map[int]time.Time // when each poll was sent
	greeted bool              // what is sent after connecting was sent
	last    time.Time         // time of the last reading, and how many had it: keys
	same    int               // observations with keys at that time
}

// Sound implements driver.Decoder.
func (s *session) Sound() uint64 { return s.sound }

// Idle implements driver.Decoder.
func (s *session) Idle() bool { return s.reader.Idle() }

// Feed implements driver.Decoder.
func (s *session) Feed(at time.Time, data []byte) []*observation.Observation {
	var obs []*observation.Observation
	if s.Tick != nil { // before what was read: so it comes first however the stream was cut into chunks
		obs = s.Tick(at)
	}
	return append(obs, s.collect(func(emit func(Event)) { s.reader.Feed(at, data, emit) })...)
}

// Break implements driver.Decoder.
func (s *session) Break(at time.Time) []*observation.Observation {
	return s.collect(func(emit func(Event)) { s.reader.Break(at, emit) })
}

// collect turns what the reader emits into observations; faults go to the fault log.
func (s *session) collect(read func(emit func(Event))) (obs []*observation.Observation) {
	read(func(e Event) {
		if !e.Fault.IsZero() {
			s.faults.Add(e.At, e.Fault, e.Offset, e.Frame)
			return
		}
		s.sound++
		obs = append(obs, s.withKeys(e.Reading)...)
	})
	return obs
}

// withKeys makes a reading's observations and gives keys to those without one.
func (s *session) withKeys(r *Reading) []*observation.Observation {
	if !r.At.Equal(s.last) {
		s.last, s.same = r.At, 0
	}
	obs := s.make(r)
	for _, o := range obs {
		if o.Key == "" {
			s.same++
			driver.SetKey(o, fmt.Sprintf("%s@%d#%d", r.Message, r.At.UnixNano(), s.same))
		}
	}
	return obs
}

// talk answers readings, greets, and polls. It is called after each commit, so that an answer says that the reading
// is kept. What a tape replays is not answered: nobody waits for it any more.
func (s *session) talk(stream transport.Stream) error {
	say := func(texts ...string) error {
		for _, text := range texts {
			if text == "" {
				continue
			}
			if _, err := stream.Write([]byte(text)); err != nil {
				return err
			}
		}
		return nil
	}
	err := s.reply(say)
	if errors.Is(err, transport.ErrReplaying) {
		s.replied = s.sound
		return nil
	}
	return err
}

// reply sends what is due: the greeting once a connection, an answer for each reading, polls whose interval has
// passed.
func (s *session) reply(say func(texts ...string) error) error {
	if !s.greeted {
		if err := say(s.Profile.Connect...); err != nil {
			return err
		}
		s.greeted = true
	}
	for ; s.replied < s.sound; s.replied++ {
		if err := say(s.Profile.Answer); err != nil {
			return err
		}
	}
	for i, p := range s.Profile.Poll {
		if now := time.Now(); now.Sub(s.polled[i]) >= p.Every {
			if err := say(p.Send); err != nil {
				return err
			}
			s.polled[i] = now
		}
	}
	return nil
}
