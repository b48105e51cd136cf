package console

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
	"lanewarden/edge/api/passwords"
	"lanewarden/edge/api/session"
	"lanewarden/edge/diag/guided"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
)

// guarded is a console with accounts, on TCP.
type guarded struct {
	t       *testing.T
	url     string
	journal *journal.Journal
	book    string
	full    atomic.Bool // the journal accepts nothing, as on a full disk

	console  *Console
	tests    *guided.Runner
	booths   someBooths
	cases    someCases
	vehicles *someVehicles
	set      chan string // values that the device's output was set to
	received chan string // receipts that were shown to the agent
	imported chan string // folders that the agent was to take orders from
}

func newGuarded(t *testing.T) *guarded { return newGuardedTLS(t, nil) }

func newGuardedTLS(t *testing.T, config *tls.Config) *guarded {
	dir := t.TempDir()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	g := &guarded{
		t: t, journal: j, book: filepath.Join(dir, "accounts"), vehicles: &someVehicles{all: twoVehicles()},
		set: make(chan string, 8), received: make(chan string, 8), imported: make(chan string, 8),
	}
	var all []accounts.Account
	for role := accounts.Viewer; role <= accounts.Admin; role++ {
		hash, err := passwords.Hash("correct horse")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, accounts.Account{Name: role.String(), Role: role, Hash: hash})
	}
	if err := accounts.Write(g.book, all); err != nil {
		t.Fatal(err)
	}
	book, err := accounts.Open(g.book)
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	spec := driver.New("pulse", "pulse", func(noSettings, driver.Env) (driver.Driver, error) {
		return barrier{set: g.set}, nil
	})
	devices, err := lane.New(j, []lane.Device{{ID: "dev-1", Spec: spec, Settings: &noSettings{}}}, lane.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	words := message.Verbatim("Is it there?")
	g.tests = guided.New([]guided.Device{{ID: "dev-1", Tests: []driver.Test{{ID: "ask", Title: words, Steps: func(any) []driver.Step {
		return []driver.Step{{Do: words, Ask: words, Limit: time.Minute}}
	}}}}}, devices, j, quiet)
	c := New(Options{
		Site: "s", Agent: "a", Socket: filepath.Join(dir, "s"), Listen: address, Journal: j, JournalDir: filepath.Join(dir, "journal"), Lane: devices, Accounts: book, TLS: config, Log: quiet,
		Link: func() api.Link { return api.Link{} }, Tests: g.tests, Passages: g.vehicles, Booths: &g.booths, Cases: &g.cases,
		Receive: func(receipt, _ string) error {
			g.received <- receipt
			return nil
		},
		TakeOrders: func(_ context.Context, dir string) (int, error) {
			g.imported <- dir
			return 1, nil
		},
	})
	g.console = c
	c.access.commit = func(ctx context.Context, obs ...*observation.Observation) (int, error) {
		if g.full.Load() {
			return 0, errors.New("database or disk is full")
		}
		return j.Commit(ctx, obs...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 3)
	go func() { done <- devices.Run(ctx) }()
	go func() { done <- g.tests.Run(ctx) }()
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		j.Close()
	})
	g.url = "http://" + address
	if config != nil {
		g.url = "https://" + address
	}
	for begin := time.Now(); ; <-time.After(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return g
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatal("the console does not listen")
		}
	}
}

// browser is somebody's browser.
type browser struct {
	*http.Client
	g    *guarded
	csrf string
}

func (g *guarded) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	return &browser{Client: &http.Client{Jar: jar, Timeout: 20 * time.Second}, g: g}
}

