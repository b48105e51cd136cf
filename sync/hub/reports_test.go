package hub

import (
	"bufio"
	"context"
	"database/sql/driver"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire"
)

// busyLane makes what an agent journals of some lanes in more than a month.
type busyLane struct {
	from    ledger.Sender
	random  *rand.Rand
	at      time.Time
	journal []byte // its id
	rows    []*observation.Observation
}

func (l *busyLane) add(class observation.Class, device string, body proto.Message) int64 {
	o := observation.New(class, l.at, body)
	o.Device = device
	l.rows = append(l.rows, o)
	return int64(len(l.rows) - 1)
}

func (l *busyLane) event(body proto.Message) int64 {
	return l.add(observation.Class_CLASS_EVENT, observation.AgentDevice, body)
}

// detection adds a portal's row, and returns what a passage says of it.
func (l *busyLane) detection() *observation.PassageReading {
	class := observation.Class_CLASS_EVENT
	if l.random.IntN(4) == 0 {
		class = observation.Class_CLASS_ALARM
	}
	device := fmt.Sprintf("rpm-%d", l.random.IntN(2))
	idx := l.add(class, device, &observation.RadiationOccupancy{GammaAlarm: class == observation.Class_CLASS_ALARM})
	return &observation.PassageReading{Idx: idx, Device: device, Kind: uint32(observation.Kind_KIND_RADIATION_OCCUPANCY), Class: uint32(class),
		TimeNs: l.at.UnixNano(), Confidence: 1}
}

// vehicle adds the rows of one vehicle, of all ways that there are: open or closed, decided again and again, corrected when
// it was closed and before, doubtful, or not a vehicle after all.
func (l *busyLane) vehicle(n int) {
	id := func(n int) string { return fmt.Sprintf("p%03d", n) }
	lane := fmt.Sprintf("lane-%d", 1+n%2)
	opened := l.at
	first := l.detection()
	l.event(&observation.PassageOpened{Id: id(n), Lane: lane, Readings: []*observation.PassageReading{first}})
	l.at = l.at.Add(time.Duration(1+l.random.IntN(900)) * time.Second)
	second := l.detection()
	if n > 0 && l.random.IntN(3) == 0 { // it may be the vehicle's before
		second.Other, second.Confidence, second.OtherConfidence = id(n-1), 0.6, 0.4
	}
	l.event(&observation.PassageUpdated{Id: id(n), Readings: []*observation.PassageReading{second}})
	for revision := range uint32(1 + l.random.IntN(3)) {
		outcome := []string{"RELEASE", "REFER", "HOLD"}[l.random.IntN(3)]
		l.event(&observation.ClearanceDecision{Presentation: "v" + id(n), Revision: revision + 1, Lane: lane, Passage: id(n), Outcome: outcome, Decided: outcome})
	}
	if n%3 == 0 {
		l.adjudicate(id(n), lane)
	}
	all := []*observation.PassageReading{first, second}
	moved := n > 0 && l.random.IntN(4) == 0
	move := func() {
		r := proto.CloneOf(second)
		r.Other, r.OtherConfidence = "", 0
		l.event(&observation.PassageCorrected{Idx: second.Idx, From: id(n), To: id(n - 1), By: "ann", Reading: r})
	}
	if moved && l.random.IntN(2) == 0 {
		move()
		all, moved = all[:1], false
	}
	if l.random.IntN(8) == 0 {
		return // it stays open
	}
	end := observation.PassageEnd_PASSAGE_END_LEFT
	if l.random.IntN(10) == 0 {
		end = observation.PassageEnd_PASSAGE_END_MERGED
	}
	stations := []*observation.PassageStation{{Station: "portal", Seen: true}, {Station: "scan", Gap: observation.PassageGap_PASSAGE_GAP_NOT_EXPECTED}}
	if l.random.IntN(5) == 0 {
		stations[1].Gap = observation.PassageGap_PASSAGE_GAP_BLIND
	}
	alarm := slices.ContainsFunc(all, func(r *observation.PassageReading) bool { return r.Class == uint32(observation.Class_CLASS_ALARM) })
	l.event(&observation.PassageClosed{Id: id(n), Lane: lane, OpenedNs: opened.UnixNano(), ClosedNs: l.at.UnixNano(), Readings: all, Alarm: alarm,
		End: end, State: observation.PassageState_PASSAGE_STATE_CLOSED, Stations: stations,
		LengthM: []float32{0, 4.2, 5.9999, 6, 9.5, 11.99, 12, 22}[l.random.IntN(8)]})
	if moved {
		move()
	}
}

