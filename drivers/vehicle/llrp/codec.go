// Package llrp is a codec of LLRP 1.0.1 and 1.1 (EPCglobal), which RFID readers speak: Framer cuts a stream into
// messages, Decode decodes one, Encode, TLV and TV make one, and EPCURI says what the EPC of a tag is. It opens no
// connection and keeps no state of a session.
package llrp

import (
	"encoding/binary"
	"fmt"
	"iter"
	"maps"

	"lanewarden/drivers/observation/coded"
)

// MessageType is the type of a message, 10 bits.
type MessageType uint16

// The messages that reader and driver exchange.
const (
	GetCapabilities         MessageType = 1
	GetCapabilitiesResponse MessageType = 11
	GetConfig               MessageType = 2
	GetConfigResponse       MessageType = 12
	SetConfig               MessageType = 3
	SetConfigResponse       MessageType = 13
	CloseConnection         MessageType = 14
	CloseConnectionResponse MessageType = 4
	AddROSpec               MessageType = 20
	DeleteROSpec            MessageType = 21
	StartROSpec             MessageType = 22
	EnableROSpec            MessageType = 24
	AddROSpecResponse       MessageType = 30
	DeleteROSpecResponse    MessageType = 31
	StartROSpecResponse     MessageType = 32
	EnableROSpecResponse    MessageType = 34
	GetROSpecsResponse      MessageType = 36
	AddAccessSpec           MessageType = 40
	DeleteAccessSpec        MessageType = 41
	EnableAccessSpec        MessageType = 42
	AddAccessSpecResponse   MessageType = 50
	DeleteAccessSpecResp    MessageType = 51
	EnableAccessSpecResp    MessageType = 52
	GetAccessSpecsResponse  MessageType = 54
	ROAccessReport          MessageType = 61
	Keepalive               MessageType = 62
	ReaderEvent             MessageType = 63
	KeepaliveAck            MessageType = 72
	ErrorMessage            MessageType = 100
)

// messages names the messages and gives the bytes that stand before the first parameter.
var messages = map[MessageType]struct {
	name  string
	fixed int
}{
	GetCapabilities: {"GET_READER_CAPABILITIES", 1}, GetCapabilitiesResponse: {"GET_READER_CAPABILITIES_RESPONSE", 0},
	GetConfig: {"GET_READER_CONFIG", 7}, GetConfigResponse: {"GET_READER_CONFIG_RESPONSE", 0},
	SetConfig: {"SET_READER_CONFIG", 1}, SetConfigResponse: {"SET_READER_CONFIG_RESPONSE", 0},
	CloseConnection: {"CLOSE_CONNECTION", 0}, CloseConnectionResponse: {"CLOSE_CONNECTION_RESPONSE", 0},
	AddROSpec: {"ADD_ROSPEC", 0}, DeleteROSpec: {"DELETE_ROSPEC", 4}, StartROSpec: {"START_ROSPEC", 4},
	EnableROSpec:      {"ENABLE_ROSPEC", 4},
	AddROSpecResponse: {"ADD_ROSPEC_RESPONSE", 0}, DeleteROSpecResponse: {"DELETE_ROSPEC_RESPONSE", 0},
	StartROSpecResponse:  {"START_ROSPEC_RESPONSE", 0},
	EnableROSpecResponse: {"ENABLE_ROSPEC_RESPONSE", 0}, GetROSpecsResponse: {"GET_ROSPECS_RESPONSE", 0},
	GetAccessSpecsResponse: {"GET_ACCESSSPECS_RESPONSE", 0},
	AddAccessSpec:          {"ADD_ACCESSSPEC", 0}, DeleteAccessSpec: {"DELETE_ACCESSSPEC", 4},
	EnableAccessSpec:      {"ENABLE_ACCESSSPEC", 4},
	AddAccessSpecResponse: {"ADD_ACCESSSPEC_RESPONSE", 0}, DeleteAccessSpecResp: {"DELETE_ACCESSSPEC_RESPONSE", 0},
	EnableAccessSpecResp: {"ENABLE_ACCESSSPEC_RESPONSE", 0},
	ROAccessReport:       {"RO_ACCESS_REPORT", 0}, Keepalive: {"KEEPALIVE", 0},
	ReaderEvent:  {"READER_EVENT_NOTIFICATION", 0},
	KeepaliveAck: {"KEEPALIVE_ACK", 0}, ErrorMessage: {"ERROR_MESSAGE", 0},
}

