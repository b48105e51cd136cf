package hub

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/authority"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/identity"
)

// logged is a log that can be looked at while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// issuing is a hub with an authority of its own, over TLS on both sides.
type issuing struct {
	Options
	ca     *authority.Authority
	caFile string
	log    *logged
}

// hubCA are the authorities of hubs' certificates that are not their own.
var hubCA = map[string]string{}

func startIssuing(t testing.TB, agents string, life time.Duration) *issuing {
	t.Helper()
	return startIssuingAt(t, agents, life, func(*issuing, *Options) {})
}

// startIssuingAt is startIssuing with a broker that the caller sets up before the hub starts.
func startIssuingAt(t testing.TB, agents string, life time.Duration, broker func(*issuing, *Options)) *issuing {
	t.Helper()
	dir := t.TempDir()
	i := &issuing{log: &logged{}, caFile: filepath.Join(dir, "ca", authority.CertFile)}
	var err error
	if i.ca, err = authority.Create(filepath.Join(dir, "ca"), "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(dir, "hub.pem"), filepath.Join(dir, "hub.key")
	if err := i.ca.Issue(authority.Request{Name: "hub", Hosts: []string{"127.0.0.1"}, Days: 1}, cert, key, time.Now()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "agents")
	write(t, file, agents)
	hubCA[cert] = i.caFile
	o := Options{
		HTTPCert: cert, HTTPKey: key, TLSCert: cert, TLSKey: key, AgentsFile: file, CADir: filepath.Join(dir, "ca"),
		CertificateLife: life, Log: slog.New(slog.NewTextHandler(i.log, nil)),
	}
	broker(i, &o)
	i.Options = start(t, o)
	return i
}

// code returns the code of a new invitation.
func (i *issuing) code(t *testing.T, agent string) identity.Code {
	t.Helper()
	code, err := i.ca.Invite(agent, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// ask posts a request for a certificate with a key's signature and returns the answer.
func (i *issuing) ask(t *testing.T, code identity.Code, name string, key *ecdsa.PrivateKey) (hubapi.Enrolled, int, string) {
	t.Helper()
	der, err := identity.Request(key, name)
	if err != nil {
		t.Fatal(err)
	}
	return i.post(t, hubapi.Enrolment{Invitation: code.ID, Secret: code.Secret, Request: identity.RequestPEM(der)})
}

func (i *issuing) post(t *testing.T, in hubapi.Enrolment) (out hubapi.Enrolled, status int, text string) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := httpsClient(t, i.caFile).Post("https://"+i.HTTP+"/v1/enrolments", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		err = json.Unmarshal(answer, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out, resp.StatusCode, string(answer)
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// An agent that shows a code gets a certificate, is entered in the file beside what people wrote there, and is let in.
func TestEnrolment(t *testing.T) {
	const before = "# by hand\n\ndemo/lane-2:certificate\r\n  demo/lane-1:$2y$05$abc\ndemo/lane-10:certificate"
	i := startIssuing(t, before, time.Hour)
	code, key := i.code(t, "demo/lane-1"), newKey(t)
	out, status, text := i.ask(t, code, "demo/lane-1", key)
	if status != http.StatusOK || out.Agent != "demo/lane-1" {
		t.Fatalf("%d %s", status, text)
	}
	have, err := os.ReadFile(i.AgentsFile)
	want := "# by hand\n\ndemo/lane-2:certificate\ndemo/lane-10:certificate\ndemo/lane-1:certificate\n"
	if err != nil || string(have) != want {
		t.Errorf("agents file:\n%s%v", have, err)
	}
	if !i.log.has("agent enrolled") || !i.log.has("agent=demo/lane-1") {
		t.Error("the log does not say it")
	}
	cert, err := identity.ParseCertificatePEM([]byte(out.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	b := wire.Broker{URL: "mqtts://" + i.MQTT, CAFile: i.caFile}
	b.CertFile, b.KeyFile = onDisk(t, tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key})
	j, _ := agent(t, b)
	commit(t, j, observation.Class_CLASS_EVENT, 2)
	eventually(t, "acknowledgements", func() bool { return j.Acked(2) == j.Last(2) })

	// Who is taken out is not let in again by the same code.
	write(t, i.AgentsFile, "demo/lane-2:certificate\n")
	if again, status, text := i.ask(t, code, "demo/lane-1", key); status != http.StatusOK || again != out {
		t.Errorf("the same key again: %d %s", status, text)
	}
	if have, _ := os.ReadFile(i.AgentsFile); string(have) != "demo/lane-2:certificate\n" {
		t.Errorf("agents file:\n%s", have)
	}
	if _, status, text := i.ask(t, code, "demo/lane-1", newKey(t)); status != http.StatusConflict || !strings.Contains(text, "used already") {
		t.Errorf("another key: %d %s", status, text)
	}
	if !i.log.has("enrolment refused") || !i.log.has("used already") {
		t.Error("the log does not say who was refused")
	}
}

// What is wrong with a request is said in words, and the invitation stays good.
func TestEnrolmentRefusals(t *testing.T) {
	i := startIssuing(t, "", time.Hour)
	code, key := i.code(t, "demo/lane-1"), newKey(t)
	der, err := identity.Request(key, "demo/lane-1")
	if err != nil {
		t.Fatal(err)
	}
	forged := append([]byte{}, der...)
	forged[len(forged)-1] ^= 1
	for name, c := range map[string]struct {
		in     hubapi.Enrolment
		status int
		want   string
	}{
		"no request":      {hubapi.Enrolment{Invitation: code.ID, Secret: code.Secret}, http.StatusBadRequest, "PKCS #10"},
		"wrong signature": {hubapi.Enrolment{Invitation: code.ID, Secret: code.Secret, Request: identity.RequestPEM(forged)}, http.StatusBadRequest, "not signed"},
		"large":           {hubapi.Enrolment{Request: identity.RequestPEM(make([]byte, identity.MaxRequest+1))}, http.StatusBadRequest, "at most"},
		"oversized":       {hubapi.Enrolment{Secret: strings.Repeat("B", 100_000)}, http.StatusRequestEntityTooLarge, "bytes"},
	} {
		if _, status, text := i.post(t, c.in); status != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if _, status, text := i.ask(t, code, "demo/lane-2", key); status != http.StatusConflict || !strings.Contains(text, "the code is for demo/lane-1") {
		t.Errorf("another name: %d %s", status, text)
	}
	write(t, i.AgentsFile, "a line that is none\n")
	if _, status, text := i.ask(t, code, "demo/lane-1", key); status != http.StatusConflict || !strings.Contains(text, "line 1") {
		t.Errorf("an agents file that is wrong: %d %s", status, text)
	}
	write(t, i.AgentsFile, "# mended\n")
	if _, status, text := i.ask(t, code, "demo/lane-1", key); status != http.StatusOK {
		t.Errorf("after the file was mended: %d %s", status, text)
	}
}

// Who guesses is locked out by the address, whatever the invitation.
func TestGuessersAreLockedOut(t *testing.T) {
	i := startIssuing(t, "", time.Hour)
	code, key := i.code(t, "demo/lane-1"), newKey(t)
	for n := range 5 {
		guess := identity.Code{ID: fmt.Sprint("BBB", n), Secret: "BCDFGHJKMN"}
		if _, status, text := i.ask(t, guess, "demo/lane-1", key); status != http.StatusConflict || !strings.Contains(text, "knows no invitation") {
			t.Fatalf("%d %s", status, text)
		}
	}
	if _, status, text := i.ask(t, code, "demo/lane-1", key); status != http.StatusTooManyRequests || !strings.Contains(text, "locked for") {
		t.Errorf("%d %s", status, text)
	}
	if !i.log.has("locked for") {
		t.Error("the log does not say it")
	}
}

// A hub without an authority says what to do; one whose settings do not go together does not start.
func TestHubWithoutAuthority(t *testing.T) {
	o := start(t, Options{})
	if code, body := get(t, "http://"+o.HTTP+"/v1/authority"); code != http.StatusServiceUnavailable || !strings.Contains(body, "--ca-dir") {
		t.Errorf("%d %s", code, body)
	}
	client := &api.Client{Base: "http://" + o.HTTP, HTTP: http.DefaultClient}
	if _, err := hubapi.Enrol.Do(t.Context(), client, hubapi.Enrolment{}); err == nil || !strings.Contains(err.Error(), "--ca-dir") {
		t.Error(err)
	}
	dir := filepath.Join(t.TempDir(), "ca")
	for _, o := range []Options{{CADir: dir, AgentsFile: "agents"}, {CADir: dir}} {
		if _, err := newIssuer(&o); err == nil {
			t.Errorf("%+v: started", o)
		}
	}
}