func (b *browser) ask(method, path, body string) (int, string) {
	r, err := http.NewRequest(method, b.g.url+path, strings.NewReader(body))
	if err != nil {
		b.g.t.Fatal(err)
	}
	r.Header.Set(session.CSRFHeader, b.csrf)
	resp, err := b.Do(r)
	if err != nil {
		b.g.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.g.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (b *browser) signIn(name, password string) int {
	code, text := b.ask(http.MethodPost, "/v1/session", fmt.Sprintf(`{"user":%q,"password":%q}`, name, password))
	var s api.SessionInfo
	if code == http.StatusOK {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			b.g.t.Fatal(err)
		}
		b.csrf = s.CSRF
	}
	return code
}

// audited waits until the journal says that somebody did something.
func (g *guarded) audited(action, text string) {
	g.t.Helper()
	for begin := time.Now(); time.Since(begin) < 20*time.Second; <-time.After(50 * time.Millisecond) {
		rows, err := g.journal.Read(0, 10_000)
		if err != nil {
			g.t.Fatal(err)
		}
		for i := range rows {
			o, err := rows[i].Observation()
			if a := o.GetBody().GetAgentAccess(); err == nil && a != nil && a.Action == action && strings.Contains(a.Text, text) {
				return
			}
		}
	}
	g.t.Errorf("the journal does not say %s %q", action, text)
}

const verification = "/v1/evidence/verification"

func TestRoles(t *testing.T) {
	g := newGuarded(t)
	guest := g.browser()
	for _, path := range []string{"/v1/status", "/v1/tail", "/v1/observations", "/v1/stream", "/v1/passages", "/v1/live/dev-1", "/v1/devices/dev-1/recording"} {
		if code, _ := guest.ask(http.MethodGet, path, ""); code != http.StatusUnauthorized {
			t.Errorf("a guest got %d at %s", code, path)
		}
	}
	viewer, technician := g.browser(), g.browser()
	if code := viewer.signIn("viewer", "correct horse"); code != http.StatusOK {
		t.Fatal(code)
	}
	if code, text := viewer.ask(http.MethodGet, "/v1/status", ""); code != http.StatusOK {
		t.Error(code, text)
	}
	if code, _ := viewer.ask(http.MethodPost, verification, ""); code != http.StatusForbidden {
		t.Errorf("a viewer got %d", code)
	}
	technician.signIn("technician", "correct horse")
	if code, text := technician.ask(http.MethodPost, verification, ""); code != http.StatusOK || !strings.Contains(text, `"ok":true`) {
		t.Error(code, text)
	}
	if code, _ := technician.ask(http.MethodPost, "/v1/passages/corrections", `{"idx":1,"to":"","reason":"r","by":"b"}`); code != http.StatusForbidden {
		t.Errorf("a technician corrected a passage: %d", code)
	}
	g.audited("sign-in", "")
	g.audited("verification", "as they were signed")
	g.audited("refused", "role viewer, needs technician")
	// an account that is removed is out at once
	if err := accounts.Write(g.book, nil); err != nil {
		t.Fatal(err)
	}
	if code, _ := technician.ask(http.MethodGet, "/v1/status", ""); code != http.StatusUnauthorized {
		t.Errorf("an account that was removed got %d", code)
	}
}

// A journal that accepts nothing ends nothing: what was refused meanwhile is journalled when it can be.
func TestJournalThatTakesNothing(t *testing.T) {
	g := newGuarded(t)
	technician := g.browser()
	technician.signIn("technician", "correct horse")
	g.full.Store(true)
	for range 100 {
		if code, _ := g.browser().ask(http.MethodGet, "/v1/status", ""); code != http.StatusUnauthorized {
			t.Fatalf("a guest got %d", code)
		}
	}
	b := g.browser()
	if code := b.signIn("viewer", "correct horse"); code != http.StatusServiceUnavailable || len(b.Jar.Cookies(mustURL(t, g.url))) > 0 {
		t.Errorf("signed in without being journalled: %d, cookies %v", code, b.Jar.Cookies(mustURL(t, g.url)))
	}
	<-time.After(session.Every + time.Second) // the refusals were to be journalled in this time
	g.full.Store(false)
	if code, text := technician.ask(http.MethodGet, "/v1/status", ""); code != http.StatusOK {
		t.Errorf("after the disk was full: %d %s", code, text)
	}
	g.audited("refused", "GET /v1/status: not signed in")
}

// Whose test it is abandons it; another technician does not, an admin does.
func TestAbandonOthersTest(t *testing.T) {
	g := newGuarded(t)
	owner, officer, admin := g.browser(), g.browser(), g.browser()
	owner.signIn("technician", "correct horse")
	officer.signIn("officer", "correct horse")
	admin.signIn("admin", "correct horse")
	start := func() {
		t.Helper()
		for begin := time.Now(); ; <-time.After(20 * time.Millisecond) { // the one before may still be finishing
			if code, text := owner.ask(http.MethodPost, "/v1/tests", `{"device":"dev-1","test":"ask"}`); code == http.StatusOK {
				return
			} else if time.Since(begin) > 20*time.Second {
				t.Fatal(code, text)
			}
		}
	}
	abandon := func(b *browser) int {
		code, _ := b.ask(http.MethodPost, "/v1/tests/run", `{"action":"abandon"}`)
		return code
	}
	start()
	if code := abandon(officer); code != http.StatusForbidden {
		t.Errorf("an officer abandoned a technician's test: %d", code)
	}
	if code := abandon(admin); code != http.StatusOK {
		t.Errorf("an admin: %d", code)
	}
	start()
	if code := abandon(owner); code != http.StatusOK {
		t.Errorf("the one who runs it: %d", code)
	}
	g.audited("test", "dev-1 ask, step 1: abandon")
	g.audited("refused", "dev-1 ask, step 1: abandoned: technician began this")
}

func TestWrongPasswordTenTimes(t *testing.T) {
	g := newGuarded(t)
	b := g.browser()
	codes := map[int]int{}
	for range 10 {
		codes[b.signIn("officer", "wrong horse")]++
	}
	if codes[http.StatusUnauthorized] != 5 || codes[http.StatusTooManyRequests] != 5 {
		t.Errorf("answers %v", codes)
	}
	if code := b.signIn("officer", "correct horse"); code != http.StatusTooManyRequests {
		t.Errorf("a locked account signed in: %d", code)
	}
	g.audited("refused", "wrong name or password for officer")
	g.audited("refused", "account officer is locked")
	if code := g.browser().signIn("nobody-here", "correct horse"); code != http.StatusTooManyRequests && code != http.StatusUnauthorized {
		t.Errorf("an account that is not there: %d", code)
	}
}

func TestStolenSession(t *testing.T) {
	g := newGuarded(t)
	b := g.browser()
	b.signIn("technician", "correct horse")
	thief := &browser{Client: b.Client, g: g} // has the cookie, not the token
	if code, _ := thief.ask(http.MethodPost, verification, ""); code != http.StatusForbidden {
		t.Errorf("without the token: %d", code)
	}
	thief.csrf = "guessed"
	if code, _ := thief.ask(http.MethodPost, verification, ""); code != http.StatusForbidden {
		t.Errorf("with a guessed token: %d", code)
	}
	g.audited("refused", "without the session's token")
	cookie := ""
	if u := b.Jar.Cookies(mustURL(t, g.url)); len(u) == 1 {
		cookie = u[0].String()
	}
	if code, _ := b.ask(http.MethodDelete, "/v1/session", ""); code != http.StatusOK {
		t.Error(code)
	}
	r, err := http.NewRequest(http.MethodGet, g.url+"/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if cookie == "" || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a session that was signed out, with its old cookie %q: %d", cookie, resp.StatusCode)
	}
}

