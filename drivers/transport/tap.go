package transport

import (
	"bytes"
	"encoding/binary"
	"net"
	"sync"
)

// Tap describes how a connection is taped that a library or a server works with.
type Tap struct {
	Limit  int    // bytes of each direction that are taped; 0 for all
	Secret string // a password: asterisks stand for it on the tape
	Called bool   // the peer called us
}

// Conn tapes what passes over a connection, and returns c itself when t is nil. Several may be on one tape: their
// records carry a number. Recording never fails the connection.
func (t *Tape) Conn(c net.Conn, how Tap) net.Conn {
	if t == nil {
		return c
	}
	out := &tapped{Conn: c, Tap: how, tape: t, n: t.connections.Add(1)}
	arrow := ">"
	if how.Called {
		arrow = "<"
	}
	out.record(RecordConnOpen, []byte(c.LocalAddr().String()+arrow+c.RemoteAddr().String()))
	return out
}

// tapped is a taped connection.
type tapped struct {
	net.Conn
	Tap
	tape    *Tape
	n       uint32
	in, out int // bytes taped
	closed  sync.Once
}

func (c *tapped) record(kind RecordKind, data []byte) {
	c.tape.Record(Record{At: now(), Kind: kind, Data: append(binary.BigEndian.AppendUint32(nil, c.n), data...)})
}

// within returns the part of p that still fits on the tape of a direction after done bytes.
func (c *tapped) within(p []byte, done *int) []byte {
	if c.Limit > 0 {
		p = p[:min(len(p), c.Limit-*done)]
	}
	*done += len(p)
	return p
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if part := c.within(p[:n], &c.in); len(part) > 0 {
		c.record(RecordConnIn, part)
	}
	return n, err
}

func (c *tapped) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	part := c.within(p[:n], &c.out)
	if c.Secret != "" {
		part = bytes.ReplaceAll(part, []byte(c.Secret), bytes.Repeat([]byte("*"), len(c.Secret)))
	}
	if len(part) > 0 {
		c.record(RecordConnOut, part)
	}
	return n, err
}

func (c *tapped) Close() error {
	c.closed.Do(func() { c.record(RecordConnClose, nil) })
	return c.Conn.Close()
}

// portConn is a serial line as a connection.
type portConn struct {
	net.Conn // never used: its user reads, writes and closes
	port
	link Link
}

func (c portConn) Read(p []byte) (int, error) {
	for {
		if n, err := c.readFor(p, Tick); n > 0 || err != nil {
			return n, err
		}
	}
}

func (c portConn) Write(p []byte) (int, error) { return c.port.Write(p) }
func (c portConn) Close() error                { return c.port.Close() }
func (c portConn) LocalAddr() net.Addr         { return lineAddr("agent") }
func (c portConn) RemoteAddr() net.Addr        { return lineAddr(c.link.String()) }

// lineAddr is the end of a serial line.
type lineAddr string

func (lineAddr) Network() string  { return "serial" }
func (a lineAddr) String() string { return string(a) }

// Connection splits the record of a connection into the connection's number and the rest.
func Connection(r Record) (n uint32, data []byte) {
	if r.Kind < RecordConnOpen || r.Kind > RecordConnClose || len(r.Data) < 4 {
		return 0, nil
	}
	return binary.BigEndian.Uint32(r.Data), r.Data[4:]
}
