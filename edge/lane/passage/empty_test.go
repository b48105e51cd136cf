package passage

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
)

// An agent whose lanes have no stations has no passages, and says so at once instead of letting the caller wait.
func TestLanesWithoutStations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFollower(nil, []Lane{{ID: "lane-1"}}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		if all, clocks, err := f.Passages(t.Context()); len(all) > 0 || len(clocks) > 0 || err != nil {
			t.Errorf("%v, %v, %v", all, clocks, err)
		}
		if err := f.Correct(t.Context(), 1, "", "r", "b"); err == nil {
			t.Error("a correction without passages was accepted")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
