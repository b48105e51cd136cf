package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"lanewarden/drivers/message"
)

// Crowd bounds the connections of a server. When there are more, those that wait longest for their sender (a head or a body
// that does not come, or nothing at all) make room, so that senders who dribble never keep others out. Connections whose
// request is being answered stay, and so do those of a unix socket.
type Crowd struct {
	max     int
	maxBody int64
	patient time.Duration

	mu    sync.Mutex
	conns map[net.Conn]*waiting
}

// waiting is a connection that is counted.
type waiting struct {
	busy  bool      // its request is here and being answered
	since time.Time // when it began to wait
}

// NewCrowd makes the bound: so many connections, so many bytes of a request's body, and so long for a body to come.
func NewCrowd(connections int, maxBody int64, patience time.Duration) *Crowd {
	return &Crowd{max: connections, maxBody: maxBody, patient: patience, conns: map[net.Conn]*waiting{}}
}

// Bound makes a server keep the bound. The server must not have handlers of ConnState and ConnContext of its own.
func (c *Crowd) Bound(srv *http.Server) {
	srv.Handler, srv.ConnState = c.handler(srv.Handler), c.state
	srv.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, conn)
	}
}

type connKey struct{}

func (c *Crowd) state(conn net.Conn, s http.ConnState) {
	if conn.LocalAddr().Network() == "unix" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s {
	case http.StateNew:
		c.conns[conn] = &waiting{since: time.Now()}
		c.makeRoom(conn)
	case http.StateClosed, http.StateHijacked:
		delete(c.conns, conn)
	}
}

// makeRoom closes the connection that waits longest, when there are too many. The newest is spared.
func (c *Crowd) makeRoom(newest net.Conn) {
	if len(c.conns) <= c.max {
		return
	}
	var longest net.Conn
	for conn, w := range c.conns {
		if !w.busy && conn != newest && (longest == nil || w.since.Before(c.conns[longest].since)) {
			longest = conn
		}
	}
	if longest != nil {
		delete(c.conns, longest)
		longest.Close()
	}
}

// busy notes that a request is here whole, or that its answer is over.
func (c *Crowd) busy(conn net.Conn, busy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.conns[conn]; w != nil {
		w.busy, w.since = busy, time.Now()
	}
}

// handler reads a request's body before next is called: until then its connection may have to make room.
func (c *Crowd) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 && !isPicture(r) {
			body, err := c.read(w, r)
			var large *http.MaxBytesError
			switch {
			case errors.As(err, &large):
				WriteProblem(w, NewProblem(TooLarge, message.New("api.large-body", message.Int("bytes", large.Limit))))
				return
			case err != nil:
				w.Header().Set("Connection", "close")
				WriteProblem(w, NewProblem(RequestTimeout, message.New("api.slow-body", message.CausedBy(err))))
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		conn, _ := r.Context().Value(connKey{}).(net.Conn)
		c.busy(conn, true)
		defer c.busy(conn, false)
		next.ServeHTTP(w, r)
	})
}

// isPicture reports whether a request's body is a picture, which is longer than others: whoever may send one is known before it
// is read.
func isPicture(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "image/")
}

func (c *Crowd) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(c.patient)); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, c.maxBody))
	if err != nil {
		return nil, err
	}
	return body, control.SetReadDeadline(time.Time{})
}
