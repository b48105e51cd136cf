package plc

import (
	"math"
	"strconv"

	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
)

// Profile describes what a PLC or I/O module has at which address. It is data: firmware-config/plc, or a
// technician's own file. Manual says where the addresses are from. LowWord is for devices that send the low word of
// 32 bits first.
type Profile struct {
	Name    string   `yaml:"name" required:"true" format:"id"`
	Title   string   `yaml:"title" required:"true"`
	Manual  string   `yaml:"manual" required:"true"`
	LowWord bool     `yaml:"low_word_first"`
	Points  []Point  `yaml:"points"`
	Outputs []Output `yaml:"outputs"`
}

// Point is one value of the device. Address counts from 0 in its table: 40001 of old manuals is holding 0. The value
// is raw x Scale + Offset, in Unit; with Bit, or in a table of bits, it is on or off, and Type, Scale, Offset,
// Change, Above and Below are not looked at.
type Point struct {
	Name    string  `yaml:"name" required:"true" format:"id"`
	Table   string  `yaml:"table" required:"true" enum:"coil,discrete,holding,input"`
	Address int     `yaml:"address" required:"true" min:"0" max:"65535"`
	Type    string  `yaml:"type" default:"u16" enum:"u16,s16,u32,s32,f32"`
	Bit     *int    `yaml:"bit" min:"0" max:"15"`
	Scale   float64 `yaml:"scale" default:"1"`
	Offset  float64 `yaml:"offset" default:"0"`
	Unit    string  `yaml:"unit"`
	Invert  bool    `yaml:"invert"`
	// Event says which edges of an on/off value are events; Change from which difference on a number is one, 0 for
	// never.
	Event  string  `yaml:"event" default:"none" enum:"none,rising,falling,both"`
	Change float64 `yaml:"change" default:"0" min:"0"`
	// Vehicle makes the point a detector: from on to off is one vehicle.
	Vehicle bool `yaml:"vehicle"`
	// Alarm is the state of an on/off value that is one; Above and Below are the limits of a number, nil for none.
	Alarm string   `yaml:"alarm" default:"none" enum:"none,on,off"`
	Above *float64 `yaml:"above"`
	Below *float64 `yaml:"below"`
}

// Output is something that may be set: a coil, or a holding register to a whole number from Min to Max, as it is
// written (outputs are not scaled). Without Safe it keeps its state when the agent starts and stops.
type Output struct {
	Name    string  `yaml:"name" required:"true" format:"id"`
	Table   string  `yaml:"table" required:"true" enum:"coil,holding"`
	Address int     `yaml:"address" required:"true" min:"0" max:"65535"`
	Safe    string  `yaml:"safe"`
	Min     float64 `yaml:"min" default:"0"`
	Max     float64 `yaml:"max" default:"65535"`
}

// Check implements driver.Checker.
func (p Profile) Check() error {
	if len(p.Points)+len(p.Outputs) == 0 {
		return message.Errorf("profile.no-points")
	}
	seen := map[string]bool{}
	for _, one := range p.Points {
		if seen[one.Name] {
			return message.Errorf("profile.point-twice", message.String("point", one.Name))
		}
		seen[one.Name] = true
		if one.Bit != nil && one.digital() {
			return message.Errorf("profile.bit", message.String("point", one.Name), message.String("table", one.Table))
		}
	}
	for _, o := range p.Outputs {
		if seen[o.Name] {
			return message.Errorf("settings.twice", message.String("name", o.Name))
		}
		seen[o.Name] = true
		if _, err := o.parse(o.Safe); o.Safe != "" && err != nil {
			return message.Wrap(err, "profile.safe", message.String("output", o.Name))
		}
	}
	return nil
}

// digital reports whether the table holds bits.
func (p *Point) digital() bool { return p.Table == "coil" || p.Table == "discrete" }

// onOff reports whether the value is on or off.
func (p *Point) onOff() bool { return p.digital() || p.Bit != nil }

// words returns the number of registers of the value; 1 for a bit.
func (p *Point) words() int {
	if p.Bit == nil && (p.Type == "u32" || p.Type == "s32" || p.Type == "f32") {
		return 2
	}
	return 1
}

// value turns registers, or a bit as 0 or 1, into the value; on and off are 1 and 0. r begins at the point's address
// and has words() registers at least.
func (p *Point) value(r []uint16, lowWord bool) float64 {
	if p.onOff() {
		on := r[0] != 0
		if p.Bit != nil {
			on = r[0]>>*p.Bit&1 != 0
		}
		if on != p.Invert {
			return 1
		}
		return 0
	}
	raw := float64(r[0])
	if p.words() == 2 {
		hi, lo := r[0], r[1]
		if lowWord {
			hi, lo = lo, hi
		}
		n := uint32(hi)<<16 | uint32(lo)
		switch p.Type {
		case "s32":
			raw = float64(int32(n))
		case "f32":
			raw = float64(math.Float32frombits(n))
		default:
			raw = float64(n)
		}
	} else if p.Type == "s16" {
		raw = float64(int16(r[0]))
	}
	return raw*p.Scale + p.Offset
}

// alarm explains why a value is one, the zero Message for no alarm.
func (p *Point) alarm(v float64) message.Message {
	switch {
	case p.onOff() && (p.Alarm == "on" && v == 1 || p.Alarm == "off" && v == 0):
		return message.New("profile.is", message.String("name", p.Name),
			message.Nested("text", message.New("kinds.on-off."+onOffText(v))))
	case !p.onOff() && p.Above != nil && v > *p.Above:
		return profile.Beyond("profile.above", p.Name, p.Unit, v, *p.Above)
	case !p.onOff() && p.Below != nil && v < *p.Below:
		return profile.Beyond("profile.below", p.Name, p.Unit, v, *p.Below)
	}
	return message.Message{}
}

// onOffText names a state as the message catalogue and outputs do.
func onOffText(v float64) string {
	if v == 0 {
		return "off"
	}
	return "on"
}

// parse reads a value that an output shall have: "on", "off", and for a register a whole number from Min to Max.
func (o *Output) parse(text string) (uint16, error) {
	switch text {
	case "on":
		return 1, nil
	case "off":
		return 0, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case o.Table == "coil":
		return 0, message.Errorf("profile.on-off", message.Quoted("value", text))
	case err != nil:
		return 0, message.Errorf("profile.on-off-number", message.Quoted("value", text))
	}
	if v < max(o.Min, 0) || v > min(o.Max, 65535) || v != math.Trunc(v) {
		return 0, message.Errorf("profile.output-number", message.String("value", text),
			message.Number("least", max(o.Min, 0), 3), message.Number("most", min(o.Max, 65535), 3))
	}
	return uint16(v), nil
}
