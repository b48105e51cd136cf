package hub

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"lanewarden/edge/api"
	"lanewarden/edge/api/lockout"
	"lanewarden/edge/api/passwords"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/people"
)

const password = "correct horse"

// accountsFile writes a file of persons, all with the same password.
func accountsFile(t *testing.T, all ...people.Person) string {
	t.Helper()
	hash, err := passwords.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].Hash = hash
	}
	file := filepath.Join(t.TempDir(), "accounts")
	if err := people.Write(file, all); err != nil {
		t.Fatal(err)
	}
	return file
}

// browser asks a hub as a page does: with cookies, and with the token of its session.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
	csrf   string
}

func newBrowser(t *testing.T, address string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, base: "http://" + address, client: &http.Client{Jar: jar}}
}

// do returns the status and the body of an answer.
func (b *browser) do(method, path, body string) (int, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("X-Csrf-Token", b.csrf)
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer io.Reader = resp.Body
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") { // it has no end
		answer = io.LimitReader(resp.Body, 1)
	}
	text, err := io.ReadAll(answer)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// signIn signs in with a name and the test's password, and returns the status.
func (b *browser) signIn(name, word string) int {
	b.t.Helper()
	code, text := b.do(http.MethodPost, "/v1/session", `{"user": "`+name+`", "password": "`+word+`"}`)
	if code == http.StatusOK {
		b.take(text)
	}
	return code
}

// take takes over the session that an answer tells.
func (b *browser) take(text string) (s hubapi.Session) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		b.t.Fatal(err, text)
	}
	b.csrf = s.CSRF
	return s
}

// rolesTable reads the table of docs/access.md: by operation, who may call it.
func rolesTable(t *testing.T) map[string][]people.Role {
	t.Helper()
	text, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string][]people.Role{}
	for line := range strings.Lines(string(text)) {
		m := regexp.MustCompile("^\\| `([a-zA-Z]+)` \\| ([a-z, -]+) \\|").FindStringSubmatch(line)
		if m == nil {
			continue
		}
		switch m[2] {
		case "everybody":
			table[m[1]] = nil
		case "every role":
			table[m[1]] = people.Roles()
		default:
			for r := range strings.SplitSeq(m[2], ", ") {
				table[m[1]] = append(table[m[1]], people.Role(r))
			}
		}
	}
	return table
}

// TestRolesTable: each operation has its row in docs/access.md, and each role may call what the row says, and nothing
// else.
func TestRolesTable(t *testing.T) {
	table := rolesTable(t)
	var all []people.Person
	for _, r := range people.Roles() {
		all = append(all, people.Person{Name: string(r), Roles: []people.Role{r}})
	}
	o := start(t, Options{HTTPAccounts: accountsFile(t, all...)})
	signedIn := map[people.Role]*browser{"": newBrowser(t, o.HTTP)}
	for _, r := range people.Roles() {
		signedIn[r] = newBrowser(t, o.HTTP)
		if code := signedIn[r].signIn(string(r), password); code != http.StatusOK {
			t.Fatalf("%s cannot sign in: %d", r, code)
		}
	}
	for _, operation := range hubapi.Operations() {
		route, _, _ := operation.Describe()
		may, there := table[route.ID]
		if !there {
			t.Errorf("docs/access.md has no row for %s (%s): who may call it?", route.ID, route.Pattern)
			continue
		}
		if route.Open || route.ID == hubapi.DeleteSession.ID {
			continue // it would end what the others need
		}
		path := regexp.MustCompile(`\{[a-z0-9_]+\}`).ReplaceAllString(route.Path(), strings.Repeat("0", 64))
		for role, b := range signedIn {
			code, text := b.do(route.Method(), path, "")
			refused := code == http.StatusUnauthorized || code == http.StatusForbidden
			if want := may == nil || slices.Contains(may, role); refused == want && !strings.Contains(text, "sign-on") {
				t.Errorf("%s by %q: %d %s, want allowed: %v", route.ID, role, code, text, want)
			}
		}
	}
}

