package lane

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"lanewarden/drivers/driver"
	"testing/synctest"
	"time"
)

// gate is a driver with outputs that is not connected.
type gate struct{ driver.Commands }

func (gate) Run(ctx context.Context, _ driver.Sink) error { return nil }
func (gate) OutputNames() []string                        { return []string{"barrier", "light"} }

// mute is a driver without outputs.
type mute struct{}

func (mute) Run(ctx context.Context, _ driver.Sink) error { return nil }

func TestCommandNamesWhatExists(t *testing.T) {
	type none struct{}
	with := driver.New("gate", "gate", func(none, driver.Env) (driver.Driver, error) { return gate{driver.NewCommands()}, nil })
	without := driver.New("mute", "mute", func(none, driver.Env) (driver.Driver, error) { return mute{}, nil })
	s, err := New(&journal{}, []Device{{ID: "io-1", Spec: with, Settings: &none{}}, {ID: "rpm-1", Spec: without, Settings: &none{}}},
		Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ device, output, want string }{
		"mistyped output": {"io-1", "barier", `device io-1: there is no output “barier”; there is barrier, light`},
		"no outputs":      {"rpm-1", "barrier", "device rpm-1 has no outputs; outputs are at io-1 (barrier, light)"},
		"no such device":  {"io-2", "barrier", `there is no device "io-2"; outputs are at io-1 (barrier, light)`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.Command(t.Context(), c.device, c.output, "on", "test"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, expected %q", err, c.want)
			}
		})
	}
}

// A device whose connection somebody begins anew says why it is down, and is up again after the pause.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		s, sc := supervise(t, j)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		if err := s.Restart("dev-1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if d := s.Devices()[0]; d.State != "down" || d.Message.EN != errRestarted.Error() {
			t.Errorf("status %+v", d)
		}
		time.Sleep(backoffMax)
		if err := s.Restart("nobody"); err == nil {
			t.Error("a device that is not there")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(sc.at) != 2 {
			t.Errorf("%d runs", len(sc.at))
		}
	})
}
