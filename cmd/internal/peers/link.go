package peers

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// link is the connection between lane and centre: a TCP proxy that counts what passes, and refuses while it is down.
type link struct {
	from, to string // addresses: where the lane connects, and where that leads

	up, down atomic.Int64 // bytes that passed, from the lane and to it

	mu       sync.Mutex
	listener net.Listener // nil while it is down
	conns    map[net.Conn]bool
	running  sync.WaitGroup
}

func newLink(from, to string) *link { return &link{from: from, to: to, conns: map[net.Conn]bool{}} }

// restore lets connections through.
func (l *link) restore() error {
	listener, err := net.Listen("tcp", l.from)
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

// cut ends all connections, refuses new ones, and waits until nothing passes any more.
func (l *link) cut() {
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
func (l *link) carry(lane net.Conn) {
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
	ways.Go(func() { pass(centre, lane, &l.up) })
	ways.Go(func() { pass(lane, centre, &l.down) })
	ways.Wait()
}

// keep notes connections, so that cut ends them; false when the link went down meanwhile.
func (l *link) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.conns[c] = true
	}
	return l.listener != nil
}

func (l *link) forget(conns ...net.Conn) {
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
