package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"lanewarden/sync/hub/fleet"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// decoded is a decoded message on its way to the ledger.
type decoded struct {
	ledger.Message
	size     int64  // bytes unpacked
	onCommit func() // called when the message is filed; may be nil
	// answered is called with the answers to a message of a person, before onCommit; nil sends them to the agents.
	answered func([]ledger.Answer)
}

// decoder decodes messages on a goroutine of its own, so that decompression does not hold up the
// ledger's transactions. It handles what does not concern the ledger by itself: states of agents,
// hellos that come too fast, boxes that share a name, requests for certificates and for orders.
type decoder struct {
	codec    *wire.Codec
	states   *states
	boxes    *boxes
	hellos   *helloGate
	acks     *acks
	issuer   *issuer
	renewals *helloGate // as many as of hellos
	orders   *orderServer
	board    *fleet.Board
	regions  *regions
	metrics  *metrics
	log      *slog.Logger
}

// run decodes messages from in to out until ctx ends, and returns ctx's error. A full out holds it up: in fills then, and
// the agents' credit shrinks.
func (d *decoder) run(ctx context.Context, in *inbox, out *queue) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case raw := <-in.messages:
			if m, ok := d.decode(raw); ok {
				if err := out.put(ctx, m); err != nil {
					return err
				}
			}
			in.took(raw)
		}
	}
}

// decode decodes one message; ok is false when there is nothing for the ledger in it. A message
// that cannot be decoded is counted and logged. A panic is caught here: nothing that one agent
// sends may end the hub, on which the others depend.
func (d *decoder) decode(raw incoming) (m decoded, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			d.metrics.malformed.Inc()
			d.log.Error("a message brought a defect of the hub to light", "topic", raw.topic,
				"bytes", len(raw.payload), "where", fmt.Sprintf("%v\n%s", r, debug.Stack()))
			ok = false
		}
	}()
	site, agent, leaf, err := wire.ParseTopic(raw.topic)
	from := ledger.Sender{Site: site, Agent: agent}
	m = decoded{size: wire.UnpackedSize(raw.payload)}
	switch {
	case err != nil:
	case from == hubjournal.Name:
		err = errOwnName
	case leaf == wire.LeafState:
		d.storeState(from, raw)
		return m, false
	case leaf == wire.LeafRenew:
		err = d.renewed(from, raw.payload)
	case leaf == wire.LeafGet:
		err = d.orders.ask(from, raw.payload)
	case leaf == wire.LeafHello:
		m.Message, err = d.decodeHello(from, raw.payload)
	case leaf == wire.LeafChunk:
		m.Message, err = d.decodeChunk(from, raw.payload)
	default:
		m.Message, err = d.decodeBatch(from, raw)
	}
	if err != nil {
		d.metrics.malformed.Inc()
		d.log.Warn("message could not be understood", "topic", raw.topic, "bytes", len(raw.payload), "err", err)
		return m, false
	}
	return m, m.Message != nil
}

// errOwnName is the error of a message that comes from a broker under the name of the hub's own journal.
var errOwnName = errors.New("this is the name of the hub's own journal, and no agent's")

// storeState keeps what an agent says of itself. A state that is too large, or one agent too many,
// is logged and dropped: the ledger does not depend on states.
func (d *decoder) storeState(from ledger.Sender, raw incoming) {
	now := time.Now()
	state, err := d.states.store(from.Site, from.Agent, raw.payload, now)
	if err != nil {
		d.log.Warn("state is passed over", "site", from.Site, "agent", from.Agent, "err", err)
		return
	}
	d.board.Say(store.Sender(from), state, now, raw.retained)
}

// decodeHello decodes a hello. It returns a nil message for one that the ledger need not see: it
// came too fast, or it is refused because two boxes use the name.
func (d *decoder) decodeHello(from ledger.Sender, payload []byte) (ledger.Message, error) {
	if !d.hellos.allow(from.Site, from.Agent) {
		d.metrics.hellosDropped.Inc()
		return nil, nil
	}
	hello := &wire.Hello{}
	if err := d.codec.Decode(payload, hello); err != nil {
		return nil, err
	}
	if said := d.boxes.noteHello(from.Site, from.Agent, hello.Instance, hello.Box); !said.IsZero() {
		d.acks.refuse(from, hello.Journal, wire.Refusal_REFUSAL_TWO_BOXES, said)
		return nil, nil
	}
	return ledger.Hello{From: from, Body: hello}, nil
}

// decodeChunk decodes a part of an artifact and checks its offsets and sizes against each other. It returns a nil message
// for a part of a region, which the ledger need not see.
func (d *decoder) decodeChunk(from ledger.Sender, payload []byte) (ledger.Message, error) {
	chunk := &wire.Chunk{}
	if err := d.codec.Decode(payload, chunk); err != nil {
		return nil, err
	}
	if err := chunk.Validate(); err != nil || chunk.Region == nil {
		return ledger.Chunk{From: from, Body: chunk}, err
	}
	return nil, d.regions.receive(from, chunk)
}

// errWrongTopic is the error of a batch on the topic of another class. The broker grants
// permissions by topic, so the topic decides which class a sender may write.
var errWrongTopic = errors.New("the batch is of another class than its topic")

// decodeBatch decodes rows of one class. The rows themselves are decoded by the ledger, which
// answers faults in them to the agent.
func (d *decoder) decodeBatch(from ledger.Sender, raw incoming) (ledger.Message, error) {
	batch := &wire.Batch{}
	if err := d.codec.Decode(raw.payload, batch); err != nil {
		return nil, err
	}
	if raw.topic != wire.ClassTopic(from.Site, from.Agent, batch.Class) {
		return nil, errWrongTopic
	}
	return ledger.Batch{From: from, Body: batch}, nil
}
