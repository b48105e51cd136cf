package uplink

import (
	"context"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
)

// Source is a journal as an uplink reads it and notes in it what the hub has. An agent's is a *journal.Journal, whose
// methods say what each does; a load test's is a *journal.Memory. Its methods may be called from any goroutine.
type Source interface {
	Identity() journal.Identity
	Size() int64
	Changed() <-chan struct{}
	Checkpoint() (size int64, signed string)

	// Rows, by class, and how far the hub has acknowledged them.
	Last(class observation.Class) int64
	Acked(class observation.Class) int64
	SetAcked(class observation.Class, idx int64)
	Next(class observation.Class, after int64, most journal.Limits) (journal.Following, error)
	Waiting(ctx context.Context) (map[observation.Class]int64, error)

	// Artifacts.
	WaitingArtifacts(max int) ([]journal.WaitingArtifact, error)
	OpenArtifact(sum []byte) (r observation.ArtifactReader, size int64, err error)
	SetArtifactHeld(sum []byte)
	RequeueArtifacts(class observation.Class, idx int64)
	Backlog() (count, bytes int64, err error)
}
