package hub

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/wire"
)

// fleetOf is a hub with many agents, all on one connection.
type fleetOf struct {
	t    testing.TB
	o    Options
	send func(name int, s *wire.State)
}

// fakeName is the name of an agent by its number.
func fakeName(n int) (site, agent string) {
	return fmt.Sprintf("site-%03d", n/20), fmt.Sprintf("lane-%02d", n%20)
}

// newFleet starts a hub that n agents have told that they are well.
func newFleet(t testing.TB, o Options, n int) *fleetOf {
	f := &fleetOf{t: t, o: start(t, o)}
	client, err := connect(t, wire.Broker{URL: "mqtt://" + f.o.MQTT}, "fleet")
	if err != nil {
		t.Fatal(err)
	}
	f.send = func(n int, s *wire.State) {
		text, err := protojson.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		site, agent := fakeName(n)
		if err := wire.Await(client.Publish(wire.Topic(site, agent, wire.LeafState), 0, true, text), 30*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		f.send(i, well())
	}
	eventually(t, "all agents", func() bool { return f.page("").Summary["ok"] == n })
	return f
}

func well() *wire.State {
	return &wire.State{Online: true, TimeNs: time.Now().UnixNano(), Health: &wire.Health{DiskPercent: 40}}
}

func (f *fleetOf) page(query string) (p hubapi.FleetPage) {
	f.t.Helper()
	code, text := get(f.t, "http://"+f.o.HTTP+"/v1/fleet?"+query)
	if err := json.Unmarshal([]byte(text), &p); err != nil || code != http.StatusOK {
		f.t.Fatalf("%d %s: %v", code, text, err)
	}
	return p
}

// follow calls f with each change after a version, until it returns true.
func (f *fleetOf) follow(after int64, until func(hubapi.FleetChanges) bool) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, fmt.Sprintf("http://%s/v1/fleet/changes?after=%d", f.o.HTTP, after), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		var c hubapi.FleetChanges
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			f.t.Fatalf("%s: %v", data, err)
		}
		if until(c) {
			return
		}
	}
	f.t.Fatalf("the stream ended: %v", lines.Err())
}

// TestFleetNamesTheOne: of 2,000 lanes one has a device dead, its disk full, its clock wrong, a test overdue: each is told to
// who follows, named in both languages with what to do, first on the page; and it is over when it is over.
func TestFleetNamesTheOne(t *testing.T) {
	const lanes, one = 2000, 1234
	f := newFleet(t, Options{}, lanes)
	site, agent := fakeName(one)
	now := time.Now
	for code, said := range map[string]*wire.State{
		"device-down":  {Online: true, TimeNs: now().UnixNano(), Trouble: []*wire.DeviceTrouble{{Device: "rpm-1", State: "down", Reason: "no answer"}}},
		"disk-events":  {Online: true, TimeNs: now().UnixNano(), Health: &wire.Health{DiskPercent: 100, DiskRefused: "event"}},
		"clock-off":    {Online: true, TimeNs: now().Add(time.Hour).UnixNano()},
		"test-overdue": {Online: true, TimeNs: now().UnixNano(), Health: &wire.Health{Due: []*wire.TestDue{{Device: "rpm-1", Title: "Background", Overdue: true}}}},
	} {
		before := f.page("limit=1")
		f.send(one, said)
		f.follow(before.Version, func(c hubapi.FleetChanges) bool {
			if len(c.Lanes) == 0 || c.Lanes[0].Level != hubapi.FleetTrouble {
				return false
			}
			l := c.Lanes[0]
			if len(c.Lanes) != 1 || l.Site != site || l.Agent != agent || l.Troubles[0].Code != code || l.Troubles[0].Text.EN == "" ||
				l.Troubles[0].Text.FR == l.Troubles[0].Text.EN || l.Troubles[0].Do.FR == "" || c.Summary["ok"] != lanes-1 {
				t.Errorf("%s: %+v", code, c)
			}
			return true
		})
		if p := f.page("limit=10"); p.Lanes[0].Agent != agent || p.Lanes[0].Site != site || p.Summary["trouble"] != 1 || len(p.Sites) != lanes/20 {
			t.Errorf("%s: first on the page is %+v", code, p.Lanes[0])
		}
		f.send(one, well())
		eventually(t, "the end of "+code, func() bool { return f.page("limit=1").Summary["ok"] == lanes })
	}
	f.detail(site, agent)
	_, text := get(t, "http://"+f.o.HTTP+"/v1/fleet?limit=2000", "Accept-Encoding", "gzip")
	if len(text) > 100_000 {
		t.Errorf("%d bytes for all lanes, compressed", len(text))
	}
}

// detail looks at one agent, and at one that nobody knows.
func (f *fleetOf) detail(site, agent string) {
	f.t.Helper()
	code, text := get(f.t, "http://"+f.o.HTTP+"/v1/fleet/"+site+"/"+agent)
	var a hubapi.FleetAgent
	if err := json.Unmarshal([]byte(text), &a); err != nil || code != http.StatusOK || len(a.Lanes) != 1 || a.Heard == nil {
		f.t.Errorf("%d %s %v", code, text, err)
	}
	if code, _ := get(f.t, "http://"+f.o.HTTP+"/v1/fleet/"+site+"/nobody"); code != http.StatusNotFound {
		f.t.Errorf("an agent that nobody knows: %d", code)
	}
}

// TestUnheard: what a device was after its agent's last word is not known.
func TestUnheard(t *testing.T) {
	from := time.Unix(1_800_000_000, 0)
	for after, want := range map[time.Duration]string{0: "r---", time.Hour: "rrr-", 10 * time.Hour: "rrrr", -time.Hour: "----"} {
		if got := unheard("rrrr", 4, from, from.Add(after)); got != want {
			t.Errorf("heard %v after the beginning: %s, want %s", after, got, want)
		}
	}
	if got := unheard("", 3, from, time.Time{}); got != "---" {
		t.Errorf("nothing known: %s", got)
	}
}

// BenchmarkFleetTrouble is how long a dead device at one of 2,000 lanes takes from its agent's message to a page that follows.
func BenchmarkFleetTrouble(b *testing.B) {
	f := newFleet(b, Options{}, 2000)
	dead := []*wire.DeviceTrouble{{Device: "rpm-1", State: "down", Reason: "no answer"}}
	for b.Loop() {
		before := f.page("limit=1").Version
		f.send(7, &wire.State{Online: true, TimeNs: time.Now().UnixNano(), Trouble: dead})
		f.follow(before, func(c hubapi.FleetChanges) bool { return len(c.Lanes) == 1 && c.Lanes[0].Level == hubapi.FleetTrouble })
		b.StopTimer()
		f.send(7, well())
		eventually(b, "the end", func() bool { return f.page("limit=1").Summary["ok"] == 2000 })
		b.StartTimer()
	}
}
