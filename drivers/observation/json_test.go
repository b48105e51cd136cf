package observation

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// fill sets every field of a message, down to a depth, to a value that tells it from its zero value.
func fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Kind() == protoreflect.MessageKind && depth == 0 {
			continue
		}
		value := func() protoreflect.Value {
			switch f.Kind() {
			case protoreflect.MessageKind:
				v := m.NewField(f)
				if f.IsList() {
					v = v.List().NewElement()
				}
				fill(v.Message(), depth-1)
				return v
			case protoreflect.BoolKind:
				return protoreflect.ValueOfBool(true)
			case protoreflect.StringKind:
				return protoreflect.ValueOfString("<é\"\u2028\n>")
			case protoreflect.BytesKind:
				return protoreflect.ValueOfBytes([]byte{0, 0xff, 0x3e})
			case protoreflect.EnumKind:
				return protoreflect.ValueOfEnum(f.Enum().Values().Get(1).Number())
			case protoreflect.FloatKind:
				return protoreflect.ValueOfFloat32(1.1e-7)
			case protoreflect.DoubleKind:
				return protoreflect.ValueOfFloat64(-2.5e22)
			case protoreflect.Int64Kind, protoreflect.Sint64Kind:
				return protoreflect.ValueOfInt64(math.MinInt64)
			case protoreflect.Uint64Kind:
				return protoreflect.ValueOfUint64(math.MaxUint64)
			case protoreflect.Uint32Kind:
				return protoreflect.ValueOfUint32(math.MaxUint32)
			default:
				return protoreflect.ValueOfInt32(-7)
			}
		}
		if f.IsList() {
			list := m.NewField(f).List()
			list.Append(value())
			list.Append(value())
			m.Set(f, protoreflect.ValueOfList(list))
		} else {
			m.Set(f, value())
		}
	}
}

// hexed turns protobuf's base64 into hex wherever the string is that of the test's bytes.
func hexed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = hexed(v[k])
		}
	case []any:
		for i := range v {
			v[i] = hexed(v[i])
		}
	case string:
		if raw := []byte{0, 0xff, 0x3e}; v == base64.StdEncoding.EncodeToString(raw) {
			return hex.EncodeToString(raw)
		}
	}
	return v
}

// JSON says of every kind what the protobuf JSON mapping says, but for bytes in hex.
func TestJSONIsTheProtobufMappingWithHex(t *testing.T) {
	parse := func(text []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return v
	}
	for _, f := range bodyTypes() {
		body := &Body{}
		r := body.ProtoReflect()
		fill(r.Mutable(f).Message(), 3)
		body.Artifacts = []*Artifact{{Sha256: []byte{0, 0xff, 0x3e}, Size: 1 << 60}}
		for _, m := range []proto.Message{body, &Observation{Body: body, TimeNs: 5}} {
			got, err := JSON(m)
			if err != nil {
				t.Errorf("%s: %v", f.Name(), err)
				continue
			}
			want, err := protojson.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := parse(got), hexed(parse(want)); !reflect.DeepEqual(normal(a), normal(b)) {
				t.Errorf("%s:\n%s\n%s", f.Name(), got, want)
			}
			back := m.ProtoReflect().New().Interface()
			if err := FromJSON(got, back); err != nil || !proto.Equal(back, m) {
				t.Errorf("%s: read back as %v, %v", f.Name(), back, err)
			}
		}
	}
	if got, _ := JSON(&Body{Of: &Body_VehicleWeight{&VehicleWeight{Kg: math.Inf(1), TareKg: math.NaN()}}}); string(got) != `{"vehicleWeight":{"kg":"Infinity","tareKg":"NaN"}}` {
		t.Errorf("%s", got)
	}
}

// normal makes numbers comparable that are written differently.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case json.Number:
		f, _ := v.Float64()
		return f
	}
	return v
}
