// Package plc is the driver of PLCs and I/O modules that are asked over Modbus TCP or RTU, by a declarative profile:
// inputs become events on their edges and numbers on their changes, outputs are set on command and go to their safe
// state when the agent starts and stops. docs/protocols/plc.md.
package plc

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/simonvetter/modbus"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Config is the settings of a device (SETTINGS.md). Poll is from the beginning of one round of requests to that of
// the next, and longer where the device takes longer; Report is how often all values go out as telemetry.
type Config struct {
	transport.Modbus `yaml:",inline"`
	Profile          driver.Ref[Profile] `yaml:"profile" required:"true" builtin:"plc" example:"/etc/lanewarden/lane-io.yaml"`
	Poll             time.Duration       `yaml:"poll" default:"100ms" min:"20ms" max:"1m"`
	Report           time.Duration       `yaml:"report" default:"1m" min:"1s" max:"24h"`
}

// Check implements driver.Checker.
func (c Config) Check() error { return c.Link.Check() }

// Spec describes the driver.
var Spec = driver.New("plc", "PLC or I/O module, Modbus", func(c Config, env driver.Env) (driver.Driver, error) {
	d := &device{Config: c, Commands: driver.NewCommands(), tape: env.Tape}
	d.blocks = plan(c.Profile.Value.Points)
	return d, nil
}).OnPort(502).WithTests(tests...)

// device is the device of one block of settings; it outlives its connections.
type device struct {
	Config
	driver.Commands
	tape   *transport.Tape
	blocks []block
}

// block is neighbouring addresses that are read in one request: count registers or bits from the address first on.
type block struct {
	table  string
	first  int
	count  int
	points []*Point
}

const (
	maxGap       = 16   // addresses between two points that are read along
	maxRegisters = 120  // in one request; the protocol allows 125 (Modbus Application Protocol 1.1b3, 6.3)
	maxBits      = 1000 // in one request; the protocol allows 2000 (6.1)
)

// plan groups points into requests, by table and address: a request costs more than 16 registers that nobody wants.
// The points of a block are in the order of their addresses.
func plan(points []Point) (out []block) {
	var all []*Point
	for i := range points {
		all = append(all, &points[i])
	}
	slices.SortStableFunc(all, func(a, b *Point) int {
		if a.Table != b.Table {
			return map[bool]int{true: -1, false: 1}[a.Table < b.Table]
		}
		return a.Address - b.Address
	})
	for _, p := range all {
		most := maxRegisters
		if p.digital() {
			most = maxBits
		}
		if n := len(out); n > 0 {
			b := &out[n-1]
			if end := p.Address + p.words() - b.first; b.table == p.Table && p.Address-b.first-b.count <= maxGap &&
				end <= most {
				b.count, b.points = max(b.count, end), append(b.points, p)
				continue
			}
		}
		out = append(out, block{p.Table, p.Address, p.words(), []*Point{p}})
	}
	return out
}

// Run implements driver.Driver: one connection, polled until ctx ends or a request fails. Commands wait for the
// round at hand. What happens between two connections is not seen: the first round only learns where things stand.
func (d *device) Run(ctx context.Context, sink driver.Sink) error {
	sink = driver.Unacknowledged(sink)
	c, err := d.Open(context.WithoutCancel(ctx), d.tape) // open beyond ctx: outputs go to their safe state at the end
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, c.Hurry)()
	s := session{device: d, client: c, last: map[string]float64{}}
	if err := c.SetEncoding(modbus.BIG_ENDIAN, modbus.HIGH_WORD_FIRST); err != nil {
		return err
	}
	if err := s.safe(ctx, sink, message.New("output.agent-starts")); err != nil {
		return err
	}
	t := time.NewTicker(d.Poll)
	defer t.Stop()
	for {
		if err := s.poll(ctx, sink); err != nil {
			return err
		}
		sink.State(observation.DeviceState_STATE_RUNNING, message.Message{})
		select {
		case <-t.C:
		case cmd := <-d.C:
			cmd.Done <- s.command(ctx, sink, cmd.Output, cmd.Value, message.Verbatim(cmd.Reason), false)
		case <-ctx.Done():
			return s.stop(ctx, sink)
		}
	}
}

