package authority

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var now = time.Now()

func create(t *testing.T) (*Authority, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	a, err := Create(dir, "test", now)
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

// What is issued is verified by the authority's certificate alone, for its own purpose and hosts only.
func TestIssue(t *testing.T) {
	a, dir := create(t)
	roots := x509.NewCertPool()
	text, err := os.ReadFile(filepath.Join(dir, CertFile))
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		request Request
		usage   x509.ExtKeyUsage
		other   x509.ExtKeyUsage
		host    string
	}{
		"agent":  {Request{Name: "demo/lane-1", Days: 365}, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth, ""},
		"server": {Request{Name: "hub", Hosts: []string{"Hub.example", "192.0.2.7"}, Days: 1}, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth, "hub.example"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, key := filepath.Join(t.TempDir(), "c.pem"), filepath.Join(t.TempDir(), "k.pem")
			if err := a.Issue(c.request, cert, key, now); err != nil {
				t.Fatal(err)
			}
			pair, err := tls.LoadX509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			verify := func(usage x509.ExtKeyUsage, host string, at time.Time) error {
				_, err := pair.Leaf.Verify(x509.VerifyOptions{
					Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}, DNSName: host, CurrentTime: at,
				})
				return err
			}
			if err := verify(c.usage, c.host, now); err != nil || pair.Leaf.Subject.CommonName != c.request.Name {
				t.Errorf("%v, %s", err, pair.Leaf.Subject)
			}
			if verify(c.other, "", now) == nil || verify(c.usage, "other.example", now) == nil ||
				verify(c.usage, c.host, now.AddDate(0, 0, c.request.Days+1)) == nil {
				t.Error("it is good for another purpose, another host, or longer")
			}
			if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the key's file: %v %v", info.Mode(), err)
			}
			if err := a.Issue(c.request, cert, key, now); err == nil || !strings.Contains(err.Error(), "is there already") {
				t.Errorf("files that are there were written again: %v", err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	a, dir := create(t)
	if _, err := Create(dir, "again", now); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second authority in the same folder: %v", err)
	}
	if again, err := Open(dir); err != nil || !again.cert.Equal(a.cert) {
		t.Errorf("the first one was touched: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "lanehub ca init makes one") {
		t.Error(err)
	}
	for name, r := range map[string]Request{
		"no name":     {Days: 1},
		"a long name": {Name: strings.Repeat("n", 65), Days: 1},
		"no time":     {Name: "a/b"},
		"for ever":    {Name: "a/b", Days: MaxDays + 1},
	} {
		if err := a.Issue(r, filepath.Join(dir, "c"), filepath.Join(dir, "k"), now); err == nil {
			t.Errorf("%s was issued", name)
		}
	}
	if err := a.Issue(Request{Name: "a/b", Days: MaxDays}, filepath.Join(dir, "c"), filepath.Join(dir, "k"), now.AddDate(caYears-1, 0, 0)); err == nil {
		t.Error("a certificate outlives its authority")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "[ck]")); len(left) > 0 {
		t.Errorf("files of what was refused: %v", left)
	}
}
