package transport

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// HTTP is an endpoint to which a device posts its documents. TokenFile holds the bearer token that senders must
// give; CertFile and KeyFile make it HTTPS (TLS 1.2 or later); ClientCAFile, of PEM certificates, asks senders for
// one of theirs.
type HTTP struct {
	Listen    string `yaml:"listen" required:"true" format:"hostport" example:"127.0.0.1:8742"`
	Path      string `yaml:"path" default:"/"`
	MaxBytes  int64  `yaml:"max_bytes" default:"67108864" min:"1024" max:"2147483648" unit:"bytes"`
	TokenFile string `yaml:"token_file" format:"file"`
	CertFile  string `yaml:"cert_file" format:"file"`
	KeyFile   string `yaml:"key_file" format:"file"`
	// ClientCAFile needs CertFile.
	ClientCAFile string `yaml:"client_ca_file" format:"file"`
}

// Check reports what is wrong with the endpoint.
func (h HTTP) Check() error {
	if (h.CertFile == "") != (h.KeyFile == "") {
		return newError("settings.cert-key")
	}
	if h.ClientCAFile != "" && h.CertFile == "" {
		return newError("settings.client-ca-tls")
	}
	return nil
}

// tls returns our certificate and whose we accept; nil for HTTP without TLS. Files that cannot be used are errors
// that name the setting.
func (h HTTP) tls() (*tls.Config, error) {
	if h.CertFile == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(h.CertFile, h.KeyFile)
	if err != nil {
		return nil, newError("settings.key-pair", arg("cert", h.CertFile), arg("key", h.KeyFile), Arg{"cause", err})
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if h.ClientCAFile == "" {
		return c, nil
	}
	text, err := os.ReadFile(h.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("client_ca_file: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(text) {
		return nil, newError("settings.no-certificate", arg("key", "client_ca_file"), arg("file", h.ClientCAFile))
	}
	return c, nil
}

// token returns what senders must give; "" for nothing.
func (h HTTP) token() (string, error) {
	if h.TokenFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(h.TokenFile)
	if err != nil {
		return "", fmt.Errorf("token_file: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Spool keeps a body in a file without name, so that it is whole before anything is made of it, and memory stays
// bounded. Closing the file gives its space back.
func Spool(body io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "lanewarden-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := io.Copy(f, body); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}

// Document is the body of a device's POST request. It is valid while it is handled.
type Document struct {
	Name      string // from Content-Disposition or the query's name=, without directories; may be empty
	MediaType string
	Body      io.Reader // ends with an error when the sender broke off or sent too much
	Peer      string    // the sender's address, HOST:PORT
}

const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 5 * time.Minute        // for a document; see upload for how slow a sender may be
	maxRequests    = 8                      // documents at once
	shutdownGrace  = 500 * time.Millisecond // for requests under way when ctx ends
)

// ErrNothing means that a document was understood and holds nothing to keep: a heartbeat. The sender gets 200.
var ErrNothing = errors.New("nothing to store")

// Serve calls handle with each document until ctx ends. It calls ready once, when it listens: who connects from then on
// is served. It returns an error when it cannot listen, or a file of its settings cannot be used.
//
// The sender gets 200 when handle returned nil or ErrNothing; 400 and the reason when the document is bad
// (BadFileError); 408 when it came too slowly; 503 otherwise, and shall try again.
func (h HTTP) Serve(ctx context.Context, ready func(), handle func(context.Context, Document) error) error {
	token, err := h.token()
	if err != nil {
		return err
	}
	secure, err := h.tls()
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", h.Listen)
	if err != nil {
		return err
	}
	if secure != nil {
		secure.NextProtos = []string{"h2", "http/1.1"}
		l = tls.NewListener(l, secure)
	}
	ready()
	e := &endpoint{HTTP: h, token: token, handle: handle, places: newPlaces(maxRequests)}
	srv := &http.Server{
		Handler: e, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	if err := ServeHTTP(ctx, srv, l, shutdownGrace); err != nil {
		return err
	}
	return ctx.Err()
}

// endpoint handles requests.
type endpoint struct {
	HTTP
	token  string
	handle func(context.Context, Document) error
	places *places
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != e.Path:
		http.Error(w, fmt.Sprintf("nothing at %s: documents go to %s", r.URL.Path, e.Path), http.StatusNotFound)
		return
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		http.Error(w, "send the document with POST", http.StatusMethodNotAllowed)
		return
	case e.token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+e.token)) != 1:
		http.Error(w, "the bearer token is missing or wrong", http.StatusUnauthorized)
		return
	}
	if r.ContentLength > e.MaxBytes { // before anything is read: a sender that asked may go on has sent nothing yet, and hears the answer
		e.answer(w, &http.MaxBytesError{Limit: e.MaxBytes})
		return
	}
	u := &upload{body: r.Body, control: http.NewResponseController(w), begun: time.Now()}
	body := u.begins()
	if !e.places.enter(r.Context(), u) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many documents at once", http.StatusServiceUnavailable)
		return
	}
	defer e.places.leave(u)
	e.answer(w, e.handle(r.Context(), Document{
		Name: documentName(r), MediaType: r.Header.Get("Content-Type"), Peer: r.RemoteAddr,
		Body: http.MaxBytesReader(w, io.NopCloser(body), e.MaxBytes),
	}))
}

// answer tells the sender what became of the document; err is that of handle. Texts are in English, as senders are
// programs.
func (e *endpoint) answer(w http.ResponseWriter, err error) {
	var bad *BadFileError
	var large *http.MaxBytesError
	var slow *SlowError
	switch {
	case err == nil:
		fmt.Fprintln(w, "stored")
	case errors.Is(err, ErrNothing):
		fmt.Fprintln(w, err)
	case errors.As(err, &slow):
		w.Header().Set("Connection", "close")
		w.Header().Set("Retry-After", "1")
		http.Error(w, slow.Reason, http.StatusRequestTimeout)
	case errors.As(err, &large):
		http.Error(w, fmt.Sprintf("document is larger than %d bytes", large.Limit), http.StatusRequestEntityTooLarge)
	case errors.As(err, &bad):
		http.Error(w, bad.Error(), http.StatusBadRequest)
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "not stored, try again: "+err.Error(), http.StatusServiceUnavailable)
	}
}

// documentName returns the name that the sender gives its document, without directories, as UTF-8; "" for none.
func documentName(r *http.Request) string {
	name := r.URL.Query().Get("name")
	if _, p, err := mime.ParseMediaType(r.Header.Get("Content-Disposition")); err == nil && p["filename"] != "" {
		name = p["filename"]
	}
	return strings.ToValidUTF8(name[strings.LastIndexAny(name, `/\`)+1:], "\uFFFD")
}
