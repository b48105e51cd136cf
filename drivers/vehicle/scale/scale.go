// Package scale is the driver of weighbridges and axle scales, over TCP or a serial line: Mettler Toledo's continuous output, and the lines
// of text of the other makers, by a table of dialects. It makes one vehicle.weight of each vehicle or axle. docs/protocols/scale.md.
package scale

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/transport"
)

// Config is the settings of a scale.
type Config struct {
	transport.Link `yaml:",inline"`
	Dialect        string        `yaml:"dialect" default:"auto" enum:"auto,mettler,sics,sma,st,rice-lake,cardinal,avery,rinstrum,toledo-8217,generic" help:"what the scale speaks; auto finds out line by line"`
	Unit           string        `yaml:"unit" enum:"kg,g,t,lb,oz,tn" help:"unit of weights that are sent without one; with dialect auto, lines without a unit count only when it is given"`
	Ton            string        `yaml:"ton" default:"metric" enum:"metric,short" help:"which ton a bare T is: 1000 kg, or 2000 lb"`
	Ask            string        `yaml:"ask" help:"what is sent to ask for a weight, for scales that say nothing unasked, with escapes as in C" example:"SI\\r\\n"`
	AskEvery       time.Duration `yaml:"ask_every" default:"500ms" min:"50ms" max:"1m" help:"how often it is asked"`
	Checksum       bool          `yaml:"checksum" help:"frames of dialect mettler end with a checksum, which is checked"`
	Axles          bool          `yaml:"axles" help:"each load is one axle; without it, a whole vehicle"`
	MinKg          float64       `yaml:"min_kg" default:"300" min:"1" max:"100000" unit:"kg" help:"less on the platform is nothing"`
	LimitKg        float64       `yaml:"limit_kg" default:"0" min:"0" max:"1000000" unit:"kg" help:"a larger gross weight is an overload, whatever the scale says; 0 for none"`
	Stable         int           `yaml:"stable_frames" default:"5" min:"1" max:"1000" unit:"frames" help:"frames in a row without motion and with one weight that make it stable"`
	AxleGap        time.Duration `yaml:"axle_gap" default:"10s" min:"1s" max:"10m" help:"an axle later than this belongs to the next vehicle"`
	SilentAfter    time.Duration `yaml:"silent_after" default:"5s" min:"1s" max:"10m" help:"the scale counts as silent when no frame came for so long"`
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

// question is what is sent to ask for a weight, nil for nothing.
func (c Config) question() ([]byte, error) {
	if c.Ask == "" {
		return nil, nil
	}
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(c.Ask, `"`, `\"`) + `"`)
	if err != nil {
		return nil, fmt.Errorf(`ask: %q: escapes are written \r, \n, \x05`, c.Ask)
	}
	return []byte(text), nil
}

// Spec describes the driver.
var Spec = driver.New("scale", "Scale: Mettler Toledo continuous output, and lines of text", build).WithTests(tests...)

func build(c Config, env driver.Env) (driver.Driver, error) {
	question, err := c.question()
	return &scale{Config: c, env: env, question: question}, err
}

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

// talk asks for a weight when it is time.
func (s *scale) talk(stream transport.Stream) error {
	if time.Since(s.asked) < s.AskEvery {
		return nil
	}
	s.asked = time.Now()
	return driver.Say(stream, slices.Clone(s.question))
}
