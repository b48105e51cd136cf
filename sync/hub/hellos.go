package hub

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An agent says hello once a connection, and again with growing pauses from a second on until it is
// answered. A hello costs the ledger some milliseconds, so faster ones are dropped: an agent that
// storms must not keep the others waiting.
const (
	helloEvery = 500 * time.Millisecond
	helloBurst = 4
)

// helloGate lets through as many hellos of each agent as an honest one needs. It may be used by
// many goroutines. Its memory is bounded: beyond maxAgents names all new ones share one limiter, so
// that invented names do not push out known agents.
type helloGate struct {
	mu        sync.Mutex
	agents    map[[2]string]*rate.Limiter
	strangers *rate.Limiter // of names beyond those that are remembered
}

func newHelloGate() *helloGate {
	return &helloGate{agents: map[[2]string]*rate.Limiter{}, strangers: newHelloLimiter()}
}

func newHelloLimiter() *rate.Limiter { return rate.NewLimiter(rate.Every(helloEvery), helloBurst) }

// allow reports whether a hello of an agent is to be answered now. One that is not is no loss: the
// agent repeats it.
func (g *helloGate) allow(site, agent string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.agents[[2]string{site, agent}]
	if l == nil {
		if len(g.agents) >= maxAgents {
			return g.strangers.Allow()
		}
		l = newHelloLimiter()
		g.agents[[2]string{site, agent}] = l
	}
	return l.Allow()
}
