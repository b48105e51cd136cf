package journal

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"

	"lanewarden/drivers/observation"
)

// reluctant refuses so many commits before it accepts one.
type reluctant struct{ refuse, accepted int }

func (r *reluctant) Commit(_ context.Context, obs ...*observation.Observation) (int, error) {
	if r.refuse--; r.refuse >= 0 {
		return 0, errors.New("no room")
	}
	r.accepted++
	return len(obs), nil
}

func TestPersist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		j := &reluctant{refuse: 3}
		if !Persist(t.Context(), j, log, "test", &observation.Observation{}) || j.accepted != 1 {
			t.Errorf("accepted %d times", j.accepted)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if Persist(ctx, j, log, "test", &observation.Observation{}) || j.accepted != 1 {
			t.Error("committed after the end")
		}
	})
}
