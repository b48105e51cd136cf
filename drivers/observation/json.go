package observation

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// JSON returns a message as JSON. It is the protobuf JSON mapping (64-bit integers are strings, so that JavaScript does
// not round them; enumerations are names; absent fields are left out) but for bytes, which are lower-case hex instead of
// base64: SHA-256 hashes and EPCs are written so in URLs and on labels. Fields come in the order of their numbers, so the
// same message always gives the same text.
func JSON(m proto.Message) (json.RawMessage, error) {
	return encoder{}.appendMessage(nil, m.ProtoReflect())
}

// JSONWithFrench is JSON in which a Message has its sentence in French as "fr" besides. french returns that sentence, ""
// where it knows none: the catalogue of sentences is not of this package. The English one is the text that stands beside
// the Message. A Message within another one has no sentence of its own.
func JSONWithFrench(m proto.Message, french func(*Message) string) (json.RawMessage, error) {
	return encoder{french}.appendMessage(nil, m.ProtoReflect())
}

// encoder writes JSON. french is nil for JSON without sentences.
type encoder struct{ french func(*Message) string }

func (e encoder) appendMessage(dst []byte, m protoreflect.Message) (out []byte, err error) {
	dst = append(dst, '{')
	fields := m.Descriptor().Fields()
	first := true
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), f.JSONName()...), '"', ':')
		if dst, err = e.appendField(dst, f, m.Get(f)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.FullName(), err)
		}
	}
	if said, ok := m.Interface().(*Message); ok && e.french != nil {
		if text := e.french(said); text != "" {
			quoted, err := json.Marshal(text)
			if err != nil {
				return nil, err
			}
			dst = append(append(dst, `,"fr":`...), quoted...)
		}
	}
	return append(dst, '}'), nil
}

func (e encoder) appendField(dst []byte, f protoreflect.FieldDescriptor, v protoreflect.Value) (out []byte, err error) {
	switch {
	case f.IsMap():
		return nil, fmt.Errorf("maps have no JSON form here")
	case !f.IsList():
		return e.appendValue(dst, f, v)
	}
	dst = append(dst, '[')
	list := v.List()
	for i := range list.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = e.appendValue(dst, f, list.Get(i)); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func (e encoder) appendValue(dst []byte, f protoreflect.FieldDescriptor, v protoreflect.Value) ([]byte, error) {
	switch f.Kind() {
	case protoreflect.MessageKind:
		if _, ok := v.Message().Interface().(*MessageArgument); ok {
			e.french = nil // of the whole is enough
		}
		return e.appendMessage(dst, v.Message())
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v.Bool()), nil
	case protoreflect.StringKind:
		text, err := json.Marshal(v.String())
		return append(dst, text...), err
	case protoreflect.BytesKind:
		return append(hex.AppendEncode(append(dst, '"'), v.Bytes()), '"'), nil
	case protoreflect.EnumKind:
		if known := f.Enum().Values().ByNumber(v.Enum()); known != nil {
			return append(append(append(dst, '"'), known.Name()...), '"'), nil
		}
		return strconv.AppendInt(dst, int64(v.Enum()), 10), nil
	case protoreflect.FloatKind:
		return appendFloat(dst, v.Float(), 32), nil
	case protoreflect.DoubleKind:
		return appendFloat(dst, v.Float(), 64), nil
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return append(strconv.AppendInt(append(dst, '"'), v.Int(), 10), '"'), nil
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return append(strconv.AppendUint(append(dst, '"'), v.Uint(), 10), '"'), nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	}
	return nil, fmt.Errorf("kind %s has no JSON form here", f.Kind())
}

// appendFloat writes a number as encoding/json does; what JSON has no number for is a string, as protobuf has it.
func appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, bits)
}

// FromJSON is the inverse of JSON: it decodes text into m. A field that m does not know is passed over.
func FromJSON(text []byte, m proto.Message) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return err
	}
	if err := hexToBase64(v, m.ProtoReflect().Descriptor()); err != nil {
		return err
	}
	standard, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(standard, m)
}

// hexToBase64 turns the bytes fields of a decoded message into the form of the protobuf JSON mapping.
func hexToBase64(v map[string]any, d protoreflect.MessageDescriptor) error {
	for name, value := range v {
		f := d.Fields().ByJSONName(name)
		if f == nil || f.Kind() != protoreflect.BytesKind && f.Kind() != protoreflect.MessageKind {
			continue
		}
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		for i, one := range list {
			switch one := one.(type) {
			case map[string]any:
				if f.Kind() == protoreflect.MessageKind {
					if err := hexToBase64(one, f.Message()); err != nil {
						return err
					}
				}
			case string:
				if f.Kind() != protoreflect.BytesKind {
					continue
				}
				raw, err := hex.DecodeString(one)
				if err != nil {
					return fmt.Errorf("%s: %w", f.FullName(), err)
				}
				list[i] = base64.StdEncoding.EncodeToString(raw)
			}
		}
		if !isList {
			v[name] = list[0]
		}
	}
	return nil
}
