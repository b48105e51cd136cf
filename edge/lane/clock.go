package lane

import (
	"context"
	"fmt"
	"log/slog"
	"math/bits"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/observation"
)

// ClockState is the kernel's estimate of its clock error (adjtimex(2)).
type ClockState struct {
	Synchronised bool   `json:"synchronised"`
	ErrorMs      uint32 `json:"error_ms"` // estimated error, rounded up to a power of two
}

// stamp puts the delay until now, and the state of the agent's clock, on an observation. Only
// results that carry the state of their clock can be compared with other lanes' later.
func (c ClockState) stamp(o *observation.Observation, now time.Time) {
	o.Body.ClockUnsynchronised, o.Body.ClockErrorMs = !c.Synchronised, c.ErrorMs
	// Whole milliseconds: finer ones are noise that a thin link would have to carry.
	o.Body.AgentDelayNs = (now.UnixNano() - o.TimeNs) / int64(time.Millisecond) * int64(time.Millisecond)
}

// clockMaxAge is the age up to which an answer of the kernel is used again.
const clockMaxAge = time.Second

// Clock asks the kernel for the state of its clock. It may be used by many goroutines.
type Clock struct {
	mu    sync.Mutex
	state ClockState
	asked time.Time
}

// State returns the state of the clock, at most clockMaxAge old; a clock that cannot be asked
// counts as not synchronised.
func (c *Clock) State() ClockState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.asked) < clockMaxAge && !c.asked.IsZero() {
		return c.state
	}
	var tx unix.Timex
	status, err := unix.Adjtimex(&tx)
	c.asked = time.Now()
	c.state = ClockState{}
	if err == nil && status != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0 {
		c.state = ClockState{Synchronised: true, ErrorMs: roundUp(int64(tx.Esterror) / 1000)}
	}
	return c.state
}

// roundUp rounds milliseconds up to a power of two, so that the value seldom changes and compresses
// well; 0 stays 0.
func roundUp(ms int64) uint32 {
	if ms <= 0 {
		return 0
	}
	return 1 << min(bits.Len64(uint64(ms-1)), 31)
}

const (
	stepPeriod = time.Second
	stepLimit  = 200 * time.Millisecond // well above what slewing does in a period
)

// clockWatch journals steps of the wall clock, which it compares with the monotonic one every
// stepPeriod.
type clockWatch struct {
	clock   *Clock
	journal Journal
	log     *slog.Logger
}

// String implements fmt.Stringer, for suture.
func (*clockWatch) String() string { return "clock watch" }

// Serve implements suture.Service. A step that cannot be journalled is logged.
func (w *clockWatch) Serve(ctx context.Context) error {
	tick := time.NewTicker(stepPeriod)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := time.Now()
		step := now.Round(0).Sub(last.Round(0)) - now.Sub(last) // wall time passed, less monotonic time passed
		last = now
		if step.Abs() < stepLimit {
			continue
		}
		w.log.Warn("the clock was set", "step", step)
		o := observation.New(observation.Class_CLASS_EVENT, now, &observation.AgentClockStep{StepNs: int64(step)})
		o.Device, o.Key = observation.AgentDevice, fmt.Sprintf("clock-step@%d", now.UnixNano())
		w.clock.State().stamp(o, now)
		if _, err := w.journal.Commit(ctx, o); err != nil {
			w.log.Error("clock step was not journalled", "err", err)
		}
	}
}
