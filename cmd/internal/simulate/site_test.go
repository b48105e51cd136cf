package simulate

import (
	"bytes"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/lane"
)

// testDemo is a demonstration that prints into a buffer.
func testDemo(t *testing.T, scenario string) (*demo, *bytes.Buffer) {
	var out bytes.Buffer
	d := &demo{dir: t.TempDir(), scenario: scenario, p: cli.Printer{Writer: &out, Language: message.English}, screen: cli.NewScreen(&out)}
	d.sites = sitesOf(scenario, d.dir)
	return d, &out
}

// The sites of a demonstration have all addresses to themselves, and their lane files are sound. The hub's pages are what
// is printed first.
func TestSites(t *testing.T) {
	d, out := testDemo(t, "")
	taken := map[string]string{}
	for _, s := range d.sites {
		if err := d.prepare(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(s.file())
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.FieldsFunc(string(text), func(r rune) bool { return strings.ContainsRune(" \"{},\n/", r) }) {
			host, _, err := net.SplitHostPort(word)
			if err != nil || net.ParseIP(host) == nil {
				continue
			}
			if other, is := taken[word]; is && other != s.id || host != s.host {
				t.Errorf("%s has %s, as %s", s.id, word, other)
			}
			taken[word] = s.id
		}
		for _, want := range []string{"accounts_file", "orders: {root:", s.dir + "/agent"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: no %s in\n%s", s.id, want, text)
			}
		}
	}
	if len(d.sites) != 3 || !slices.ContainsFunc(d.sites, func(s *site) bool { return s.away }) {
		t.Errorf("%d sites", len(d.sites))
	}
	out.Reset()
	d.welcome()
	lines := strings.Split(out.String(), "\n")
	if !strings.Contains(lines[0], "http://"+demoHub+"/") || !strings.Contains(out.String(), "Rail portal") {
		t.Errorf("printed is\n%s", out)
	}
}

// A scenario that is named has a site to itself, where the hub is.
func TestOneSite(t *testing.T) {
	d, out := testDemo(t, "rail")
	if err := d.prepare(t.Context(), d.sites[0]); err != nil {
		t.Fatal(err)
	}
	if s := d.sites[0]; len(d.sites) != 1 || s.broker() != demoMQTT || s.dir != d.dir || s.id != "rail" {
		t.Errorf("%+v", s)
	}
	d.event(d.sites[0], "It rains")
	if !strings.Contains(out.String(), "  It rains\n") {
		t.Errorf("%q", out)
	}
}

// The status line says of each site what does not work, and what waits while its link is down.
func TestSummary(t *testing.T) {
	var s api.Status
	s.Devices = make([]lane.Status, 3)
	for i := range s.Devices {
		s.Devices[i].ID, s.Devices[i].State = "rpm-1", "running"
	}
	s.Link.Ready = true
	p := cli.Printer{Language: message.English}
	if got := summary(p, s); got != "3 of 3" {
		t.Errorf("%q", got)
	}
	s.Devices[1].State, s.Link.Ready = "silent", false
	s.Journal.Waiting = map[string]int64{"alarm": 1, "telemetry": 41}
	if got := summary(p, s); got != "2 of 3, rpm-1 silent, link down, 42 records wait" {
		t.Errorf("%q", got)
	}
}
