package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// Client calls the operations of an agent or of a hub.
type Client struct {
	HTTP *http.Client
	Base string // URL before the path, without a slash at its end
}

// NewClient returns a client of the agent's API on a unix socket. A timeout of 0 means none, for a tail that follows.
// Connections are not kept.
func NewClient(socket string, timeout time.Duration) *Client {
	return &Client{Base: "http://laned", HTTP: &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

// Ask calls the operation and returns its answer. The error is a *Problem when the server answered with one.
func (q *Query[In, Out]) Ask(ctx context.Context, c *Client, in In) (out Out, err error) {
	body, err := c.open(ctx, &q.Route, in)
	if err != nil {
		return out, err
	}
	return decodeAnswer[Out](body)
}

// Open calls the operation and returns its answer as it comes: JSON, for programs. The caller closes it.
func (q *Query[In, Out]) Open(ctx context.Context, c *Client, in In) (io.ReadCloser, error) {
	return c.open(ctx, &q.Route, in)
}

// Do calls the operation and returns its answer. The error is a *Problem when the server answered with one.
func (a *Action[In, Out]) Do(ctx context.Context, c *Client, in In) (out Out, err error) {
	body, err := c.open(ctx, &a.Route, in)
	if err != nil {
		return out, err
	}
	if _, ok := any(out).(Done); ok {
		return out, body.Close()
	}
	return decodeAnswer[Out](body)
}

// Open calls the operation and returns its answer as it comes. The caller closes it.
func (s *Stream[In]) Open(ctx context.Context, c *Client, in In) (io.ReadCloser, error) {
	return c.open(ctx, &s.Route, in)
}

// Send calls an operation whose request has a body of a media type of its own (Route.Body), and returns its answer as it
// comes. The caller closes it.
func (s *Stream[In]) Send(ctx context.Context, c *Client, in In, body io.Reader) (io.ReadCloser, error) {
	r, err := c.request(ctx, &s.Route, in)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(body)
	r.Header.Set("Content-Type", s.Route.Body)
	return c.answer(r)
}

func decodeAnswer[Out any](body io.ReadCloser) (out Out, err error) {
	defer body.Close()
	err = json.NewDecoder(body).Decode(&out)
	return out, err
}

// open sends a request and returns the body of an answer of status 2xx.
func (c *Client) open(ctx context.Context, route *Route, in any) (io.ReadCloser, error) {
	r, err := c.request(ctx, route, in)
	if err != nil {
		return nil, err
	}
	return c.answer(r)
}

// answer sends a request and returns the body of an answer of status 2xx.
func (c *Client) answer(r *http.Request) (io.ReadCloser, error) {
	resp, err := c.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, readProblem(resp)
	}
	return resp.Body, nil
}

// request makes the request of an operation from the fields of in.
func (c *Client) request(ctx context.Context, route *Route, in any) (*http.Request, error) {
	v := reflect.ValueOf(in)
	path, query, header := route.Path(), url.Values{}, http.Header{}
	for _, p := range Parameters(v.Type()) {
		values := p.texts(v.FieldByIndex(p.index))
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(strings.Join(values, "")))
		case p.In == "query" && len(values) > 0:
			query[p.Name] = values
		case p.In == "header" && len(values) > 0:
			header[http.CanonicalHeaderKey(p.Name)] = values
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var body io.Reader
	if hasBody(v.Type()) {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
		header.Set("Content-Type", "application/json")
	}
	r, err := http.NewRequestWithContext(ctx, route.Method(), c.Base+path, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	return r, nil
}

// maxProblem bounds what is read of a problem document, in bytes.
const maxProblem = 16 << 10

// readProblem returns the problem that an answer is. A server of another version, or something between, may answer
// with text.
func readProblem(resp *http.Response) *Problem {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	p := &Problem{}
	if mediaType == "application/problem+json" && json.Unmarshal(text, p) == nil && p.Title != "" {
		return p
	}
	return &Problem{Title: resp.Status, Status: resp.StatusCode, Detail: strings.TrimSpace(string(text))}
}
