// Package webjson is the driver of devices that speak JSON over HTTP, by a declarative profile: the agent asks them at
// intervals, or they post to the agent. docs/profiles.md says how to write a profile.
package webjson

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/transport"
)

// Config is the settings of a device (SETTINGS.md): either URL, which is asked every Every, or HTTP, to which the
// device posts. Report is how often values that stay the same go out. TokenFile is read at each question, so that a
// token can be renewed.
type Config struct {
	Profile   driver.Ref[Profile] `yaml:"profile" required:"true" builtin:"web" example:"/etc/lanewarden/tyres.yaml"`
	URL       string              `yaml:"url" example:"http://192.0.2.20"`
	Every     time.Duration       `yaml:"every" default:"5s" min:"100ms" max:"1h"`
	TokenFile string              `yaml:"token_file" format:"file"`
	HTTP      *transport.HTTP     `yaml:"http"`
	Report    time.Duration       `yaml:"report" default:"1m" min:"1s" max:"24h"`
}

// maxBytes bounds a document, asked for or posted.
const maxBytes = 1 << 20

// Check implements driver.Checker.
func (c Config) Check() error {
	if (c.URL == "") == (c.HTTP == nil) {
		return message.Errorf("settings.give-url-http")
	}
	if c.HTTP != nil {
		return c.HTTP.Check()
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return message.Errorf("settings.no-url", message.Quoted("url", c.URL))
	}
	return nil
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(at driver.Sandbox) {
	c.URL, c.HTTP = "", &transport.HTTP{Listen: at.Listen, Path: "/", MaxBytes: maxBytes}
}

// Spec describes the driver.
var Spec = driver.New("web", "Web device, JSON by profile", build)

func build(c Config, env driver.Env) (driver.Driver, error) {
	if c.HTTP != nil {
		h := *c.HTTP
		h.MaxBytes = min(h.MaxBytes, maxBytes)
		c.HTTP = &h
	}
	return &device{Config: c, env: env, client: &http.Client{Timeout: askTimeout}}, nil
}

// device is one device; it outlives its sessions.
type device struct {
	Config
	env    driver.Env
	client *http.Client
}

// Run implements driver.Driver. Posts are acknowledged once they are stored; of answers to questions, what the
// journal does not take is dropped, as the device is asked again (driver.Unacknowledged).
func (d *device) Run(ctx context.Context, sink driver.Sink) error {
	s := &session{device: d, sink: sink, last: map[string]reported{}}
	if d.HTTP != nil {
		ready := driver.WhenReady(sink, 1, message.New("device.waits-documents"))
		return d.HTTP.Serve(ctx, ready, s.posted)
	}
	s.sink = driver.Unacknowledged(sink)
	defer d.client.CloseIdleConnections()
	return s.poll(ctx)
}

// askTimeout bounds one question to the device.
const askTimeout = 10 * time.Second

// poll asks the device until ctx ends or it does not answer.
func (s *session) poll(ctx context.Context) error {
	t := time.NewTicker(s.Every)
	defer t.Stop()
	for {
		doc, err := s.ask(ctx)
		if err != nil {
			return err
		}
		if err := s.commit(ctx, "", s.URL, doc); err != nil {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ask asks the session's device.
func (s *session) ask(ctx context.Context) ([]byte, error) {
	token := ""
	if s.TokenFile != "" {
		text, err := os.ReadFile(s.TokenFile)
		if err != nil {
			return nil, message.Wrap(err, "webjson.token-file")
		}
		token = strings.TrimSpace(string(text))
	}
	return Ask(ctx, s.client, s.URL, s.Profile.Value, token)
}

// Ask requests the profile's page from the device at a base URL and returns the body. token, when not "", is sent as
// bearer token. A status other than 200 and a body over 1 MiB are errors.
func Ask(ctx context.Context, client *http.Client, base string, p *Profile, token string) ([]byte, error) {
	page := strings.TrimSuffix(base, "/") + p.Request
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	doc, err := io.ReadAll(io.LimitReader(resp.Body, maxBytes+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, message.Errorf("webjson.status", message.String("page", page),
			message.String("status", resp.Status))
	case len(doc) > maxBytes:
		return nil, message.Errorf("webjson.large", message.String("page", page),
			message.Int("bytes", maxBytes))
	}
	return doc, nil
}

// posted commits a document that the device sent by HTTP. The request is answered with 200 when it returns nil, 400
// for a transport.BadFileError, else 503.
func (s *session) posted(ctx context.Context, d transport.Document) error {
	doc, err := io.ReadAll(d.Body)
	if err != nil {
		return err
	}
	return s.commit(ctx, d.Name, d.Peer, doc)
}
