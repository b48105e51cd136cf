// Package wait pauses until a time is over or a context ends, and spaces out attempts that fail. It imports none of
// ours, so that every layer can use it.
package wait

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// For waits for d, or until ctx ends. It returns nil when the time is over and the cause of ctx's end otherwise.
// A d of 0 or less is over at once, unless ctx has ended.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Backoff spaces out attempts at something that fails: each pause is about twice the one before, from a shortest to a
// longest one, and differs from that by half of it at most, so that many who lost the same thing do not come back at
// the same moment. Not for concurrent use.
type Backoff struct{ policy *backoff.ExponentialBackOff }

// NewBackoff returns a Backoff whose pauses begin at shortest and grow to longest, both before they are drawn.
func NewBackoff(shortest, longest time.Duration) *Backoff {
	b := &Backoff{backoff.NewExponentialBackOff()}
	b.policy.InitialInterval, b.policy.MaxInterval = shortest, longest
	b.policy.Multiplier, b.policy.RandomizationFactor = 2, 0.5
	b.policy.Reset()
	return b
}

// Reset begins again with the shortest pause: for after a success.
func (b *Backoff) Reset() { b.policy.Reset() }

// Pause waits before the next attempt, or until ctx ends. It returns what For does.
func (b *Backoff) Pause(ctx context.Context) error { return For(ctx, b.policy.NextBackOff()) }