// session is one connection. The maps are by point.
type session struct {
	*device
	client   *transport.ModbusClient
	last     map[string]float64   // value of the last round, or, of numbers with Change, the last reported
	alarms   map[string]bool      // under way
	since    map[string]time.Time // of detectors, when a vehicle came
	reported time.Time            // the last telemetry
	n        int                  // observations so far, which keeps keys of one moment apart
}

// stopTimeout bounds the commits of the last commands; the agent waits for them when it stops.
const stopTimeout = 500 * time.Millisecond

// stop sets the safe state when ctx has ended, beyond which it must reach.
func (s *session) stop(ctx context.Context, sink driver.Sink) error {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := s.safe(late, sink, message.New("output.agent-stops")); err != nil {
		return err
	}
	return ctx.Err()
}

// safe sets all outputs that have a safe state. It ends at the first that fails, and the connection ends with it.
func (s *session) safe(ctx context.Context, sink driver.Sink, reason message.Message) error {
	for _, o := range s.Profile.Value.Outputs {
		if o.Safe != "" {
			if err := s.command(ctx, sink, o.Name, o.Safe, reason, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// OutputNames implements driver.Commander: it returns the profile's outputs.
func (d *device) OutputNames() (out []string) {
	for _, o := range d.Profile.Value.Outputs {
		out = append(out, o.Name)
	}
	return out
}

// command sets an output, waits for the device's answer (functions 5 and 6), and commits that it was set, why, and
// whether as its safe state. A value that the output cannot have is an error before anything is sent.
func (s *session) command(ctx context.Context, sink driver.Sink, name, value string,
	reason message.Message, safe bool) error {
	outputs := s.Profile.Value.Outputs
	i := slices.IndexFunc(outputs, func(o Output) bool { return o.Name == name })
	if i < 0 {
		return fmt.Errorf("profile %s: %w", s.Profile.Value.Name, driver.NoOutput(name, s.OutputNames()))
	}
	o := &outputs[i]
	v, err := o.parse(value)
	if err != nil {
		return fmt.Errorf("output %s: %w", name, err)
	}
	if o.Table == "coil" {
		err = s.client.WriteCoil(uint16(o.Address), v != 0)
	} else {
		err = s.client.WriteRegister(uint16(o.Address), v)
	}
	if err != nil {
		return driver.ModbusFailed(s.client, message.New("modbus.output", message.String("output", name)), err)
	}
	return driver.CommitAny(ctx, sink,
		[]*observation.Observation{driver.OutputSet(time.Now().UTC(), name, value, reason, safe)})
}

// read reads a block (functions 1 to 4); bits come as 0 and 1. Errors name the table and the addresses, and say what
// a Modbus exception means.
func (s *session) read(b block) (out []uint16, err error) {
	first, n := uint16(b.first), uint16(b.count)
	var bits []bool
	switch b.table {
	case "coil":
		bits, err = s.client.ReadCoils(first, n)
	case "discrete":
		bits, err = s.client.ReadDiscreteInputs(first, n)
	case "holding":
		out, err = s.client.ReadRegisters(first, n, modbus.HOLDING_REGISTER)
	default:
		out, err = s.client.ReadRegisters(first, n, modbus.INPUT_REGISTER)
	}
	for _, on := range bits {
		out = append(out, map[bool]uint16{true: 1, false: 0}[on])
	}
	if err != nil {
		return nil, driver.ModbusFailed(s.client, message.New("modbus.table", message.String("table", b.table),
			message.Int("first", b.first), message.Int("last", b.first+b.count-1)), err)
	}
	return out, nil
}

// eachPoint reads every point and calls f with its value, scaled, in the order of the addresses. It ends at the
// first block that cannot be read.
func (s *session) eachPoint(f func(p *Point, v float64)) error {
	for _, b := range s.blocks {
		r, err := s.read(b)
		if err != nil {
			return err
		}
		for _, p := range b.points {
			f(p, p.value(r[p.Address-b.first:], s.Profile.Value.LowWord))
		}
	}
	return nil
}

// Value is the value of one point of a profile when the device was asked.
type Value struct {
	Name, Text, Unit string
	Alarm            message.Message // why it is one; zero for none
}

// Ask connects to a device once and returns what each point of a profile has, in the order of the addresses. Nothing
// is set. Values that were read before an error are returned with it.
func Ask(ctx context.Context, m transport.Modbus, p *Profile) (out []Value, err error) {
	c, err := m.Open(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetEncoding(modbus.BIG_ENDIAN, modbus.HIGH_WORD_FIRST); err != nil {
		return nil, err
	}
	d := &device{Config: Config{Modbus: m, Profile: driver.Ref[Profile]{Value: p}}, blocks: plan(p.Points)}
	s := session{device: d, client: c}
	err = s.eachPoint(func(p *Point, v float64) {
		q := p.quantity(v)
		out = append(out, Value{p.Name, q.Text, p.Unit, p.alarm(v)})
	})
	return out, err
}

// poll reads all points and commits what is new; what one round finds is committed together, or not at all when a
// request fails.
func (s *session) poll(ctx context.Context, sink driver.Sink) error {
	at := time.Now().UTC()
	var obs []*observation.Observation
	status := &observation.DeviceReading{Profile: s.Profile.Value.Name, Message: "status"}
	err := s.eachPoint(func(p *Point, v float64) {
		status.Values = append(status.Values, p.quantity(v))
		obs = append(obs, s.evaluate(at, p, v)...)
	})
	if err != nil {
		return err
	}
	if len(status.Values) > 0 && at.Sub(s.reported) >= s.Report {
		s.reported = at
		obs = append(obs, s.withKey(observation.New(observation.Class_CLASS_TELEMETRY, at, status)))
	}
	return driver.CommitAny(ctx, sink, obs)
}

// withKey gives an observation its key: message, time and number.
func (s *session) withKey(o *observation.Observation) *observation.Observation {
	s.n++
	driver.SetKey(o, fmt.Sprintf("%s@%d#%d", o.Body.GetDeviceReading().Message, o.TimeNs, s.n))
	return o
}

// quantity returns a value with its name and unit. NaN and infinities, which f32 registers may hold, have a text and
// no number.
func (p *Point) quantity(v float64) *observation.Quantity {
	q := &observation.Quantity{Name: p.Name, Text: strconv.FormatFloat(v, 'g', 8, 64), Unit: p.Unit}
	if p.onOff() {
		q.Text = onOffText(v)
	}
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		q.Number = &v
	}
	return q
}

// evaluate returns an event when a value has one, and an alarm when one begins. The first value of a connection is
// no event, but may be an alarm. A number is an event when it is more than Change from the one reported last, so
// that a slow drift shows too. Detectors of vehicles give detections and no events.
func (s *session) evaluate(at time.Time, p *Point, v float64) []*observation.Observation {
	before, known := s.last[p.Name]
	alarm := p.alarm(v)
	alarmed := s.alarms[p.Name]
	event := false
	if known {
		if p.onOff() {
			event = v > before && (p.Event == "rising" || p.Event == "both") || v < before &&
				(p.Event == "falling" || p.Event == "both")
		} else if p.Change > 0 {
			event = math.Abs(v-before) > p.Change
		}
	}
	if !known || event || p.onOff() || p.Change == 0 {
		s.last[p.Name] = v // numbers are compared with what was reported last
	}
	if s.alarms == nil {
		s.alarms = map[string]bool{}
	}
	s.alarms[p.Name] = !alarm.IsZero()
	if p.Vehicle && known && v != before {
		return s.detect(at, p, v == 1)
	}
	if !event && (alarm.IsZero() || alarmed) {
		return nil
	}
	class := observation.Class_CLASS_EVENT
	body := &observation.DeviceReading{Profile: s.Profile.Value.Name, Message: p.Name,
		Values: []*observation.Quantity{p.quantity(v)}}
	if !alarm.IsZero() && !alarmed {
		class = observation.Class_CLASS_ALARM
		body.Alarm, body.AlarmMessage = alarm.English(), driver.EncodeMessage(alarm)
	}
	return []*observation.Observation{s.withKey(observation.New(class, at, body))}
}

// detect makes a vehicle of a detector that was on, when it goes off. One that was on already when the connection
// was made has no known beginning and gives none.
func (s *session) detect(at time.Time, p *Point, on bool) []*observation.Observation {
	if s.since == nil {
		s.since = map[string]time.Time{}
	}
	began := s.since[p.Name]
	if s.since[p.Name] = at; on || began.IsZero() {
		return nil
	}
	o := observation.New(observation.Class_CLASS_EVENT, began,
		&observation.VehicleDetection{Station: p.Name, StartNs: began.UnixNano(), EndNs: at.UnixNano()})
	driver.SetKey(o, fmt.Sprintf("%s@%d", p.Name, began.UnixNano()))
	return []*observation.Observation{o}
}
