package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
)

// someVehicles are passages by hand.
type someVehicles struct {
	noPassages
	all  []*observation.PassageClosed
	told []string // corrections
	err  error
}

func (s *someVehicles) Passages(context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error) {
	return s.all, map[string]time.Duration{"lpr-1": 80 * time.Second}, s.err
}

func (s *someVehicles) Correct(_ context.Context, idx int64, to, reason, by string) error {
	if to == "nowhere" {
		return errors.New("there is no passage nowhere")
	}
	s.told = append(s.told, fmt.Sprintf("%d %s %s %s", idx, to, reason, by))
	return nil
}

// Rows of the journal of consoleWith.
const (
	rowPlate = 0
	rowAlarm = 1
)

// twoVehicles are two passages of which an alarm may be of either, and one that closed long ago.
func twoVehicles() []*observation.PassageClosed {
	plate := &observation.PassageReading{Idx: rowPlate, Device: "lpr-1", Confidence: 1}
	alarm := &observation.PassageReading{
		Idx: rowAlarm, Device: "rpm-1", Class: uint32(observation.Class_CLASS_ALARM), Confidence: 0.625, Other: "b", OtherConfidence: 0.375,
	}
	possible := proto.CloneOf(alarm)
	possible.Confidence, possible.Other, possible.OtherConfidence = 0.375, "a", 0.625
	return []*observation.PassageClosed{
		{Id: "b", Lane: "lane-2", State: observation.PassageState_PASSAGE_STATE_OPEN, OpenedNs: 2e18, Possible: []*observation.PassageReading{possible}, AlarmPossible: true},
		{Id: "a", Lane: "lane-1", State: observation.PassageState_PASSAGE_STATE_CLOSED, End: observation.PassageEnd_PASSAGE_END_LEFT, OpenedNs: 1e18, ClosedNs: 2e18, Plate: "AAA111", Readings: []*observation.PassageReading{plate, alarm}, Alarm: true},
	}
}