// String returns the message's name in the LLRP standard, or its number when this package does not know it.
func (t MessageType) String() string {
	if m, ok := messages[t]; ok {
		return m.name
	}
	return fmt.Sprintf("message %d", uint16(t))
}

// Bounds on what a reader sends (docs/protocols/llrp.md): bytes of a header and a message, levels and number of
// parameters.
const (
	headerBytes     = 10
	MaxMessageBytes = 1 << 20
	maxDepth        = 8
	maxElements     = 1 << 15
)

// Message is one message, decoded.
type Message struct {
	Type  MessageType
	ID    uint32
	Fixed []byte // what stands before the first parameter
	Params
}

// Params are parameters one after another.
type Params []Param

// Param is one parameter. Values are in the order of the schema: uint64, int64, bool, string, []byte or []uint64;
// those of reserved bits are left out. Params are those nested in it.
type Param struct {
	Type   uint16
	TV     bool // of fixed length
	Name   string
	Values []Value
	Params Params
}

// Value is one field of a parameter.
type Value struct {
	Name string
	V    any
}

// Get returns the first parameter of a TLV type.
func (p Params) Get(tlv uint16) (*Param, bool) { return p.find(tlv, false) }

// TV returns the first parameter of a fixed length type. Their numbers are apart from those of TLV types.
func (p Params) TV(tv uint16) (*Param, bool) { return p.find(tv, true) }

func (p Params) find(t uint16, tv bool) (*Param, bool) {
	for i := range p {
		if p[i].Type == t && p[i].TV == tv {
			return &p[i], true
		}
	}
	return nil, false
}

// Uint returns a number; signed ones are converted. 0 when there is none of that name.
func (p *Param) Uint(name string) uint64 {
	if p != nil {
		for _, v := range p.Values {
			switch n := v.V.(type) {
			case uint64:
				if v.Name == name {
					return n
				}
			case int64:
				if v.Name == name {
					return uint64(n)
				}
			}
		}
	}
	return 0
}

// Flag returns a flag, false when there is none of that name.
func (p *Param) Flag(name string) bool {
	for _, v := range p.Values {
		if b, ok := v.V.(bool); ok && v.Name == name {
			return b
		}
	}
	return false
}

// Text returns a text, "" when there is none of that name.
func (p *Param) Text(name string) string {
	for _, v := range p.Values {
		if s, ok := v.V.(string); ok && v.Name == name {
			return s
		}
	}
	return ""
}

// Bytes returns bytes, nil when there are none of that name.
func (p *Param) Bytes(name string) []byte {
	for _, v := range p.Values {
		if b, ok := v.V.([]byte); ok && v.Name == name {
			return b
		}
	}
	return nil
}

// offsetError says where in a message something is wrong.
type offsetError struct {
	at  int
	err error
}

func (e *offsetError) Error() string { return fmt.Sprintf("byte %d: %v", e.at, e.err) }
func (e *offsetError) Unwrap() error { return e.err }

// MessageCode returns the code of the catalogue.
func (e *offsetError) MessageCode() string { return "llrp.at" }

// MessageArgs returns the byte and the reason, as the catalogue names them.
func (e *offsetError) MessageArgs() iter.Seq2[string, any] {
	return maps.All(map[string]any{"at": fmt.Sprint(e.at), "reason": e.err})
}