// adjudicate adds the rows of a case: open, taken, decided, confirmed, overruled or reopened.
func (l *busyLane) adjudicate(id, lane string) {
	began := l.at
	last := l.event(&observation.CaseOpened{Id: id, Lane: lane, Alarms: []*observation.CaseAlarm{{Idx: 1, Device: "rpm-0", Gamma: true}}})
	act := func(action observation.CaseEvent_Action, by, role string, code uint32) {
		l.at = l.at.Add(time.Duration(l.random.IntN(300)) * time.Second)
		e := &observation.CaseEvent{Id: id, Action: action, By: by, Role: role, Seen: []*observation.CaseSeen{{Journal: l.journal, Idx: last}}}
		if code > 0 {
			e.Verdict = &observation.CaseVerdict{Code: code}
		}
		last = l.event(e)
	}
	steps := l.random.IntN(5)
	if steps > 0 {
		act(observation.CaseEvent_ACTION_TAKE, "ann", "officer", 0)
	}
	if steps > 1 {
		act(observation.CaseEvent_ACTION_DECIDE, "ann", "officer", uint32(4+l.random.IntN(4)))
	}
	switch steps {
	case 3:
		act(observation.CaseEvent_ACTION_ASK_SECOND, "ann", "officer", 0)
		act(observation.CaseEvent_ACTION_OVERRULE, "bob", "supervisor", uint32(4+l.random.IntN(4)))
	case 4:
		act(observation.CaseEvent_ACTION_REOPEN, "bob", "supervisor", 0)
	}
	l.at = began
}