// consoleWith is a console over a journal with two readings and what the agent says of them.
func consoleWith(t *testing.T, passages Passages, said ...proto.Message) *Console {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{Site: "demo", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	commit := func(device string, class observation.Class, body proto.Message) {
		o := observation.New(class, time.Unix(1e9, 0), body)
		o.Device = device
		if _, err := j.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	commit("lpr-1", observation.Class_CLASS_EVENT, &observation.VehiclePlate{Plate: "AAA111"})
	commit("rpm-1", observation.Class_CLASS_ALARM, &observation.RadiationOccupancy{GammaAlarm: true})
	for _, b := range said {
		commit(observation.AgentDevice, observation.Class_CLASS_EVENT, b)
	}
	return New(Options{Journal: j, Passages: passages, Log: slog.New(slog.DiscardHandler)})
}

// reply is what was answered.
type reply struct {
	code int
	body []byte
}

// ask serves one request as who is on the machine, on a socket.
func ask(t *testing.T, c *Console, method, path, body string) reply {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(c.handler())
	s.Listener.Close()
	s.Listener = l
	s.Start()
	defer s.Close()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://laned"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := api.NewClient(socket, 0).HTTP
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, text}
}

// Open passages have no time of closing, and say that they are open.
func TestPassageList(t *testing.T) {
	w := ask(t, consoleWith(t, &someVehicles{all: twoVehicles()}), http.MethodGet, "/v1/passages", "")
	var list struct {
		Passages []map[string]any
		Clocks   map[string]float64
	}
	if err := json.Unmarshal(w.body, &list); err != nil || len(list.Passages) != 2 || list.Clocks["lpr-1"] != 80 {
		t.Fatalf("%v: %s", err, w.body)
	}
	open := list.Passages[0]
	if _, closed := open["closedNs"]; closed || open["state"] != "PASSAGE_STATE_OPEN" || open["alarmPossible"] != true {
		t.Errorf("%v", open)
	}
	w = ask(t, consoleWith(t, &someVehicles{all: twoVehicles()}), http.MethodGet, "/v1/passages?state=open", "")
	if text := string(w.body); !strings.Contains(text, `"id":"b"`) || strings.Contains(text, `"id":"a"`) {
		t.Errorf("only what is open: %s", text)
	}
	w = ask(t, consoleWith(t, &someVehicles{}), http.MethodGet, "/v1/passages?state=shut", "")
	if w.code != http.StatusBadRequest || !strings.Contains(string(w.body), "shut") {
		t.Errorf("another state: %d %s", w.code, w.body)
	}
}

// Both passages show the reading that may be of either, with its observation.
func TestPossibleReadingIsShownAtBoth(t *testing.T) {
	c := consoleWith(t, &someVehicles{all: twoVehicles()})
	for id, want := range map[string][]int64{"a": {rowPlate, rowAlarm}, "b": {rowAlarm}} {
		w := ask(t, c, http.MethodGet, "/v1/passages/"+id, "")
		var detail api.PassageDetail
		if err := json.Unmarshal(w.body, &detail); err != nil {
			t.Fatalf("%v: %s", err, w.body)
		}
		var rows []int64
		for _, o := range detail.Observations {
			rows = append(rows, o.Idx)
		}
		if !reflect.DeepEqual(rows, want) || detail.Assignments != nil {
			t.Errorf("%s: rows %v, expected %v; %v", id, rows, want, detail.Assignments)
		}
	}
	if w := ask(t, c, http.MethodGet, "/v1/passages/c", ""); w.code != http.StatusNotFound {
		t.Errorf("a passage that is not there: %d %s", w.code, w.body)
	}
}

// A passage that is not in memory is opened from the journal; one whose rows were removed, or that never was, is 404 in
// words.
func TestPassageOfLongAgo(t *testing.T) {
	c := consoleWith(t, &someVehicles{all: twoVehicles()})
	old := &observation.PassageClosed{Id: "old", Lane: "lane-1", OpenedNs: 1e18, ClosedNs: 1e18 + 1e9, Plate: "AAA111",
		State: observation.PassageState_PASSAGE_STATE_CLOSED, Readings: []*observation.PassageReading{{Idx: rowPlate, Device: "lpr-1"}, {Idx: 900}}}
	o := observation.New(observation.Class_CLASS_EVENT, time.Unix(1e9, 0), old)
	o.Device, o.Key = observation.AgentDevice, "closed old"
	if _, err := c.Journal.Commit(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	w := ask(t, c, http.MethodGet, "/v1/passages/old?explain=1", "")
	var detail api.PassageDetail
	if err := json.Unmarshal(w.body, &detail); err != nil || w.code != http.StatusOK {
		t.Fatalf("%d %v: %s", w.code, err, w.body)
	}
	if len(detail.Observations) != 1 || detail.Observations[0].Device != "lpr-1" || !strings.Contains(string(detail.Passage), "AAA111") {
		t.Errorf("%s", w.body)
	}
	w = ask(t, c, http.MethodGet, "/v1/passages/older", "")
	if text := string(w.body); w.code != http.StatusNotFound || !strings.Contains(text, "no such passage in this agent's journal") ||
		!strings.Contains(text, "dans le journal de cet agent") {
		t.Errorf("%d %s", w.code, text)
	}
}

// An event names the passages that it may be of; the agent's own rows and what no passage has name none.
func TestEventsNamePassages(t *testing.T) {
	of := func(p Passages) map[int64][]api.Candidate {
		w := ask(t, consoleWith(t, p, &observation.PassageOpened{Id: "a"}), http.MethodGet, "/v1/observations", "")
		var found api.Found
		if err := json.Unmarshal(w.body, &found); err != nil || len(found.Observations) != 3 {
			t.Fatalf("%v: %s", err, w.body)
		}
		out := map[int64][]api.Candidate{}
		for _, l := range found.Observations {
			if l.Passages != nil {
				out[l.Idx] = l.Passages
			}
		}
		return out
	}
	both := []api.Candidate{{Passage: "a", Plate: "AAA111", Confidence: 0.625}, {Passage: "b", Plate: "", Confidence: 0.375}}
	all := twoVehicles()
	nobody := proto.CloneOf(all[0])
	nobody.Possible[0].Other = ""
	for name, c := range map[string]struct {
		from Passages
		want map[int64][]api.Candidate
	}{
		"both known":             {&someVehicles{all: all}, map[int64][]api.Candidate{rowPlate: {{Passage: "a", Plate: "AAA111", Confidence: 1}}, rowAlarm: both}},
		"only the surer is":      {&someVehicles{all: all[1:]}, map[int64][]api.Candidate{rowPlate: {{Passage: "a", Plate: "AAA111", Confidence: 1}}, rowAlarm: both}},
		"only the other is":      {&someVehicles{all: all[:1]}, map[int64][]api.Candidate{rowAlarm: {{Passage: "a", Plate: "", Confidence: 0.625}, {Passage: "b", Plate: "", Confidence: 0.375}}}},
		"perhaps of nobody":      {&someVehicles{all: []*observation.PassageClosed{nobody}}, map[int64][]api.Candidate{rowAlarm: {{Passage: "", Plate: "", Confidence: 0.625}, {Passage: "b", Plate: "", Confidence: 0.375}}}},
		"passages do not answer": {&someVehicles{err: errors.New("the journal cannot be written")}, map[int64][]api.Candidate{}},
		"no lane has passages":   {nil, map[int64][]api.Candidate{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := of(c.from); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, expected %v", got, c.want)
			}
		})
	}
}

// What a reading rests on is what the journal says last of it, in whichever passage's row.
func TestExplain(t *testing.T) {
	term := func(score float32) []*observation.PassageTerm {
		return []*observation.PassageTerm{{Kind: observation.PassageTerm_KIND_ARRIVAL, Score: score, OtherScore: -3, ResidualS: 0.4, SigmaS: 0.6, From: "loop-1"}}
	}
	reading := func(idx int64, score float32) *observation.PassageReading {
		return &observation.PassageReading{Idx: idx, Confidence: 0.5, Terms: term(score)}
	}
	for name, c := range map[string]struct {
		said []proto.Message
		want map[int64]string // passage and score of each reading of passage a
	}{
		"opened":    {[]proto.Message{&observation.PassageOpened{Id: "a", Readings: []*observation.PassageReading{reading(rowPlate, 1)}}}, map[int64]string{rowPlate: "a 1"}},
		"the last":  {[]proto.Message{&observation.PassageOpened{Id: "a", Readings: []*observation.PassageReading{reading(rowPlate, 1), reading(rowAlarm, 2)}}, &observation.PassageUpdated{Id: "a", Readings: []*observation.PassageReading{reading(rowAlarm, 3)}}}, map[int64]string{rowPlate: "a 1", rowAlarm: "a 3"}},
		"corrected": {[]proto.Message{&observation.PassageUpdated{Id: "b", Readings: []*observation.PassageReading{reading(rowAlarm, 2)}}, &observation.PassageCorrected{Idx: rowAlarm, From: "b", To: "a", Reading: reading(rowAlarm, 4)}}, map[int64]string{rowAlarm: "a 4"}},
		"of others": {[]proto.Message{&observation.PassageUpdated{Id: "a", Readings: []*observation.PassageReading{reading(77, 2)}}, &observation.PassageCorrected{Idx: rowAlarm, From: "b", To: "a"}}, map[int64]string{}},
		"nothing":   {nil, map[int64]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(t, consoleWith(t, &someVehicles{all: twoVehicles()}, c.said...), http.MethodGet, "/v1/passages/a?explain=1", "")
			var detail api.PassageDetail
			if err := json.Unmarshal(w.body, &detail); err != nil {
				t.Fatalf("%v: %s", err, w.body)
			}
			got := map[int64]string{}
			for _, a := range detail.Assignments {
				r := &observation.PassageReading{}
				if err := observation.FromJSON(a.Reading, r); err != nil || len(r.Terms) != 1 {
					t.Fatal(err, r)
				}
				got[r.Idx] = fmt.Sprint(a.Passage, " ", r.Terms[0].Score)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, expected %v", got, c.want)
			}
		})
	}
}

