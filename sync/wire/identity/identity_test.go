package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var now = time.Now()

// ca is an authority made by hand.
type ca struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func key(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newCA(t *testing.T) ca {
	t.Helper()
	c := ca{key: key(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(1000 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	c.cert, _ = x509.ParseCertificate(c.sign(t, template, template, &c.key.PublicKey))
	return c
}

func (c ca) sign(t *testing.T, template, parent *x509.Certificate, public *ecdsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, c.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// issue returns a certificate of a name that is valid for an hour from now.
func (c ca) issue(t *testing.T, name string, public *ecdsa.PublicKey, usage x509.ExtKeyUsage) []byte {
	t.Helper()
	return c.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Minute),
		NotAfter: now.Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}, c.cert, public)
}

func (c ca) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.cert)
	return p
}

// A code that is typed in any case and grouping is read as it was made; with one letter wrong, or two neighbours
// exchanged, it is refused in all but one case of 256.
func TestCode(t *testing.T) {
	c := NewCode(strings.Repeat("BCDF", 4))
	typed := strings.ToLower(strings.ReplaceAll(c.String(), "-", " "))
	if got, err := ParseCode(typed); err != nil || got != c {
		t.Errorf("%v, %v; want %v", got, err, c)
	}
	missed, all := 0, 0
	text := strings.ReplaceAll(c.String(), "-", "")
	for i := range text {
		for _, l := range letters {
			if wrong := text[:i] + string(l) + text[i+1:]; wrong != text {
				all++
				if _, err := ParseCode(wrong); err == nil {
					missed++
				}
			}
		}
	}
	if missed > all/30 {
		t.Errorf("%d of %d typing mistakes are not seen", missed, all)
	}
	for typed, want := range map[string]string{
		"": "32 letters", text + "B": "33 letters were typed", text[:31] + "O": "no letter \"O\"", "ß" + text: "no letter",
	} {
		if _, err := ParseCode(typed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", typed, err, want)
		}
	}
}

// Whatever is typed costs an error at most.
func TestAnyCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.OneOf(rapid.String(), rapid.StringMatching(`[BCDFGHJKMNPRTWXZ -]{30,40}`)).Draw(t, "typed")
		if c, err := ParseCode(typed); err == nil && c.String() != strings.ToUpper(c.String()) {
			t.Errorf("%q is read as %v", typed, c)
		}
	})
}

// The fingerprint is of the authority's key: another certificate of that key has the same, another key another.
func TestFingerprint(t *testing.T) {
	a := newCA(t)
	again, _ := x509.ParseCertificate(a.sign(t, &x509.Certificate{SerialNumber: big.NewInt(9)}, a.cert, &a.key.PublicKey))
	if f := Fingerprint(a.cert); len(f) != fingerprintLetters || f != Fingerprint(again) || f == Fingerprint(newCA(t).cert) {
		t.Errorf("fingerprint %s", f)
	}
}

