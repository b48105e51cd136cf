package console

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/api/session"
	"lanewarden/edge/cases"
)

const caseID = "lane-1-20261201T080000-1"

// someCases are an open case, and what was done in it.
type someCases struct {
	acts  []*observation.CaseEvent
	rules *observation.CaseRules
}

func (s *someCases) events() []cases.Event {
	at := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	opened, _ := cases.EventOf([]byte("j"), 1, at, &observation.CaseOpened{Id: caseID, Lane: "lane-1", Rules: s.rules, Alarms: []*observation.CaseAlarm{
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

func (s *someCases) Attach(ctx context.Context, act *observation.CaseEvent, files ...*observation.Artifact) (*cases.Case, error) {
	for _, a := range files {
		act.Attachments = append(act.Attachments, &observation.CaseAttachment{Sha256: a.Sha256, MediaType: a.MediaType})
	}
	return s.Act(ctx, act, 0)
}

// smallPhoto returns a PNG of one pixel.
func smallPhoto() string {
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		panic(err)
	}
	return out.String()
}

// A photo is taken by its content, kept as it came, and served with its type; whatever else is sent as one is refused.
func TestPhotoOfACase(t *testing.T) {
	g := newGuarded(t)
	as := map[string]*browser{}
	for _, name := range []string{"officer", "viewer"} {
		as[name] = g.browser()
		if code := as[name].signIn(name, "correct horse"); code != http.StatusOK {
			t.Fatalf("%s: %d", name, code)
		}
	}
	picture := image.NewGray(image.Rect(0, 0, 500, 400))
	for i := range picture.Pix {
		picture.Pix[i] = byte(i * i >> 3)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: 100}); err != nil || file.Len() <= maxBody {
		t.Fatal(err, file.Len())
	}
	send := func(b *browser, id string, body []byte) (int, api.Case) {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, g.url+"/v1/cases/"+id+"/photos", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(session.CSRFHeader, b.csrf)
		r.Header.Set("Content-Type", "image/png") // it is not asked
		resp, err := b.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var out api.Case
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, out
	}
	code, one := send(as["officer"], caseID, file.Bytes())
	if code != http.StatusOK || len(one.Attachments) != 1 || one.Attachments[0].Media != "image/jpeg" || one.Attachments[0].By != "officer" {
		t.Fatalf("%d %+v", code, one.Attachments)
	}
	code, text := as["officer"].ask(http.MethodGet, "/v1/artifacts/"+one.Attachments[0].SHA256+"?type=image/jpeg", "")
	if code != http.StatusOK || text != file.String() {
		t.Errorf("%d, %d bytes of %d", code, len(text), file.Len())
	}
	for what, c := range map[string]struct {
		by   *browser
		id   string
		body []byte
		want int
	}{
		"a page":           {as["officer"], caseID, []byte("<html>"), http.StatusBadRequest},
		"nothing":          {as["officer"], caseID, nil, http.StatusBadRequest},
		"a part of it":     {as["officer"], caseID, file.Bytes()[:file.Len()-2], http.StatusBadRequest},
		"another case":     {as["officer"], caseID + "0", file.Bytes(), http.StatusNotFound},
		"without the role": {as["viewer"], caseID, file.Bytes(), http.StatusForbidden},
		"of nobody":        {g.browser(), caseID, file.Bytes(), http.StatusUnauthorized},
	} {
		if code, _ := send(c.by, c.id, c.body); code != c.want {
			t.Errorf("%s: %d, expected %d", what, code, c.want)
		}
	}
	if one, err := g.cases.Case(caseID); err != nil || len(one.Attachments) != 1 {
		t.Errorf("%+v, %v", one.Attachments, err)
	}
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

// TestSecondReaderSeesNothing: an officer who is to give a second opinion learns what the first one said by no route, until
// their own verdict is on record; an admin sees it.
func TestSecondReaderSeesNothing(t *testing.T) {
	g := newGuarded(t)
	g.cases.rules = cases.DefaultRules()
	g.cases.rules.SecondBlind = true
	act := &observation.CaseEvent{
		Id: caseID, Action: observation.CaseEvent_ACTION_DECIDE, By: "ana", Role: "officer", Notes: "cigarettes",
		Verdict: &observation.CaseVerdict{Code: 1}, Seen: cases.Fold(g.cases.events()).Heads(),
	}
	g.cases.acts = append(g.cases.acts, act)
	row := observation.New(observation.Class_CLASS_EVENT, time.Now(), act)
	row.Device, row.Key = observation.AgentDevice, "a verdict"
	if _, err := g.journal.Commit(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	routes := []string{"/v1/cases", "/v1/cases/" + caseID, "/v1/cases.csv", "/v1/observations", "/v1/tail?n=50",
		"/v1/observations?q=cigarettes"} // the last, as it is on record who searched for what
	tells := func(b *browser) (which []string) {
		for _, path := range routes {
			code, text := b.ask(http.MethodGet, path, "")
			if code != http.StatusOK {
				t.Fatalf("%s: %d %s", path, code, text)
			}
			if strings.Contains(text, "cigarettes") || strings.Contains(text, "contraband") || strings.Contains(text, "real-alarm") {
				which = append(which, path)
			}
		}
		return which
	}
	b, boss := g.browser(), g.browser()
	b.signIn("officer", "correct horse")
	boss.signIn("admin", "correct horse")
	if found := tells(b); found != nil {
		t.Errorf("the second reader learns the first verdict from %v", found)
	}
	if found := tells(boss); len(found) != len(routes) {
		t.Errorf("an admin sees it in %v", found)
	}
	_, text := b.ask(http.MethodGet, "/v1/cases/"+caseID, "")
	if !strings.Contains(text, `"blind":true`) || !strings.Contains(text, "shown once yours is on record") {
		t.Error(text)
	}
	if code, text := b.ask(http.MethodPost, "/v1/cases/"+caseID+"/events", `{"action":"confirm","revision":2}`); code != http.StatusConflict || !strings.Contains(text, "without knowing") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := b.ask(http.MethodPost, "/v1/cases/"+caseID+"/events", `{"action":"decide","code":6,"revision":2}`); code != http.StatusOK ||
		!strings.Contains(text, `"state":"disputed"`) || !strings.Contains(text, "cigarettes") {
		t.Errorf("%d %s", code, text)
	}
}
