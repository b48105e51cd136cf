package driver

import (
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

func TestKey(t *testing.T) {
	a, b := Key("x", []byte("ab"), []byte("c")), Key("x", []byte("a"), []byte("bc"))
	if a == b || a != Key("x", []byte("ab"), []byte("c")) || a == Key("y", []byte("ab"), []byte("c")) {
		t.Errorf("%s %s", a, b)
	}
	for key, want := range map[string]string{a: "x", "plain": "plain", "a/b": "a/b", Key("a/b"): "a/b", "": "",
		"x/zzzzzzzzzzzzzzzz": "x/zzzzzzzzzzzzzzzz"} {
		if got := KeyName(key); got != want {
			t.Errorf("name of %q is %q, want %q", key, got, want)
		}
	}
}

// TestSetKey holds that a key is the same for the same observation, and another one for another body, time or class.
func TestSetKey(t *testing.T) {
	key := func(class observation.Class, at time.Time, value string) string {
		o := observation.New(class, at, &observation.VehicleCode{Value: value})
		SetKey(o, "code")
		return o.Key
	}
	at := time.Unix(1000, 0)
	first := key(observation.Class_CLASS_EVENT, at, "A")
	if first != key(observation.Class_CLASS_EVENT, at, "A") {
		t.Error("a repeat has another key")
	}
	for _, other := range []string{key(observation.Class_CLASS_ALARM, at, "A"), key(observation.Class_CLASS_EVENT,
		at.Add(1), "A"), key(observation.Class_CLASS_EVENT, at, "B")} {
		if other == first || KeyName(other) != "code" {
			t.Errorf("%s and %s", first, other)
		}
	}
}

// TestKeyedReports holds that reports of one name and time with other content are told apart.
func TestKeyedReports(t *testing.T) {
	at := time.Unix(1000, 0)
	var c1, c2 Conditions
	if a, b := c1.Set(at, "stuck", "loop", true, message.Verbatim("a")), c2.Set(at, "stuck", "loop", true, message.Verbatim("b")); a[0].Key == b[0].Key {
		t.Error("two conditions, one key")
	}
	if a, b := OutputSet(at, "light", "on", message.Verbatim("r"), false), OutputSet(at, "light", "off", message.Verbatim("r"), false); a.Key == b.Key {
		t.Error("two outputs, one key")
	}
	var f1, f2 Faults
	f1.Add(at, message.Verbatim("a"), 0, nil)
	f2.Add(at, message.Verbatim("b"), 0, nil)
	if a, b := f1.Take(), f2.Take(); a[0].Key == b[0].Key {
		t.Error("two faults, one key")
	}
}
