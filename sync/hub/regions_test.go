package hub

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicos/sim"
	"lanewarden/drivers/xray/picture"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/postgres/postgrestest"
	"lanewarden/sync/hub/people"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// regionLane is a lane that sends images only when somebody asks for them.
type regionLane struct {
	journal *journal.Journal
	dir     string
	stop    func()
	path    string // of its image at the hub
}

// newRegionLane starts a lane with an image of 1200 x 400 pixels and a document.
func newRegionLane(t *testing.T, http string, b wire.Broker) (l *regionLane, document string) {
	l = &regionLane{dir: t.TempDir()}
	var err error
	if l.journal, err = journal.Open(l.dir, journal.Options{Site: "demo", Agent: "lane-1"}); err != nil {
		t.Fatal(err)
	}
	never, err := firmwareconfig.ParseHours("never")
	if err != nil {
		t.Fatal(err)
	}
	u, err := uplink.New(l.journal, uplink.Options{
		Paths:          []uplink.Path{{Broker: b, Artifacts: never}},
		TelemetryDelay: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); u.Run(ctx) }()
	l.stop = func() { cancel(); <-done }
	t.Cleanup(func() { l.stop(); l.journal.Close() })
	var image bytes.Buffer
	if err := (sim.Scan{Seed: 1, At: time.Unix(1_800_000_000, 0), Rows: 400, Columns: 1200}).WriteImage(&image); err != nil {
		t.Fatal(err)
	}
	at := func(data []byte, media string) string {
		file, err := l.journal.StoreArtifact(t.Context(), bytes.NewReader(data), media, "")
		if err != nil {
			t.Fatal(err)
		}
		row := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.DeviceState{Reason: "x"})
		row.Device, row.Body.Artifacts = "xray-1", []*observation.Artifact{file}
		if _, err := l.journal.Commit(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		path := "http://" + http + "/v1/artifacts/" + hex.EncodeToString(file.Sha256)
		eventually(t, "its row at the hub", func() bool { code, _ := get(t, path+"/state"); return code != 404 })
		return path
	}
	l.path = at(image.Bytes(), "application/dicom")
	return l, at([]byte(strings.Repeat("a document ", 10_000)), "text/plain")
}

