package hub

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/layout"
)

// viewed returns the hub's pages over a ledger that has the events of one agent, folded.
func viewed(t *testing.T, events ...proto.Message) *httptest.Server {
	served := httptest.NewServer(viewedServer(t, events...).handler())
	t.Cleanup(served.Close)
	return served
}

// viewedServer is viewed without its listener.
func viewedServer(t *testing.T, events ...proto.Message) *httpServer {
	l, err := ledger.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	j, err := journal.Open(t.TempDir(), journal.Options{Site: "emerson", Agent: "lane-7", SignEvery: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	for _, e := range events {
		class := observation.Class_CLASS_EVENT
		if _, ok := e.(*observation.RadiationOccupancy); ok {
			class = observation.Class_CLASS_ALARM
		}
		o := observation.New(class, time.Now(), e)
		if o.Device = "agent"; o.Body.Kind() == observation.Kind_KIND_DEVICE_STATE {
			o.Device = "rpm-1"
		}
		if _, err := j.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	id := j.Identity()
	from := ledger.Sender{Site: "emerson", Agent: "lane-7"}
	hello := ledger.Hello{From: from, Body: &wire.Hello{Journal: id.ID, Size: j.Size(), BlindKey: id.BlindKey, Verifier: id.Verifier, Epoch: 1,
		Inventory: &observation.Inventory{Lanes: []*observation.Lane{{Id: "lane-1", Title: "Lane 1"}},
			Devices: []*observation.Device{{Id: "rpm-1", Title: "Portal", Driver: "vm250", Lane: "lane-1"}}}}}
	messages := []ledger.Message{hello}
	for _, class := range observation.Classes {
		rows, err := j.ReadClass(class, -1, 500, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		packed := make([]wire.Row, len(rows))
		for i := range rows {
			packed[i] = wire.RowOf(&rows[i], true)
		}
		if len(rows) > 0 {
			messages = append(messages, ledger.Batch{From: from, Body: wire.NewBatch(id.ID, class, -1, packed)})
		}
	}
	if _, err := l.Apply(messages); err != nil {
		t.Fatal(err)
	}
	apply := func(_ context.Context, m ledger.Message) error {
		_, err := l.Apply([]ledger.Message{m})
		return err
	}
	s := &httpServer{ledger: l, states: newStates(), opts: Options{Log: slog.New(slog.DiscardHandler)}}
	s.views = views.New(l, apply, s.opts.Log)
	if err := s.views.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// answer returns the status of a GET, and decodes its body.
func answer[T any](t *testing.T, s *httptest.Server, path string) (out T, status int) {
	t.Helper()
	resp, err := s.Client().Get(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", path, err, text)
	}
	return out, resp.StatusCode
}

// TestPassagesAndDecisionsOverHTTP: a vehicle is found by its names and opened with the decision that is in force, its
// reasons and the lists; lanes tell their lists, decisions of the day and devices; what is wrong in a question is said.
func TestPassagesAndDecisionsOverHTTP(t *testing.T) {
	now := time.Now().UnixNano()
	passage := func(id, plate string, at int64) *observation.PassageClosed {
		return &observation.PassageClosed{Id: id, Lane: "lane-1", OpenedNs: at, Plate: plate, State: observation.PassageState_PASSAGE_STATE_CLOSED,
			Readings: []*observation.PassageReading{{Idx: 0, Device: "rpm-1", Kind: 22, TimeNs: at}}}
	}
	s := viewed(t, &observation.DeviceState{State: observation.DeviceState_STATE_DOWN, Reason: "refused"},
		passage("p1", "ABC1D23", now-2), passage("p2", "ABC1D23", now-1), passage("p3", "XYZ", now),
		&observation.ClearanceDecision{Presentation: "v1", Revision: 1, Lane: "lane-1", Passage: "p2", Outcome: "REFER", Decided: "HOLD", OverriddenBy: "ann", NowNs: now,
			Reasons: []*observation.ClearanceReason{{Code: "TARGET", Outcome: "HOLD"}}, Lists: []*observation.ListInForce{{List: "targets", Version: 12, IssuedNs: now}}},
		&observation.ClearanceOverride{Presentation: "v1", Revision: 1, Was: "HOLD", Outcome: "REFER", By: "ann", Reason: "seen"})

	page, _ := answer[hubapi.PassagePage](t, s, "/v1/passages?plate=abc-1d23&limit=1")
	if len(page.Passages) != 1 || page.Next == "" || page.Passages[0].Outcome != "REFER" || !strings.Contains(string(page.Passages[0].Passage), `"p2"`) {
		t.Errorf("%+v", page)
	}
	page, _ = answer[hubapi.PassagePage](t, s, "/v1/passages?plate=abc-1d23&limit=1&after="+page.Next)
	if len(page.Passages) != 1 || !strings.Contains(string(page.Passages[0].Passage), `"p1"`) {
		t.Errorf("%+v", page)
	}
	record, _ := answer[hubapi.PassageRecord](t, s, "/v1/passages/emerson/lane-7/p2")
	if d := record.Decision; d == nil || d.Outcome != "REFER" || d.Reasons[0].Code != "TARGET" || d.Lists[0].Version != 12 ||
		len(record.Overrides) != 1 || record.Overrides[0].Summary.Words != "seen" || len(record.Earlier) != 1 || len(record.Observations) != 1 {
		t.Errorf("%+v", record)
	}
	decisions, _ := answer[hubapi.DecisionPage](t, s, "/v1/decisions?outcome=REFER&lane=lane-1")
	if len(decisions.Decisions) != 1 || decisions.Decisions[0].Decision.Presentation != "v1" {
		t.Errorf("%+v", decisions)
	}
	lanes, _ := answer[hubapi.LanePage](t, s, "/v1/lanes")
	if l := lanes.Lanes; len(l) != 1 || l[0].Outcomes["REFER"] != 1 || l[0].Passages != 3 || l[0].Lists[0].Version != 12 ||
		l[0].Devices[0].State != "down" || l[0].Devices[0].Said == nil {
		t.Errorf("%+v", lanes)
	}
	for path, want := range map[string]int{
		"/v1/passages/emerson/lane-7/none": 404, "/v1/passages?outcome=FREE": 400, "/v1/passages?after=x": 400, "/v1/decisions?after=1": 400,
		"/v1/passages?plat=A": 400, "/v1/passages?from=yesterday": 400,
	} {
		if _, status := answer[map[string]any](t, s, path); status != want {
			t.Errorf("%s: %d, expected %d (%s)", path, status, want, http.StatusText(want))
		}
	}
}

// TestAlarmsInTheFeedSayWhatTheyAre: an alarm's event has its cause in words and the picture of its vehicle, beside passage
// and plate; other events do not.
func TestAlarmsInTheFeedSayWhatTheyAre(t *testing.T) {
	picture := []byte("0123456789abcdef0123456789abcdef")
	preview := &observation.PassageReading{Idx: 0, Device: "xray-1", Kind: uint32(observation.Kind_KIND_XRAY_PREVIEW), Artifacts: [][]byte{picture}}
	s := viewed(t, &observation.RadiationTamper{Tripped: true}, &observation.RadiationOccupancy{GammaAlarm: true, SigmaMax: 81, SigmaLimit: 7},
		&observation.PassageOpened{Id: "p1", Lane: "lane-1", Readings: []*observation.PassageReading{preview,
			{Idx: 1, Device: "rpm-1", Kind: 16, Class: 1, Confidence: 1}}},
		&observation.PassageClosed{Id: "p1", Lane: "lane-1", Plate: "ABC123", OpenedNs: 1, Readings: []*observation.PassageReading{preview}})
	resp, err := s.Client().Get(s.URL + "/v1/feed?after=0")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for lines.More() {
		var e hubapi.CloudEvent
		if err := lines.Decode(&e); err != nil {
			t.Fatal(err)
		}
		isAlarm := e.Idx == "1"
		switch {
		case isAlarm != (e.Cause != "") || isAlarm != (e.CauseFR != "") || isAlarm != (e.Preview != ""):
			t.Errorf("%+v", e)
		case isAlarm && (!strings.Contains(e.Cause, "81") || e.CauseFR == e.Cause || e.Preview != hex.EncodeToString(picture) ||
			e.Passage != "p1" || e.Plate != "ABC123"):
			t.Errorf("%+v", e)
		}
	}
}

// TestSeenBefore: a lane that asks for a container at its exit hears of the last time that it was there, in the time asked
// for; of nothing else.
func TestSeenBefore(t *testing.T) {
	now := time.Now()
	came := func(id, container string, ago time.Duration) *observation.PassageClosed {
		return &observation.PassageClosed{Id: id, Lane: "lane-1", OpenedNs: now.Add(-ago).UnixNano(), Containers: []string{container},
			State: observation.PassageState_PASSAGE_STATE_CLOSED}
	}
	s := viewedServer(t, came("p1", "CSQU3054383", 50*time.Hour), came("p2", "CSQU3054383", 20*time.Hour),
		came("p3", "CSQU3054383", time.Minute), came("p4", "MSKU1234565", 10*time.Hour))
	orders := &orderServer{views: s.views}
	q := layout.Seen{Container: "CSQU3054383", Site: "emerson", From: now.Add(-48 * time.Hour), Before: now.Add(-15 * time.Minute)}
	ask := func(q layout.Seen) *observation.ClearanceSeen {
		part, err := orders.answerAny(orderGet{ledger.Sender{Site: "windsor", Agent: "rail-1"}, &wire.Get{Tag: 1, Name: q.Name()}})
		if err != nil || part.Name != q.Name() || part.Tag != 1 {
			t.Fatal(part, err)
		}
		if part.Missing {
			return nil
		}
		seen := &observation.ClearanceSeen{}
		if err := proto.Unmarshal(part.Data, seen); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	if seen := ask(q); seen == nil || seen.Site != "emerson" || seen.Agent != "lane-7" || seen.AtNs != now.Add(-20*time.Hour).UnixNano() {
		t.Errorf("%v", seen)
	}
	elsewhere, late := q, q
	elsewhere.Site, late.From = "sarnia", now.Add(-time.Hour)
	for _, one := range []layout.Seen{elsewhere, late} {
		if seen := ask(one); seen != nil {
			t.Errorf("%s: %v", one.Name(), seen)
		}
	}
}
