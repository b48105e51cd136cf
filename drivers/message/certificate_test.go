package message

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// certificateFrom signs a certificate of name.example, for a server, from the first day of 2026 to the last; change may
// make another of it. Without a parent it signs itself.
func certificateFrom(t *testing.T, parent *tls.Certificate, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, DNSNames: []string{"name.example"},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	if change != nil {
		change(c)
	}
	by, signer := c, any(key)
	if parent != nil {
		by, signer = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	out := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	if out.Leaf, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return out
}

// handshake returns what a client meets that connects to a server, up to its first byte.
func handshake(t *testing.T, client, server *tls.Config) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if server == nil {
			fmt.Fprint(conn, "220 ready, in plain text\r\n")
			return
		}
		s := tls.Server(conn, server)
		_ = s.Handshake() // the client says what went wrong
		_, _ = s.Write([]byte{0})
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Read(make([]byte, 1)) // TLS 1.3: a refusal of our certificate comes with the first byte
	return err
}

// What crypto/tls and crypto/x509 say of a certificate, as it comes from real connections, is worded in the reader's
// language, without their words in front.
func TestOfCertificate(t *testing.T) {
	authority := certificateFrom(t, nil, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.Subject.CommonName, c.DNSNames, c.ExtKeyUsage = true, x509.KeyUsageCertSign, "authority", nil, nil
	})
	roots := x509.NewCertPool()
	roots.AddCert(authority.Leaf)
	at := func(year int) func() time.Time {
		return func() time.Time { return time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC) }
	}
	good := certificateFrom(t, authority, nil)
	trusting := func() *tls.Config { return &tls.Config{RootCAs: roots, ServerName: "name.example", Time: at(2026)} }
	serving := func(c *tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{*c}, Time: at(2026)}
	}
	client := func(change func(*tls.Config)) *tls.Config {
		c := trusting()
		change(c)
		return c
	}
	server := func(change func(*tls.Config)) *tls.Config {
		c := serving(good)
		change(c)
		return c
	}
	for name, c := range map[string]struct {
		client, server *tls.Config
		fr             string
	}{
		"unknown authority": {client(func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }), serving(good),
			"le certificat de broker est signé par une autorité à laquelle cette machine ne fait pas confiance"},
		"expired": {client(func(c *tls.Config) { c.Time = at(2027) }), serving(good),
			"le certificat de broker a expiré le 2026-12-31"},
		"not yet": {client(func(c *tls.Config) { c.Time = at(2025) }), serving(good),
			"le certificat de broker n’est valable qu’à partir du 2026-01-01"},
		"another name": {client(func(c *tls.Config) { c.ServerName = "other.example" }), serving(good),
			"le certificat est celui de name.example, et non de other.example"},
		"no name": {trusting(), serving(certificateFrom(t, authority, func(c *x509.Certificate) { c.DNSNames = nil })),
			"le certificat ne nomme aucune machine_: ce n’est pas celui de name.example"},
		"a client's": {trusting(), serving(certificateFrom(t, authority, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		})), "le certificat de broker n’est pas fait pour cet usage"},
		"no TLS": {trusting(), nil, "ce qui répond ne parle pas TLS"},
		"ours is asked for": {trusting(), server(func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }),
			"l’autre côté a mis fin à la connexion_: il demande un certificat client, et aucun n’a été présenté"},
		"ours is not trusted": {client(func(c *tls.Config) { c.Certificates = []tls.Certificate{*good} }),
			server(func(c *tls.Config) {
				c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
			}), "l’autre côté a mis fin à la connexion_: il ne fait pas confiance à l’autorité qui a signé notre certificat"},
		"old version": {client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }),
			server(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }),
			"l’autre côté a mis fin à la connexion_: il n’accepte aucune de nos versions de TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.client.Certificates != nil { // offered whoever may sign it
				c.client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return good, nil }
			}
			err := handshake(t, c.client, c.server)
			if got := plain(Of(err).In(French)); got != c.fr {
				t.Errorf("%v: %q, want %q", err, got, c.fr)
			}
			if got := plain(Of(fmt.Errorf("uplink: %w", err)).In(French)); got != "uplink_: "+c.fr {
				t.Errorf("wrapped: %q", got)
			}
			if got := Of(err).English(); strings.Contains(got, "x509") || strings.Contains(got, "tls:") {
				t.Errorf("English: %q", got)
			}
		})
	}
}
