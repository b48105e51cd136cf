// Package cutlink is a connection between lane and centre that can be cut: a TCP proxy on this machine, for comparisons
// and demonstrations.
package cutlink

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Link counts what passes, and refuses while it is down, as it is at first. It may be used by many goroutines.
type Link struct {
	From string // the address where the lane connects
	to   string // where that leads

	Up, Down atomic.Int64 // bytes that passed, from the lane and to it

	mu       sync.Mutex
	listener net.Listener // nil while it is down
	conns    map[net.Conn]bool
	running  sync.WaitGroup
}

// New returns the link from the address where a lane connects to that where the centre listens.
func New(from, to string) *Link { return &Link{From: from, to: to, conns: map[net.Conn]bool{}} }

// Restore lets connections through.
func (l *Link) Restore() error {
	listener, err := net.Listen("tcp", l.From)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.listener = listener
	l.mu.Unlock()
	l.running.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			l.running.Go(func() { l.carry(c) })
		}
	})
	return nil
}

// Cut ends all connections, refuses new ones, and waits until nothing passes any more.
func (l *Link) Cut() {
	l.mu.Lock()
	if l.listener != nil {
		l.listener.Close()
		l.listener = nil
	}
	for c := range l.conns {
		c.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
}

// carry connects one connection through, until either end closes it.
func (l *Link) carry(lane net.Conn) {
	defer lane.Close()
	centre, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer centre.Close()
	if !l.keep(lane, centre) {
		return
	}
	defer l.forget(lane, centre)
	var ways sync.WaitGroup
	pass := func(to, from net.Conn, passed *atomic.Int64) {
		io.Copy(counted{to, passed}, from)
		to.Close()
		from.Close()
	}
	ways.Go(func() { pass(centre, lane, &l.Up) })
	ways.Go(func() { pass(lane, centre, &l.Down) })
	ways.Wait()
}

// keep notes connections, so that Cut ends them; false when the link went down meanwhile.
func (l *Link) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.conns[c] = true
	}
	return l.listener != nil
}

func (l *Link) forget(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		delete(l.conns, c)
	}
}

// counted is a writer that adds what it wrote to a number.
type counted struct {
	io.Writer
	n *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n.Add(int64(n))
	return n, err
}
