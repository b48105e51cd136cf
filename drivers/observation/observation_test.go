package observation

import (
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Every typed body must have a Kind with its field number, and the other way round: other programs rely on it.
func TestKindsAreFieldNumbers(t *testing.T) {
	seen := map[int32]bool{0: true}
	for i := range ofField().Fields().Len() {
		f := ofField().Fields().Get(i)
		n := int32(f.Number())
		seen[n] = true
		want := string(f.Name())
		if got := Kind(n).Name(); got != replaceFirst(want) {
			t.Errorf("field %s = %d: Kind is named %q", want, n, got)
		}
	}
	for n, name := range Kind_name {
		if !seen[n] {
			t.Errorf("%s = %d has no typed body", name, n)
		}
	}
}

func replaceFirst(s string) string {
	for i := range s {
		if s[i] == '_' {
			return s[:i] + "." + s[i+1:]
		}
	}
	return s
}

func TestNewWrapsEveryTypedBody(t *testing.T) {
	for i := range ofField().Fields().Len() {
		f := ofField().Fields().Get(i)
		msg := (&Body{}).ProtoReflect().NewField(f).Message().Interface()
		o := New(Class_CLASS_EVENT, time.Unix(1, 5), msg)
		if got := o.GetBody().Kind(); protoreflect.FieldNumber(got) != f.Number() {
			t.Errorf("New(%s) has kind %v", f.Name(), got)
		}
		if o.GetBody().Typed() == nil || o.Time().UnixNano() != 1_000_000_005 {
			t.Errorf("New(%s) = %v", f.Name(), o)
		}
	}
	if k := New(Class_CLASS_EVENT, time.Time{}, &Lane{}).GetBody().Kind(); k != Kind_KIND_UNSPECIFIED {
		t.Errorf("a Lane is no body, but has kind %v", k)
	}
}

func TestParseClass(t *testing.T) {
	for _, c := range Classes {
		if got, err := ParseClass(c.Name()); err != nil || got != c {
			t.Errorf("ParseClass(%q) = %v, %v", c.Name(), got, err)
		}
	}
	if _, err := ParseClass("Alarm"); err == nil {
		t.Error("ParseClass must be exact")
	}
}

// TestEveryKindIsDescribed: each kind of the schema has a descriptor, and no other has one.
func TestEveryKindIsDescribed(t *testing.T) {
	for n := range Kind_name {
		k := Kind(n)
		d := Describe(k)
		if (k != Kind_KIND_UNSPECIFIED) != (d.Subject != 0) {
			t.Errorf("%s: %+v", k.Name(), d)
		}
	}
	if len(descriptors) != len(byKind) {
		t.Errorf("%d descriptors of %d kinds", len(descriptors), len(byKind))
	}
}
