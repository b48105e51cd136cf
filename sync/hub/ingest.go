package hub

import (
	"context"
	"log/slog"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// queueLength is the number of messages that wait between broker and decoder, and again between
// decoder and ledger. A transaction costs an fsync, so that a group of messages shares one; the
// bounds keep its latency within what agents wait.
const (
	queueLength = 64 // messages between broker and ledger
	// maxGroupMessages and maxGroupBytes bound one transaction of the ledger.
	maxGroupMessages = 64
	maxGroupBytes    = 8 << 20
	retryInterval    = time.Second // after the ledger could not file a group: a full disk, mostly
)

// ingester commits messages to the ledger, in groups, and acknowledges them. It is the only one
// that writes to the ledger, which belongs to its goroutine.
type ingester struct {
	ledger   *ledger.Ledger
	requests <-chan decoded // of people, from the server
	acks     *acks
	health   *health
	metrics  *metrics
	log      *slog.Logger
}

// run commits messages until ctx ends, and returns ctx's error. It begins by greeting every agent
// that the ledger knows, so that they reconnect at once after a restart instead of waiting for a
// timeout.
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
		case asked := <-g.requests:
			if err := g.commit(ctx, []decoded{asked}, len(in)); err != nil {
				return err
			}
		}
	}
}

// gatherGroup returns a group of first and what else is waiting, up to the bounds of a group. It
// does not wait for more: an idle hub commits a single message at once.
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

// commit makes a group durable, trying again until it is, and then acknowledges it, in this order:
// an agent may delete what is acknowledged. waiting is the number of messages in the queue. The
// only error is ctx's.
func (g *ingester) commit(ctx context.Context, group []decoded, waiting int) error {
	begin := time.Now()
	answers, err := g.applyUntilDone(ctx, group)
	if err != nil {
		return err
	}
	g.metrics.countCommit(answers, time.Since(begin))
	if first := group[0]; first.answered != nil { // it is alone
		first.answered(answers)
	} else {
		g.acks.send(answers, waiting)
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
		g.health.set(partLedger, message.Of(err))
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