// TestRegionOfAnImageAtItsLane: who looks at an image that has not come has a region of it at full depth, without the image;
// what cannot be had is said, and the image comes by the same address later.
func TestRegionOfAnImageAtItsLane(t *testing.T) {
	o := start(t, Options{})
	l, document := newRegionLane(t, o.HTTP, wire.Broker{URL: "mqtt://" + o.MQTT, KeepAlive: 20 * time.Second})
	code, body := get(t, l.path+"/region?region=100,50,200,100")
	s, values, err := picture.ReadValues(strings.NewReader(body))
	if code != http.StatusOK || err != nil || s.Region != [4]int{100, 50, 200, 100} || len(values) != s.Width*s.Height || s.Columns != 1200 {
		t.Fatalf("%d %.200s, %+v, %v", code, body, s, err)
	}
	if code, text := get(t, l.path+"/values"); code != http.StatusServiceUnavailable {
		t.Errorf("the image came: %d %.100s", code, text)
	}
	for path, want := range map[string]struct {
		code int
		text string
	}{
		l.path + "/region?region=1100,0,101,10": {http.StatusBadRequest, "does not lie inside"},
		l.path + "/region?region=1,2,3":         {http.StatusBadRequest, "x,y,width,height"},
		l.path + "/region?within=5":             {http.StatusBadRequest, "within"},
		document + "/region":                    {http.StatusUnprocessableEntity, "cannot read this file"},
		strings.Replace(l.path, "artifacts/", "artifacts/0", 1)[:len(l.path)] + "/region": {http.StatusNotFound, ""},
	} {
		if code, text := get(t, path); code != want.code || !strings.Contains(text, want.text) {
			t.Errorf("%s: %d %.300s", path, code, text)
		}
	}
	resp, err := http.Post(l.path+"/pull", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	eventually(t, "the whole image", func() bool { code, _ := get(t, l.path+"/values"); return code == http.StatusOK })
	if code, whole := get(t, l.path+"/region?region=100,50,200,100"); code != http.StatusOK || whole != get2(t, l.path+"/values?region=100,50,200,100") {
		t.Errorf("of an image that is here: %d", code)
	}
}

func get2(t *testing.T, url string) string {
	_, text := get(t, url)
	return text
}

// TestRegionThatIsGone: the lane has removed the file; and then the lane is away.
func TestRegionThatIsGone(t *testing.T) {
	o := start(t, Options{})
	l, _ := newRegionLane(t, o.HTTP, wire.Broker{URL: "mqtt://" + o.MQTT, KeepAlive: 20 * time.Second})
	if err := os.RemoveAll(filepath.Join(l.dir, "artifacts")); err != nil {
		t.Fatal(err)
	}
	if code, text := get(t, l.path+"/region"); code != http.StatusNotFound || !strings.Contains(text, "no longer at the lane") {
		t.Errorf("%d %.300s", code, text)
	}
	l.stop()
	eventually(t, "the lane's end", func() bool {
		code, text := get(t, l.path+"/region")
		return code == http.StatusServiceUnavailable && strings.Contains(text, "demo/lane-1, which is not connected")
	})
}

// TestLooksAtRegions: a look at a region is on record as one at the image, and who sees another site only does not see it.
func TestLooksAtRegions(t *testing.T) {
	o := start(t, Options{HTTPAccounts: accountsFile(t,
		people.Person{Name: "eve", Roles: []people.Role{people.Viewer}}, people.Person{Name: "sue", Roles: []people.Role{people.Supervisor}},
		people.Person{Name: "tom", Roles: []people.Role{people.Operator}},
		people.Person{Name: "far", Roles: []people.Role{people.Officer}, Sites: []string{"windsor"}})})
	l, _ := newRegionLane(t, o.HTTP, wire.Broker{URL: "mqtt://" + o.MQTT, KeepAlive: 20 * time.Second})
	path := strings.TrimPrefix(l.path, "http://"+o.HTTP)
	as := map[string]*browser{}
	for _, name := range []string{"eve", "sue", "tom", "far"} {
		as[name] = newBrowser(t, o.HTTP)
		if code := as[name].signIn(name, password); code != http.StatusOK {
			t.Fatalf("%s: %d", name, code)
		}
	}
	eventually(t, "the region", func() bool {
		code, _ := as["eve"].do(http.MethodGet, path+"/region?region=0,0,50,40", "")
		return code == http.StatusOK
	})
	for name, want := range map[string]int{"far": http.StatusNotFound, "tom": http.StatusForbidden} {
		if code, text := as[name].do(http.MethodGet, path+"/region", ""); code != want {
			t.Errorf("%s: %d %.200s", name, code, text)
		}
	}
	eventually(t, "who looked at it", func() bool {
		_, text := as["sue"].do(http.MethodGet, "/v1/looks?thing="+strings.TrimPrefix(path, "/v1/artifacts/"), "")
		var page hubapi.LookPage
		return json.Unmarshal([]byte(text), &page) == nil && len(page.Looks) == 1 && page.Looks[0].User == "eve" && page.Looks[0].What == "artifact"
	})
}

// TestRegionByAnyHub: in a cluster, whichever hub is asked has the answer of the lane, which one of them serves.
func TestRegionByAnyHub(t *testing.T) {
	c := startNATS(t, 1, 2)
	c.ledger = postgrestest.URL(t)
	hubs := []*clusterHub{c.hub("a"), c.hub("b")}
	b := wire.Broker{URL: c.mqtt[0], Username: "demo/lane-1", PasswordFile: c.password, KeepAlive: 5 * time.Second}
	l, _ := newRegionLane(t, hubs[0].HTTP, b)
	for _, h := range hubs {
		path := strings.Replace(l.path, hubs[0].HTTP, h.HTTP, 1)
		eventually(t, "the lane's state at each hub", func() bool {
			code, _ := get(t, path+"/region?region=0,0,200,100")
			return code == http.StatusOK
		})
	}
}

// asking returns regions whose agents are online and whose questions go to a function.
func asking(t *testing.T, publish func(ack *wire.Ack)) *regions {
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { codec.Close() })
	st, source := newStates(), publishes(func(payload []byte) {
		ack := &wire.Ack{}
		if err := codec.Decode(payload, ack); err != nil {
			t.Error(err)
		}
		publish(ack)
	})
	for _, agent := range []string{"lane-1", "lane-2"} {
		if _, err := st.store("demo", agent, []byte(`{"online":true}`), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return newRegions(codec, source, st, &acks{codec: codec, source: source}, slog.New(slog.DiscardHandler))
}

// publishes is a source that hands on what is published.
type publishes func(payload []byte)

func (p publishes) run(ctx context.Context, _ *inbox) error { return ctx.Err() }
func (p publishes) close() error                            { return nil }
func (p publishes) publish(_ string, payload []byte) error {
	p(payload)
	return nil
}

// TestRegionBounds: one person, and one lane, have few regions under way; the next is refused, and may come when one has ended.
func TestRegionBounds(t *testing.T) {
	cancelled := make(chan uint64, 16)
	r := asking(t, func(ack *wire.Ack) {
		for _, one := range ack.Regions {
			if one.Cancel {
				cancelled <- one.Tag
			}
		}
	})
	at := func(agent string) []ledger.NamedBy {
		return []ledger.NamedBy{{Site: "demo", Agent: agent, Journal: "00"}}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, maxRegionsOfUser)
	for range maxRegionsOfUser {
		go func() { _, err := r.fetch(ctx, "ana", at("lane-1"), &wire.Region{}); ended <- err }()
	}
	eventually(t, "what is under way", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.open) == maxRegionsOfUser })
	for _, c := range []struct{ user, agent string }{{"ana", "lane-2"}, {"bob", "lane-1"}} {
		_, err := r.fetch(ctx, c.user, at(c.agent), &wire.Region{})
		if p := problemOf(err); p == nil || p.Code != api.TooMany {
			t.Errorf("%+v: %v", c, err)
		}
	}
	cancel()
	for range maxRegionsOfUser {
		if err := <-ended; err != context.Canceled {
			t.Error(err)
		}
		<-cancelled
	}
	if len(r.open) != 0 {
		t.Errorf("%d are open", len(r.open))
	}
}

