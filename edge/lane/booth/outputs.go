package booth

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"lanewarden/drivers/observation"
)

// Output is a light or a barrier that follows the decision in force.
type Output struct {
	Device, Output string
	On             []string // outcomes at which it is on; nobody stands for "nobody is at the booth"
}

// nobody is the outcome while nobody is at the booth.
const nobody = "NONE"

// OutputState is an output as it was set last.
type OutputState struct {
	Device, Output string
	Value          string // on or off; "" before it was set
	Problem        error  // why it could not be set; nil when it was
}

// outputs sets a lane's outputs on a goroutine of their own: a device that does not answer holds no decision up. Its
// methods may be called from any goroutine.
type outputs struct {
	set     func(ctx context.Context, device, output, value, reason string) error
	log     *slog.Logger
	all     []Output
	changed chan struct{}

	mu      sync.Mutex
	wanted  string // outcome; "" before the first
	reason  string
	present []OutputState
}

func newOutputs(all []Output, set func(context.Context, string, string, string, string) error, log *slog.Logger) *outputs {
	o := &outputs{all: all, set: set, log: log, changed: make(chan struct{}, 1), present: make([]OutputState, len(all))}
	for i, one := range all {
		o.present[i] = OutputState{Device: one.Device, Output: one.Output}
	}
	return o
}

// follow makes the outputs follow a decision; nil is that nobody is there.
func (o *outputs) follow(d *observation.ClearanceDecision) {
	wanted, reason := nobody, "clearance"
	if d != nil {
		wanted, reason = d.Outcome, d.Presentation+" "+d.Outcome
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if wanted != o.wanted {
		o.wanted, o.reason = wanted, reason
		o.wake()
	}
}

// again makes the outputs of a device be set once more.
func (o *outputs) again(device string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.present {
		if o.present[i].Device == device {
			o.present[i].Value = ""
			o.wake()
		}
	}
}

func (o *outputs) wake() {
	select {
	case o.changed <- struct{}{}:
	default: // it is about to
	}
}

// states returns the outputs as they were set last.
func (o *outputs) states() []OutputState {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.present)
}

// retry is the pause after an output could not be set.
const retry = time.Second

// run sets the outputs until ctx ends.
func (o *outputs) run(ctx context.Context) {
	for ctx.Err() == nil {
		var again <-chan time.Time
		if !o.setAll(ctx) {
			again = time.After(retry)
		}
		select {
		case <-ctx.Done():
		case <-o.changed:
		case <-again:
		}
	}
}

// setAll sets the outputs that are not as they should be. It reports whether all are now. Those that go off are set
// first: a barrier closes before a light turns green.
func (o *outputs) setAll(ctx context.Context) (done bool) {
	done = true
	for _, value := range []string{"off", "on"} {
		for i := range o.all {
			reason, due := o.due(i, value)
			if !due || ctx.Err() != nil {
				continue
			}
			err := o.set(ctx, o.all[i].Device, o.all[i].Output, value, reason)
			o.note(i, value, err)
			done = done && err == nil
		}
	}
	return done
}

// due reports whether an output is to be set to a value, and why.
func (o *outputs) due(i int, value string) (reason string, due bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.wanted == "" {
		return "", false
	}
	wanted := "off"
	if slices.Contains(o.all[i].On, o.wanted) {
		wanted = "on"
	}
	return o.reason, wanted == value && o.present[i].Value != value
}

// note remembers what came of setting an output. A problem is logged once.
func (o *outputs) note(i int, value string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := &o.present[i]
	if err != nil {
		if s.Problem == nil {
			o.log.Error("clearance: an output was not set, will be tried again", "device", s.Device, "output", s.Output, "err", err)
		}
		s.Value, s.Problem = "", err
		return
	}
	s.Value, s.Problem = value, nil
}