// TestSignIn: five wrong passwords lock the account for that address; a session needs its token for what changes
// something; who is removed from the file is out at once; it is all on record.
func TestSignIn(t *testing.T) {
	file := accountsFile(t, people.Person{Name: "op", Roles: []people.Role{people.Admin}},
		people.Person{Name: "eve", Roles: []people.Role{people.Viewer}})
	o := start(t, Options{HTTPAccounts: file})
	stranger := newBrowser(t, o.HTTP)
	for range lockout.MaxWrong {
		if code := stranger.signIn("eve", "wrong horse"); code != http.StatusUnauthorized {
			t.Errorf("a wrong password: %d", code)
		}
	}
	if code := stranger.signIn("eve", password); code != http.StatusTooManyRequests {
		t.Errorf("a locked account: %d", code)
	}
	b := newBrowser(t, o.HTTP)
	if code := b.signIn("op", password); code != http.StatusOK {
		t.Fatalf("%d", code)
	}
	token := b.csrf
	for _, csrf := range []string{"", "guessed"} {
		b.csrf = csrf
		if code, _ := b.do(http.MethodPost, "/v1/erasures", `{"before": "2020-01-01T00:00:00Z"}`); code != http.StatusForbidden {
			t.Errorf("an erasure with the token %q: %d", csrf, code)
		}
	}
	b.csrf = token
	eventually(t, "the sign-in and the refusals on record", func() bool {
		_, text := b.do(http.MethodGet, "/v1/feed?kind=agent.access", "")
		return strings.Contains(text, `"action":"sign-in"`) && strings.Contains(text, "wrong name or password for") &&
			strings.Contains(text, "is locked") && strings.Contains(text, `"role":"admin"`)
	})
	if err := people.Write(file, []people.Person{{Name: "other", Roles: []people.Role{people.Viewer}}}); err != nil {
		t.Fatal(err)
	}
	if code, _ := b.do(http.MethodGet, "/v1/agents", ""); code != http.StatusUnauthorized {
		t.Errorf("a removed account: %d", code)
	}
}

// TestSites: a person sees the agents, the feed and the commands of their sites only, and does nothing to others.
func TestSites(t *testing.T) {
	o := start(t, Options{HTTPAccounts: accountsFile(t,
		people.Person{Name: "all", Roles: []people.Role{people.Admin}},
		people.Person{Name: "one", Roles: []people.Role{people.Admin}, Sites: []string{"windsor"}},
		people.Person{Name: "two", Roles: []people.Role{people.Viewer}, Sites: []string{"windsor", "sarnia"}})})
	as := map[string]*browser{}
	for _, name := range []string{"all", "one", "two"} {
		as[name] = newBrowser(t, o.HTTP)
		if code := as[name].signIn(name, password); code != http.StatusOK {
			t.Fatalf("%s: %d", name, code)
		}
	}
	for _, c := range []struct {
		who, method, path string
		want              int
	}{
		{"all", http.MethodGet, "/v1/feed?site=emerson", http.StatusOK},
		{"one", http.MethodGet, "/v1/feed?site=windsor", http.StatusOK},
		{"one", http.MethodGet, "/v1/feed", http.StatusOK},
		{"one", http.MethodGet, "/v1/feed?site=emerson", http.StatusForbidden},
		{"two", http.MethodGet, "/v1/feed?site=sarnia", http.StatusOK},
		{"two", http.MethodGet, "/v1/feed", http.StatusForbidden},
		{"two", http.MethodGet, "/v1/passages", http.StatusOK},
		{"two", http.MethodGet, "/v1/decisions", http.StatusOK},
		{"one", http.MethodGet, "/v1/passages/emerson/a/x", http.StatusForbidden},
		{"one", http.MethodGet, "/v1/passages/windsor/a/x", http.StatusNotFound},
		{"all", http.MethodPost, "/v1/agents/emerson/a/rekey", http.StatusNotFound},
		{"one", http.MethodPost, "/v1/agents/windsor/a/rekey", http.StatusNotFound},
		{"one", http.MethodPost, "/v1/agents/emerson/a/rekey", http.StatusForbidden},
	} {
		body := ""
		if c.method == http.MethodPost {
			body = "{}"
		}
		if code, text := as[c.who].do(c.method, c.path, body); code != c.want {
			t.Errorf("%s %s %s: %d %s", c.who, c.method, c.path, code, text)
		}
	}
	_, text := as["one"].do(http.MethodGet, "/v1/session", "")
	if s := as["one"].take(text); !slices.Equal(s.Sites, []string{"windsor"}) || !slices.Contains(s.Scopes, api.ScopeAdmin) {
		t.Errorf("%+v", s)
	}
}

