package notify

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// authority is a certificate for 127.0.0.1 that is its own authority, with the file of that.
func authority(t *testing.T) (config *tls.Config, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}

// write writes a file that its owner alone can read, and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// got is what a server has received.
type got[T any] struct {
	mu  sync.Mutex
	all []T
}

func (g *got[T]) add(one T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, one)
}

func (g *got[T]) list() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]T(nil), g.all...)
}

// request is one that an HTTP server has received.
type request struct {
	path string
	head http.Header
	body []byte
}

// web is an HTTP server that answers with a status.
type web struct {
	got[request]
	*httptest.Server
	status func(n int) int // of the n-th request, from 1
}

func newWeb(t *testing.T, status func(n int) int) *web {
	w := &web{status: status}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.add(request{r.URL.Path, r.Header, body})
		code := w.status(len(w.list()))
		if code >= 300 && code < 400 {
			out.Header().Set("Location", "http://127.0.0.1:1/")
		}
		out.WriteHeader(code)
	}))
	t.Cleanup(w.Close)
	return w
}

func always(code int) func(int) int { return func(int) int { return code } }

// mailbox is an SMTP server with STARTTLS or TLS that wants the user lanehub with a password.
type mailbox struct {
	got[mailed]
	refuse bool
}

type mailed struct {
	from, user string
	to         []string
	text       []byte
	encrypted  bool
}

const mailPassword = "correct horse battery"

type mailSession struct {
	box *mailbox
	c   *smtp.Conn
	mailed
}

func (b *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &mailSession{box: b, c: c}, nil
}
func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != mailPassword {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}
func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.box.refuse {
		return &smtp.SMTPError{Code: 550, Message: "no such person"}
	}
	s.to = append(s.to, to)
	return nil
}
func (s *mailSession) Data(r io.Reader) (err error) {
	if s.text, err = io.ReadAll(r); err != nil {
		return err
	}
	_, s.encrypted = s.c.TLSConnectionState()
	s.box.add(s.mailed)
	return nil
}
func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// serve runs the mailbox and returns its address. implicit is TLS from the first byte.
func (b *mailbox) serve(t *testing.T, config *tls.Config, implicit bool) string {
	t.Helper()
	s := smtp.NewServer(b)
	s.Domain, s.TLSConfig = "mail.test", config
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if implicit {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	return l.Addr().String()
}

// collector is a syslog server over TCP or TLS, which reads frames with octet counting.
type collector struct{ got[string] }

func (c *collector) serve(t *testing.T, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			one, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer one.Close()
				text, _ := io.ReadAll(one)
				for frames := bytes.NewBuffer(text); frames.Len() > 0; {
					size, err := frames.ReadString(' ')
					n, wrong := strconv.Atoi(size[:max(0, len(size)-1)])
					if err := errors.Join(err, wrong); err != nil || n > frames.Len() {
						c.add(fmt.Sprintf("no frame: %v", err))
						return
					}
					c.add(string(frames.Next(n)))
				}
			})
		}
	})
	return l.Addr().String()
}
