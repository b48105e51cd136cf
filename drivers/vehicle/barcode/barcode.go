// Package barcode is the driver of scanners that send codes over TCP or a serial line, each with a line end or in a
// frame of STX and ETX: cargo control numbers, importers' numbers, containers, drivers' and carriers' cards.
// docs/protocols/barcode.md.
package barcode

import (
	"context"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/identifier"
	"lanewarden/drivers/transport"
)

// Config is the settings of a scanner.
type Config struct {
	transport.Link `yaml:",inline"`
	Prefixes       []Prefix      `yaml:"prefixes"`
	Repeat         time.Duration `yaml:"repeat" default:"3s" min:"0s" max:"10m"`
	NoCode         []string      `yaml:"no_code"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(driver.Sandbox) {}

// Check implements driver.Checker.
func (c Config) Check() error { return c.Link.Check() }

// Spec describes the driver.
var Spec = driver.New("barcode", "Bar code scanner", func(c Config, env driver.Env) (driver.Driver,
	error) {
	return &scanner{c, env}, nil
})

type scanner struct {
	Config
	env driver.Env
}

// Run implements driver.Driver.
func (s *scanner) Run(ctx context.Context, sink driver.Sink) error {
	faults := &driver.Faults{}
	l := driver.Listener{Link: s.Link, Decoder: &decoder{Config: s.Config, faults: faults}, Faults: faults, Quiet: true}
	return l.Run(ctx, s.env.Links, sink)
}

// noCode are the words by which readers say that they read nothing: SICK, Cognex, Datalogic, Keyence, Zebra,
// Honeywell. They are defaults of the makers, letters in any case.
var noCode = []string{"noread", "no read", "no-read", "no_read", "nr", "error", "err", "?", "??", "???", "????",
	"*", "fail", "failed", "timeout", "<noread>", "no code"}

// isNoCode reports whether a line is the reader's word for no code. A run of one symbol (***, ####, -----) always is.
func (c *Config) isNoCode(text string) bool {
	if isRun(identifier.Unwrap(text).Text) || isRun(text) {
		return true
	}
	words := c.NoCode
	if len(words) == 0 {
		words = noCode
	}
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(strings.TrimSpace(w), text) })
}

// isRun reports whether a text is one symbol, repeated.
func isRun(text string) bool {
	if text == "" || strings.Trim(text, text[:1]) != "" {
		return false
	}
	return strings.ContainsAny(text[:1], "!#$%&*+-./:=?@_~^|<>,;")
}