// A correction may be of any reading and to any passage, or none; the answer says what came of it.
func TestCorrection(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		code int
		told string
		en   string
	}{
		"to another lane's": {`{"idx":1,"to":"b","reason":"seen","by":"officer-7"}`, 200, "1 b seen officer-7", "Alarm of rpm-1 (row 1) moved from passage a to passage b, and no later assignment changes that"},
		"to none":           {`{"idx":1,"to":"","reason":"seen","by":"officer-7"}`, 200, "1  seen officer-7", "Alarm of rpm-1 (row 1) detached from passage a, and no later assignment changes that"},
		"of no passage":     {`{"idx":9,"to":"a","reason":"seen","by":"officer-7"}`, 200, "9 a seen officer-7", "Row 9 moved to passage a, vehicle AAA111, and no later assignment changes that"},
		"confirmed":         {`{"idx":1,"to":"a","reason":"seen","by":"officer-7"}`, 200, "1 a seen officer-7", "Alarm of rpm-1 (row 1) stays in passage a, vehicle AAA111, and no later assignment changes that"},
		"to an unknown one": {`{"idx":1,"to":"nowhere","reason":"seen","by":"officer-7"}`, 409, "", "there is no passage nowhere"},
		"without a reason":  {`{"idx":1,"to":"b","by":"officer-7"}`, 400, "", "reason and by are needed"},
	} {
		t.Run(name, func(t *testing.T) {
			vehicles := &someVehicles{all: twoVehicles()}
			w := ask(t, consoleWith(t, vehicles), http.MethodPost, "/v1/passages/corrections", c.body)
			if got := strings.Join(vehicles.told, ";"); w.code != c.code || got != c.told {
				t.Errorf("%d, told %q: %s", w.code, got, w.body)
			}
			if c.code != 200 {
				if !strings.Contains(string(w.body), c.en) {
					t.Errorf("%s, expected %s", w.body, c.en)
				}
				return
			}
			var outcome api.CorrectionOutcome
			if err := json.Unmarshal(w.body, &outcome); err != nil || outcome.Summary.EN != c.en || outcome.Summary.FR == "" {
				t.Errorf("%v: %+v, expected %q", err, outcome.Summary, c.en)
			}
			if outcome.Summary == (kinds.Text{}) {
				t.Error("no sentence")
			}
		})
	}
}
