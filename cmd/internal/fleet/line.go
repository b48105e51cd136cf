package fleet

import (
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// line is the network connection of one agent: it counts how connections end, and can be cut. It implements
// proxy.ContextDialer and may be used by many goroutines.
type line struct {
	tally *tally

	mu         sync.Mutex
	conn       *conn     // the last one; nil before any
	ending     bool      // the fleet ends: what ends now is no loss
	cutAt      time.Time // of the storm; zero before it
	answeredAt time.Time // since the storm, by the hub; zero for not yet
	ackedAt    time.Time // likewise, of rows
	lostAgain  int       // connections that ended, or were not made, since the storm
}

// conn is a connection that tells its line when it ends.
type conn struct {
	net.Conn
	line     *line
	answered bool // by the hub; guarded by line.mu
	ended    bool // likewise
	cut      atomic.Bool
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.errorOf(err)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.errorOf(err)
}

// errorOf returns the error that the client would get from a connection that the network cut. Where one was closed on
// this side, it takes that for its own doing and goes on waiting.
func (c *conn) errorOf(err error) error {
	if err != nil && c.cut.Load() {
		return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return err
}

// DialContext makes a TCP connection.
func (l *line) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.countLoss(false)
		return nil, err
	}
	l.conn = &conn{Conn: c, line: l}
	return l.conn, nil
}

// countLoss counts a connection that ended by itself or was not made. The caller holds mu.
func (l *line) countLoss(answered bool) {
	if l.ending {
		return
	}
	if answered {
		l.tally.lost.Add(1)
	} else {
		l.tally.failed.Add(1)
	}
	if !l.cutAt.IsZero() {
		l.lostAgain++
	}
}

// Close implements net.Conn. The client closes a connection that has ended, too.
func (c *conn) Close() error {
	c.line.mu.Lock()
	if !c.ended {
		c.end()
		c.line.countLoss(c.answered)
	}
	c.line.mu.Unlock()
	return c.Conn.Close()
}

// end notes that the connection is over. The caller holds mu.
func (c *conn) end() {
	c.ended = true
	if c.answered {
		c.line.tally.connected.Add(-1)
	}
}

// answered notes that the hub answered at a time; moved, that it acknowledged rows.
func (l *line) answered(now time.Time, moved bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.conn
	if c == nil || c.ended {
		return // an answer from before the cut, read late
	}
	if !c.answered {
		c.answered = true
		l.tally.connected.Add(1)
	}
	if l.cutAt.IsZero() {
		return
	}
	if l.answeredAt.IsZero() {
		l.answeredAt = now
	}
	if moved && l.ackedAt.IsZero() {
		l.ackedAt = now
	}
}

// cut ends the connection as a broken network would, if there is one, and reports whether the hub had answered on it.
// The other end learns of it by a reset.
func (l *line) cut(now time.Time) bool {
	l.mu.Lock()
	l.cutAt = now
	c := l.conn
	up := c != nil && !c.ended && c.answered
	if c != nil && !c.ended {
		c.end()
	}
	l.mu.Unlock()
	if c == nil {
		return false
	}
	c.cut.Store(true)
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may be closed already
	}
	_ = c.Conn.Close() // likewise
	return up
}

// end says that connections end from now on because the fleet does.
func (l *line) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ending = true
}