// provider runs an OpenID Connect provider that knows the hub at an address and the person test-user, until the returned
// function is called.
func provider(t *testing.T, hub string) (issuer string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer = "http://" + l.Addr().String() + "/"
	storage.RegisterClients(storage.WebClient("lanehub", "secret", "http://"+hub+"/v1/sign-on/back"))
	srv := &http.Server{Handler: exampleop.SetupServer(issuer, storage.NewStorage(storage.NewUserStore(issuer)), nil, false,
		op.WithAllowInsecure())}
	ended := make(chan struct{})
	go func() { defer close(ended); srv.Serve(l) }()
	stop = func() { srv.Shutdown(context.Background()); <-ended }
	t.Cleanup(stop)
	return issuer, stop
}

// oidcFile writes settings for a provider; roles is what test-user is here.
func oidcFile(t *testing.T, issuer, hub, user string) string {
	t.Helper()
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "secret"), filepath.Join(dir, "oidc.yaml")
	text := "issuer: " + issuer + "\nclient_id: lanehub\nsecret_file: " + secret + "\nurl: http://" + hub +
		"\nclaim: preferred_username\nroles:\n  - {value: '" + user + "', roles: [officer, expert], sites: [windsor]}\n"
	for name, what := range map[string]string{secret: "secret\n", file: text} {
		if err := os.WriteFile(name, []byte(what), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// signOn goes to the provider, gives the name and password there, and returns where the browser ends.
func (b *browser) signOn(user, word string) (int, string) {
	b.t.Helper()
	resp, err := b.client.Get(b.base + "/v1/sign-on")
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, string(text)
	}
	form := resp.Request.URL
	id := form.Query().Get("authRequestID")
	resp, err = b.client.PostForm(form.Scheme+"://"+form.Host+form.Path, url.Values{"id": {id}, "username": {user}, "password": {word}})
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err = io.ReadAll(resp.Body); err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestSignOn signs in with a real provider (zitadel/oidc): the person has the roles and sites of the settings, somebody
// without a role is nobody, an answer that this browser did not ask for counts for nothing, and while the provider is
// away the hub's own accounts work.
func TestSignOn(t *testing.T) {
	o := Options{HTTP: address(t)}
	issuer, stop := provider(t, o.HTTP)
	host, _, _ := strings.Cut(strings.TrimPrefix(issuer, "http://"), ":")
	user := "test-user@" + host
	hub := startAt(t, Options{HTTP: o.HTTP, OIDC: oidcFile(t, issuer, o.HTTP, user),
		HTTPAccounts: accountsFile(t, people.Person{Name: "op", Roles: []people.Role{people.Admin}})})
	b := newBrowser(t, hub.HTTP)
	b.signOn(user, "verysecure")
	_, text := b.do(http.MethodGet, "/v1/session", "")
	if s := b.take(text); !slices.Equal(s.Roles, []string{"expert", "officer"}) || !slices.Equal(s.Sites, []string{"windsor"}) || s.CSRF == "" {
		t.Errorf("signed in as %s", text)
	}
	if code, _ := b.do(http.MethodGet, "/v1/feed", ""); code != http.StatusOK {
		t.Errorf("the feed: %d", code)
	}
	if code, _ := b.do(http.MethodPost, "/v1/erasures", `{}`); code != http.StatusForbidden {
		t.Errorf("an erasure: %d", code)
	}
	for _, query := range []string{"", "?state=x&code=y", "?error=access_denied"} {
		if code, text := newBrowser(t, hub.HTTP).do(http.MethodGet, "/v1/sign-on/back"+query, ""); code != http.StatusUnauthorized {
			t.Errorf("back with %q: %d %s", query, code, text)
		}
	}
	if code, _ := b.do(http.MethodDelete, "/v1/session", ""); code != http.StatusOK {
		t.Errorf("signing out: %d", code)
	}
	if code, _ := b.do(http.MethodGet, "/v1/feed", ""); code != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", code)
	}
	if code, text := newBrowser(t, hub.HTTP).signOn("test-user2", "verysecure"); code != http.StatusUnauthorized || !strings.Contains(text, "has no role") {
		t.Errorf("somebody without a role: %d %s", code, text)
	}
	stop()
	hub = start(t, Options{OIDC: oidcFile(t, issuer, o.HTTP, user),
		HTTPAccounts: accountsFile(t, people.Person{Name: "op", Roles: []people.Role{people.Admin}})})
	if code, text := newBrowser(t, hub.HTTP).do(http.MethodGet, "/v1/sign-on", ""); code != http.StatusServiceUnavailable || !strings.Contains(text, "does not answer") {
		t.Errorf("the provider is away: %d %s", code, text)
	}
	local := newBrowser(t, hub.HTTP)
	if code := local.signIn("op", password); code != http.StatusOK {
		t.Errorf("an account of the hub while the provider is away: %d", code)
	}
}
