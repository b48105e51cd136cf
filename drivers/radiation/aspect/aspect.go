// Package aspect is the driver of Aspect radiation portals, which are asked over Modbus. It gives the same occupancy
// observations as driver tsa. docs/protocols/aspect.md.
package aspect

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/simonvetter/modbus"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/rpm"
	"lanewarden/drivers/transport"
)

// Config is the settings of a portal (SETTINGS.md). Poll is from one request to the next, and the interval of the
// gamma series; Background is how often the background goes out while nobody is there. NSigma is the limit of our
// own recomputation; the portal has its own.
type Config struct {
	transport.Modbus `yaml:",inline"`
	Poll             time.Duration `yaml:"poll" default:"200ms" min:"50ms" max:"5s"`
	Background       time.Duration `yaml:"background" default:"5s" min:"1s" max:"10m"`
	NSigma           float64       `yaml:"n_sigma" default:"7" min:"1" max:"100"`
}

// Check implements driver.Checker.
func (c Config) Check() error { return c.Link.Check() }

// Spec describes the driver.
var Spec = driver.New("aspect", "Radiation portal, Aspect (Modbus)",
	func(c Config, env driver.Env) (driver.Driver, error) {
		return &portal{c, env.Tape}, nil
	}).OnPort(502).WithTests(rpm.Tests()...)

// portal is the portal of one block of settings; it outlives its connections.
type portal struct {
	Config
	tape *transport.Tape
}

// Block is the monitor block, 21 registers of 16 bits (OpenSensorHub's Aspect driver; docs/protocols/aspect.md):
//
//	0-1   time, ms                 10     neutron status
//	2     inputs                   11-12  neutron count
//	3     gamma status             13-14  neutron background, f32
//	4-5   gamma count              15-16  neutron variance, f32
//	6-7   gamma background, f32    17     object counter
//	8-9   gamma variance, f32      18     object mark
//	                               19     speed, mm/s
//	                               20     outputs
type Block struct {
	TimeMs                           uint32 // since the portal started
	Inputs                           uint16
	GammaStatus, NeutronStatus       uint16
	Gamma, Neutron                   uint32 // counts, in 1/s
	GammaBackground, GammaVariance   float32
	NeutronBackground                float32
	NeutronVariance                  float32
	Objects, Mark, SpeedMMs, Outputs uint16
}

// Bits of Inputs and of the status words. Source: OpenSensorHub's Aspect driver.
const (
	InOccupied = 0x000f
	// Directions: from occupancy sensor 0 to 1, and from 1 to 0. Power failure, low battery, open cabinet, error
	// follow.
	InForward   = 0x0040
	InReverse   = 0x0080
	InPowerFail = 0x0100
	InBattery   = 0x0200
	InCabinet   = 0x0400
	InError     = 0x0800

	// Of GammaStatus and NeutronStatus: either of two alarms, count below and above its limits, detector overloaded,
	// ready.
	StAlarm    = 0x03
	StLow      = 0x10
	StHigh     = 0x20
	StOverload = 0x40
	StReady    = 0x80
)

const (
	header      = 8 // registers before the blocks: signature, count, id, base and length of the monitor block
	blockLength = 21
	defaultBase = 100
)

// ParseBlock decodes the registers of a monitor block: counts in 1/s, backgrounds and variances as 32-bit floats, speed
// in mm/s. 32-bit values have their low word first (docs/protocols/aspect.md). It is an error when there are fewer
// registers than the block has, or a background or variance that cannot be one: a portal with another order of words
// is noticed by that.
func ParseBlock(r []uint16) (b Block, err error) {
	if len(r) < blockLength {
		return b, message.Errorf("aspect.block", message.Count("n", len(r)), message.Int("want", blockLength))
	}
	u32 := func(i int) uint32 { return uint32(r[i]) | uint32(r[i+1])<<16 }
	f32 := func(i int) float32 { return math.Float32frombits(u32(i)) }
	b = Block{
		TimeMs: u32(0), Inputs: r[2], GammaStatus: r[3], Gamma: u32(4), GammaBackground: f32(6), GammaVariance: f32(8),
		NeutronStatus: r[10], Neutron: u32(11), NeutronBackground: f32(13), NeutronVariance: f32(15),
		Objects: r[17], Mark: r[18], SpeedMMs: r[19], Outputs: r[20],
	}
	for _, f := range []struct {
		name string
		v    float32
	}{{"aspect.gamma-background", b.GammaBackground}, {"aspect.gamma-variance", b.GammaVariance},
		{"aspect.neutron-background", b.NeutronBackground}} {
		if !(f.v >= 0 && f.v < 1e9) {
			return b, message.Errorf("aspect.word-order", message.Nested("what", message.New(f.name)),
				message.String("value", fmt.Sprint(f.v)))
		}
	}
	return b, nil
}

