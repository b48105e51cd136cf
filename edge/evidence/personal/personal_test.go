package personal

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
)

// plateBody is a read of a plate, with a picture.
func plateBody(plate string) *observation.Body {
	return &observation.Body{
		Artifacts: []*observation.Artifact{{Sha256: bytes.Repeat([]byte{7}, 32), Size: 9, Name: plate + ".jpg"}},
		Of: &observation.Body_VehiclePlate{VehiclePlate: &observation.VehiclePlate{
			Plate: plate, Normal: plate, Skeleton: plate, Confidence: 0.9, Camera: "cam",
			Alternatives: []*observation.PlateRead{{Plate: plate + "1", Confidence: 0.5}, {Confidence: 0.1}, {Plate: plate + "2"}},
		}},
	}
}

func encoded(t interface{ Fatal(...any) }, m proto.Message) []byte {
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSplitAndJoin: nothing of a plate is left in what is hashed, and with its values the body is what it was.
func TestSplitAndJoin(t *testing.T) {
	body := encoded(t, plateBody("ABCD123"))
	public, v, err := Split(observation.Kind_KIND_VEHICLE_PLATE, body)
	if err != nil || v.IsZero() || bytes.Contains(public, []byte("ABCD")) {
		t.Fatalf("%q, %v", public, err)
	}
	var left observation.Body
	if err := proto.Unmarshal(public, &left); err != nil || left.GetVehiclePlate().GetCamera() != "cam" ||
		len(left.GetVehiclePlate().GetAlternatives()) != 3 || len(left.PersonalSha256) != 32 {
		t.Errorf("%v, %v", &left, err)
	}
	if back, err := Join(public, v); err != nil || !bytes.Equal(back, body) {
		t.Errorf("%x, %v", back, err)
	}
	again, w, err := SplitAgain(body, v.Mask, v.Salt)
	if err != nil || !bytes.Equal(again, public) || !v.Equal(w) {
		t.Errorf("again %x, %v", again, err)
	}
	_, other, _ := Split(observation.Kind_KIND_VEHICLE_PLATE, encoded(t, plateBody("EFGH456")))
	if _, err := Join(public, other); err == nil {
		t.Error("another row's values are put in")
	}
}

// TestRowsWithoutPersonalValues stay as they are, whatever they say of a commitment.
func TestRowsWithoutPersonalValues(t *testing.T) {
	body := encoded(t, &observation.Body{Of: &observation.Body_VehicleWeight{VehicleWeight: &observation.VehicleWeight{Kg: 7}}})
	public, v, err := Split(observation.Kind_KIND_VEHICLE_WEIGHT, body)
	if err != nil || !v.IsZero() || !bytes.Equal(public, body) || CommitmentOf(public) != nil {
		t.Errorf("%x, %v", public, err)
	}
	if _, _, err := Split(observation.Kind_KIND_VEHICLE_PLATE, []byte{0xff}); err == nil {
		t.Error("a body that is none is split")
	}
}

// TestSealer: a box opens with its key and for its row only; names are equal where they were.
func TestSealer(t *testing.T) {
	s, other := NewSealer([]byte("a")), NewSealer([]byte("b"))
	public, v, _ := Split(observation.Kind_KIND_VEHICLE_PLATE, encoded(t, plateBody("ABCD123")))
	foreign, _, _ := Split(observation.Kind_KIND_VEHICLE_PLATE, encoded(t, plateBody("ABCD123")))
	box := s.Seal(v, "key/1")
	if bytes.Contains(box, []byte("ABCD")) {
		t.Error("the plate is in the box")
	}
	if w, key, err := s.Open(public, box); err != nil || key != "key/1" || !v.Equal(w) {
		t.Errorf("%v %q %v", w, key, err)
	}
	for name, open := range map[string]func() (Values, string, error){
		"another key": func() (Values, string, error) { return other.Open(public, box) },
		"another row": func() (Values, string, error) { return s.Open(foreign, box) },
		"no key":      func() (Values, string, error) { return (*Sealer)(nil).Open(public, box) },
		"no box":      func() (Values, string, error) { return s.Open(public, nil) },
	} {
		if _, _, err := open(); err == nil {
			t.Errorf("%s opens it", name)
		}
	}
	a, b := s.SealName("ABC"), s.SealName("ABD")
	if a == b || a != s.SealName("ABC") || s.OpenName(a) != "ABC" || other.OpenName(a) != "" || s.OpenName("ABC") != "ABC" ||
		!IsSealedName(a) || s.SealName("") != "" {
		t.Errorf("names %q, %q", a, b)
	}
	for _, data := range []string{"", "x"} {
		sealed := s.SealBytes([]byte(data), []byte("id"))
		if got, err := Inline(s, sealed, []byte("id"), int64(len(data))); err != nil || got == nil || string(got) != data {
			t.Errorf("%q: %q, %v", data, got, err)
		}
	}
}

// TestErased: an erased row has a word where texts were, or nothing at all.
func TestErased(t *testing.T) {
	public, _, _ := Split(observation.Kind_KIND_VEHICLE_PLATE, encoded(t, plateBody("ABCD123")))
	for word, want := range map[string]string{"": "", "erased": "erased"} {
		text, err := Erased(observation.Kind_KIND_VEHICLE_PLATE, public, word)
		var b observation.Body
		if err != nil || proto.Unmarshal(text, &b) != nil || b.GetVehiclePlate().GetNormal() != want || b.PersonalSha256 != nil {
			t.Errorf("%v, %v", &b, err)
		}
	}
}

// TestEveryKind: a body of each kind with a value in every field comes back as it was, without one personal value
// left in what is hashed.
func TestEveryKind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := observation.Kind(rapid.SampledFrom(kinds()).Draw(t, "kind"))
		body := &observation.Body{}
		r := body.ProtoReflect()
		f := r.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(kind))
		texts := 0
		fill(t, r.Mutable(f).Message(), 0, &texts)
		text := encoded(t, body)
		public, v, err := Split(kind, text)
		if err != nil {
			t.Fatal(err)
		}
		v.Each(func(value []byte) bool {
			if len(value) >= 8 && bytes.Contains(public, value) {
				t.Fatalf("%q is in %q", value, public)
			}
			return true
		})
		if v.IsZero() {
			return
		}
		back, err := Join(public, v)
		if err != nil || !bytes.Equal(back, text) {
			t.Fatalf("%x became %x, %v", text, back, err)
		}
		again, _, err := SplitAgain(back, v.Mask, v.Salt)
		if err != nil || !bytes.Equal(again, public) {
			t.Fatalf("split again %x, %v", again, err)
		}
	})
}