func TestParseRequest(t *testing.T) {
	good, err := Request(key(t), "demo/lane-1")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := ParseRequestPEM(RequestPEM(good)); err != nil || r.Subject.CommonName != "demo/lane-1" {
		t.Errorf("%v", err)
	}
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	foreign, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, p384)
	if err != nil {
		t.Fatal(err)
	}
	forged := append([]byte{}, good...)
	forged[len(forged)-1] ^= 1
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"empty":           {"", "no certification request"},
		"a certificate":   {string(CertificatePEM(good)), "no certification request"},
		"two of them":     {RequestPEM(good) + RequestPEM(good), "no certification request"},
		"rubbish":         {RequestPEM([]byte("rubbish")), "cannot be read"},
		"with a tail":     {RequestPEM(append(append([]byte{}, good...), 0)), "cannot be read"},
		"another curve":   {RequestPEM(foreign), "another kind of key"},
		"wrong signature": {RequestPEM(forged), "not signed"},
		"oversized":       {RequestPEM(make([]byte, MaxRequest+1)), "at most"},
	} {
		if _, err := ParseRequestPEM(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestAccept(t *testing.T) {
	a, k := newCA(t), key(t)
	client := x509.ExtKeyUsageClientAuth
	good := a.issue(t, "demo/lane-1", &k.PublicKey, client)
	for name, c := range map[string]struct {
		der  []byte
		at   time.Time
		want string
	}{
		"right":                {good, now, ""},
		"of another name":      {a.issue(t, "demo/lane-2", &k.PublicKey, client), now, "not for demo/lane-1"},
		"of another key":       {a.issue(t, "demo/lane-1", &key(t).PublicKey, client), now, "another key"},
		"of another authority": {newCA(t).issue(t, "demo/lane-1", &k.PublicKey, client), now, "not accepted"},
		"for servers":          {a.issue(t, "demo/lane-1", &k.PublicKey, x509.ExtKeyUsageServerAuth), now, "not accepted"},
		"over":                 {good, now.Add(2 * time.Hour), "not accepted"},
		"rubbish":              {[]byte("rubbish"), now, "not accepted"},
		"oversized":            {make([]byte, MaxCertificate+1), now, "no certificate"},
	} {
		_, err := Accept(c.der, &k.PublicKey, "demo/lane-1", a.pool(), c.at)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestRenewAndWarn(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct{ life, renew, warn time.Duration }{
		{360 * day, 240 * day, 339 * day}, {6 * time.Hour, 4 * time.Hour, 5 * time.Hour},
	} {
		cert := &x509.Certificate{NotBefore: now, NotAfter: now.Add(c.life)}
		if r, w := RenewAt(cert).Sub(now), WarnAt(cert).Sub(now); r != c.renew || w != c.warn {
			t.Errorf("life %s: renewed after %s, told after %s", c.life, r, w)
		}
	}
}

// At each point at which a replacement may be interrupted there is a pair that works, and the next one goes through.
func TestInterruptedReplacement(t *testing.T) {
	a := newCA(t)
	f := Files{Cert: filepath.Join(t.TempDir(), "agent.pem"), Key: filepath.Join(t.TempDir(), "agent.key")}
	serves := func(when string, want *ecdsa.PrivateKey) {
		t.Helper()
		pair, err := f.Load()
		if err != nil || !want.Equal(pair.PrivateKey) {
			t.Fatalf("%s: %v", when, err)
		}
	}
	replace := func() *ecdsa.PrivateKey {
		t.Helper()
		k, err := f.NextKey()
		if err == nil {
			err = f.Replace(CertificatePEM(a.issue(t, "demo/lane-1", &k.PublicKey, x509.ExtKeyUsageClientAuth)))
		}
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := replace()
	serves("after the first", first)
	for path, want := range map[string]os.FileMode{f.Key: 0o600, f.Cert: 0o644} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	second, err := f.NextKey()
	if err != nil || second.Equal(first) {
		t.Fatal(err)
	}
	serves("with a key that waits", first)
	if again, err := f.NextKey(); err != nil || !again.Equal(second) {
		t.Errorf("another key for the same request: %v", err)
	}
	if info, err := os.Stat(f.next()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key that waits: %v, %v", info.Mode(), err)
	}
	// Interrupted behind the certificate.
	text := CertificatePEM(a.issue(t, "demo/lane-1", &second.PublicKey, x509.ExtKeyUsageClientAuth))
	if err := os.WriteFile(f.Cert, text, 0o644); err != nil {
		t.Fatal(err)
	}
	serves("between the two files", second)
	third := replace()
	if third.Equal(second) {
		t.Error("the key of a certificate that is in force was given away for the next one")
	}
	serves("after the third", third)
	if _, err := tls.LoadX509KeyPair(f.Cert, f.Key); err != nil {
		t.Errorf("other programs cannot read the pair: %v", err)
	}
	// A waiting key that was damaged is made anew.
	if err := os.WriteFile(f.next(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), 0o600); err != nil {
		t.Fatal(err)
	}
	serves("after one more", replace())
}

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"demo/lane-1": true, "demo/lane_2": true, "lane-1": false, "*/*": false, "demo/>": false, "demo/a/b": false,
		"demo/+": false, "demo/": false, "demo/a.b": false, "demo/#": false,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
