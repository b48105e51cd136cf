package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/accounts"
)

// trying is a request with a parameter of each type.
type trying struct {
	ID    string        `path:"id" json:"-"`
	Limit int           `query:"limit" default:"20" min:"0" max:"200" json:"-"`
	From  time.Time     `query:"from" json:"-"`
	Wait  time.Duration `query:"wait" max:"1m" json:"-"`
	Class string        `query:"class" enum:"alarm,event" json:"-"`
	Raw   bool          `query:"raw" json:"-"`
	Next  *int64        `query:"next" min:"0" json:"-"`
	With  []string      `query:"with" max:"2" json:"-"`
	Last  string        `header:"Last-Event-ID" json:"-"`
	Hash  Hash          `query:"hash" json:"-"`
	Note  string        `json:"note"`
}

var tryIt = Action[trying, map[string]any]{Route{
	ID: "try", Pattern: "POST /v1/things/{id}", Role: accounts.Officer, Owner: accounts.Admin, Audit: "try",
}}

// guard is a Guard by hand.
type guard struct {
	user  User
	err   error // of Audit
	notes []string
}

func (g *guard) Authorise(*http.Request, *Route) (User, error) { return g.user, nil }
func (g *guard) Refuse(_ *http.Request, why message.Message) {
	g.notes = append(g.notes, "refused "+why.English())
}
func (g *guard) Audit(_ context.Context, u User, action string, text message.Message) error {
	g.notes = append(g.notes, u.Name+" "+action+" "+text.English())
	return g.err
}

// tried serves tryIt: what it decoded is the answer.
func tried(g *guard, owner string) http.Handler {
	return (&Server{Guard: g, Log: slog.New(slog.DiscardHandler)}).Handler(nil,
		Perform(&tryIt, func(_ *Call, in trying) (Act[map[string]any], error) {
			return Act[map[string]any]{Owner: owner, Text: message.Verbatim(in.ID), Do: func(context.Context) (map[string]any, error) {
				g.notes = append(g.notes, "done")
				if in.Note == "fail" {
					return nil, errors.New("it is stuck")
				}
				return map[string]any{
					"id": in.ID, "limit": in.Limit, "from": in.From, "wait": in.Wait.String(), "class": in.Class, "raw": in.Raw,
					"next": in.Next, "with": in.With, "last": in.Last, "note": in.Note, "hash": in.Hash,
				}, nil
			}}, nil
		}))
}

// What a client sends is what the server decodes.
func TestRoundTrip(t *testing.T) {
	g := &guard{user: User{Name: "o", Role: accounts.Officer}}
	srv := httptest.NewServer(tried(g, ""))
	defer srv.Close()
	next, at := int64(0), time.Date(2026, 11, 25, 3, 12, 0, 5, time.UTC)
	in := trying{
		ID: "a b/ü", Limit: 0, From: at, Wait: time.Second, Class: "alarm", Raw: true, Next: &next, With: []string{"x", "y"},
		Last: "7", Note: "<ä>", Hash: Hash{1, 2},
	}
	client := &Client{HTTP: srv.Client(), Base: srv.URL}
	out, err := tryIt.Do(t.Context(), client, in)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(out)
	want := `{"class":"alarm","from":"2026-11-25T03:12:00.000000005Z","hash":"0102` + strings.Repeat("0", 60) +
		`","id":"a b/ü","last":"7","limit":0,"next":0,"note":"\u003cä\u003e","raw":true,"wait":"1s","with":["x","y"]}`
	if string(text) != want {
		t.Errorf("%s, want %s", text, want)
	}
	if got := strings.Join(g.notes, "; "); got != "o try a b/ü; done" {
		t.Errorf("it is not journalled before it is done: %s", got)
	}
	var problem *Problem
	if _, err := tryIt.Do(t.Context(), client, trying{ID: "a", Note: "fail"}); !errors.As(err, &problem) ||
		problem.Code != NotDone || problem.Error() != "it is stuck" {
		t.Errorf("%v", err)
	}
}

