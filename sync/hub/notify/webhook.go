package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
)

// outlet sends letters to one receiver. send returns nil once the receiver has accepted the letter; an error that wraps
// errRefused is about this letter, any other about the receiver. It is used by one goroutine, and ends with ctx.
type outlet interface {
	send(ctx context.Context, l *letter) error
}

// errRefused is in errors of letters that a receiver takes for wrong: sending them again changes nothing.
var errRefused = message.Errorf("notify.refused-letter")

// sendTimeout bounds one try, from the connection to the answer.
const sendTimeout = 20 * time.Second

// secretPrefix begins a secret of Standard Webhooks, whose rest is base64.
const secretPrefix = "whsec_"

// leastSecretBytes is what Standard Webhooks asks of a secret at least; it may have 64 bytes.
const leastSecretBytes = 24

// key reads the secret: whsec_ and base64, or any text of that length.
func (w *Webhook) key() ([]byte, error) {
	secret, err := readSecret(w.SecretFile)
	if err != nil {
		return nil, err
	}
	key := []byte(secret)
	if coded, ok := strings.CutPrefix(secret, secretPrefix); ok {
		if key, err = base64.StdEncoding.DecodeString(coded); err != nil {
			return nil, message.Wrap(err, "notify.secret-form", message.String("file", w.SecretFile))
		}
	}
	if len(key) < leastSecretBytes {
		return nil, message.Errorf("notify.secret-short", message.String("file", w.SecretFile), message.Int("least", leastSecretBytes))
	}
	return key, nil
}

// webhookOutlet posts CloudEvents, signed as Standard Webhooks 1.0 has it.
type webhookOutlet struct {
	settings *Webhook
	client   *http.Client
}

func (o *webhookOutlet) send(ctx context.Context, l *letter) error {
	key, err := o.settings.key()
	if err != nil {
		return err
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	id := strings.ReplaceAll(l.id, ".", "-") // the point divides what is signed
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, l.body)
	return post(ctx, o.client, o.settings.URL, l.body, map[string]string{
		"Content-Type": "application/cloudevents+json", "webhook-id": id, "webhook-timestamp": at,
		"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	})
}

// ntfyOutlet publishes on a topic of an ntfy server, as JSON (docs.ntfy.sh/publish).
type ntfyOutlet struct {
	settings *Ntfy
	client   *http.Client
}

// ntfyPriority is the server's number of a priority.
var ntfyPriority = map[Priority]int{Min: 1, Low: 2, Default: 3, High: 4, Urgent: 5}

// mostNtfyBytes is what a server takes of a message; more becomes an attachment there.
const mostNtfyBytes = 4000

func (o *ntfyOutlet) send(ctx context.Context, l *letter) error {
	head := map[string]string{"Content-Type": "application/json"}
	if o.settings.TokenFile != "" {
		token, err := readSecret(o.settings.TokenFile)
		if err != nil {
			return err
		}
		head["Authorization"] = "Bearer " + token
	}
	body, err := json.Marshal(struct {
		Topic    string `json:"topic"`
		Title    string `json:"title"`
		Message  string `json:"message"`
		Priority int    `json:"priority"`
		Click    string `json:"click,omitempty"`
		// Sequence is what a server of version 2.16 or later replaces a message by: a double does not ring twice.
		Sequence string `json:"sequence_id"`
	}{o.settings.Topic, l.title, cut(strings.Join(l.lines, "\n"), mostNtfyBytes), ntfyPriority[l.priority], l.link, l.hash()})
	if err != nil {
		return err
	}
	return post(ctx, o.client, strings.TrimSuffix(o.settings.URL, "/")+"/", body, head)
}

// newClient returns a client that goes to the addresses of the file alone: it uses no proxy of the environment, and follows
// no redirection, as a receiver could send the hub to places within its own network.
func newClient(caFile string) (*http.Client, error) {
	config, err := tlsTo(caFile)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Timeout:       sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: config, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}, nil
}

// tlsTo returns the settings of TLS for an authority of a file, "" for those of the machine.
func tlsTo(caFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return config, nil
	}
	text, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, message.Errorf("api.no-certificate", message.String("file", caFile))
	}
	return config, nil
}

// mostAnswerBytes is how much of an answer is read, so that the connection can be used again.
const mostAnswerBytes = 64 << 10

// post posts a body. Answers 400, 413, 415 and 422 are refusals of the letter, other answers that are not 2xx are the
// receiver's trouble.
func post(ctx context.Context, client *http.Client, url string, body []byte, head map[string]string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range head {
		r.Header.Set(name, value)
	}
	r.Header.Set("User-Agent", "lanehub")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, mostAnswerBytes) // what it says does not matter
	status := message.Int("status", answer.StatusCode)
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return message.Errorf("notify.redirected", status)
	case code == http.StatusBadRequest || code == http.StatusRequestEntityTooLarge || code == http.StatusUnsupportedMediaType ||
		code == http.StatusUnprocessableEntity:
		return message.Wrap(errRefused, "notify.http-refused", status)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return message.Errorf("notify.http-forbidden", status)
	}
	return message.Errorf("notify.http-status", status)
}

// cut returns a text of most bytes at most, that ends with a whole character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len("…")], "") + "…"
}
