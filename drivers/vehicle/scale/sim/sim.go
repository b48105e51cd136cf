// Package sim is a scale, simulated from its side: it sends Mettler Toledo's continuous output to every TCP client.
package sim

import (
	"context"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"lanewarden/drivers/transport/accept"
	"lanewarden/drivers/vehicle/scale"
)

// Scale is a platform. The zero value is ready.
type Scale struct {
	mu     sync.Mutex
	kg     float64       // that stands on it
	shown  float64       // the needle follows
	Period time.Duration // between two frames; 0 is 100 ms
}

// Load puts a weight on the platform; 0 takes it off.
func (s *Scale) Load(kg float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kg = kg
}

// next is the frame that is sent now.
func (s *Scale) next() scale.Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown += (s.kg - s.shown) * 0.6
	moving := math.Abs(s.kg-s.shown) > 20
	if !moving {
		s.shown = s.kg
	}
	kg := math.Round(s.shown/20) * 20
	if moving {
		kg += float64(20 * (rand.IntN(5) - 2)) // it swings
	}
	return scale.Frame{Kg: max(kg, 0), Motion: moving}
}

// Serve serves clients until ctx ends.
func (s *Scale) Serve(ctx context.Context, l net.Listener) error {
	period := s.Period
	if period == 0 {
		period = 100 * time.Millisecond
	}
	return accept.AtOnce(ctx, l, func(c net.Conn) {
		t := time.NewTicker(period)
		defer t.Stop()
		for {
			if _, err := c.Write(scale.Encode(s.next(), false)); err != nil {
				return // a client that is gone is none of our concern
			}
			select {
			case <-t.C:
			case <-ctx.Done():
				return
			}
		}
	})
}
