package main

import (
	"bufio"
	"strings"
	"testing"
)

func TestSupportHidesPasswordsInURLs(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a password":            {"broker: mqtts://lane-3:secret@hub.example:8883", "broker: mqtts://lane-3:***@hub.example:8883"},
		"with an @":             {"broker: mqtt://u:sec@ret@hub", "broker: mqtt://u:***@hub"},
		"a name alone":          {"url: http://user@camera/", "url: http://user@camera/"},
		"a port and an address": {"url: http://camera:80/a@b", "url: http://camera:80/a@b"},
		"two on a line":         {"[http://a:b@x, http://c:d@y]", "[http://a:***@x, http://c:***@y]"},
	} {
		if got := string(secret.ReplaceAll([]byte(c.in), []byte("${1}***@"))); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
}

func TestAnAnswerMayEndWithTheInput(t *testing.T) {
	g := guide{in: bufio.NewReader(strings.NewReader(" Yes\nno"))}
	for _, want := range []string{"yes", "no"} {
		if got, err := g.answer(t.Context()); err != nil || got != want {
			t.Errorf("answer %q, %v; not %q", got, err, want)
		}
	}
}
