package transport

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/message"
)

// put writes a file and returns its path.
func put(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// selfSigned makes a certificate of localhost for servers and clients, which is its own authority.
func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "camera"}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
}

// An endpoint that cannot be used says why, names the setting or the address, and never said that it is ready.
func TestServeNotReady(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cert, key := selfSigned(t)
	certFile, keyFile := put(t, "cert.pem", cert), put(t, "key.pem", key)
	_, otherKey := selfSigned(t)
	const free, missing = "127.0.0.1:0", "/nonexistent/file"
	for name, c := range map[string]struct {
		http HTTP
		want string // in the error
	}{
		"port taken":         {HTTP{Listen: taken.Addr().String()}, taken.Addr().String()},
		"no token file":      {HTTP{Listen: free, TokenFile: missing}, "token_file"},
		"no certificate":     {HTTP{Listen: free, CertFile: missing, KeyFile: keyFile}, "cert_file " + missing},
		"another's key":      {HTTP{Listen: free, CertFile: certFile, KeyFile: put(t, "key.pem", otherKey)}, "key_file"},
		"no clients' CA":     {HTTP{Listen: free, CertFile: certFile, KeyFile: keyFile, ClientCAFile: missing}, "client_ca_file"},
		"clients' CA is key": {HTTP{Listen: free, CertFile: certFile, KeyFile: keyFile, ClientCAFile: keyFile}, "no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.http.Serve(t.Context(), func() { t.Error("it was ready") }, nil)
			if err == nil || !strings.Contains(message.Of(err).English(), c.want) {
				t.Errorf("%v; want %q in it", err, c.want)
			}
		})
	}
}

// Documents come in over HTTPS from senders whose certificate our authority has signed, and from no others. Who connects
// once the endpoint is ready is served.
func TestServeTLS(t *testing.T) {
	cert, key := selfSigned(t)
	clientCert, clientKey := selfSigned(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	h := HTTP{Listen: l.Addr().String(), Path: "/", MaxBytes: 1 << 10, CertFile: put(t, "cert.pem", cert),
		KeyFile: put(t, "key.pem", key), ClientCAFile: put(t, "clients.pem", clientCert)}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- h.Serve(ctx, func() { close(ready) }, func(_ context.Context, d Document) error {
			_, err := io.Copy(io.Discard, d.Body)
			return err
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	ours := x509.NewCertPool()
	ours.AppendCertsFromPEM(cert)
	pair := func(cert, key []byte) []tls.Certificate {
		c, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{c}
	}
	stranger, strangersKey := selfSigned(t)
	for name, c := range map[string]struct {
		shown []tls.Certificate
		ok    bool
	}{
		"the camera's":  {pair(clientCert, clientKey), true},
		"none":          {nil, false},
		"of a stranger": {pair(stranger, strangersKey), false},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ours, ServerName: "localhost",
				Certificates: c.shown}}
			defer transport.CloseIdleConnections()
			resp, err := (&http.Client{Transport: transport}).Post("https://"+h.Listen+"/", "text/plain",
				bytes.NewReader([]byte("document")))
			if err == nil {
				resp.Body.Close()
			}
			if ok := err == nil && resp.StatusCode == http.StatusOK; ok != c.ok {
				t.Errorf("%v %v", resp, err)
			}
		})
	}
	cancel()
	<-ended
}
