// Package identity is how an agent gets and keeps the certificate by which broker and hub know it: the code of an
// invitation, the request that it makes (RFC 2986), what it accepts as the answer, and the two files. docs/access.md.
package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"regexp"
	"strings"
	"time"

	"lanewarden/drivers/message"
)

const (
	// MaxName bounds a certificate's common name, in characters (RFC 5280, upper bound of commonName).
	MaxName = 64
	// MaxRequest bounds a request, in bytes as DER; one of a P-256 key has some 250.
	MaxRequest = 2 << 10
	// MaxCertificate bounds a certificate, in bytes as DER; one of ours has some 400.
	MaxCertificate = 8 << 10
)

// Types of PEM blocks.
const (
	pemKey         = "PRIVATE KEY" // PKCS #8
	pemCertificate = "CERTIFICATE"
	pemRequest     = "CERTIFICATE REQUEST"
)

// namePart is the syntax of the parts of an agent's name.
var namePart = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// CheckName returns what is wrong with a name SITE/AGENT: its parts become parts of topics, of which * and > stand for
// others.
func CheckName(name string) error {
	site, agent, ok := strings.Cut(name, "/")
	if !ok || !namePart.MatchString(site) || !namePart.MatchString(agent) {
		return message.Errorf("agents.name")
	}
	return nil
}

// NewKey returns a new key on P-256.
func NewKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// KeyPEM returns a private key as a PEM file has it.
func KeyPEM(key crypto.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}), err
}

// CertificatePEM returns a certificate as a PEM file has it.
func CertificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: der})
}

// ParseCertificatePEM returns the first certificate of a PEM file.
func ParseCertificatePEM(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemCertificate || len(block.Bytes) > MaxCertificate {
		return nil, message.Errorf("enrol.no-certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// Request returns a request for a certificate of a name, signed with the key that it is for.
func Request(key *ecdsa.PrivateKey, name string) (der []byte, err error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
}

// RequestPEM returns a request as text.
func RequestPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: der}))
}

// ParseRequestPEM is ParseRequest for a request as text.
func ParseRequestPEM(text string) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != pemRequest || strings.TrimSpace(string(rest)) != "" {
		return nil, message.Errorf("enrol.no-request")
	}
	return ParseRequest(block.Bytes)
}

// ParseRequest reads a request and checks that it is signed with its key, on P-256. It bounds its size first.
func ParseRequest(der []byte) (*x509.CertificateRequest, error) {
	if len(der) > MaxRequest {
		return nil, message.Errorf("enrol.large-request", message.Int("bytes", len(der)), message.Int("most", MaxRequest))
	}
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, message.Wrap(err, "enrol.bad-request")
	}
	if key, ok := r.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		return nil, message.Errorf("enrol.key-kind")
	}
	if err := r.CheckSignature(); err != nil {
		return nil, message.Errorf("enrol.request-signature")
	}
	return r, nil
}

// Accept checks a certificate that an agent was given: that it is for its name and key and descends, for clients, from
// an authority that it trusts, now. A wrong one must not take the place of one that works.
func Accept(der []byte, key *ecdsa.PublicKey, name string, roots *x509.CertPool, now time.Time) (*x509.Certificate, error) {
	if len(der) > MaxCertificate {
		return nil, message.Errorf("enrol.no-certificate")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, message.Wrap(err, "enrol.bad-certificate")
	}
	if cert.Subject.CommonName != name {
		return nil, message.Errorf("enrol.certificate-name", message.Quoted("got", cert.Subject.CommonName),
			message.String("name", name))
	}
	if !key.Equal(cert.PublicKey) {
		return nil, message.Errorf("enrol.certificate-key")
	}
	_, err = cert.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, message.Wrap(err, "enrol.bad-certificate")
	}
	return cert, nil
}

// RenewAt returns when a certificate is to be renewed: after two thirds of its life.
func RenewAt(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 3 * 2)
}

// longestWarning is how long before its end a certificate that was not renewed is a matter for people.
const longestWarning = 21 * 24 * time.Hour

// WarnAt returns from when on people are told that a certificate ends: 21 days before, or for the last sixth of a
// shorter life.
func WarnAt(c *x509.Certificate) time.Time {
	return c.NotAfter.Add(-min(longestWarning, c.NotAfter.Sub(c.NotBefore)/6))
}
