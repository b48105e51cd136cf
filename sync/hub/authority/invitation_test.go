package authority

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/sync/wire/identity"
)

const day = 24 * time.Hour

// request returns a request of a name with a new key.
func request(t *testing.T, name string) *x509.CertificateRequest {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := identity.Request(key, name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// book are the agents that were let in.
type book struct {
	entered []string
	fail    error
}

func (b *book) enter(agent string) error {
	if b.fail == nil {
		b.entered = append(b.entered, agent)
	}
	return b.fail
}

func invite(t *testing.T, a *Authority, agent string) identity.Code {
	t.Helper()
	code, err := a.Invite(agent, 7*day, now)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func shown(code identity.Code, r *x509.CertificateRequest) Redemption {
	return Redemption{ID: code.ID, Secret: code.Secret, Request: r, Life: 30 * day}
}

// An invitation gives one certificate, to one key. The key may ask again, and is not let in again.
func TestRedeem(t *testing.T) {
	a, dir := create(t)
	code := invite(t, a, "demo/lane-1")
	path := filepath.Join(dir, InvitationsFile)
	text, err := os.ReadFile(path)
	if info, statErr := os.Stat(path); err != nil || statErr != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", err, statErr)
	}
	if bytes.Contains(text, []byte(code.Secret)) {
		t.Error("the file has the secret")
	}
	if code.Fingerprint != identity.Fingerprint(a.cert) {
		t.Error("the code does not name the authority")
	}
	var b book
	mine := request(t, "demo/lane-1")
	agent, der, err := a.Redeem(shown(code, mine), now, b.enter)
	if err != nil || agent != "demo/lane-1" {
		t.Fatal(agent, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil || cert.CheckSignatureFrom(a.cert) != nil || cert.Subject.CommonName != "demo/lane-1" ||
		!cert.NotAfter.Equal(now.Add(30*day).UTC().Truncate(time.Second)) {
		t.Errorf("%v, %v", cert, err)
	}
	_, again, err := a.Redeem(shown(code, mine), now.Add(day), b.enter)
	if err != nil || !bytes.Equal(again, der) || len(b.entered) != 1 {
		t.Errorf("the same key again: %v; entered %v", err, b.entered)
	}
	if agent, der, err = a.Redeem(shown(code, request(t, "demo/lane-1")), now, b.enter); err == nil ||
		der != nil || agent != "demo/lane-1" || !strings.Contains(err.Error(), "used already") {
		t.Errorf("another key: %v", err)
	}
}

// Each refusal says why, lets nobody in and leaves the invitation to who has it.
func TestRedeemRefusals(t *testing.T) {
	a, _ := create(t)
	code := invite(t, a, "demo/lane-1")
	for name, c := range map[string]struct {
		id, secret, agent string
		at                time.Time
		want              string
	}{
		"wrong secret":  {code.ID, "BBBBBBBBBB", "demo/lane-1", now, "knows no invitation"},
		"unknown":       {"ZZZZ", code.Secret, "demo/lane-1", now, "knows no invitation"},
		"empty":         {"", "", "demo/lane-1", now, "knows no invitation"},
		"expired":       {code.ID, code.Secret, "demo/lane-1", now.Add(8 * day), "was valid until"},
		"another name":  {code.ID, code.Secret, "demo/lane-2", now, "the code is for demo/lane-1"},
		"without name":  {code.ID, code.Secret, "", now, "the code is for demo/lane-1"},
		"too long life": {code.ID, code.Secret, "demo/lane-1", now.AddDate(caYears, 0, 0), "was valid until"},
	} {
		var b book
		r := shown(identity.Code{ID: c.id, Secret: c.secret}, request(t, c.agent))
		if _, der, err := a.Redeem(r, c.at, b.enter); err == nil || der != nil || len(b.entered) > 0 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s; entered %v", name, err, c.want, b.entered)
		}
	}
	var b book
	if _, _, err := a.Redeem(shown(code, request(t, "demo/lane-1")), now, b.enter); err != nil {
		t.Errorf("the right one after these: %v", err)
	}
}

// Wrong secrets end an invitation, also over restarts; who has the right one is told, who guesses is not.
func TestGuessing(t *testing.T) {
	a, dir := create(t)
	code := invite(t, a, "demo/lane-1")
	var b book
	for range maxWrong {
		var err error
		if a, err = Open(dir); err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.Redeem(shown(identity.Code{ID: code.ID, Secret: "BCDFGHJKMN"}, request(t, "demo/lane-1")), now, b.enter); !errors.Is(err, ErrWrongCode) {
			t.Fatal(err)
		}
	}
	if _, _, err := a.Redeem(shown(code, request(t, "demo/lane-1")), now, b.enter); err == nil || !strings.Contains(err.Error(), "ended it") {
		t.Errorf("%v", err)
	}
	// A new invitation takes its place.
	if _, _, err := a.Redeem(shown(invite(t, a, "demo/lane-1"), request(t, "demo/lane-1")), now, b.enter); err != nil {
		t.Error(err)
	}
}

// A failure between issue and answer burns nothing: the same key asks again and gets what was issued.
func TestInterruptedRedemption(t *testing.T) {
	a, dir := create(t)
	code, mine := invite(t, a, "demo/lane-1"), request(t, "demo/lane-1")
	full := errors.New("disk full")
	b := book{fail: full}
	if _, _, err := a.Redeem(shown(code, mine), now, b.enter); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if _, _, err := a.Redeem(shown(code, request(t, "demo/lane-1")), now, b.enter); err == nil || errors.Is(err, full) {
		t.Errorf("another key came between: %v", err)
	}
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	b.fail = nil
	_, der, err := a.Redeem(shown(code, mine), now, b.enter)
	if err != nil || der == nil || len(b.entered) != 1 {
		t.Errorf("%v; entered %v", err, b.entered)
	}
}

func TestInvite(t *testing.T) {
	a, dir := create(t)
	for _, name := range []string{"lane-1", "demo/*", "demo/" + strings.Repeat("x", 64)} {
		if _, err := a.Invite(name, day, now); err == nil {
			t.Errorf("%s was invited", name)
		}
	}
	old, other := invite(t, a, "demo/lane-1"), invite(t, a, "demo/lane-2")
	invite(t, a, "demo/lane-1")
	var b book
	if _, _, err := a.Redeem(shown(old, request(t, "demo/lane-1")), now, b.enter); !errors.Is(err, ErrWrongCode) {
		t.Errorf("a code whose place another one took: %v", err)
	}
	if _, _, err := a.Redeem(shown(other, request(t, "demo/lane-2")), now, b.enter); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, InvitationsFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Invite("demo/lane-3", day, now); err == nil || !strings.Contains(err.Error(), InvitationsFile) {
		t.Errorf("a file that is broken: %v", err)
	}
}
