package lane

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// alarming is a driver that reports an alarm every ten seconds.
type alarming struct{}

func (alarming) Run(ctx context.Context, sink driver.Sink) error {
	sink.State(observation.DeviceState_STATE_RUNNING, message.Message{})
	for ctx.Err() == nil {
		o := observation.New(observation.Class_CLASS_ALARM, time.Now(), &observation.RadiationOccupancy{GammaAlarm: true})
		if _, err := sink.Commit(ctx, o); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
		}
	}
	return ctx.Err()
}

// maintained runs a lane with one device for a time, as agents do, and returns what it journals.
func maintained(t *testing.T, file string, j *journal, during func(*Supervisor)) {
	t.Helper()
	spec := driver.New("alarming", "alarming", func(noSettings, driver.Env) (driver.Driver, error) { return alarming{}, nil })
	s, err := New(j, []Device{{ID: "rpm-1", Lane: "l", Spec: spec, Settings: &noSettings{}}},
		Options{Log: slog.New(slog.DiscardHandler), Maintenance: file})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	synctest.Wait()
	during(s)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// count returns how many alarms and how many marked rows a journal has, and the rows that say of maintenance.
func (j *journal) count() (alarms, marked int, said []*observation.DeviceMaintenance) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, o := range j.obs {
		if o.Class == observation.Class_CLASS_ALARM {
			alarms++
		}
		if o.Body.Maintenance {
			marked++
		}
		if m := o.Body.GetDeviceMaintenance(); m != nil {
			said = append(said, m)
		}
	}
	return alarms, marked, said
}

// What a device in maintenance says is recorded and marked, and is no alarm; it ends by itself, also over a restart, after
// which the journal is told again.
func TestMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, j := filepath.Join(t.TempDir(), "maintenance.json"), &journal{}
		maintained(t, file, j, func(s *Supervisor) {
			until := time.Now().Add(time.Hour)
			if err := s.Maintain(t.Context(), "rpm-1", until, "kay", "new tube"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute + time.Second)
			d := s.Devices()[0]
			if d.State != InMaintenance || d.Maintenance.State != Running || !d.Maintenance.Until.Equal(until) || d.Maintenance.By != "kay" {
				t.Errorf("%+v", d)
			}
			if alarms, marked, said := j.count(); alarms != 1 || marked != 6 || len(said) != 1 || said[0].UntilNs != until.UnixNano() {
				t.Errorf("%d alarms, %d marked, %v", alarms, marked, said)
			}
		})
		maintained(t, file, j, func(s *Supervisor) {
			time.Sleep(time.Minute)
			if s.Devices()[0].State != InMaintenance {
				t.Error("the restart ended it")
			}
			time.Sleep(time.Hour)
			before, _, _ := j.count()
			time.Sleep(15 * time.Second)
			if after, _, _ := j.count(); s.Devices()[0].State != Running || after <= before {
				t.Errorf("%+v: its time is over, %d alarms before, %d after", s.Devices()[0], before, after)
			}
		})
		if _, _, said := j.count(); len(said) != 3 || said[1].UntilNs == 0 || !said[2].Expired {
			t.Errorf("%v", said)
		}
	})
}

func TestMaintenanceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		maintained(t, "", j, func(s *Supervisor) {
			ctx, now := t.Context(), time.Now()
			if err := s.Maintain(ctx, "rpm-1", now.Add(time.Hour), "kay", ""); err != nil {
				t.Fatal(err)
			}
			if err := s.Maintain(ctx, "rpm-1", now.Add(2*time.Hour), "lee", "longer"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(90 * time.Minute)
			if d := s.Devices()[0]; d.State != InMaintenance || !d.Since.Equal(now) {
				t.Errorf("%+v", d)
			}
			j.mu.Lock()
			j.err = errors.New("the disk is full")
			j.mu.Unlock()
			if s.EndMaintenance(ctx, "rpm-1", "lee", "") == nil || s.Devices()[0].State != InMaintenance {
				t.Error("ended without a row")
			}
			j.mu.Lock()
			j.err = nil
			j.mu.Unlock()
			if err := s.EndMaintenance(ctx, "rpm-1", "lee", ""); err != nil || s.Devices()[0].State == InMaintenance {
				t.Error(err)
			}
			for name, err := range map[string]error{
				"maintenance.none": s.EndMaintenance(ctx, "rpm-1", "lee", ""),
				"config.no-device": s.Maintain(ctx, "rpm-2", now.Add(24*time.Hour), "lee", ""),
				"maintenance.past": s.Maintain(ctx, "rpm-1", now, "lee", ""),
				"maintenance.long": s.Maintain(ctx, "rpm-1", now.Add(LongestMaintenance+2*time.Hour), "lee", ""),
			} {
				if !message.Of(err).Is(name) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
		if _, _, said := j.count(); len(said) != 3 || said[2].By != "lee" || said[2].Expired {
			t.Errorf("%v", said)
		}
	})
}

// A file that is damaged is nobody in maintenance: alarms count.
func TestMaintenanceDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, j := filepath.Join(t.TempDir(), "maintenance.json"), &journal{}
		if err := os.WriteFile(file, []byte(`{"rpm-1":`), 0o600); err != nil {
			t.Fatal(err)
		}
		maintained(t, file, j, func(s *Supervisor) {
			if s.Devices()[0].State != Running {
				t.Errorf("%+v", s.Devices()[0])
			}
		})
	})
}