func TestProblems(t *testing.T) {
	officer := User{Name: "o", Role: accounts.Officer}
	for name, test := range map[string]struct {
		method, url, body string
		guard             guard
		owner             string
		code              Code
		detail            string
	}{
		"limit":     {url: "/v1/things/1?limit=x", code: BadRequest, detail: `limit="x" is not a number from 0 to 200`},
		"too many":  {url: "/v1/things/1?limit=201", code: BadRequest, detail: `limit="201" is not a number from 0 to 200`},
		"time":      {url: "/v1/things/1?from=now", code: BadRequest, detail: `from="now" is not a time like ` + timeExample},
		"duration":  {url: "/v1/things/1?wait=2m", code: BadRequest, detail: `wait="2m" is not a time up to 1m0s, such as 30s`},
		"enum":      {url: "/v1/things/1?class=x", code: BadRequest, detail: `class="x" is not one of alarm, event`},
		"row":       {url: "/v1/things/1?next=-1", code: BadRequest, detail: `next="-1" is not a number from 0 on`},
		"with":      {url: "/v1/things/1?with=a&with=b&with=c", code: BadRequest, detail: "with is given 3 times"},
		"hash":      {url: "/v1/things/1?hash=abc", code: BadRequest, detail: `"abc" is no SHA-256: write 64 hexadecimal digits`},
		"query":     {url: "/v1/things/1?a=%zz", code: BadRequest, detail: "the query cannot be read"},
		"unknown":   {url: "/v1/things/1?limits=1", code: UnknownParameter, detail: `parameter "limits" is unknown; known are limit,`},
		"no JSON":   {url: "/v1/things/1", body: "x", code: BadRequest, detail: "the body is not the JSON that is expected"},
		"a field":   {url: "/v1/things/1", body: `{"nota":1}`, code: BadRequest, detail: `unknown field "nota"`},
		"path too":  {url: "/v1/things/1", body: `{"ID":"2"}`, code: BadRequest, detail: `unknown field "ID"`},
		"large":     {url: "/v1/things/1", body: `{"note":"` + strings.Repeat("x", maxBody) + `"}`, code: TooLarge, detail: "16,384"},
		"method":    {method: "PUT", url: "/v1/things/1", code: MethodNotAllowed, detail: `"PUT" is not allowed at "/v1/things/1"`},
		"nothing":   {url: "/v1/other", code: NotFound, detail: `there is nothing at "/v1/other"`},
		"nowhere":   {method: "GET", url: "/other", code: NotFound, detail: `there is nothing at "/other"`},
		"owner":     {url: "/v1/things/1", owner: "p", code: NotOwner, detail: "p began this"},
		"journal":   {url: "/v1/things/1", guard: guard{err: errors.New("full")}, code: NotJournalled, detail: "not journalled, so not done: full"},
		"its owner": {url: "/v1/things/1", owner: "o", body: `{"note":"fail"}`, code: NotDone, detail: "it is stuck"},
	} {
		t.Run(name, func(t *testing.T) {
			g := test.guard
			g.user = officer
			if test.method == "" {
				test.method = http.MethodPost
			}
			if test.body == "" {
				test.body = "{}"
			}
			w := httptest.NewRecorder()
			tried(&g, test.owner).ServeHTTP(w, httptest.NewRequest(test.method, test.url, strings.NewReader(test.body)))
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%v: %v %s", err, w.Header(), w.Body)
			}
			if w.Code != test.code.Status() || p.Status != w.Code || p.Code != test.code || p.Type != ProblemType+string(test.code) ||
				p.Title != test.code.Title() || !strings.Contains(p.Detail, test.detail) {
				t.Errorf("%d %+v, want %s %q", w.Code, p, test.code, test.detail)
			}
			if p.Text.Title.EN != p.Title || p.Text.Detail.EN != p.Detail || p.Text.Do.EN != p.Do ||
				p.Text.Title.FR == p.Title || p.Do != "" && p.Text.Do.FR == p.Do {
				t.Errorf("in two languages it says %+v", p.Text)
			}
			if p.Code != NotDone && strings.Contains(strings.Join(g.notes, ";"), "done") {
				t.Errorf("it was done: %v", g.notes)
			}
		})
	}
}

// Every code that the tables name is a kind of problem.
func TestCodes(t *testing.T) {
	for _, o := range Agent() {
		route, _, _ := o.Describe()
		for _, code := range route.Fails {
			if code.Status() == 0 || code.Title() == "" {
				t.Errorf("%s: %s is no kind of problem", route.ID, code)
			}
		}
	}
	for _, code := range Codes() {
		if code.Status() < 400 || code.Title() == "" {
			t.Errorf("%s: status %d, title %q", code, code.Status(), code.Title())
		}
	}
}