// send files the rows, alarms before all others as over a bad link, and has them folded on the way.
func (l *busyLane) send(t *testing.T, s *httpServer, j *journal.Journal) {
	for some := range slices.Chunk(l.rows, 100) {
		if _, err := j.Commit(t.Context(), some...); err != nil {
			t.Fatal(err)
		}
	}
	id := j.Identity()
	messages := []ledger.Message{ledger.Hello{From: l.from, Body: &wire.Hello{Journal: id.ID, Size: j.Size(), BlindKey: id.BlindKey,
		Verifier: id.Verifier, Epoch: 1, Inventory: &observation.Inventory{}}}}
	for _, class := range observation.Classes {
		for last := int64(-1); ; {
			rows, err := j.ReadClass(class, last, 200, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				break
			}
			packed := make([]wire.Row, len(rows))
			for i := range rows {
				packed[i] = wire.RowOf(&rows[i], true)
			}
			messages = append(messages, ledger.Batch{From: l.from, Body: wire.NewBatch(id.ID, class, last, packed)})
			last = rows[len(rows)-1].Idx
		}
	}
	for _, m := range messages {
		answers, err := s.ledger.Apply([]ledger.Message{m})
		if err != nil || answers[0].Ack.Refusal != 0 {
			t.Fatal(err, answers)
		}
		if err := s.views.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// busyHub is a hub with more than a month of two agents.
func busyHub(t *testing.T) *httpServer {
	l, err := ledger.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &httpServer{ledger: l, states: newStates(), opts: Options{Log: slog.New(slog.DiscardHandler)}}
	s.views = views.New(l, func(_ context.Context, m ledger.Message) error {
		_, err := l.Apply([]ledger.Message{m})
		return err
	}, s.opts.Log)
	for i, site := range []string{"emerson", "windsor"} {
		lane := &busyLane{from: ledger.Sender{Site: site, Agent: "lane-7"}, random: rand.New(rand.NewPCG(uint64(i), 1)),
			at: time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC)}
		j, err := journal.Open(t.TempDir(), journal.Options{Site: site, Agent: "lane-7", SignEvery: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		lane.journal = j.Identity().ID
		for n := range 120 {
			lane.vehicle(n)
			lane.at = lane.at.Add(time.Duration(lane.random.IntN(14*3600)) * time.Second)
		}
		lane.send(t, s, j)
	}
	return s
}

// independent counts a time with docs/month.sql from what the feed says.
func independent(t *testing.T, s *httptest.Server, first, last time.Time) map[string]int64 {
	t.Helper()
	resp, err := s.Client().Get(s.URL + "/v1/feed?limit=100000")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	db, err := sqlog.Open(filepath.Join(t.TempDir(), "feed.db"), sqlog.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	script, err := os.ReadFile("../../docs/month.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Script("CREATE TABLE event(line TEXT); BEGIN"); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		if err := db.Exec("INSERT INTO event VALUES(?)", line); err != nil {
			t.Fatal(err)
		}
	}
	const second = "2006-01-02T15:04:05"
	err = db.Script(fmt.Sprintf("COMMIT; CREATE TABLE period AS SELECT '%s' AS first, '%s' AS last; %s", first.UTC().Format(second), last.UTC().Format(second), script))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	err = db.Query("SELECT agent, name, figure, n FROM figure WHERE n>0", func(r []driver.Value) error {
		out[strings.Join([]string{strings.TrimPrefix(sqlog.Text(r[0]), "/lanewarden/"), sqlog.Text(r[1]), sqlog.Text(r[2])}, " ")] = sqlog.Int64(r[3])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// counted returns the counts of a report, as independent has them.
func counted(r *hubapi.Report) map[string]int64 {
	out := map[string]int64{}
	add := func(site, agent, name, figure string, n int64) {
		if n != 0 {
			out[fmt.Sprintf("%s/%s %s %s", site, agent, name, figure)] += n
		}
	}
	for _, l := range r.Lanes {
		for figure, n := range map[string]int64{"passages": l.Passages, "alarms": l.Alarms.N, "blind": l.Blind.N, "dwell": l.Dwell.N} {
			add(l.Site, l.Agent, l.Lane, figure, n)
		}
		for outcome, n := range l.Outcomes {
			add(l.Site, l.Agent, l.Lane, "outcome."+outcome, n)
		}
		for class, n := range l.Classes {
			add(l.Site, l.Agent, l.Lane, "class."+class, n)
		}
	}
	for _, l := range r.CaseLanes {
		add(l.Site, l.Agent, l.Lane, "cases", l.Opened)
		for code, n := range l.Codes {
			add(l.Site, l.Agent, l.Lane, "code."+code, n)
		}
	}
	for _, d := range r.Devices {
		add(d.Site, d.Agent, d.Device, "detections", d.Detections)
		for kind, n := range d.AlarmKinds {
			add(d.Site, d.Agent, d.Device, "alarm."+kind, n)
		}
	}
	return out
}

// TestMonthAgreesWithTheFeed: the figures of a month are those that SQL alone counts from the feed, to the last one, in a
// zone whose clocks change in it; and again when the views are folded anew.
func TestMonthAgreesWithTheFeed(t *testing.T) {
	hub := busyHub(t)
	s := httptest.NewServer(hub.handler())
	defer s.Close()
	toronto, err := time.LoadLocation("America/Toronto")
	if err != nil {
		t.Fatal(err)
	}
	want := independent(t, s, time.Date(2026, 11, 1, 0, 0, 0, 0, toronto), time.Date(2026, 12, 1, 0, 0, 0, 0, toronto))
	for _, figure := range []string{"passages", "alarms", "blind", "dwell", "outcome.HOLD", "class.short", "class.medium", "class.long", "class.unknown", "cases", "code.4", "code.7", "detections", "alarm.radiation.occupancy"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(want)), func(k string) bool { return strings.HasSuffix(k, " "+figure) }) {
			t.Fatalf("the script counts no %s: %v", figure, want)
		}
	}
	check := func(when string) {
		t.Helper()
		r, _ := answer[hubapi.Report](t, s, "/v1/reports/month?period=2026-11&zone=America/Toronto")
		got := counted(&r)
		for _, k := range slices.Sorted(maps.Keys(want)) {
			if got[k] != want[k] {
				t.Errorf("%s: %s: %d, by the feed %d", when, k, got[k], want[k])
			}
		}
		for k, n := range got {
			if want[k] == 0 {
				t.Errorf("%s: %s: %d, by the feed none", when, k, n)
			}
		}
		days, passages := int64(0), int64(0)
		for _, d := range r.Periods {
			days += d.Passages
		}
		for _, l := range r.Lanes {
			passages += l.Passages
		}
		if len(r.Periods) != 30 || days != r.Total.Passages || passages != days {
			t.Errorf("%s: %d days with %d vehicles, of %d", when, len(r.Periods), days, r.Total.Passages)
		}
	}
	check("as they came")
	if err := hub.views.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := hub.views.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("folded again")
}

// TestDeviceRuns: a device's history says in how many half hours it ran, of those of which that is known.
func TestDeviceRuns(t *testing.T) {
	s := viewed(t, &observation.DeviceState{State: observation.DeviceState_STATE_RUNNING})
	r, _ := answer[hubapi.Report](t, s, "/v1/reports/device?device=rpm-1&period="+time.Now().UTC().Format("2006-01"))
	if len(r.Devices) != 1 || r.Devices[0].Device != "rpm-1" || r.Devices[0].Known < 1 || r.Devices[0].Running != r.Devices[0].Known {
		t.Errorf("%+v", r.Devices)
	}
	next, _ := answer[hubapi.Report](t, s, "/v1/reports/device?device=none")
	if len(next.Devices) != 0 {
		t.Errorf("a device that there is not: %+v", next.Devices)
	}
}

// TestReportsOfASite: who asks for a site, or sees one only, is told of no other; the export says the same as the report.
func TestReportsOfASite(t *testing.T) {
	hub := busyHub(t)
	s := httptest.NewServer(hub.handler())
	defer s.Close()
	all, _ := answer[hubapi.Report](t, s, "/v1/reports/month?period=2026-11")
	one, _ := answer[hubapi.Report](t, s, "/v1/reports/month?period=2026-11&site=windsor")
	scoped, err := hub.report(&api.Call{User: api.User{Sites: []string{"windsor"}}}, hubapi.ReportQuery{Kind: "month", Period: "2026-11"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []hubapi.Report{one, scoped} {
		if r.Total.Passages == 0 || r.Total.Passages >= all.Total.Passages || len(r.Lanes) != 2 || r.Lanes[0].Site != "windsor" || len(r.Devices) != 2 {
			t.Errorf("%d vehicles of %d, lanes %v", r.Total.Passages, all.Total.Passages, r.Lanes)
		}
	}
	resp, err := s.Client().Get(s.URL + "/v1/reports/month/csv?period=2026-11&site=windsor")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines, err := csv.NewReader(resp.Body).ReadAll()
	if err != nil || len(lines) < 30 || resp.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Fatal(len(lines), err, resp.Header)
	}
	if got := strings.Join(lines[1][:13], ","); got != fmt.Sprintf("month,2026-11,UTC,2026-11-01T00:00:00Z,2026-12-01T00:00:00Z,total,,,,,passages,%d,", one.Total.Passages) {
		t.Errorf("%s", got)
	}
	for _, bad := range []string{"month?period=2026-13", "day?period=yesterday", "shift?zone=Nowhere", "shift?zone=Local", "week"} {
		if _, status := answer[map[string]any](t, s, "/v1/reports/"+bad); status != 400 {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

// TestPartial: while the views are behind, each answer that is made of them says how far they are, files in their name; and
// none does when they have caught up.
func TestPartial(t *testing.T) {
	hub := busyHub(t)
	hub.cases = &caseServer{views: hub.views}
	hub.opts.Dir = t.TempDir()
	s := httptest.NewServer(hub.handler())
	defer s.Close()
	check := func(behind bool) {
		t.Helper()
		for _, path := range []string{"passages", "decisions", "lanes", "transits", "looks", "reports/month?period=2026-11"} {
			resp, err := s.Client().Get(s.URL + "/v1/" + path)
			if err != nil {
				t.Fatal(err)
			}
			var said struct{ Partial *hubapi.Partial }
			err = json.NewDecoder(resp.Body).Decode(&said)
			if resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK || (said.Partial != nil) != behind || behind && said.Partial.Done >= said.Partial.All {
				t.Errorf("%s, behind %v: %s, %+v, %v", path, behind, resp.Status, said.Partial, err)
			}
		}
		for _, path := range []string{"cases.csv?from=2027-01-01T00:00:00Z", "reports/month/csv?period=2026-11"} {
			resp, err := s.Client().Get(s.URL + "/v1/" + path)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			name := resp.Header.Get("Content-Disposition")
			if resp.Body.Close(); err != nil || strings.Contains(name, "-partial.csv") != behind || !strings.Contains(name, ".csv") ||
				(resp.Header.Get("Lanewarden-Partial") != "") != behind ||
				strings.HasPrefix(path, "reports") && strings.Contains(string(text), ",rows_counted,") != behind {
				t.Errorf("%s, behind %v: %v", path, behind, resp.Header)
			}
		}
	}
	check(false)
	if err := hub.views.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, ago := range []time.Duration{time.Minute, 0} { // it was not folded for a minute
		if _, err := hub.views.Behind(time.Now().Add(-ago)); err != nil {
			t.Fatal(err)
		}
	}
	check(true)
}