// An account that is called local, as the users of the socket are, needs the session's token and speaks for itself.
func TestAccountNamedLocal(t *testing.T) {
	g := newGuarded(t)
	hash, err := passwords.Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if err := accounts.Write(g.book, []accounts.Account{{Name: localUser, Role: accounts.Admin, Hash: hash}}); err != nil {
		t.Fatal(err)
	}
	b := g.browser()
	if code := b.signIn(localUser, "correct horse"); code != http.StatusOK {
		t.Fatal(code)
	}
	thief := &browser{Client: b.Client, g: g} // has the cookie, not the token
	if code, _ := thief.ask(http.MethodPost, verification, ""); code != http.StatusForbidden {
		t.Errorf("without the token: %d", code)
	}
	const correction = `{"idx":1,"to":"","reason":"r","by":"somebody else"}`
	if code, text := b.ask(http.MethodPost, "/v1/passages/corrections", correction); code != http.StatusOK {
		t.Fatal(code, text)
	}
	if got := strings.Join(g.vehicles.told, "; "); got != "1  r "+localUser {
		t.Errorf("corrected: %q", got)
	}
}

// A session's name changes when somebody signs in: one that was planted before is worth nothing.
func TestFixedSession(t *testing.T) {
	g := newGuarded(t)
	b := g.browser()
	b.signIn("viewer", "correct horse")
	before := b.Jar.Cookies(mustURL(t, g.url))[0].Value
	b.signIn("technician", "correct horse")
	if after := b.Jar.Cookies(mustURL(t, g.url))[0].Value; after == before {
		t.Error("the session kept its name")
	}
}

