// Package barcode is the driver of scanners that send a code and a line end, over TCP or a serial line: cargo control numbers, container
// numbers with their check digit, drivers' and carriers' cards. docs/protocols/barcode.md.
package barcode

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of a scanner.
type Config struct {
	transport.Link `yaml:",inline"`
	Prefixes       []Prefix      `yaml:"prefixes" help:"codes that are told by their beginning; the first that fits is taken"`
	Repeat         time.Duration `yaml:"repeat" default:"3s" min:"0s" max:"10m" help:"the same code again within this is the same scan"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(driver.Sandbox) {}

// Check implements driver.Checker.
func (c Config) Check() error { return c.Link.Check() }

// Spec describes the driver.
var Spec = driver.New("barcode", "Bar code scanner", func(c Config, env driver.Env) (driver.Driver, error) { return &scanner{c, env}, nil })

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

// maxCode is the longest code; a PDF417 of a licence has some hundred characters.
const maxCode = 2048

type decoder struct {
	Config
	faults *driver.Faults
	buf    []byte
	offset int64
	sound  uint64
	long   bool // what comes belongs to a code that was too long
	last   string
	lastAt time.Time
}

// Sound implements driver.Decoder.
func (d *decoder) Sound() uint64 { return d.sound }

// Idle implements driver.Decoder.
func (d *decoder) Idle() bool { return len(d.buf) == 0 }

// Break implements driver.Decoder: half a code is none.
func (d *decoder) Break(at time.Time) []*observation.Observation {
	if len(d.buf) > 0 {
		d.faults.Add(at, "the connection broke off in the middle of a code", d.offset, d.buf)
	}
	d.offset += int64(len(d.buf))
	d.buf, d.long = d.buf[:0], false
	return nil
}

// Feed implements driver.Decoder.
func (d *decoder) Feed(at time.Time, data []byte) (out []*observation.Observation) {
	d.buf = append(d.buf, data...)
	for {
		n := bytes.IndexAny(d.buf, "\r\n")
		if n < 0 {
			break
		}
		code := d.buf[:n]
		switch bad := bytes.IndexFunc(code, func(r rune) bool { return r < 0x20 && r != 0x1d && r != 0x1e && r != '\t' || r >= 0x7f }); {
		case d.long || n == 0:
			d.long = false
		case bad >= 0:
			d.faults.Add(at, fmt.Sprintf("character %d of the code, %#02x, is no printable ASCII: speed of the line, parity?", bad+1, code[bad]), d.offset, code)
		default:
			d.sound++
			out = append(out, d.take(at, string(code))...)
		}
		d.offset += int64(n + 1)
		d.buf = append(d.buf[:0], d.buf[n+1:]...)
	}
	if len(d.buf) > maxCode {
		if !d.long {
			d.faults.Add(at, fmt.Sprintf("a code of more than %d characters without line end", maxCode), d.offset, d.buf)
		}
		d.long = true
		d.offset += int64(len(d.buf))
		d.buf = d.buf[:0]
	}
	return out
}

func (d *decoder) take(at time.Time, text string) []*observation.Observation {
	again := text == d.last && at.Sub(d.lastAt) <= d.Repeat
	d.last, d.lastAt = text, at
	if again {
		return nil
	}
	o := observation.New(observation.Class_CLASS_EVENT, at, Classify(text, d.Prefixes))
	o.Key = fmt.Sprintf("code@%d:%s", at.UnixNano(), text[:min(len(text), 64)])
	return []*observation.Observation{o}
}
