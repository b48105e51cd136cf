package console

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/cases"
)

const caseID = "lane-1-20261201T080000-1"

// someCases are an open case, and what was done in it.
type someCases struct {
	acts []*observation.CaseEvent
}

func (s *someCases) events() []cases.Event {
	at := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	opened, _ := cases.EventOf([]byte("j"), 1, at, &observation.CaseOpened{Id: caseID, Lane: "lane-1", Alarms: []*observation.CaseAlarm{
		{Idx: 7, Device: "rpm-1", Kind: uint32(observation.Kind_KIND_RADIATION_SPECTRUM), Nuclides: []*observation.Nuclide{{Name: "K-40", Confidence: 72}}},
	}})
	out := []cases.Event{opened}
	for i, a := range s.acts {
		e, _ := cases.EventOf([]byte("j"), int64(i+2), at.Add(time.Duration(i+1)*time.Minute), a)
		out = append(out, e)
	}
	return out
}

func (s *someCases) Cases() []*cases.Case { return []*cases.Case{cases.Fold(s.events())} }

func (s *someCases) Case(id string) (*cases.Case, error) {
	if id != caseID {
		return nil, nil
	}
	return s.Cases()[0], nil
}

func (s *someCases) Act(_ context.Context, act *observation.CaseEvent, revision int) (*cases.Case, error) {
	if err := s.Cases()[0].Admits(act, revision); err != nil {
		return nil, err
	}
	s.acts = append(s.acts, act)
	return s.Cases()[0], nil
}

// A case is listed with its cause, taken and decided by who is signed in, and exported with its code.
func TestCases(t *testing.T) {
	g := newGuarded(t)
	b := g.browser()
	b.signIn("officer", "correct horse")
	path := "/v1/cases/" + caseID
	post := func(body string, want int) api.Case {
		t.Helper()
		code, text := b.ask(http.MethodPost, path+"/events", body)
		if code != want {
			t.Fatalf("%s: %d %s", body, code, text)
		}
		var out api.Case
		if err := json.Unmarshal([]byte(text), &out); want == http.StatusOK && err != nil {
			t.Fatal(err)
		}
		return out
	}
	if _, text := b.ask(http.MethodGet, "/v1/cases?state=open", ""); !strings.Contains(text, "probably natural") || !strings.Contains(text, "probablement naturel") {
		t.Error(text)
	}
	if one := post(`{"action":"take","by":"somebody else"}`, http.StatusOK); one.Holders[0].By != "officer" || one.State != "taken" {
		t.Errorf("%+v", one)
	}
	post(`{"action":"decide","code":4}`, http.StatusConflict) // it is not said what was seen
	post(`{"action":"fly"}`, http.StatusBadRequest)
	one := post(`{"action":"decide","code":4,"nuclides":["K-40"],"revision":2}`, http.StatusOK)
	if one.State != "decided" || one.Open || len(one.History) != 3 || !strings.Contains(one.History[2].Text.EN, "natural radioactivity") {
		t.Errorf("%+v", one)
	}
	if _, text := b.ask(http.MethodGet, "/v1/cases?state=open", ""); strings.Contains(text, caseID) {
		t.Error("a settled case is open")
	}
	if _, text := b.ask(http.MethodGet, "/v1/cases.csv", ""); !strings.Contains(text, "innocent-alarm,4,,,,K-40,,,60,120,officer") {
		t.Error(text)
	}
	if code, _ := b.ask(http.MethodGet, path+"0", ""); code != http.StatusNotFound {
		t.Error(code)
	}
}
