package lane

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// journal is a Journal in memory.
type journal struct {
	mu  sync.Mutex
	obs []*observation.Observation
	err error
}

func (j *journal) Commit(_ context.Context, obs ...*observation.Observation) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return 0, j.err
	}
	j.obs = append(j.obs, obs...)
	return len(obs), nil
}

func (j *journal) StoreArtifact(context.Context, io.Reader, string, string) (*observation.Artifact, error) {
	return &observation.Artifact{}, nil
}

func (j *journal) Latest(string, observation.Kind) (*observation.Observation, error) { return nil, nil }

func (j *journal) OpenArtifact([]byte) (observation.ArtifactReader, int64, error) {
	return observation.InlineArtifact(nil), 0, nil
}

func (j *journal) states() (out []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, o := range j.obs {
		if s := o.Body.GetDeviceState(); s != nil {
			out = append(out, stateName(s.State))
		}
	}
	return out
}

// script is a driver whose runs are functions.
type script struct {
	mu   sync.Mutex
	runs []func(context.Context, driver.Sink) error
	at   []time.Time
}

func (s *script) Run(ctx context.Context, sink driver.Sink) error {
	s.mu.Lock()
	s.at = append(s.at, time.Now())
	run := func(ctx context.Context, _ driver.Sink) error { <-ctx.Done(); return ctx.Err() }
	if len(s.runs) > 0 {
		run, s.runs = s.runs[0], s.runs[1:]
	}
	s.mu.Unlock()
	return run(ctx, sink)
}

type noSettings struct{}

func supervise(t *testing.T, j *journal, runs ...func(context.Context, driver.Sink) error) (*Supervisor, *script) {
	sc := &script{runs: runs}
	spec := driver.New("script", "script", func(noSettings, driver.Env) (driver.Driver, error) { return sc, nil })
	s, err := New(j, []Device{{ID: "dev-1", Lane: "l", Spec: spec, Settings: &noSettings{}}}, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s, sc
}

func TestReconnectsWithGrowingBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := func(context.Context, driver.Sink) error { return errors.New("cable pulled") }
		j := &journal{}
		s, sc := supervise(t, j, fail, fail, fail, fail, fail, fail, fail, fail, fail, fail)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		if d := s.Devices()[0]; d.State != "down" || !strings.Contains(d.Reason, "cable pulled") || d.Connects != 11 {
			t.Errorf("status %+v", d)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for i := 1; i < len(sc.at); i++ {
			pause := sc.at[i].Sub(sc.at[i-1])
			if pause < backoffMin/2 || pause > backoffMax*3/2 || i >= 8 && pause < backoffMax/2 {
				t.Errorf("pause %d is %s", i, pause)
			}
		}
		if got := strings.Join(j.states(), " "); got != "down stopped" {
			t.Errorf("journalled states %q: a change is journalled once", got)
		}
	})
}

func TestSinkStampsAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		run := func(ctx context.Context, sink driver.Sink) error {
			sink.State(observation.DeviceState_STATE_RUNNING, message.Message{})
			sink.State(observation.DeviceState_STATE_RUNNING, message.Message{})
			alarm := observation.New(observation.Class_CLASS_ALARM, time.Now().Add(-1500*time.Millisecond), &observation.RadiationOccupancy{})
			if _, err := sink.Commit(ctx, alarm, observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.DeviceFault{Count: 7})); err != nil {
				return err
			}
			for i := range liveRing + 5 {
				sink.Live(driver.Sample{Channel: "gamma", Values: []float32{float32(i)}})
			}
			<-ctx.Done()
			return ctx.Err()
		}
		s, _ := supervise(t, j, run)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(5 * time.Second)
		d := s.Devices()[0]
		if d.State != "running" || d.Alarms != 1 || d.Faults != 7 || d.Occupancies != 1 || d.Observations != 2 {
			t.Errorf("status %+v", d)
		}
		for _, o := range j.obs {
			if o.Device != "dev-1" {
				t.Errorf("device %q", o.Device)
			}
			if o.Body.GetRadiationOccupancy() != nil && o.Body.AgentDelayNs != int64(1500*time.Millisecond) {
				t.Errorf("delay %d", o.Body.AgentDelayNs)
			}
		}
		live := s.Live("dev-1")
		if len(live) != liveRing || live[0].Values[0] != 5 || live[liveRing-1].Values[0] != liveRing+4 || s.Live("nobody") != nil {
			t.Errorf("%d samples", len(live))
		}
		cancel()
		<-done
		if got := strings.Join(j.states(), " "); got != "running stopped" {
			t.Errorf("journalled states %q", got)
		}
	})
}

