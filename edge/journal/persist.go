package journal

import (
	"context"
	"log/slog"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
)

// Committer is the part of a journal that Persist uses.
type Committer interface {
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// Persist commits observations, and tries again with growing pauses until the journal accepts them: what follows from rows
// must not be lost to a full disk. Each failure is logged under the name of who says it. ok is false when ctx ended before.
// Nothing is journalled twice, as keys are the same.
func Persist(ctx context.Context, j Committer, log *slog.Logger, who string, obs ...*observation.Observation) (ok bool) {
	pauses := wait.NewBackoff(100*time.Millisecond, 10*time.Second)
	for ctx.Err() == nil {
		_, err := j.Commit(ctx, obs...)
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			log.Error(who+": not committed, will be tried again", "err", err)
		}
		_ = pauses.Pause(ctx) // an end of ctx ends the loop
	}
	return false
}
