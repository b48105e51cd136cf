package driver

import (
	"context"
	"sync"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// FaultLog is Faults for documents that come side by side. The zero value is ready.
type FaultLog struct {
	mu     sync.Mutex
	faults Faults
}

// Report commits what is wrong with a document, unless it is one of a flood: those are folded. head is the document's beginning.
func (l *FaultLog) Report(ctx context.Context, sink Sink, reason message.Message, source string,
	head []byte) error {
	l.mu.Lock()
	l.faults.Source = source
	l.faults.Add(time.Now().UTC(), reason, 0, head)
	due := l.faults.Take()
	l.mu.Unlock()
	return CommitAny(ctx, sink, due)
}

// CommitAny commits observations, if there are any.
func CommitAny(ctx context.Context, sink Sink, obs []*observation.Observation) error {
	if len(obs) == 0 {
		return nil
	}
	_, err := sink.Commit(ctx, obs...)
	return err
}
