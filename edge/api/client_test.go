package api_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
)

// question has a parameter with bounds, one of a few words, and a list.
type question struct {
	Limit int           `query:"limit" default:"20" min:"1" max:"200"`
	Class string        `query:"class" enum:"alarm,event"`
	Wait  time.Duration `query:"wait" max:"1m"`
	With  []string      `query:"with" max:"2"`
	Next  *int64        `query:"next" min:"0"`
}

type answer struct {
	Limit int
	Next  *int64
}

var ask = api.Query[question, answer]{Route: api.Route{ID: "ask", Pattern: "GET /v1/things", Role: accounts.Viewer}}

type change struct {
	ID string `path:"id" json:"-"`
}

var alter = api.Action[change, api.Done]{Route: api.Route{ID: "alter", Pattern: "POST /v1/things/{id}",
	Role: accounts.Technician, Owner: accounts.Admin, Audit: "alter"}}

// door lets a user in by the role that a route asks for, and counts what it refused.
type door struct {
	user    api.User
	refused int
	audit   error
}

func (d *door) Authorise(_ *http.Request, r *api.Route) (api.User, error) {
	if d.user.Role < r.Role {
		return d.user, api.NewProblem(api.RoleMissing, message.Verbatim("no"))
	}
	return d.user, nil
}
func (d *door) Refuse(*http.Request, message.Message) { d.refused++ }
func (d *door) Audit(context.Context, api.User, string, message.Message) error {
	return d.audit
}

// served is a server of both operations; done counts the changes.
func served(t *testing.T, d *door, done *int) *api.Client {
	t.Helper()
	h := (&api.Server{Guard: d, Log: slog.New(slog.DiscardHandler)}).Handler(nil,
		api.Answer(&ask, func(_ *api.Call, in question) (answer, error) { return answer{in.Limit, in.Next}, nil }),
		api.Perform(&alter, func(*api.Call, change) (api.Act[api.Done], error) {
			return api.Act[api.Done]{Owner: "ann", Text: message.Verbatim("x"), Do: func(context.Context) (api.Done, error) {
				*done++
				return api.Done{}, nil
			}}, nil
		}))
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &api.Client{HTTP: s.Client(), Base: s.URL}
}

// Values outside of what a route allows are refused with the parameter's name, and reach no handler.
func TestQueryLimits(t *testing.T) {
	client := served(t, &door{user: api.User{Name: "v", Role: accounts.Viewer}}, new(int))
	for query, want := range map[string]struct {
		status int
		code   api.Code
		names  string
	}{
		"":                           {200, "", ""},
		"limit=1":                    {200, "", ""},
		"limit=200":                  {200, "", ""},
		"limit=0":                    {400, api.BadRequest, "limit"},
		"limit=201":                  {400, api.BadRequest, "limit"},
		"limit=-5":                   {400, api.BadRequest, "limit"},
		"limit=1e2":                  {400, api.BadRequest, "limit"},
		"limit=99999999999999999999": {400, api.BadRequest, "limit"},
		"class=alarm":                {200, "", ""},
		"class=ALARM":                {400, api.BadRequest, "class"},
		"wait=1m":                    {200, "", ""},
		"wait=61s":                   {400, api.BadRequest, "wait"},
		"wait=-1s":                   {400, api.BadRequest, "wait"},
		"wait=60":                    {400, api.BadRequest, "wait"},
		"with=a&with=b":              {200, "", ""},
		"with=a&with=b&with=c":       {400, api.BadRequest, "with"},
		"next=0":                     {200, "", ""},
		"next=-1":                    {400, api.BadRequest, "next"},
		"lmit=3":                     {400, api.UnknownParameter, "lmit"},
	} {
		resp, err := client.HTTP.Get(client.Base + "/v1/things?" + query)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want.status {
			t.Errorf("%s: %s, not %d", query, resp.Status, want.status)
		}
		if want.code == "" {
			continue
		}
		p := problemAt(t, client, "/v1/things?"+query)
		if p.Code != want.code || !strings.Contains(p.Detail, want.names) || p.Text.Detail.FR == "" {
			t.Errorf("%s: %+v", query, p)
		}
	}
}

// problemAt returns the problem with which a server answers a GET, as a client of the table reads it.
func problemAt(t *testing.T, c *api.Client, path string) *api.Problem {
	t.Helper()
	q := api.Query[api.None, answer]{Route: api.Route{Pattern: "GET " + path}}
	_, err := q.Ask(t.Context(), c, api.None{})
	var p *api.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%s: %v is no problem", path, err)
	}
	return p
}

