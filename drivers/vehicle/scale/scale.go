// Package scale is the driver of weighbridges and axle scales, over TCP or a serial line: Mettler Toledo's continuous
// output, and the lines of text of the other makers, by a table of dialects. It makes one vehicle.weight of each
// vehicle or axle. docs/protocols/scale.md.
package scale

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/transport"
)

// Config is the settings of a scale (SETTINGS.md). MinKg is what counts as a vehicle; LimitKg the weight from which
// one is overloaded, 0 for none. Ask is sent every AskEvery to scales that do not send unasked, with Go's escapes
// for control characters. Unit is for lines without one.
type Config struct {
	transport.Link `yaml:",inline"`
	Dialect        string        `yaml:"dialect" default:"auto" enum:"auto,mettler,sics,sma,st,rice-lake,cardinal,avery,rinstrum,toledo-8217,generic"`
	Unit           string        `yaml:"unit" enum:"kg,g,t,lb,oz,tn"`
	Ton            string        `yaml:"ton" default:"metric" enum:"metric,short"`
	Ask            string        `yaml:"ask" example:"SI\\r\\n"`
	AskEvery       time.Duration `yaml:"ask_every" default:"500ms" min:"50ms" max:"1m"`
	Checksum       bool          `yaml:"checksum"`
	Axles          bool          `yaml:"axles"`
	MinKg          float64       `yaml:"min_kg" default:"300" min:"1" max:"100000" unit:"kg"`
	LimitKg        float64       `yaml:"limit_kg" default:"0" min:"0" max:"1000000" unit:"kg"`
	Stable         int           `yaml:"stable_frames" default:"5" min:"1" max:"1000" unit:"frames"`
	AxleGap        time.Duration `yaml:"axle_gap" default:"10s" min:"1s" max:"10m"`
	SilentAfter    time.Duration `yaml:"silent_after" default:"5s" min:"1s" max:"10m"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(driver.Sandbox) {}

// Check implements driver.Checker.
func (c Config) Check() error {
	if _, err := c.question(); err != nil {
		return err
	}
	return c.Link.Check()
}

// question returns the bytes of a weight request, nil for scales that send unasked.
func (c Config) question() ([]byte, error) {
	if c.Ask == "" {
		return nil, nil
	}
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(c.Ask, `"`, `\"`) + `"`)
	if err != nil {
		return nil, message.Errorf("settings.escapes", message.Quoted("ask", c.Ask))
	}
	return []byte(text), nil
}

// Spec describes the driver.
var Spec = driver.New("scale", "Scale: Mettler Toledo continuous output, and lines of text", build).WithTests(tests...)

func build(c Config, env driver.Env) (driver.Driver, error) {
	question, err := c.question()
	return &scale{Config: c, env: env, question: question}, err
}

// scale is one scale; it outlives its connections.
type scale struct {
	Config
	env      driver.Env
	question []byte
	asked    time.Time
}

// What to look at when nothing comes.
var (
	silentUnasked = message.New("scale.check-unasked")
	silentAsked   = message.New("scale.check-asked")
)

// Run implements driver.Driver.
func (s *scale) Run(ctx context.Context, sink driver.Sink) error {
	faults := &driver.Faults{}
	d := newDecoder(s.Config, faults, sink.Live)
	l := driver.Listener{
		Link: s.Link, Decoder: d, Faults: faults, SilentAfter: s.SilentAfter, Silent: silentUnasked, About: d.about,
	}
	if s.question != nil {
		l.Silent, l.Talk = silentAsked, s.talk
	}
	return l.Run(ctx, s.env.Links, sink)
}

// talk asks for a weight when it is time. Late answers are readings like any other: nothing ties them to a question.
func (s *scale) talk(stream transport.Stream) error {
	if time.Since(s.asked) < s.AskEvery {
		return nil
	}
	s.asked = time.Now()
	return driver.Say(stream, slices.Clone(s.question))
}
