// Package transport brings devices' bytes in: over TCP, a serial line, a drop folder or HTTP. Streams come out as
// chunks with the time at which they arrived, documents come out whole; both are recorded on the device's black-box
// tape.
package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

const (
	// chunkBytes is the most that one read of a stream returns; a device's line is far shorter.
	chunkBytes = 16 << 10
	// Tick is the time after which Next returns an empty chunk when no bytes come.
	Tick = 500 * time.Millisecond
	// dialTimeout bounds one attempt to connect.
	dialTimeout = 5 * time.Second
)

// Chunk holds bytes with the time of their arrival.
type Chunk struct {
	At   time.Time // UTC, without monotonic part: a replayed chunk equals the live one
	Data []byte    // valid until the next call of Next; empty when only time passed
	// Break reports that the input broke off before At: what was under way is incomplete. Data is empty.
	Break bool
}

// ErrReplaying means that a stream still replays its tape, and cannot be written to.
var ErrReplaying error = newError("device.replaying")

// Stream is a connection to a device, or the replay of one. One goroutine uses it.
type Stream interface {
	// Next returns the next chunk. It returns io.EOF when the device closed the connection, and ctx's error when that
	// ended.
	Next(ctx context.Context) (Chunk, error)
	// Write sends to the device.
	Write(p []byte) (int, error)
	// Settled marks on the tape that all chunks so far are dealt with and nothing is under way: a replay after a crash
	// begins here.
	Settled()
	Close() error
}

// Link is a device's address as its configuration gives it: one of TCP or serial.
type Link struct {
	Address string  `yaml:"address" format:"hostport" example:"192.0.2.10:1601"`
	Serial  *Serial `yaml:"serial"`
}

// IsZero reports whether the link names nothing.
func (l Link) IsZero() bool { return l.Address == "" && l.Serial == nil }

// Check reports what is wrong with the link.
func (l Link) Check() error {
	switch {
	case l.IsZero():
		return newError("settings.give-link")
	case l.Address != "" && l.Serial != nil:
		return newError("settings.give-one-link")
	}
	return nil
}

// String returns host and port, or the path of the serial port; "" when the link names nothing.
func (l Link) String() string {
	if l.Serial != nil {
		return l.Serial.Port
	}
	return l.Address
}

// port is an open connection whose reads can be bounded in time.
type port interface {
	io.ReadWriteCloser
	// readFor reads what is there, waiting at most d; it returns 0, nil when nothing came.
	readFor(p []byte, d time.Duration) (int, error)
}

// open opens the port or connects, within dialTimeout.
func (l Link) open(ctx context.Context) (port, error) {
	if l.Serial != nil {
		return l.Serial.open()
	}
	d := net.Dialer{Timeout: dialTimeout}
	c, err := d.DialContext(ctx, "tcp", l.Address)
	if err != nil {
		return nil, err
	}
	return tcpPort{c}, nil
}

// tcpPort is a TCP connection as a port.
type tcpPort struct{ net.Conn }

func (c tcpPort) readFor(p []byte, d time.Duration) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		return 0, err
	}
	n, err := c.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}

// Opener opens a device's streams, taped. The first stream it opens begins with what the tape holds since the last
// settled point, then a Break: that is how an occupancy under way outlives a crash of the agent. A driver must
// therefore give the same keys for the same chunks.
type Opener struct {
	tape     *Tape
	replay   []Record
	playback *playback // instead of the device; nil outside sandboxes
}

// NewOpener returns the opener of a device with this tape, nil for none.
func NewOpener(tape *Tape) (*Opener, error) {
	o := &Opener{tape: tape}
	if tape == nil {
		return o, nil
	}
	var err error
	o.replay, err = tape.sinceSettled()
	return o, err
}

// Open connects and returns the stream. While there is a tape to replay it does not connect yet: the stream does,
// when the replay was read, and its Next then gives the error.
func (o *Opener) Open(ctx context.Context, link Link) (Stream, error) {
	if o.playback != nil {
		return o.playback.open()
	}
	s := &stream{link: link, tape: o.tape, replay: o.replay, buf: make([]byte, chunkBytes)}
	if len(s.replay) > 0 { // connect only when the replay has been read: it must not wait for the device
		o.replay = nil
		return s, nil
	}
	return s, s.connect(ctx)
}

// stream is a live connection, with a replay before it.
type stream struct {
	link   Link
	tape   *Tape
	replay []Record
	port   port
	buf    []byte
	fresh  bool // chunks were read since the last settled mark
}

// connect opens the port and says so on the tape.
func (s *stream) connect(ctx context.Context) (err error) {
	if s.port, err = s.link.open(ctx); err != nil {
		return err // it names the address, or the line
	}
	s.tape.Record(Record{At: now(), Kind: RecordOpen, Data: []byte(s.link.String())})
	return nil
}

// now is the current time as chunks carry it: UTC, no monotonic reading, whole milliseconds (finer ones are jitter of
// the network, which a thin link would have to carry).
func now() time.Time { return time.Now().Round(0).UTC().Truncate(time.Millisecond) }

// Next implements Stream: at most chunkBytes, after at most a Tick.
func (s *stream) Next(ctx context.Context) (Chunk, error) {
	if s.port == nil {
		if c, ok := s.nextReplayed(); ok {
			return c, nil
		}
		if err := s.connect(ctx); err != nil {
			return Chunk{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Chunk{}, err
	}
	n, err := s.port.readFor(s.buf, Tick)
	c := Chunk{At: now(), Data: s.buf[:n]}
	if n > 0 {
		s.fresh = true
		s.tape.Record(Record{At: c.At, Kind: RecordIn, Data: c.Data})
		return c, nil // an error comes again with the next read
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", s.link, err)
	}
	return c, err
}

// nextReplayed returns the next chunk from the tape; after the last comes a Break.
func (s *stream) nextReplayed() (Chunk, bool) {
	for len(s.replay) > 0 {
		r := s.replay[0]
		s.replay = s.replay[1:]
		last := len(s.replay) == 0
		if last {
			s.replay = nil
		}
		switch {
		case r.Kind == RecordIn && last:
			s.replay = []Record{{At: r.At, Kind: RecordClose}}
			return Chunk{At: r.At, Data: r.Data}, true
		case r.Kind == RecordIn:
			return Chunk{At: r.At, Data: r.Data}, true
		case r.Kind == RecordClose || r.Kind == RecordOpen:
			return Chunk{At: r.At, Break: true}, true
		}
	}
	return Chunk{}, false
}

func (s *stream) Write(p []byte) (int, error) {
	if s.port == nil {
		return 0, fmt.Errorf("%s: %w", s.link, ErrReplaying)
	}
	n, err := s.port.Write(p)
	s.tape.Record(Record{At: now(), Kind: RecordOut, Data: p[:n]})
	return n, err
}

func (s *stream) Settled() {
	if s.fresh && s.port != nil {
		s.fresh = false
		s.tape.Record(Record{At: now(), Kind: RecordSettled})
	}
}

func (s *stream) Close() error {
	if s.port == nil {
		return nil
	}
	s.tape.Record(Record{At: now(), Kind: RecordClose})
	return s.port.Close()
}
