package hub

import (
	"context"
	"log/slog"
	"time"

	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

const (
	queueLength = 64 // messages between broker and ledger
	// maxGroupMessages and maxGroupBytes bound one transaction of the ledger.
	maxGroupMessages = 64
	maxGroupBytes    = 8 << 20
	retryInterval    = time.Second // after the ledger could not file a group: a full disk, mostly
)

// ingester files messages in the ledger, in groups, and acknowledges them. It is the only one that writes to the ledger.
type ingester struct {
	ledger       *ledger.Ledger
	pullRequests <-chan decoded // from the server
	acks         *acks
	health       *health
	metrics      *metrics
	log          *slog.Logger
}

// run files messages until ctx ends.
func (g *ingester) run(ctx context.Context, in <-chan decoded) error {
	greetings, err := g.ledger.Greetings()
	if err != nil {
		return err
	}
	g.acks.send(greetings, 0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case first := <-in:
			if err := g.commit(ctx, gatherGroup(first, in), len(in)); err != nil {
				return err
			}
		case pull := <-g.pullRequests:
			if err := g.commit(ctx, []decoded{pull}, len(in)); err != nil {
				return err
			}
		}
	}
}

// gatherGroup makes a group of a message and of what else is waiting.
func gatherGroup(first decoded, in <-chan decoded) []decoded {
	group, size := []decoded{first}, first.size
	for len(group) < maxGroupMessages && size < maxGroupBytes {
		select {
		case m := <-in:
			group, size = append(group, m), size+m.size
		default:
			return group
		}
	}
	return group
}

// commit makes a group durable, trying again until it is, and acknowledges; waiting is how many messages queue up.
func (g *ingester) commit(ctx context.Context, group []decoded, waiting int) error {
	begin := time.Now()
	answers, err := g.applyUntilDone(ctx, group)
	if err != nil {
		return err
	}
	g.metrics.countCommit(answers, time.Since(begin))
	g.acks.send(answers, waiting)
	for _, m := range group {
		if m.onCommit != nil {
			m.onCommit()
		}
	}
	return nil
}

// applyUntilDone has the ledger file a group, again and again until it does. The only error is that ctx ended.
func (g *ingester) applyUntilDone(ctx context.Context, group []decoded) ([]ledger.Answer, error) {
	messages := make([]ledger.Message, len(group))
	for i, m := range group {
		messages[i] = m.Message
	}
	answers, err := g.ledger.Apply(messages)
	for err != nil {
		g.health.set(partLedger, err.Error())
		g.metrics.failures.Inc()
		g.log.Error("messages were not filed, trying again", "err", err)
		if err := wire.Pause(ctx, retryInterval); err != nil {
			return nil, err
		}
		answers, err = g.ledger.Apply(messages)
	}
	g.health.set(partLedger, "")
	return answers, nil
}