func TestTraversal(t *testing.T) {
	g := newGuarded(t)
	for _, path := range []string{"/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/vendor/../../access.go", "/v1/artifacts/..%2f..%2fjournal.db", "/v1/devices/..%2f..%2fetc/recording"} {
		c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: lane\r\nConnection: close\r\n\r\n", path)
		text, err := io.ReadAll(c)
		c.Close()
		if err != nil || bytes.Contains(text, []byte("root:")) || bytes.HasPrefix(text, []byte("HTTP/1.1 200")) {
			t.Errorf("%s: %.100q %v", path, text, err)
		}
	}
}

// More idle connections than are taken: they end by themselves, and the lane goes on meanwhile.
func TestIdleConnections(t *testing.T) {
	g := newGuarded(t)
	for range 2 * maxConns {
		c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET /v1/status HTTP/1.1\r\nX-Slow: ") // and never an end
	}
	before := g.journal.Size()
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.RadiationTamper{})
	o.Device = "dev-1"
	if _, err := g.journal.Commit(t.Context(), o); err != nil || g.journal.Size() <= before {
		t.Error("the journal stood still", err)
	}
	b := g.browser()
	b.Timeout = 60 * time.Second
	if code, _ := b.ask(http.MethodGet, "/healthz", ""); code != http.StatusOK {
		t.Errorf("after the idle ones were thrown out: %d", code)
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// signed makes a certificate for a name, signed by parent, or by itself.
func signed(t *testing.T, name string, parent *tls.Certificate) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	issuer, issuerKey := c, any(key)
	if parent != nil {
		issuer, issuerKey = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, &key.PublicKey, issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// A client certificate signs in as the account that it names, another CA's does not, and another site's page cannot use it.
func TestClientCertificate(t *testing.T) {
	ca := signed(t, "agency", nil)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	g := newGuardedTLS(t, &tls.Config{Certificates: []tls.Certificate{signed(t, "lane", &ca)}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12})
	with := func(certs ...tls.Certificate) *browser {
		b := g.browser()
		b.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certs, MinVersion: tls.VersionTLS12}}
		return b
	}
	if code, _ := with().ask(http.MethodGet, "/v1/status", ""); code != http.StatusUnauthorized {
		t.Errorf("without certificate: %d", code)
	}
	technician := with(signed(t, "technician", &ca))
	if code, _ := technician.ask(http.MethodPost, verification, ""); code != http.StatusForbidden {
		t.Errorf("a request that no page of ours sent: %d", code)
	}
	code, text := technician.ask(http.MethodGet, "/v1/session", "")
	var s api.SessionInfo
	if err := json.Unmarshal([]byte(text), &s); err != nil || code != http.StatusOK || s.User != "technician" {
		t.Errorf("%d %s", code, text)
	}
	technician.csrf = s.CSRF
	if code, text := technician.ask(http.MethodPost, verification, ""); code != http.StatusOK {
		t.Errorf("from our page: %d %s", code, text)
	}
	if code, _ := with(signed(t, "somebody", &ca)).ask(http.MethodGet, "/v1/status", ""); code != http.StatusUnauthorized {
		t.Errorf("a certificate for no account: %d", code)
	}
	other := signed(t, "elsewhere", nil)
	forger := with()
	forger.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert := signed(t, "admin", &other)
		return &cert, nil
	}
	if _, err := forger.Get(g.url + "/v1/status"); err == nil {
		t.Error("another CA's certificate was taken")
	}
}