func kinds() (out []int32) {
	for n := range observation.Kind_name {
		if n != 0 {
			out = append(out, n)
		}
	}
	slices.Sort(out) // the same draws are the same body in every run
	return out
}

// fill gives texts, bytes and messages of a message values, each text another: a public field with the text of a
// personal one would be found where the personal one must not be. texts counts those given.
func fill(t *rapid.T, m protoreflect.Message, depth int, texts *int) {
	value := func(f protoreflect.FieldDescriptor) protoreflect.Value {
		*texts++
		text := fmt.Sprintf("%s %s %06d", f.Name(), strings.Repeat("x", rapid.IntRange(0, 300).Draw(t, "length")), *texts)
		if f.Kind() == protoreflect.BytesKind {
			return protoreflect.ValueOfBytes([]byte(text))
		}
		return protoreflect.ValueOfString(text)
	}
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		named := f.Kind() == protoreflect.StringKind || f.Kind() == protoreflect.BytesKind
		switch {
		case f.ContainingOneof() != nil || depth > 3 || !rapid.Bool().Draw(t, "has"):
		case f.IsList() && f.Message() != nil:
			fill(t, m.Mutable(f).List().AppendMutable().Message(), depth+1, texts)
		case f.IsList() && named:
			m.Mutable(f).List().Append(value(f))
			m.Mutable(f).List().Append(value(f))
		case f.Message() != nil && !f.IsList():
			fill(t, m.Mutable(f).Message(), depth+1, texts)
		case named && !f.IsList():
			m.Set(f, value(f))
		}
	}
}

// FuzzSplitAgain: a hub takes body, mask and salt from elsewhere. What it makes of them is a body that commits to
// the values, or an error.
func FuzzSplitAgain(f *testing.F) {
	body := encoded(f, plateBody("ABCD123"))
	f.Add(body, MaskOf(observation.Kind_KIND_VEHICLE_PLATE).Bytes())
	f.Fuzz(func(t *testing.T, body, mask []byte) {
		public, v, err := SplitAgain(body, mask, make([]byte, SaltBytes))
		if err != nil {
			return
		}
		if !bytes.Equal(CommitmentOf(public), v.commitment()) {
			t.Errorf("%x does not commit to its values", public)
		}
		if back, err := Join(public, v); err != nil {
			t.Errorf("%x, %v", back, err)
		}
	})
}

// BenchmarkSplit is what a read of a plate costs its caller: values taken out, hashed and sealed.
func BenchmarkSplit(b *testing.B) {
	body, sealer := encoded(b, plateBody("ABCD123")), NewSealer([]byte("of a test"))
	b.ReportAllocs()
	for b.Loop() {
		_, v, err := Split(observation.Kind_KIND_VEHICLE_PLATE, body)
		if err != nil {
			b.Fatal(err)
		}
		sealer.Seal(v, "key/1")
	}
}

// A body may repeat its commitment as often as it likes: the first counts, all are taken out, in one pass.
func TestManyCommitments(t *testing.T) {
	other := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "other")
	body := bytes.Clone(other)
	const many = 200_000
	for i := range many {
		body = protowire.AppendTag(body, commitmentField, protowire.BytesType)
		body = protowire.AppendBytes(body, []byte{byte(i + 1)})
	}
	body = append(body, other...)
	bare, commitment, err := cutCommitment(body)
	if err != nil || !bytes.Equal(bare, append(bytes.Clone(other), other...)) || !bytes.Equal(commitment, []byte{1}) {
		t.Errorf("%d bytes are left, commitment %x, %v", len(bare), commitment, err)
	}
}