// A route's role and its owner rule hold: who may not, changes nothing, and it is noted who tried.
func TestRolesAndOwners(t *testing.T) {
	for name, c := range map[string]struct {
		user  api.User
		audit error
		want  api.Code // "" for done
	}{
		"a viewer":            {api.User{Name: "ann", Role: accounts.Viewer}, nil, api.RoleMissing},
		"who began it":        {api.User{Name: "ann", Role: accounts.Technician}, nil, ""},
		"another":             {api.User{Name: "bob", Role: accounts.Technician}, nil, api.NotOwner},
		"an administrator":    {api.User{Name: "eve", Role: accounts.Admin}, nil, ""},
		"no journal, no deed": {api.User{Name: "ann", Role: accounts.Technician}, errors.New("full"), api.NotJournalled},
	} {
		d, done := &door{user: c.user, audit: c.audit}, 0
		_, err := alter.Do(t.Context(), served(t, d, &done), change{ID: "1"})
		var p *api.Problem
		switch {
		case c.want == "" && (err != nil || done != 1):
			t.Errorf("%s: %v, done %d times", name, err, done)
		case c.want != "" && (!errors.As(err, &p) || p.Code != c.want || done != 0):
			t.Errorf("%s: %v, done %d times", name, err, done)
		case c.want == api.NotOwner && d.refused != 1:
			t.Errorf("%s: refused, and not noted", name)
		}
	}
}

// A problem reaches the client as the server made it: code, status, text in both languages and what to do; with the
// headers that programs go by.
func TestProblemDocuments(t *testing.T) {
	for _, code := range api.Codes() {
		made := api.NewProblem(code, message.New("net.reset")).WithDo(message.New("system.timeout")).After(90 * time.Second).
			WithChallenge("Bearer")
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { api.WriteProblem(w, made) }))
		client := &api.Client{HTTP: s.Client(), Base: s.URL}
		p := problemAt(t, client, "/")
		if p.Code != code || p.Status != code.Status() || p.Title != code.Title() || p.Type != api.ProblemType+string(code) ||
			p.Text != made.Text || p.Do != message.New("system.timeout").English() {
			t.Errorf("%s: %+v", code, p)
		}
		if fr := message.Of(p).In(message.French); !strings.Contains(fr, message.New("net.reset").In(message.French)) ||
			!strings.Contains(fr, message.New("system.timeout").In(message.French)) {
			t.Errorf("%s: %q", code, fr)
		}
		resp, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		for header, want := range map[string]string{"Content-Type": "application/problem+json", "Retry-After": "90",
			"WWW-Authenticate": "Bearer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
			if got := resp.Header.Get(header); got != want {
				t.Errorf("%s: %s %q, not %q", code, header, got, want)
			}
		}
		s.Close()
	}
}

// What is no problem document, of a proxy or an older version, is told with status and text, of which only so much is
// read; an error that is no problem is Internal.
func TestOtherAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		media, body string
		detail      string
	}{
		"text":            {"text/plain", " Bad Gateway: upstream \n", "Bad Gateway: upstream"},
		"not JSON":        {"application/problem+json", "{", "{"},
		"without a title": {"application/problem+json", `{"detail":"x"}`, `{"detail":"x"}`},
		"long":            {"text/plain", strings.Repeat("x", 1<<20), strings.Repeat("x", 16<<10)},
		"nothing":         {"", "", ""},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.media)
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte(c.body))
		}))
		p := problemAt(t, &api.Client{HTTP: s.Client(), Base: s.URL}, "/")
		if p.Status != http.StatusBadGateway || p.Title != "502 Bad Gateway" || p.Detail != c.detail {
			t.Errorf("%s: status %d, %q, detail of %d bytes", name, p.Status, p.Title, len(p.Detail))
		}
		s.Close()
	}
	if p := api.AsProblem(errors.New("x")); p.Code != api.Internal || p.Status != http.StatusInternalServerError {
		t.Errorf("%+v", p)
	}
}

// A client of a socket ends with its time-out when nothing answers, and says so; a socket that is not there is an
// error of the system, and no problem of a server.
func TestClientOfSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	var p *api.Problem
	if _, err := ask.Ask(t.Context(), api.NewClient(socket, time.Minute), question{}); err == nil || errors.As(err, &p) {
		t.Errorf("no socket: %v", err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // it accepts nothing
	var timeout net.Error
	if _, err := ask.Ask(t.Context(), api.NewClient(socket, 20*time.Millisecond), question{}); !errors.As(err, &timeout) ||
		!timeout.Timeout() {
		t.Errorf("mute: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ask.Ask(ctx, api.NewClient(socket, 0), question{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}
