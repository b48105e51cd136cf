package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// fakeAgent answers on a socket as laned does.
func fakeAgent(t *testing.T, routes map[string]string) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := routes[r.URL.EscapedPath()]
		if !ok {
			http.Error(w, "there is no such passage among the latest", http.StatusNotFound)
			return
		}
		fmt.Fprint(w, text)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return socket
}

// With an ID, --json prints that passage and no other.
func TestPassageJSON(t *testing.T) {
	socket := fakeAgent(t, map[string]string{
		"/v1/passages":          `{"passages":[{"id":"lane-1-1"},{"id":"lane-1-2"}],"clocks":{}}`,
		"/v1/passages/lane-1-2": `{"passage":{"id":"lane-1-2"},"observations":[]}`,
	})
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		c := passagesCommand()
		c.SetArgs(append(args, "--socket", socket, "--json"))
		c.SetOut(&out)
		c.SetErr(&out)
		err := c.Execute()
		return out.String(), err
	}
	if out, err := run("lane-1-2"); err != nil || strings.Contains(out, "lane-1-1") || !strings.Contains(out, "lane-1-2") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := run(); err != nil || !strings.Contains(out, "lane-1-1") {
		t.Errorf("all: %v: %s", err, out)
	}
	if _, err := run("lane-1-9"); err == nil || !strings.Contains(err.Error(), "no such passage") {
		t.Errorf("a passage that is not there: %v", err)
	}
}

// A line of tail is a sentence with the names of its artifacts, not JSON.
func TestGist(t *testing.T) {
	volts := float32(120)
	for name, c := range map[string]struct {
		of   proto.Message
		want string
	}{
		"mains":  {&observation.SitePower{Status: "OL", InputVolts: &volts}, "On mains, mains 120 V  artifact 0a0b"},
		"a long": {&observation.DeviceFault{Reason: strings.Repeat("é", 500)}, "Input not understood: " + strings.Repeat("é", gistMax-22) + "…  artifact 0a0b"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &observation.Observation{Body: observation.New(observation.Class_CLASS_EVENT, time.Unix(0, 0), c.of).Body}
			o.Body.Artifacts = []*observation.Artifact{{Sha256: []byte{10, 11}}}
			text, err := observation.JSON(o)
			if err != nil {
				t.Fatal(err)
			}
			if got := gist(text, message.English); got != c.want {
				t.Errorf("%q, expected %q", got, c.want)
			}
		})
	}
}
