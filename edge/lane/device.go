package lane

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thejerf/suture/v4"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/ring"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/transport/wait"
)

const (
	backoffMin = 500 * time.Millisecond
	backoffMax = 30 * time.Second
	healthy    = 30 * time.Second // a run this long begins back-off anew
	liveRing   = 600              // live samples kept per device: two minutes of 200 ms intervals
)

// Status is the state of a device, with counters since the agent's start.
type Status struct {
	ID     string `json:"id"`
	Title  string `json:"title,omitempty"`
	Lane   string `json:"lane,omitempty"`
	Driver string `json:"driver"`
	State  string `json:"state"`            // connecting, running, silent, down, stopped, maintenance
	Reason string `json:"reason,omitempty"` // in words, English
	// Message is Reason in all languages.
	Message      message.Text `json:"message,omitzero"`
	Since        time.Time    `json:"since"`        // of the state
	Observations uint64       `json:"observations"` // new ones, since the agent's start
	Duplicates   uint64       `json:"duplicates"`
	Faults       uint64       `json:"faults"` // input that was not understood
	Alarms       uint64       `json:"alarms"`
	Occupancies  uint64       `json:"occupancies"`
	Connects     uint64       `json:"connects"` // runs of the driver
	LastSeen     time.Time    `json:"last_seen,omitzero"`
	LastKind     string       `json:"last_kind,omitempty"`
	TapeLost     uint64       `json:"tape_lost"`         // tape records that could not be written
	NoTape       string       `json:"no_tape,omitempty"` // why nothing is recorded of its line now, English
	// NoTapeMessage is NoTape in all languages.
	NoTapeMessage message.Text `json:"no_tape_message,omitzero"`
	// Maintenance is set while somebody works on the device; State is then "maintenance", and this has the driver's.
	Maintenance *Maintenance `json:"maintenance,omitempty"`
}

// device runs one driver and is its Sink. Its methods may be called from any goroutine.
type device struct {
	Device
	driver  driver.Driver
	tape    *transport.Tape
	journal Journal
	clock   *Clock
	upkeep  *upkeep
	log     *slog.Logger
	token   suture.ServiceToken // by which the supervisor ends it

	resettled atomic.Bool // it ends because another one, with other settings, takes its place

	mu     sync.Mutex
	end    context.CancelCauseFunc // of the run of the driver; nil before the first
	status Status
	live   ring.Buffer[driver.Sample]
}

// Running is the State of a device that works.
var Running = stateName(observation.DeviceState_STATE_RUNNING)

// stateName is a state as the API has it: in lower case, without the prefix of the enumeration.
func stateName(s observation.DeviceState_State) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "STATE_"))
}

// Serve implements suture.Service: it runs the driver again and again, with growing pauses, until
// ctx ends. Every end of a run is an end of the connection; a run that lasted for healthy begins
// with short pauses anew.
func (d *device) Serve(ctx context.Context) error {
	pauses := wait.NewBackoff(backoffMin, backoffMax)
	for {
		begin := time.Now()
		d.count(func(s *Status) { s.Connects++ })
		err := d.runOnce(ctx)
		if ctx.Err() != nil {
			d.stopped()
			return ctx.Err()
		}
		if err == nil {
			err = message.Errorf("device.ended")
		}
		if time.Since(begin) > healthy {
			pauses.Reset()
		}
		d.State(observation.DeviceState_STATE_DOWN, message.Of(err))
		_ = pauses.Pause(ctx) // an end of ctx shows in the next run
	}
}

// stopped says why the device does not run any more.
func (d *device) stopped() {
	why := message.New("device.agent-stops")
	if d.resettled.Load() {
		why = message.New("device.resettled")
	}
	d.State(observation.DeviceState_STATE_STOPPED, why)
}

// carried is the status with which the device goes on that takes its place: its counters are since the agent's start.
func (d *device) carried() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status
}

// runOnce runs the driver until its connection ends, or until restart is called.
func (d *device) runOnce(ctx context.Context) error {
	run, end := context.WithCancelCause(ctx)
	defer end(nil)
	d.mu.Lock()
	d.end = end
	d.mu.Unlock()
	err := d.driver.Run(run, d)
	if cause := context.Cause(run); cause != nil && ctx.Err() == nil {
		return cause
	}
	return err
}

// errRestarted is why a run ends that somebody has ended.
var errRestarted = message.Errorf("device.restarted")

// restart ends the run of the driver; the next begins after the usual pause.
func (d *device) restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.end != nil {
		d.end(errRestarted)
	}
}

// String implements fmt.Stringer, for suture.
func (d *device) String() string { return d.ID }

