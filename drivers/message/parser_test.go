package message

import (
	"fmt"
	"testing"
)

// TestParserRemembers: a text is parsed once while it is said, and forgotten when many others were said since.
func TestParserRemembers(t *testing.T) {
	p := newParser()
	parse := func(text string) any {
		t.Helper()
		parsed, err := p.Parse(text, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.Execute(map[string]string{"a": "one"}); err != nil || got != "one "+text[len("{{.a}} "):] {
			t.Fatalf("%q says %q, %v", text, got, err)
		}
		return parsed
	}
	const text = "{{.a}} thing"
	first := parse(text)
	if parse(text) != first {
		t.Error("it was parsed again")
	}
	for i := range lately {
		parse(fmt.Sprintf("{{.a}} %d", i))
	}
	if parse(text) == first || p.parsed.Len() != lately {
		t.Errorf("%d texts are kept", p.parsed.Len())
	}
	if _, err := p.Parse("{{.a", "", ""); err == nil {
		t.Error("a text that cannot be parsed was taken")
	}
}

// BenchmarkSay is a sentence with another one in it.
func BenchmarkSay(b *testing.B) {
	m := New("settings.key-pair", String("cert", "a.pem"), String("key", "b.pem"))
	for b.Loop() {
		if m.English() == "" {
			b.Fatal("nothing is said")
		}
	}
}