func TestAPanickingDriverIsRestarted(t *testing.T) {
	j := &journal{}
	ran := make(chan struct{})
	s, _ := supervise(t, j,
		func(context.Context, driver.Sink) error { panic("bug in a driver") },
		func(ctx context.Context, _ driver.Sink) error { close(ran); <-ctx.Done(); return ctx.Err() })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-ran:
	case <-time.After(30 * time.Second):
		t.Error("the driver was not run again")
	}
	cancel()
	<-done
}

func TestRefusingJournalIsToldToTheDriver(t *testing.T) {
	j := &journal{err: errors.New("disk full")}
	got := make(chan error, 1)
	s, _ := supervise(t, j, func(ctx context.Context, sink driver.Sink) error {
		_, err := sink.Commit(ctx, observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.RadiationTamper{}))
		got <- err
		return err
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if err := <-got; !errors.Is(err, j.err) {
		t.Errorf("error %v", err)
	}
	cancel()
	<-done
	if d := s.Devices()[0]; d.Observations != 0 {
		t.Errorf("status %+v", d)
	}
}

func TestRoundUp(t *testing.T) {
	for ms, want := range map[int64]uint32{-1: 0, 0: 0, 1: 1, 2: 2, 3: 4, 5: 8, 16: 16, 17: 32} {
		if got := roundUp(ms); got != want {
			t.Errorf("roundUp(%d) = %d, want %d", ms, got, want)
		}
	}
}

// A device that begins anew with other settings leaves the others alone, and keeps its place and counters. Settings that its
// driver refuses leave it as it was.
func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type settings struct{ N int }
		var mu sync.Mutex
		var runs []int
		spec := driver.New("d", "d", func(c settings, _ driver.Env) (driver.Driver, error) {
			if c.N < 0 {
				return nil, errors.New("N must not be negative")
			}
			return &script{runs: []func(context.Context, driver.Sink) error{func(ctx context.Context, sink driver.Sink) error {
				mu.Lock()
				runs = append(runs, c.N)
				mu.Unlock()
				sink.State(observation.DeviceState_STATE_RUNNING, message.Message{})
				<-ctx.Done()
				return ctx.Err()
			}}}, nil
		})
		device := func(id string, n int) Device { return Device{ID: id, Lane: "l", Spec: spec, Settings: &settings{n}} }
		j := &journal{}
		s, err := New(j, []Device{device("a", 1), device("b", 2), device("c", 3)},
			Options{Log: slog.New(slog.DiscardHandler), TapeDir: t.TempDir(), TapeBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		if err := s.Replace(device("b", 20)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := s.Replace(device("b", -1)); err == nil || !strings.Contains(err.Error(), "device b") {
			t.Error(err)
		}
		if s.Replace(device("d", 1)) == nil {
			t.Error("a device that is not there")
		}
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(runs[:3])
		if !slices.Equal(runs, []int{1, 2, 3, 20, 20}) {
			t.Errorf("runs %v", runs)
		}
		for i, d := range s.Devices() {
			if want := []uint64{1, 3, 1}[i]; d.ID != string("abc"[i]) || d.State != Running || d.Connects != want {
				t.Errorf("%+v, want %d connections", d, want)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
