package hub

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// States of strangers are bounded in number and bytes, and one that is passed over leaves what was known.
func TestStatesAreBounded(t *testing.T) {
	s := newStates()
	now := time.Unix(1, 0)
	if _, err := s.store("demo", "lane-1", []byte(`{"online":true}`), now); err != nil {
		t.Fatal(err)
	}
	for what, payload := range map[string]string{
		"long": `{"software":"` + strings.Repeat("x", maxState) + `"}`, "no JSON": "{", "another type": `{"online":3}`,
	} {
		if _, err := s.store("demo", "lane-1", []byte(payload), now); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	if state, ok := s.latest("demo", "lane-1"); !ok || !state.Online || s.online() != 1 {
		t.Errorf("the state before is gone: %v", state)
	}
	var last error
	large := []byte(`{"software":"` + strings.Repeat("x", maxState-100) + `"}`)
	for i := 0; last == nil; i++ {
		if i > maxAgents {
			t.Fatal("there is no bound of bytes")
		}
		_, last = s.store("demo", fmt.Sprint("stranger-", i), large, now)
	}
	if s.bytes > maxStates {
		t.Errorf("%d bytes are kept", s.bytes)
	}
	_, _ = s.store("demo", "lane-1", large, now)
	if state, _ := s.latest("demo", "lane-1"); !state.Online {
		t.Error("a state that was passed over took the place of the one before")
	}
	s = newStates()
	for i := range maxAgents + 10 {
		_, last = s.store("demo", fmt.Sprint("stranger-", i), []byte(`{"online":true}`), now)
	}
	if last == nil || len(s.agents) != maxAgents {
		t.Errorf("%d agents, %v", len(s.agents), last)
	}
	if _, err := s.store("demo", "stranger-1", []byte(`{}`), now); err != nil || s.online() != maxAgents-1 {
		t.Errorf("a known one: %v, %d online", err, s.online())
	}
}

// How many are online follows what each says last, however often it says so.
func TestOnline(t *testing.T) {
	s, now := newStates(), time.Unix(1, 0)
	for i, c := range []struct {
		agent, payload string
		want           int
	}{
		{"a", `{"online":true}`, 1}, {"a", `{"online":true}`, 1}, {"b", `{}`, 1}, {"b", `{"online":true}`, 2},
		{"a", `{}`, 1}, {"a", `{}`, 1}, {"b", "{", 1}, {"b", `{}`, 0},
	} {
		_, _ = s.store("demo", c.agent, []byte(c.payload), now) // one is wrong, and changes nothing
		if got := s.online(); got != c.want {
			t.Errorf("message %d: %d are online, not %d", i, got, c.want)
		}
	}
}
