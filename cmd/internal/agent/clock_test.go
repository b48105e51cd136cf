package agent

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

func TestTrustedTime(t *testing.T) {
	known := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ now, want time.Time }{
		"a box that begins in 1970": {time.Unix(100, 0), known},
		"a clock that is right":     {known.Add(48 * time.Hour), known.Add(48 * time.Hour)},
	} {
		got := trustedTime(known, func() time.Time { return c.now })()
		if got.Before(c.want) || got.Sub(c.want) > time.Hour {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// What is known comes from rows of a disciplined clock alone.
func TestLastKnown(t *testing.T) {
	j, err := journal.Open(filepath.Join(t.TempDir(), "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	built := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	quiet := slog.New(slog.DiscardHandler)
	if got := lastKnown(j, built, quiet); !got.Equal(built) {
		t.Errorf("of an empty journal: %s", got)
	}
	row := func(at time.Time, delay time.Duration, synchronised bool) {
		o := observation.New(observation.Class_CLASS_EVENT, at, &observation.DeviceFault{Reason: "x"})
		o.Device, o.Body.AgentDelayNs, o.Body.ClockUnsynchronised = "d", int64(delay), !synchronised
		if _, err := j.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	row(built.AddDate(0, 3, 0), time.Hour, true)
	row(built.AddDate(10, 0, 0), 0, false)
	row(time.Unix(50, 0), 0, true)
	if got, want := lastKnown(j, built, quiet), built.AddDate(0, 3, 0).Add(time.Hour); !got.Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
}
