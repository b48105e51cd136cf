package drivertest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/testing/protocmp"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Stream describes a driver that reads a byte stream over TCP.
type Stream struct {
	Spec     driver.Spec
	Settings func(address string) any // settings for a device at this address
	// Input holds the bytes of a sound device; the driver makes at least one observation of it.
	Input []byte
	// Cut is a place in Input in the middle of a frame.
	Cut int
	// Normal removes from an observation what depends on when bytes arrived.
	Normal func(*observation.Observation)
}

const (
	patience = 20 * time.Second // for what must happen, a driver's end within a second too: machines are slow at times
	garbage  = 1 << 20          // bytes
)

// Run runs the kit.
func (s Stream) Run(t *testing.T) {
	t.Run("whole", func(t *testing.T) { s.check(t, s.Input) })
	t.Run("split frames", s.splitFrames)
	t.Run("garbage", s.garbage)
	t.Run("disconnect in mid-frame", s.disconnect)
	t.Run("silent peer", s.silent)
	t.Run("peer that hangs up at once", s.hangsUp)
	t.Run("refusing journal", s.refusing)
	t.Run("replay of the tape", s.replay)
	t.Run("replay, again and again", s.repeat)
}

// device is a TCP peer that a test drives.
type device struct {
	t    *testing.T
	l    net.Listener
	conn net.Conn
}

func (s Stream) device(t *testing.T) *device {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &device{t: t, l: l}
}

func (d *device) accept() {
	c, err := d.l.Accept()
	if err != nil {
		d.t.Fatal(err)
	}
	d.conn = c
}

func (d *device) send(b []byte) {
	if _, err := d.conn.Write(b); err != nil {
		d.t.Fatal(err)
	}
}

// hangUp ends what the device says, hears the driver out, and closes: nothing of what it said is lost, whatever the
// driver still writes.
func (d *device) hangUp() {
	if err := d.conn.(*net.TCPConn).CloseWrite(); err != nil {
		d.t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, d.conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		d.t.Error(err)
	}
	d.conn.Close()
}

func (d *device) close() {
	if d.conn != nil {
		d.conn.Close()
	}
	d.l.Close()
}

// running is a driver under test.
type running struct {
	t    *testing.T
	sink *Sink
	stop context.CancelFunc
	done chan error
	tape *transport.Tape
}

// start runs a driver with a tape in dir.
func (s Stream) start(t *testing.T, address, dir string) *running {
	return start(t, s.Spec, s.Settings(address), dir)
}

func start(t *testing.T, spec driver.Spec, settings any, dir string) *running {
	tape := transport.OpenTape(dir, 8<<20)
	links, err := transport.NewOpener(tape)
	if err != nil {
		t.Fatal(err)
	}
	d, err := spec.New(settings, driver.Env{Device: "device", Links: links, Tape: tape})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, sink: NewSink(), stop: cancel, done: make(chan error, 1), tape: tape}
	go func() { r.done <- d.Run(ctx, r.sink) }()
	return r
}

// end cancels the driver and checks that it ends in time.
func (r *running) end() error {
	r.stop()
	return r.ended()
}

func (r *running) ended() error {
	r.t.Helper()
	defer r.tape.Close()
	select {
	case err := <-r.done:
		return err
	case <-time.After(patience):
		r.t.Fatalf("the driver did not end within %s of being told to; the contract says a second", patience)
		return nil
	}
}

func (r *running) wait(what string, ok func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if !r.sink.Wait(ctx, ok) {
		r.t.Fatalf("waited %s for %s; have %v", patience, what, r.sink.Observations())
	}
}

// observe returns what a driver makes of an input that ends with the connection.
func (s Stream) observe(t *testing.T, send func(*device)) []*observation.Observation {
	d := s.device(t)
	defer d.close()
	r := s.start(t, d.l.Addr().String(), t.TempDir())
	d.accept()
	send(d)
	d.hangUp()
	if err := r.ended(); err == nil {
		t.Error("the connection was lost, and Run returned no error")
	}
	r.stop()
	return s.normal(r.sink.Observations())
}

// hangsUp is a converter that takes each connection and ends it, because another client has the line: no device answers
// there, and the driver must not say that it is running.
func (s Stream) hangsUp(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d := s.device(t)
	defer d.close()
	r := s.start(t, d.l.Addr().String(), t.TempDir())
	defer r.stop()
	d.accept()
	d.hangUp()
	if err := r.ended(); err == nil {
		t.Error("the connection was lost, and Run returned no error")
	}
	if states := r.sink.States(); slices.Contains(states, observation.DeviceState_STATE_RUNNING) {
		t.Errorf("nothing came, and the driver said %v", states)
	}
}

func (s Stream) normal(in []*observation.Observation) (out []*observation.Observation) {
	for _, o := range in {
		o.TimeNs, o.Key = 0, ""
		s.Normal(o)
		out = append(out, o)
	}
	return out
}