// Decode decodes the payload of a message, without its header of 10 bytes. Values refer to payload, which must not
// be changed. An error has the message, the byte of the message at which it stands, and the parameter. Parameters of
// a type with length that is not known are kept as bytes; one of fixed length that is not known is an error, for its
// end is not known either.
//
// A message, all numbers big-endian:
//
//	3 bits reserved, 3 bits version, 10 bits type
//	length  4  of all, this header too
//	id      4
//	fixed fields, then parameters
func Decode(t MessageType, id uint32, payload []byte) (*Message, error) {
	m := &Message{Type: t, ID: id}
	fixed := messages[t].fixed
	if len(payload) < fixed {
		return nil, coded.Errorf("llrp.needs", "%s of %v, needs %d",
			t, coded.CountOf(len(payload), "byte"), fixed)
	}
	m.Fixed = payload[:fixed]
	d := decoder{left: maxElements}
	var err error
	if m.Params, err = d.params(payload[fixed:], headerBytes+fixed, 0); err != nil {
		return nil, coded.Errorf("llrp.in", "%s: %w", t, err)
	}
	return m, nil
}

// decoder counts down the parameters that a message may still have, at all levels.
type decoder struct{ left int }

// params decodes parameters up to the end of b. at is the byte of the message at which b stands, for errors.
func (d *decoder) params(b []byte, at, depth int) (out Params, err error) {
	if depth > maxDepth {
		return nil, &offsetError{at, coded.Errorf("llrp.parameters-nest-deeper-than",
			"parameters nest deeper than %d", maxDepth)}
	}
	for len(b) > 0 {
		if d.left--; d.left < 0 {
			return nil, &offsetError{at, coded.Errorf("llrp.more-than-parameters",
				"more than %d parameters", maxElements)}
		}
		p, n, err := d.param(b, at, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
		b, at = b[n:], at+n
	}
	return out, nil
}

// param decodes the parameter at the beginning of b, which is not empty, and returns its length:
//
//	TV   1, type (7 bits); then fields of fixed length
//	TLV  6 bits 0, type (10 bits), length 2, this header too; then fields and parameters
func (d *decoder) param(b []byte, at, depth int) (Param, int, error) {
	fail := func(code, format string, args ...any) (Param, int, error) {
		return Param{}, 0, &offsetError{at, coded.Errorf(code, format, args...)}
	}
	if b[0]&0x80 != 0 {
		t := uint16(b[0] & 0x7f)
		layout, ok := tvs[t]
		if !ok {
			return fail("llrp.parameter-fixed-length-not",
				"parameter %d of fixed length is not known, and so is its length", t)
		}
		values, rest, err := fields(layout.fields, b[1:])
		if err != nil {
			return fail("llrp.in", "%s: %w", layout.name, err)
		}
		return Param{Type: t, TV: true, Name: layout.name, Values: values}, len(b) - len(rest), nil
	}
	if len(b) < 4 {
		return fail("llrp.parameter", "a parameter of %v", coded.CountOf(len(b), "byte"))
	}
	t, n := binary.BigEndian.Uint16(b)&0x3ff, int(binary.BigEndian.Uint16(b[2:]))
	if n < 4 || n > len(b) {
		return fail("llrp.parameter-says-that-which", "parameter %d says that it has %v, of which %d came",
			t, coded.CountOf(n, "byte"), len(b))
	}
	layout, ok := tlvs[t]
	if !ok {
		layout = leaf(fmt.Sprintf("parameter %d", t), of("Data", fRest))
	}
	values, rest, err := fields(layout.fields, b[4:n])
	if err != nil {
		return fail("llrp.in", "%s: %w", layout.name, err)
	}
	p := Param{Type: t, Name: layout.name, Values: values}
	if layout.nests {
		if p.Params, err = d.params(rest, at+n-len(rest), depth+1); err != nil {
			return Param{}, 0, err
		}
	}
	return p, n, nil
}

var errShort = coded.Errorf("llrp.cut-off", "is cut off")

// cursor reads fixed fields from the front of b. Behind its end it reads zeros, and err says so.
type cursor struct {
	b   []byte
	err error
}

// next returns the next n bytes.
func (c *cursor) next(n int) []byte {
	if len(c.b) < n {
		c.err = errShort
		return make([]byte, n)
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

// counted returns an array of elements of size bytes behind their count (u16); nil when it is cut off.
func (c *cursor) counted(size int) []byte {
	n := int(binary.BigEndian.Uint16(c.next(2)))
	if len(c.b) < n*size {
		c.err = errShort
		return nil
	}
	return c.next(n * size)
}

// list returns an array of numbers of size bytes (1, 2 or 4) behind their count; nil for an empty one.
func (c *cursor) list(size int) (out []uint64) {
	for b := c.counted(size); len(b) > 0; b = b[size:] {
		var v uint64
		for _, d := range b[:size] {
			v = v<<8 | uint64(d)
		}
		out = append(out, v)
	}
	return out
}

// value decodes a field of any form but flags and padding: uint64, int64, string, []byte or []uint64.
func (c *cursor) value(f form) any {
	switch f {
	case fU8:
		return uint64(c.next(1)[0])
	case fTop2:
		return uint64(c.next(1)[0] >> 6)
	case fU16:
		return uint64(binary.BigEndian.Uint16(c.next(2)))
	case fU32:
		return uint64(binary.BigEndian.Uint32(c.next(4)))
	case fU64:
		return binary.BigEndian.Uint64(c.next(8))
	case fS8:
		return int64(int8(c.next(1)[0]))
	case fS16:
		return int64(int16(binary.BigEndian.Uint16(c.next(2))))
	case fText:
		return string(c.counted(1))
	case fBytes:
		return c.counted(1)
	case fWords:
		return c.counted(2)
	case f12:
		return c.next(12)
	case fBits:
		bits := int(binary.BigEndian.Uint16(c.next(2)))
		return c.next((bits + 7) / 8)
	case fList8:
		return c.list(1)
	case fList16:
		return c.list(2)
	case fList32:
		return c.list(4)
	case fRest:
		return c.next(len(c.b))
	}
	return nil
}

// flags appends the named bits of a field of one or two bytes, from the top bit down.
func (c *cursor) flags(out []Value, f field) []Value {
	word := c.next(1 + int(f.form-fFlags8))
	for i, name := range f.bits {
		if name != "" {
			out = append(out, Value{name, word[i/8]&(0x80>>(i%8)) != 0})
		}
	}
	return out
}

// fields decodes the fixed fields of a layout from the front of b. rest is what stands behind them: parameters, when
// the parameter nests. An error names the first field that is cut off.
func fields(layout []field, b []byte) (out []Value, rest []byte, err error) {
	c := cursor{b: b}
	for _, f := range layout {
		switch f.form {
		case fPad8:
			c.next(1)
		case fFlags8, fFlags16:
			out = c.flags(out, f)
		default:
			v := c.value(f.form)
			if c.err != nil {
				return nil, nil, coded.Errorf("llrp.field", "%s %w", f.name, c.err)
			}
			out = append(out, Value{f.name, v})
		}
	}
	if c.err != nil {
		return nil, nil, c.err
	}
	return out, c.b, nil
}

// Encode makes a message of version 1 (LLRP 1.0.1), which readers of 1.1 accept too. payload is its fixed fields and
// parameters, encoded; their parts are joined.
func Encode(t MessageType, id uint32, payload ...[]byte) []byte {
	out := binary.BigEndian.AppendUint16(nil, 1<<10|uint16(t))
	out = append(out, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, id)
	for _, p := range payload {
		out = append(out, p...)
	}
	binary.BigEndian.PutUint32(out[2:], uint32(len(out)))
	return out
}

// TLV makes a parameter with its length; content is fields and parameters, encoded, of less than 64 KiB.
func TLV(t uint16, content ...[]byte) []byte {
	out := binary.BigEndian.AppendUint16(nil, t)
	out = append(out, 0, 0)
	for _, c := range content {
		out = append(out, c...)
	}
	binary.BigEndian.PutUint16(out[2:], uint16(len(out)))
	return out
}

// TV makes a parameter of fixed length.
func TV(t uint8, content ...[]byte) []byte {
	out := []byte{0x80 | t}
	for _, c := range content {
		out = append(out, c...)
	}
	return out
}

// B2 encodes a number of two bytes, the high one first.
func B2(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

// B4 encodes a number of four bytes, the high one first.
func B4(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// B8 encodes a number of eight bytes, the high one first.
func B8(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
