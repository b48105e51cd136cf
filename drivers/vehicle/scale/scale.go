// Package scale is the driver of weighbridges and axle scales that send Mettler Toledo's continuous output, over TCP or a serial line.
// Scales that send lines of text need no driver of their own: driver line, with a profile. docs/protocols/scale.md.
package scale

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of a scale.
type Config struct {
	transport.Link `yaml:",inline"`
	Checksum       bool          `yaml:"checksum" help:"frames end with a checksum"`
	Axles          bool          `yaml:"axles" help:"each load is one axle; without it, a whole vehicle"`
	MinKg          float64       `yaml:"min_kg" default:"300" min:"1" max:"100000" unit:"kg" help:"less on the platform is nothing"`
	LimitKg        float64       `yaml:"limit_kg" default:"0" min:"0" max:"1000000" unit:"kg" help:"more is an overload, whatever the scale says; 0 for none"`
	Stable         int           `yaml:"stable_frames" default:"5" min:"1" max:"1000" unit:"frames" help:"frames in a row without motion and with one weight that make it stable"`
	AxleGap        time.Duration `yaml:"axle_gap" default:"10s" min:"1s" max:"10m" help:"an axle later than this belongs to the next vehicle"`
	SilentAfter    time.Duration `yaml:"silent_after" default:"5s" min:"1s" max:"10m" help:"the scale counts as silent when no frame came for so long"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(driver.Sandbox) {}

// Check implements driver.Checker.
func (c Config) Check() error { return c.Link.Check() }

// Spec describes the driver.
var Spec = driver.New("scale", "Scale, Mettler Toledo continuous output", func(c Config, env driver.Env) (driver.Driver, error) { return &scale{c, env}, nil }).WithTests(tests...)

type scale struct {
	Config
	env driver.Env
}

// Run implements driver.Driver.
func (s *scale) Run(ctx context.Context, sink driver.Sink) error {
	faults := &driver.Faults{}
	d := &decoder{Config: s.Config, faults: faults, live: sink.Live}
	l := driver.Listener{Link: s.Link, Decoder: d, Faults: faults, SilentAfter: s.SilentAfter, Silent: "continuous output switched on? cable, speed of the line?"}
	return l.Run(ctx, s.env.Links, sink)
}

// Frame is one frame of the continuous output.
type Frame struct {
	Kg, TareKg                        float64 // gross, or net when Net is set
	Net, Negative, OutOfRange, Motion bool
}

const (
	stx        = 0x02
	cr         = 0x0d
	frameBytes = 17 // without checksum
	poundKg    = 0.45359237
)

// Decode reads a frame: STX, three status words, six digits of weight, six of tare, CR. Source: Mettler Toledo IND780 technical manual, appendix D.
func Decode(b []byte) (f Frame, err error) {
	if len(b) < frameBytes || b[0] != stx || b[16] != cr {
		return f, fmt.Errorf("a frame of %d bytes without STX and CR at their places", len(b))
	}
	swa, swb, swc := b[1]&0x7f, b[2]&0x7f, b[3]&0x7f
	if swa&0x20 == 0 || swb&0x20 == 0 || swc&0x20 == 0 {
		return f, fmt.Errorf("status words %#02x %#02x %#02x: bit 5 is always set", swa, swb, swc)
	}
	scale := math.Pow(10, 2-float64(swa&7)) // 0: hundreds, 2: units, 5: thousandths
	if swb&0x10 == 0 {
		scale *= poundKg
	}
	f.Net, f.Negative, f.OutOfRange, f.Motion = swb&1 != 0, swb&2 != 0, swb&4 != 0, swb&8 != 0
	if f.Kg, err = digits(b[4:10], scale); err != nil {
		return f, fmt.Errorf("weight %w", err)
	}
	if f.TareKg, err = digits(b[10:16], scale); err != nil {
		return f, fmt.Errorf("tare %w", err)
	}
	if f.Negative {
		f.Kg = -f.Kg
	}
	return f, nil
}

func digits(b []byte, scale float64) (float64, error) {
	text := make([]byte, len(b))
	for i, c := range b {
		text[i] = c & 0x7f
	}
	s := strings.TrimLeft(string(text), " ")
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return math.Round(float64(n)*scale*1000) / 1000, nil
}

// checksum is what makes the 7-bit sum of a frame zero.
func checksum(b []byte) byte {
	sum := byte(0)
	for _, c := range b {
		sum += c & 0x7f
	}
	return -sum & 0x7f
}

// Encode makes a frame, for simulators: kg without decimals, with checksum when asked.
func Encode(f Frame, withChecksum bool) []byte {
	swb := byte(0x30)
	for bit, on := range []bool{f.Net, f.Kg < 0, f.OutOfRange, f.Motion} {
		if on {
			swb |= 1 << bit
		}
	}
	b := []byte(fmt.Sprintf("\x02%c%c%c%6.0f%6.0f\r", 0x22, swb, 0x20, math.Abs(f.Kg), f.TareKg))
	if withChecksum {
		b = append(b, checksum(b))
	}
	return b
}

// decoder cuts frames and follows what is on the platform.
type decoder struct {
	Config
	faults *driver.Faults
	live   func(driver.Sample)
	buf    []byte
	offset int64
	sound  uint64

	since    time.Time // something is on the platform; zero for nothing
	last     float64   // kg of the frame before
	same     int       // frames in a row with it, at rest
	largest  Frame
	reported bool
	axle     uint32
	left     time.Time // when the platform became empty
	keyed    time.Time // of the last key, and how many had it before
	sameTime int
}

// Sound implements driver.Decoder.
func (d *decoder) Sound() uint64 { return d.sound }

// Idle implements driver.Decoder.
func (d *decoder) Idle() bool { return len(d.buf) == 0 && d.since.IsZero() }

// Break implements driver.Decoder: what is on the platform is reported as far as it is known.
func (d *decoder) Break(at time.Time) (out []*observation.Observation) {
	out = d.leave(at)
	d.offset += int64(len(d.buf))
	d.buf = d.buf[:0]
	return out
}

// Feed implements driver.Decoder.
func (d *decoder) Feed(at time.Time, data []byte) (out []*observation.Observation) {
	d.buf = append(d.buf, data...)
	size := frameBytes
	if d.Checksum {
		size++
	}
	i := 0
	for len(d.buf)-i >= size {
		b := d.buf[i : i+size]
		if b[0] != stx || b[frameBytes-1] != cr {
			n := d.skip(d.buf[i:], size)
			d.faults.Add(at, fmt.Sprintf("%d bytes are no frame of Mettler Toledo's continuous output", n), d.offset+int64(i), d.buf[i:i+n])
			i += n
			continue
		}
		f, err := Decode(b)
		if err == nil && d.Checksum && b[size-1]&0x7f != checksum(b[:size-1]) {
			err = fmt.Errorf("checksum is %#02x, not %#02x", b[size-1], checksum(b[:size-1]))
		}
		if err != nil {
			d.faults.Add(at, err.Error(), d.offset+int64(i), b)
		} else {
			d.sound++
			out = append(out, d.take(at, f)...)
		}
		i += size
	}
	d.offset += int64(i)
	d.buf = append(d.buf[:0], d.buf[i:]...)
	return out
}

// skip returns how many bytes there are to the next that may begin a frame; one frame at least stays in the buffer.
func (d *decoder) skip(b []byte, size int) int {
	n := 1
	for n <= len(b)-size && (b[n] != stx || b[n+frameBytes-1] != cr) {
		n++
	}
	return n
}

// take follows the weight.
func (d *decoder) take(at time.Time, f Frame) []*observation.Observation {
	d.live(driver.Sample{At: at, Channel: "weight", Values: []float32{float32(f.Kg)}})
	if f.Kg < d.MinKg {
		return d.leave(at)
	}
	if d.since.IsZero() {
		if !d.Axles || at.Sub(d.left) > d.AxleGap {
			d.axle = 0
		}
		d.since, d.same, d.largest, d.reported = at, 0, f, false
		d.axle++
	}
	if f.Kg > d.largest.Kg {
		d.largest = f
	}
	d.same++
	if f.Motion || f.Kg != d.last {
		d.same = 0
	}
	d.last = f.Kg
	if d.reported || d.same < d.Stable {
		return nil
	}
	d.reported = true
	return []*observation.Observation{d.observation(at, f, false)}
}

// leave ends what is on the platform.
func (d *decoder) leave(at time.Time) []*observation.Observation {
	if d.since.IsZero() {
		return nil
	}
	var out []*observation.Observation
	if !d.reported {
		out = append(out, d.observation(at, d.largest, true))
	}
	d.since, d.left = time.Time{}, at
	return out
}

func (d *decoder) observation(at time.Time, f Frame, unstable bool) *observation.Observation {
	body := &observation.VehicleWeight{
		Kg: f.Kg, Net: f.Net, TareKg: f.TareKg, Overload: f.OutOfRange || d.LimitKg > 0 && f.Kg > d.LimitKg, Seconds: float32(at.Sub(d.since).Seconds()), Unstable: unstable,
	}
	if d.Axles {
		body.Axle = d.axle
	}
	o := observation.New(observation.Class_CLASS_EVENT, d.since, body)
	if d.keyed.Equal(d.since) {
		d.sameTime++
	} else {
		d.keyed, d.sameTime = d.since, 0
	}
	driver.SetKey(o, fmt.Sprintf("weight@%d#%d", d.since.UnixNano(), d.sameTime))
	return o
}
