// Package sim is a bar code or container number reader, simulated from its side: it sends codes, a line each, to its
// TCP client.
package sim

import (
	"context"
	"net"
	"sync"

	"lanewarden/drivers/transport/accept"
)

// Scanner is a reader. The zero value is ready.
type Scanner struct {
	mu     sync.Mutex
	client net.Conn
}

// Scan sends a code, when somebody is connected.
func (s *Scanner) Scan(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Write([]byte(code + "\r\n")) // a client that is gone is found by the next Accept
	}
}

// Serve takes one client at a time until ctx ends.
func (s *Scanner) Serve(ctx context.Context, l net.Listener) error {
	defer s.replace(nil)
	return accept.InTurn(ctx, l, s.replace)
}

// replace closes the client that is there and goes on with another, or with none.
func (s *Scanner) replace(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Close()
	}
	s.client = c
}
