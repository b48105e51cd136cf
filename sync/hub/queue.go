package hub

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// Bounds of what waits between decoder and ledger. A transaction costs an fsync, and each agent in it a savepoint, its
// tree and its cursors, so that the more messages share one the less each of them costs.
const (
	queueLength = 512      // messages
	queueBytes  = 64 << 20 // unpacked
	// maxGroupMessages and maxGroupBytes (unpacked) bound one transaction of the ledger, and so the time that an
	// acknowledgement waits for it. docs/performance.md has the measurement behind the number.
	maxGroupMessages = 256
	maxGroupBytes    = 16 << 20
)

// queue holds decoded messages on their way to the ledger, bounded in number and in bytes.
type queue struct {
	messages chan decoded
	room     *semaphore.Weighted // bytes
}

func newQueue() *queue {
	return &queue{messages: make(chan decoded, queueLength), room: semaphore.NewWeighted(queueBytes)}
}

// put appends a message, waiting for room until ctx ends. The only error is ctx's.
func (q *queue) put(ctx context.Context, m decoded) error {
	if err := q.room.Acquire(ctx, m.size); err != nil {
		return err
	}
	select {
	case q.messages <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// group returns first, which came from the queue, and what else is waiting, up to the bounds of a group. It does not wait
// for more: an idle hub commits a single message at once. done is to be called with it when it is filed.
func (q *queue) group(first decoded) []decoded {
	group, size := []decoded{first}, first.size
	for len(group) < maxGroupMessages && size < maxGroupBytes {
		select {
		case m := <-q.messages:
			group, size = append(group, m), size+m.size
		default:
			return group
		}
	}
	return group
}

// done makes room for as much as a group had.
func (q *queue) done(group []decoded) {
	var size int64
	for _, m := range group {
		size += m.size
	}
	q.room.Release(size)
}

// drained waits until all that was put is filed, or until ctx ends.
func (q *queue) drained(ctx context.Context) {
	if q.room.Acquire(ctx, queueBytes) == nil {
		q.room.Release(queueBytes)
	}
}

// fullness returns how full the queue is, from 0 to 1.
func (q *queue) fullness() float64 { return float64(len(q.messages)) / queueLength }
