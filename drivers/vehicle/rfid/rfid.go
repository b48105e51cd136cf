// Package rfid is the driver of RFID readers that speak LLRP 1.0.1 or 1.1: it sets up one ROSpec over all antennas,
// folds the reads of a tag into one presence, and reports antennas and buffers that fail. docs/protocols/llrp.md.
package rfid

import (
	"context"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/transport"
)

// Config is the settings of a reader (SETTINGS.md). Without Antennas, all are used. A tag is reported when it was
// silent for Hold, or once when it stays for Longest. TIDWords and UserWords are 16-bit words of memory to read of
// each tag.
type Config struct {
	Address     string        `yaml:"address" required:"true" format:"hostport" example:"192.0.2.20:5084"`
	Antennas    []uint16      `yaml:"antennas"`
	Hold        time.Duration `yaml:"hold" default:"2s" min:"100ms" max:"10m"`
	Longest     time.Duration `yaml:"longest" default:"30s" min:"1s" max:"1h"`
	Keepalive   time.Duration `yaml:"keepalive" default:"5s" min:"1s" max:"5m"`
	TIDWords    int           `yaml:"tid_words" default:"0" min:"0" max:"32" unit:"words"`
	UserWords   int           `yaml:"user_words" default:"0" min:"0" max:"64" unit:"words"`
	SilentAfter time.Duration `yaml:"silent_after" default:"20s" min:"2s" max:"1h"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(driver.Sandbox) {}

// Spec describes the driver.
var Spec = driver.New("llrp", "RFID reader, LLRP", build).OnPort(5084).WithTests(tests...)

func build(c Config, env driver.Env) (driver.Driver, error) { return &reader{c, env}, nil }

// reader is one reader; it outlives its connections.
type reader struct {
	Config
	env driver.Env
}

// Run implements driver.Driver.
func (r *reader) Run(ctx context.Context, sink driver.Sink) error {
	s := &session{reader: r, heard: time.Now(),
		present: presences{hold: r.Hold, longest: r.Longest, here: map[string]*presence{}}}
	l := driver.Listener{
		Link: transport.Link{Address: r.Address}, Decoder: s, Faults: &s.faults, SilentAfter: r.SilentAfter,
		Silent: message.New("llrp.check"), Talk: s.talk, Bye: s.bye,
		About: func() message.Message { return s.model },
	}
	return l.Run(ctx, r.env.Links, sink)
}
