package sim

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"lanewarden/drivers/transport/accept"
	"lanewarden/drivers/transport/wait"
)

// Server sends a portal's lines, in time, to every TCP client.
type Server struct {
	Portal *Portal
	Speed  float64     // simulated seconds per second; 1 when 0
	Ended  func(Truth) // called for each occupancy that ended; may be nil

	mu      sync.Mutex // guards Portal and clients
	clients map[net.Conn]bool
}

// writeTimeout drops a client that does not read.
const writeTimeout = 2 * time.Second

// Do lets f change the portal while it runs.
func (s *Server) Do(f func(*Portal)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.Portal)
}

// Serve accepts clients on l until ctx ends; it closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.clients = map[net.Conn]bool{}
	if s.Speed == 0 {
		s.Speed = 1
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer s.closeAll()
	defer l.Close()
	wg.Go(func() { _ = accept.InTurn(ctx, l, s.greet) }) // ends when l is closed
	start := time.Now()
	for {
		s.mu.Lock()
		line := s.Portal.Next()
		s.mu.Unlock()
		due := start.Add(time.Duration(float64(line.At) / s.Speed))
		if err := wait.For(ctx, time.Until(due)); err != nil {
			return nil
		}
		s.send(line.Text)
		s.reportEnded()
	}
}

func (s *Server) reportEnded() {
	s.mu.Lock()
	ended := s.Portal.Truths()
	s.mu.Unlock()
	for _, t := range ended {
		if s.Ended != nil {
			s.Ended(t)
		}
	}
}

// greet sends a new client the portal's settings; from then on it gets all lines.
func (s *Server) greet(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range s.Portal.Setup() {
		fmt.Fprintf(c, "%s\r\n", text)
	}
	s.clients[c] = true
}

func (s *Server) send(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err == nil {
			if _, err = fmt.Fprintf(c, "%s\r\n", text); err == nil {
				continue
			}
		}
		c.Close()
		delete(s.clients, c)
	}
}

func (s *Server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		c.Close()
	}
}

// Disconnect drops all clients, as a pulled cable does.
func (s *Server) Disconnect() {
	s.closeAll()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.clients)
}

// Record writes the portal's lines of a time span as a daily file has them, each with its time of day, and returns what
// happened.
func Record(w io.Writer, p *Portal, begin time.Time, span time.Duration, withTimes bool) ([]Truth, error) {
	b := bufio.NewWriter(w)
	var truths []Truth
	for {
		l := p.Next()
		if l.At > span {
			break
		}
		if withTimes {
			fmt.Fprintf(b, "%s,%s\r\n", l.Text, begin.Add(l.At).Format("15:04:05.000"))
		} else {
			fmt.Fprintf(b, "%s\r\n", l.Text)
		}
		truths = append(truths, p.Truths()...)
	}
	return truths, b.Flush()
}