// Run implements driver.Driver: one connection, polled until ctx ends or a request fails. A block that cannot be one
// is a fault of the device, and the next is asked for all the same.
func (p *portal) Run(ctx context.Context, sink driver.Sink) error {
	sink = driver.Unacknowledged(sink)
	c, err := p.Open(ctx, p.tape)
	if err != nil {
		return err
	}
	defer c.Close()
	head, err := c.ReadRegisters(0, header, modbus.HOLDING_REGISTER)
	if err != nil {
		return driver.ModbusFailed(c, registers(0, header-1), err)
	}
	base := head[3]
	if base < header || head[4] < blockLength {
		base = defaultBase
	}
	w := watch{Config: p.Config, first: true}
	w.faults.Source = p.Link.String()
	t := time.NewTicker(p.Poll)
	defer t.Stop()
	for {
		at := time.Now().UTC()
		r, err := c.ReadRegisters(base, blockLength, modbus.HOLDING_REGISTER)
		if ctx.Err() != nil {
			err = ctx.Err()
		} else if err != nil {
			err = driver.ModbusFailed(c, registers(base, base+blockLength-1), err)
		}
		if err != nil {
			return w.lost(ctx, sink, err)
		}
		if b, err := ParseBlock(r); err != nil {
			w.faults.Add(at, message.Of(err), int64(base), nil)
		} else {
			w.live(sink, at, b)
			sink.State(observation.DeviceState_STATE_RUNNING, message.Message{})
			if err := driver.CommitAny(ctx, sink, w.handleBlock(at, b)); err != nil {
				return err
			}
		}
		w.faults.Tick(at)
		if err := driver.CommitAny(ctx, sink, w.faults.Take()); err != nil {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return w.lost(ctx, sink, ctx.Err())
		}
	}
}

// registers names a block of registers.
func registers(first, last uint16) message.Message {
	return message.New("modbus.registers", message.Int("first", first), message.Int("last", last))
}

// watch follows the portal. It knows no clock but the times of what it is given.
type watch struct {
	Config
	faults     driver.Faults
	conditions driver.Conditions
	first      bool                            // nothing was read yet
	open       *observation.RadiationOccupancy // under way; nil for none
	opened     time.Time                       // when it began
	seen       time.Time                       // the last occupied block, which becomes its end
	reported   time.Time                       // last background
	tamper     bool                            // the cabinet is open
	low, high  bool                            // gamma faults in force
	neutron    bool                            // the same of the neutron count, above its limit
	neutronAt  time.Time                       // the last value of the neutron series
}

// lostTimeout bounds the last commit, when ctx may have ended.
const lostTimeout = 500 * time.Millisecond

// lost ends what is under way because the connection is, and returns err, or the journal's error.
func (w *watch) lost(ctx context.Context, sink driver.Sink, err error) error {
	if w.open == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lostTimeout)
	defer cancel()
	if e := driver.CommitAny(ctx, sink, w.end(observation.RadiationOccupancy_END_DISCONNECT)); e != nil {
		return e
	}
	return err
}

// live shows a block on the strip chart. The portal gives rates, in counts per second.
func (w *watch) live(sink driver.Sink, at time.Time, b Block) {
	sink.Live(driver.Sample{At: at, Channel: "gamma", Values: []float32{float32(b.Gamma)}, Interval: time.Second})
	sink.Live(driver.Sample{At: at, Channel: "neutron", Values: []float32{float32(b.Neutron)}, Interval: time.Second})
}

// maxOccupancy ends the record of a vehicle that stays, so that memory is bounded; what follows is a new one.
const maxOccupancy = time.Hour

// handleBlock compares a block, read at the time at, with what was known before and returns what is to be committed
// because of it: an occupancy that ended, the background while nobody is there, changes of health. Counts are as the
// register has them at each poll (assumed; docs/protocols/aspect.md).
func (w *watch) handleBlock(at time.Time, b Block) (out []*observation.Observation) {
	out = w.health(at, b)
	occupied := b.Inputs&InOccupied != 0
	if w.open != nil && (!occupied || at.Sub(w.opened) > maxOccupancy) {
		out = append(out, w.end(observation.RadiationOccupancy_END_MARKED)...)
	}
	if !occupied {
		if at.Sub(w.reported) >= w.Background {
			w.reported = at
			o := observation.New(observation.Class_CLASS_TELEMETRY, at, &observation.RadiationBackground{
				Gamma: []int32{int32(b.GammaBackground)}, Neutron: []int32{int32(b.NeutronBackground)},
			})
			driver.SetKey(o, fmt.Sprintf("background@%d", at.UnixNano()))
			out = append(out, o)
		}
		w.first = false
		return out
	}
	if w.open == nil {
		w.open, w.opened, w.neutronAt = &observation.RadiationOccupancy{
			StartNs: at.UnixNano(), Incomplete: w.first, GammaIntervalMs: uint32(w.Poll.Milliseconds()),
			GammaWindowMs: 1000, NeutronIntervalMs: 1000, SigmaLimit: float32(w.NSigma), WindowIntervals: 1,
			Gamma: []*observation.Series{{}}, Neutron: []*observation.Series{{}}, GammaMaxDetector: []uint32{0},
			GammaBackground:        []int32{int32(b.GammaBackground)},
			NeutronBackground:      []int32{int32(b.NeutronBackground)},
			NeutronBackgroundMilli: uint32(b.NeutronBackground * 1000),
		}, at, time.Time{}
	}
	w.first, w.seen = false, at
	w.measure(at, b)
	return out
}

