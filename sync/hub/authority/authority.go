// Package authority is a small certificate authority for sites that have none: it issues client certificates to agents
// and a server certificate to the hub. Its folder holds ca.pem, and ca.key, which nobody but its keeper may read.
// Certificates are X.509 (RFC 5280) with ECDSA keys on P-256.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire/identity"
)

// Names of the authority's files in its folder.
const (
	CertFile = "ca.pem"
	KeyFile  = "ca.key"
)

const (
	caYears  = 20
	backdate = time.Hour // a lane box whose clock is a little slow must accept a new certificate; less of a short life
	// MaxDays bounds how long a certificate is valid: about as long as the box.
	MaxDays = 3660
)

// Authority issues certificates.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.PrivateKey
}

// Certificate returns the authority's own certificate, which verifies what it issues.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Create makes a new authority in a folder, with a new key. An authority that is there already is
// an error: its certificates would be worth nothing.
func Create(dir, name string, now time.Time) (*Authority, error) {
	key, err := identity.NewKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-backdate), NotAfter: now.AddDate(caYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := writePair(filepath.Join(dir, CertFile), filepath.Join(dir, KeyFile), der, key); err != nil {
		return nil, err
	}
	return Open(dir)
}

// Open reads an authority's files. Errors say what to do, in both languages.
func Open(dir string) (*Authority, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, CertFile), filepath.Join(dir, KeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, message.Errorf("ca.none", message.String("dir", dir))
	}
	if err != nil {
		return nil, message.Wrap(err, "ca.unreadable", message.String("dir", dir))
	}
	if !pair.Leaf.IsCA {
		return nil, message.Errorf("ca.not-an-authority", message.String("file", filepath.Join(dir, CertFile)))
	}
	return &Authority{dir: dir, cert: pair.Leaf, key: pair.PrivateKey}, nil
}

// Request describes a certificate to issue.
type Request struct {
	Name  string   // common name: SITE/AGENT, or the holder's in the tokens file
	Hosts []string // host names and addresses of a server; none: a client certificate
	Days  int      // how long it is valid, from 1 to MaxDays
}

// Issue writes a certificate and its new key to two files, neither of which may exist.
func (a *Authority) Issue(r Request, certFile, keyFile string, now time.Time) error {
	if r.Days < 1 || r.Days > MaxDays {
		return message.Errorf("ca.days", message.Count("n", r.Days), message.Int("most", MaxDays))
	}
	key, err := identity.NewKey()
	if err != nil {
		return err
	}
	der, err := a.sign(r, key.Public(), now, now.AddDate(0, 0, r.Days))
	if err != nil {
		return err
	}
	return writePair(certFile, keyFile, der, key)
}

// IssueTo returns a client certificate of a name for somebody else's key, valid for life from now.
func (a *Authority) IssueTo(key crypto.PublicKey, name string, life time.Duration, now time.Time) (der []byte, err error) {
	return a.sign(Request{Name: name}, key, now, now.Add(life))
}

// sign makes a certificate. One that would outlive the authority's own is refused, as it would fail before its date.
func (a *Authority) sign(r Request, key crypto.PublicKey, now, end time.Time) ([]byte, error) {
	if r.Name == "" || len(r.Name) > identity.MaxName {
		return nil, message.Errorf("ca.name", message.Quoted("name", r.Name), message.Int("most", identity.MaxName))
	}
	if end.After(a.cert.NotAfter) {
		return nil, message.Errorf("ca.ends", message.Date("day", a.cert.NotAfter))
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: r.Name},
		NotBefore: now.Add(-min(backdate, end.Sub(now)/10)), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(r.Hosts) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, h := range r.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, strings.ToLower(h))
		}
	}
	return x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
}

// serial returns a random serial number of 127 bits (RFC 5280, 4.1.2.2: at most 20 bytes, positive).
func serial() *big.Int {
	raw := make([]byte, 16)
	rand.Read(raw)
	raw[0] &= 0x7f
	return new(big.Int).SetBytes(raw)
}

// writePair writes the key first, so that there is no certificate without one. Neither file may be there.
func writePair(certFile, keyFile string, der []byte, key *ecdsa.PrivateKey) error {
	if _, err := os.Lstat(certFile); err == nil {
		return message.Errorf("ca.file-exists", message.String("file", certFile))
	}
	text, err := identity.KeyPEM(key)
	if err != nil {
		return err
	}
	if err := writeNew(keyFile, 0o600, text); err != nil {
		return err
	}
	if err := writeNew(certFile, 0o644, identity.CertificatePEM(der)); err != nil {
		return errors.Join(err, os.Remove(keyFile))
	}
	return nil
}

// writeNew writes a new file durably. A file that exists is an error, never overwritten.
func writeNew(path string, mode fs.FileMode, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return message.Errorf("ca.file-exists", message.String("file", path))
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}