// Commit implements driver.Sink. It returns when the observations are durable, so that a driver may
// then acknowledge them to the device. It sets the device and the agent's time on each. Of a device in maintenance they
// are marked, and none is an alarm.
func (d *device) Commit(ctx context.Context, obs ...*observation.Observation) (int, error) {
	now, clock := time.Now(), d.clock.State()
	for _, o := range obs {
		o.Device = d.ID
		clock.stamp(o, now)
		d.mark(o)
	}
	added, err := d.journal.Commit(ctx, obs...)
	if err != nil {
		return 0, err
	}
	d.count(func(s *Status) {
		s.Observations += uint64(added)
		s.Duplicates += uint64(len(obs) - added)
		s.LastSeen = now.UTC()
		if added == 0 {
			return // a repetition: it was counted when it was new
		}
		for _, o := range obs {
			s.add(o)
		}
	})
	return added, nil
}

// mark marks an observation of a device in maintenance.
func (d *device) mark(o *observation.Observation) {
	if d.upkeep.of(d.ID) == nil {
		return
	}
	o.Body.Maintenance = true
	if o.Class == observation.Class_CLASS_ALARM {
		o.Class = observation.Class_CLASS_EVENT
	}
}

// add counts an observation that is new.
func (s *Status) add(o *observation.Observation) {
	s.LastKind = o.Body.Kind().Name()
	if o.Class == observation.Class_CLASS_ALARM {
		s.Alarms++
	}
	d := observation.Describe(o.Body.Kind())
	if d.Faults != nil {
		s.Faults += d.Faults(o.Body.Typed())
	}
	if d.Detections != nil {
		s.Occupancies += d.Detections(o.Body.Typed())
	}
}

// StoreArtifact implements driver.Sink.
func (d *device) StoreArtifact(ctx context.Context, r io.Reader, mediaType, name string) (*observation.Artifact, error) {
	return d.journal.StoreArtifact(ctx, r, mediaType, name)
}

// OpenArtifact implements driver.Sink.
func (d *device) OpenArtifact(a *observation.Artifact) (observation.ArtifactReader, error) {
	r, _, err := d.journal.OpenArtifact(a.Sha256)
	return r, err
}

// Latest implements driver.Sink.
func (d *device) Latest(_ context.Context, kind observation.Kind) (*observation.Observation, error) {
	return d.journal.Latest(d.ID, kind)
}

// stateTimeout bounds the journalling of a state change; a driver must not hang on it.
const stateTimeout = 2 * time.Second

// State implements driver.Sink. Changes are journalled, except for connecting, which is short and
// would be a row at every try. A down device whose reason changes is logged but not journalled
// again.
func (d *device) State(state observation.DeviceState_State, about message.Message) {
	name, reason := stateName(state), about.English()
	d.mu.Lock()
	changed := d.status.State != name
	reworded := d.status.Reason != reason
	if reworded {
		d.status.Reason, d.status.Message = reason, about.Text()
	}
	if changed {
		d.status.State, d.status.Since = name, time.Now().UTC()
	}
	d.mu.Unlock()
	if changed || reworded && state == observation.DeviceState_STATE_DOWN {
		d.log.Info("device is "+name, "reason", reason)
	}
	if !changed || state == observation.DeviceState_STATE_CONNECTING {
		return
	}
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.DeviceState{
		State: state, Reason: reason, Message: driver.EncodeMessage(about),
	})
	o.Device = d.ID
	d.clock.State().stamp(o, time.Now())
	d.mark(o)
	ctx, cancel := context.WithTimeout(context.Background(), stateTimeout)
	defer cancel()
	if _, err := d.journal.Commit(ctx, o); err != nil {
		d.log.Error("state change was not journalled", "state", name, "err", err)
	}
}

// Live implements driver.Sink: it keeps the last liveRing samples in memory.
func (d *device) Live(s driver.Sample) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live.Add(s, liveRing)
}

// samples returns the live samples, oldest first.
func (d *device) samples() []driver.Sample {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live.Ordered()
}

// count changes the status.
func (d *device) count(f func(*Status)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.status)
}

// snapshot returns a copy of the status, as people are to see it.
func (d *device) snapshot() Status {
	m := d.upkeep.of(d.ID)
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.status
	if m != nil {
		m.State = s.State
		s.State, s.Since, s.Maintenance = InMaintenance, m.Since, m
	}
	s.TapeLost = d.tape.Lost()
	if err := d.tape.Problem(); err != nil {
		problem := message.Of(err)
		s.NoTape, s.NoTapeMessage = problem.English(), problem.Text()
	}
	return s
}