// measure adds a block to the occupancy under way. Sigma is (count - background) / sqrt(variance), the variance
// being the portal's own. The neutron series has a value a second. Alarm and tamper stay once they were there;
// number, speed and direction are the last that the portal gave.
func (w *watch) measure(at time.Time, b Block) {
	r := w.open
	r.Number = uint32(b.Objects)
	r.Gamma[0].Counts = append(r.Gamma[0].Counts, int32(min(b.Gamma, math.MaxInt32)))
	if at.Sub(w.neutronAt) >= time.Second {
		w.neutronAt = at
		r.Neutron[0].Counts = append(r.Neutron[0].Counts, int32(min(b.Neutron, math.MaxInt32)))
	}
	r.GammaMax = max(r.GammaMax, b.Gamma)
	r.GammaMaxDetector[0] = r.GammaMax
	r.NeutronMax = max(r.NeutronMax, b.Neutron)
	if b.GammaVariance > 0 {
		r.SigmaMax = max(r.SigmaMax, (float32(b.Gamma)-b.GammaBackground)/float32(math.Sqrt(float64(b.GammaVariance))))
	}
	r.GammaAlarm = r.GammaAlarm || b.GammaStatus&StAlarm != 0
	r.NeutronAlarm = r.NeutronAlarm || b.NeutronStatus&StAlarm != 0
	r.Tamper = r.Tamper || b.Inputs&InCabinet != 0
	if b.SpeedMMs > 0 {
		r.SpeedKph = float32(b.SpeedMMs) * 0.0036
	}
	switch {
	case b.Inputs&InForward != 0:
		r.Direction = "forward"
	case b.Inputs&InReverse != 0:
		r.Direction = "reverse"
	}
}

// end closes the occupancy under way; there must be one. It is an alarm when the portal says so or the recomputation
// does. The key is its start, so that a repeat of the commit adds nothing.
func (w *watch) end(how observation.RadiationOccupancy_End) []*observation.Observation {
	r := w.open
	w.open = nil
	r.EndNs, r.End = w.seen.UnixNano(), how
	r.Incomplete = r.Incomplete || how != observation.RadiationOccupancy_END_MARKED
	r.GammaAlarmRecomputed = r.SigmaMax > r.SigmaLimit
	r.AlarmDisagreement = r.GammaAlarm != r.GammaAlarmRecomputed
	class := observation.Class_CLASS_EVENT
	if r.GammaAlarm || r.NeutronAlarm || r.GammaAlarmRecomputed {
		class = observation.Class_CLASS_ALARM
	}
	o := observation.New(class, w.opened, r)
	driver.SetKey(o, fmt.Sprintf("occupancy@%d", r.StartNs))
	return []*observation.Observation{o}
}

// health reports what the portal says of itself, each once when it begins and once when it ends: conditions, the
// cabinet as tamper (an alarm), and counts beyond limits as faults.
func (w *watch) health(at time.Time, b Block) (out []*observation.Observation) {
	for _, c := range []struct {
		name string
		on   bool
		text message.Message
	}{
		{"power", b.Inputs&InPowerFail != 0, message.New("aspect.power")},
		{"battery", b.Inputs&InBattery != 0, message.New("aspect.battery")},
		{"error", b.Inputs&InError != 0, message.New("aspect.error")},
		{"overload", (b.GammaStatus|b.NeutronStatus)&StOverload != 0, message.New("aspect.overload")},
		{"not-ready", b.GammaStatus&StReady == 0, message.New("aspect.not-ready")},
	} {
		out = append(out, w.conditions.Set(at, c.name, "", c.on, c.text)...)
	}
	if cabinet := b.Inputs&InCabinet != 0; cabinet != w.tamper {
		w.tamper = cabinet
		class := observation.Class_CLASS_EVENT
		if cabinet {
			class = observation.Class_CLASS_ALARM
		}
		o := observation.New(class, at, &observation.RadiationTamper{Tripped: cabinet})
		driver.SetKey(o, fmt.Sprintf("tamper@%d", at.UnixNano()))
		out = append(out, o)
	}
	fault := func(in *bool, now bool, kind observation.RadiationFault_Fault, counts uint32) {
		if *in == now {
			return
		}
		*in = now
		o := observation.New(observation.Class_CLASS_EVENT, at,
			&observation.RadiationFault{Fault: kind, Cleared: !now, Counts: []int32{int32(min(counts, math.MaxInt32))}})
		driver.SetKey(o, fmt.Sprintf("%v@%d", kind, at.UnixNano()))
		out = append(out, o)
	}
	fault(&w.low, b.GammaStatus&StLow != 0, observation.RadiationFault_FAULT_GAMMA_LOW, b.Gamma)
	fault(&w.high, b.GammaStatus&StHigh != 0, observation.RadiationFault_FAULT_GAMMA_HIGH, b.Gamma)
	fault(&w.neutron, b.NeutronStatus&StHigh != 0, observation.RadiationFault_FAULT_NEUTRON_HIGH, b.Neutron)
	return out
}
