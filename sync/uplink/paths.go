package uplink

import (
	"context"
	"errors"
	"sync"
	"time"

	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/wire"
)

// Path is one of the ways to the hub.
type Path struct {
	ID     string
	Broker wire.Broker
	// MonthlyBytes is what it may carry in a calendar month, both ways; 0 for no bound.
	MonthlyBytes int64
	// Artifacts and Telemetry are the times of day, in the machine's zone, at which these are sent.
	Artifacts, Telemetry firmwareconfig.Hours
}

// Direct returns the one path of an agent that has no other.
func Direct(b wire.Broker) []Path { return []Path{{ID: firmwareconfig.MainPath, Broker: b}} }

// When a path counts as steady, and how long one that failed is left alone. Each pause doubles with each failure, so
// that a path that comes and goes is left alone.
const (
	steady       = 2 * time.Minute
	penaltyMost  = 10 * time.Minute
	holdDefault  = time.Minute
	holdMost     = 30 // times the first
	probesInHold = 4
	// silentMost is how long the hub may stay silent on a path before another is tried.
	silentMost = 45 * time.Second
)

// errBetter ends a connection so that a better path is taken.
var errBetter = errors.New("a better path works again")

// chooser decides which path is taken. It knows no clock and no network; its owner locks.
type chooser struct {
	hold  time.Duration // how long a better path must answer before it is taken, at first
	paths []pathState   // in order of preference
}

// pathState is what was seen of a path.
type pathState struct {
	notBefore time.Time     // not taken earlier, unless all others are worse
	penalty   time.Duration // after the last failure
	goodSince time.Time     // when probes began to succeed; zero for not now
	hold      time.Duration // how long probes must succeed
}

func newChooser(n int, hold time.Duration) *chooser {
	c := &chooser{hold: hold, paths: make([]pathState, n)}
	for i := range c.paths {
		c.paths[i].hold = hold
	}
	return c
}

// probePause is the pause between two probes that succeed, and the first after a failure.
func (c *chooser) probePause() time.Duration { return c.hold / probesInHold }

// pick returns the path to take now: the most preferred one that is not left alone; when all are, the one whose time
// comes first.
func (c *chooser) pick(now time.Time) int {
	earliest := 0
	for i, p := range c.paths {
		if !now.Before(p.notBefore) {
			return i
		}
		if p.notBefore.Before(c.paths[earliest].notBefore) {
			earliest = i
		}
	}
	return earliest
}

// ended notes that a connection by a path failed, or was lost after the hub had answered for so long.
func (c *chooser) ended(i int, lasted time.Duration, now time.Time) {
	p := &c.paths[i]
	if lasted >= steady {
		p.goodSince = time.Time{}
		p.penalty, p.hold, p.notBefore = 0, c.hold, now
		return
	}
	c.leave(p, now)
	if lasted > 0 { // it was taken and failed soon: it must prove itself for longer
		p.hold = min(2*p.hold, holdMost*c.hold)
	}
}

// leave leaves a path that failed alone, each time for twice as long.
func (c *chooser) leave(p *pathState, now time.Time) {
	p.goodSince = time.Time{}
	p.penalty = min(max(2*p.penalty, c.probePause()), penaltyMost)
	p.notBefore = now.Add(p.penalty)
}

// candidate returns the most preferred path before the one in use that is to be probed now, -1 for none.
func (c *chooser) candidate(inUse int, now time.Time) int {
	for i := range inUse {
		if !now.Before(c.paths[i].notBefore) {
			return i
		}
	}
	return -1
}

// probed notes whether a better path answered a probe. It reports whether that path is to be taken now; until then the
// next probe is due after probePause.
func (c *chooser) probed(i int, answered bool, now time.Time) bool {
	p := &c.paths[i]
	if !answered {
		c.leave(p, now)
		return false
	}
	if p.goodSince.IsZero() {
		p.goodSince = now
	}
	p.notBefore = now.Add(c.probePause())
	if now.Sub(p.goodSince) < p.hold {
		return false
	}
	p.notBefore, p.penalty = now, 0
	return true
}

// prober looks, while a connection by a less preferred path lasts, whether a better one works. The session owns it.
type prober struct {
	results chan probe
	running sync.WaitGroup
	busy    bool
}

// probe is the result of one.
type probe struct {
	path     int
	answered bool
}

// start begins a probe of a path, and puts its result into results. Its goroutine ends with ctx, or after the dial's
// time-out.
func (p *prober) start(ctx context.Context, i int, b wire.Broker) {
	p.busy = true
	p.running.Go(func() {
		conn, err := b.Dial(ctx)
		if err == nil {
			conn.Close()
		}
		p.results <- probe{i, err == nil} // it has room for the one that runs
	})
}