// problemOf returns an error as a problem; nil for another.
func problemOf(err error) *api.Problem {
	p, _ := err.(*api.Problem)
	return p
}

// TestAnswersToRegions: parts that are of another agent, leave a hole or come twice change nothing, and what an agent refuses
// is said.
func TestAnswersToRegions(t *testing.T) {
	part := func(tag uint64, at int64, data string) *wire.Chunk {
		return &wire.Chunk{Total: 6, Offset: at, Data: []byte(data), Region: &wire.RegionPart{Tag: tag}}
	}
	lane, other := ledger.Sender{Site: "demo", Agent: "lane-1"}, ledger.Sender{Site: "demo", Agent: "lane-2"}
	for name, c := range map[string]struct {
		say  func(r *regions, tag uint64)
		want string
		code api.Code
	}{
		"in two parts": {func(r *regions, tag uint64) {
			for _, p := range []*wire.Chunk{part(tag, 3, "hole"[:3]), part(tag, 0, "abc"), part(tag, 0, "abc"), part(tag+1, 3, "xyz")} {
				r.keep(lane, p)
			}
			r.keep(other, part(tag, 3, "bad"))
			r.keep(lane, part(tag, 3, "def"))
		}, "abcdef", ""},
		"too large": {func(r *regions, tag uint64) {
			p := &wire.RegionPart{Tag: tag, Refused: wire.RegionRefusal_REGION_TOO_LARGE, TakesMs: 95_000}
			if err := r.receive(lane, &wire.Chunk{Region: p}); err != nil {
				t.Error(err)
			}
		}, "2\u00a0min", api.TooLarge},
		"busy": {func(r *regions, tag uint64) {
			r.keep(lane, &wire.Chunk{Region: &wire.RegionPart{Tag: tag, Refused: wire.RegionRefusal_REGION_BUSY}})
		}, "on their way", api.TooMany},
		"held": {func(r *regions, tag uint64) {
			r.keep(lane, &wire.Chunk{Region: &wire.RegionPart{Tag: tag, Refused: wire.RegionRefusal_REGION_HELD}})
		}, "this month", api.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			tags := make(chan uint64, 1)
			r := asking(t, func(ack *wire.Ack) {
				if len(ack.Regions) == 1 && !ack.Regions[0].Cancel {
					tags <- ack.Regions[0].Tag
				}
			})
			said := make(chan struct{})
			go func() { c.say(r, <-tags); close(said) }()
			data, err := r.fetch(t.Context(), "", []ledger.NamedBy{{Site: "demo", Agent: "lane-1", Journal: "00"}}, &wire.Region{})
			<-said
			if p := problemOf(err); (p == nil) != (c.code == "") || p != nil && (p.Code != c.code || !strings.Contains(p.Detail, c.want)) || p == nil && string(data) != c.want {
				text, _ := json.Marshal(p)
				t.Errorf("%q, %s", data, text)
			}
		})
	}
}

// TestCheckRegion: what an agent sends is values, and not too many.
func TestCheckRegion(t *testing.T) {
	head := func(w, h int) []byte {
		text := fmt.Sprintf(`{"width":%d,"height":%d}`, w, h)
		return append([]byte{'L', 'W', 'P', '1', byte(len(text)), 0, 0, 0}, text...)
	}
	for _, data := range [][]byte{nil, []byte("<html>"), head(10, 10), head(1<<30, 1<<30), head(-1, 5)} {
		if checkRegion(data) == nil {
			t.Errorf("%.40q is taken", data)
		}
	}
}
