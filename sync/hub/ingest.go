package hub

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// retryInterval is the pause after something that the machine could not do: a full disk, mostly.
const retryInterval = time.Second

// ingester commits messages to the ledger, in groups, and acknowledges them. It is the only one
// that writes to the ledger, which belongs to its goroutine.
type ingester struct {
	dir      string // of the ledger
	ledger   *ledger.Ledger
	inbox    *inbox         // how full it is says how much agents may send
	requests <-chan decoded // of people, from the server
	acks     *acks
	health   *health
	metrics  *metrics
	log      *slog.Logger
}

// greet tells the agents that a hub serves from now on that it is there, so that those that wait for an answer say hello
// at once instead of after a pause. It may be called from any goroutine.
func (g *ingester) greet(serves func(ledger.Sender) bool) error {
	greetings, err := g.ledger.Greetings()
	if err != nil {
		return err
	}
	g.acks.send(slices.DeleteFunc(greetings, func(a ledger.Answer) bool { return !serves(a.Sender) }), 0)
	return nil
}

// run commits messages until ctx ends, and returns ctx's error.
func (g *ingester) run(ctx context.Context, in *queue) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case first := <-in.messages:
			group := in.group(first)
			if err := g.commit(ctx, group, max(in.fullness(), g.inbox.fullness())); err != nil {
				return err
			}
			in.done(group)
		case asked := <-g.requests:
			if err := g.commit(ctx, []decoded{asked}, 0); err != nil {
				return err
			}
		}
	}
}

// commit makes a group durable, trying again until it is, and then acknowledges it, in this order:
// an agent may delete what is acknowledged. load is how full the hub is, from 0 to 1. The only error is ctx's.
func (g *ingester) commit(ctx context.Context, group []decoded, load float64) error {
	begin := time.Now()
	answers, err := g.applyUntilDone(ctx, group)
	if err != nil {
		return err
	}
	g.metrics.countCommit(answers, time.Since(begin))
	if first := group[0]; first.answered != nil { // it is alone
		first.answered(answers)
	} else {
		g.acks.send(answers, load)
	}
	for _, m := range group {
		if m.onCommit != nil {
			m.onCommit()
		}
	}
	return nil
}

// applyUntilDone applies a group to the ledger, again every retryInterval until it succeeds. A
// failure is of the machine, not of a message (ledger.Apply), so that skipping the group would help
// nobody. The only error is ctx's.
func (g *ingester) applyUntilDone(ctx context.Context, group []decoded) ([]ledger.Answer, error) {
	messages := make([]ledger.Message, len(group))
	for i, m := range group {
		messages[i] = m.Message
	}
	answers, err := g.ledger.Apply(messages)
	for err != nil {
		g.health.set(partLedger, troubleOf(g.dir, err))
		g.metrics.failures.Inc()
		g.log.Error("messages were not filed, trying again", "err", err)
		if err := wire.Pause(ctx, retryInterval); err != nil {
			return nil, err
		}
		answers, err = g.ledger.Apply(messages)
	}
	g.health.set(partLedger, message.Message{})
	return answers, nil
}