// check runs an input whole and returns the observations.
func (s Stream) check(t *testing.T, input []byte) []*observation.Observation {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	got := s.observe(t, func(d *device) { d.send(input) })
	if len(got) == 0 {
		t.Fatal("the driver observed nothing")
	}
	for _, o := range got {
		if o.Body.Kind() == observation.Kind_KIND_DEVICE_FAULT {
			t.Errorf("sound input gave a fault: %v", o)
		}
		s.checkNames(t, o.Body.GetVehicleReading())
	}
	return got
}

// checkNames holds a reading of a vehicle, nil for none, against the driver's texts: people read its names there.
func (s Stream) checkNames(t *testing.T, r *observation.VehicleReading) {
	if r == nil || s.Spec.Texts == nil {
		return
	}
	if err := errors.Join(message.Check(s.Spec.Texts), message.Extend(s.Spec.Texts)); err != nil {
		t.Fatal(err)
	}
	codes := []string{"reading." + r.Name}
	for _, q := range r.Values {
		codes = append(codes, "quantity."+q.Name)
	}
	for _, code := range codes {
		if !message.Known(code) {
			t.Errorf("the driver's texts have no %s: what a reading and its values are called", code)
		}
	}
}

func (s Stream) splitFrames(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	want := s.check(t, s.Input)
	rng := rand.New(rand.NewPCG(1, 1))
	got := s.observe(t, func(d *device) {
		for rest := s.Input; len(rest) > 0; {
			n := min(1+rng.IntN(7), len(rest))
			d.send(rest[:n])
			rest = rest[n:]
		}
	})
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("split frames give other observations (-whole +split):\n%s", diff)
	}
}

func (s Stream) garbage(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d := s.device(t)
	defer d.close()
	r := s.start(t, d.l.Addr().String(), t.TempDir())
	d.accept()
	rng := rand.New(rand.NewPCG(2, 2))
	junk := make([]byte, garbage)
	for i := range junk {
		junk[i] = byte(rng.Uint32())
	}
	d.send(junk)
	d.send([]byte("\r\n\x00\x03\r\n")) // whatever ends a frame
	r.wait("a fault", func() bool { return len(r.sink.Of(observation.Kind_KIND_DEVICE_FAULT)) > 0 })
	before := len(r.sink.Observations())
	d.send(s.Input)
	r.wait("observations after the garbage", func() bool {
		return len(r.sink.Observations()) > before+1
	})
	if n := len(r.sink.Of(observation.Kind_KIND_DEVICE_FAULT)); n > 100 {
		t.Errorf("%d faults were committed: a flood must be folded", n)
	}
	for _, o := range r.sink.Of(observation.Kind_KIND_DEVICE_FAULT) {
		if f := o.Body.GetDeviceFault(); f.Reason == "" || len(f.Excerpt) > 256 || f.Count == 0 {
			t.Errorf("fault without reason or count, or with too long an excerpt: %v", f)
		}
	}
	r.end()
}

func (s Stream) disconnect(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s.observe(t, func(d *device) { d.send(s.Input[:s.Cut]) })
}

func (s Stream) silent(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d := s.device(t)
	defer d.close()
	r := s.start(t, d.l.Addr().String(), t.TempDir())
	d.accept()
	if err := r.end(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, not the context's error", err)
	}
}

func (s Stream) refusing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d := s.device(t)
	defer d.close()
	r := s.start(t, d.l.Addr().String(), t.TempDir())
	r.sink.Refuse(true)
	d.accept()
	d.send(s.Input)
	if err := r.ended(); !errors.Is(err, ErrRefused) {
		t.Errorf("the journal refused, and Run returned %v", err)
	}
	r.stop()
}

// replay runs a device's input live, and then lets another driver begin with the tape of it, as after a crash before
// anything was settled: it must observe the very same, keys and times included, so that the journal takes nothing
// twice.
func (s Stream) replay(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	liveDir, crashedDir := t.TempDir(), t.TempDir()
	d := s.device(t)
	live := s.start(t, d.l.Addr().String(), liveDir)
	d.accept()
	d.send(s.Input)
	d.hangUp()
	d.close()
	live.ended()
	live.stop()
	copyUnsettled(t, liveDir, crashedDir)

	d = s.device(t)
	defer d.close()
	again := s.start(t, d.l.Addr().String(), crashedDir)
	d.accept() // the replay is read before the driver connects
	want := live.sink.Observations()
	again.wait("the replayed observations", func() bool { return len(again.sink.Observations()) >= len(want) })
	again.end()
	if diff := cmp.Diff(want, again.sink.Observations(), protocmp.Transform()); diff != "" {
		t.Errorf("the replay observed other things (-live +replay):\n%s", diff)
	}
	for _, o := range want {
		if o.Key == "" {
			t.Errorf("an observation of a replayable stream has no key: %v", o)
		}
	}
}

// copyUnsettled copies what came in from one tape to another, without the marks that it was dealt with.
func copyUnsettled(t *testing.T, from, to string) {
	tape := transport.OpenTape(to, 8<<20)
	defer tape.Close()
	err := transport.ReadTape(from, func(r transport.Record) error {
		if r.Kind == transport.RecordIn {
			tape.Record(r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
