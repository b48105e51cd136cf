package hub

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"lanewarden/drivers/transport/wait"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

const (
	queueLen = 64 // messages between broker and ledger
	// groupMessages and groupBytes bound one transaction of the ledger.
	groupMessages = 64
	groupBytes    = 8 << 20
	retryPause    = time.Second // after the ledger could not file a group: a full disk, mostly

	creditTotal = 32 << 20 // bytes that all agents together may have in flight
	creditMin   = 64 << 10 // an agent's
	creditMax   = 4 << 20  // an agent's
)

// message is a decoded message.
type message struct {
	ledger.Message
	size int
	done func()
}

// decode unpacks messages beside the ledger's work.
func (h *Hub) decode(ctx context.Context, in <-chan incoming, out chan<- message) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case raw := <-in:
			m, ok := h.understand(raw)
			if !ok {
				if raw.done != nil {
					raw.done() // it will not be understood next time either
				}
				continue
			}
			select {
			case out <- m:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// understand unpacks one message. One that cannot be understood is counted and logged, whatever it does to this program:
// nothing that one agent sends may end the hub.
func (h *Hub) understand(raw incoming) (m message, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			h.metrics.malformed.Inc()
			h.opts.Log.Error("a message brought a defect of the hub to light", "topic", raw.topic,
				"bytes", len(raw.payload), "where", fmt.Sprintf("%v\n%s", r, debug.Stack()))
			ok = false
		}
	}()
	site, agent, leaf, err := wire.ParseTopic(raw.topic)
	if err == nil && leaf == wire.LeafState {
		if err := h.states.note(site, agent, raw.payload, time.Now()); err != nil {
			h.opts.Log.Warn("state is passed over", "site", site, "agent", agent, "err", err)
		}
		return m, false
	}
	if err == nil && leaf == wire.LeafHello && !h.hellos.allow(site, agent) {
		h.metrics.hellosDropped.Inc()
		return m, false
	}
	m = message{size: len(raw.payload), done: raw.done}
	from := ledger.Sender{Site: site, Agent: agent}
	switch {
	case err != nil:
	case leaf == wire.LeafHello:
		hello := &wire.Hello{}
		m.Message = ledger.Hello{From: from, Body: hello}
		if err = h.codec.Decode(raw.payload, hello); err == nil {
			if text := h.boxes.hello(site, agent, hello.Instance, hello.Box); text != "" {
				h.refuse(site, agent, hello.Journal, wire.Refusal_REFUSAL_TWO_BOXES, text)
				return m, false
			}
		}
	case leaf == wire.LeafChunk:
		chunk := &wire.Chunk{}
		m.Message = ledger.Chunk{From: from, Body: chunk}
		if err = h.codec.Decode(raw.payload, chunk); err == nil {
			err = chunk.Validate()
		}
	default:
		batch := &wire.Batch{}
		m.Message = ledger.Batch{From: from, Body: batch}
		if err = h.codec.Decode(raw.payload, batch); err == nil && raw.topic != wire.ClassTopic(site, agent, batch.Class) {
			err = errWrongTopic
		}
	}
	if err == nil {
		return m, true
	}
	h.metrics.malformed.Inc()
	h.opts.Log.Warn("message could not be understood", "topic", raw.topic, "bytes", len(raw.payload), "err", err)
	return m, false
}

// refuse answers a message that does not get as far as the ledger.
func (h *Hub) refuse(site, agent string, journal []byte, code wire.Refusal, text string) {
	h.metrics.refusals.Inc()
	h.opts.Log.Warn("refused", "site", site, "agent", agent, "code", code.String(), "why", text)
	to := ledger.Sender{Site: site, Agent: agent}
	a := ledger.Answer{Sender: to, Ack: &wire.Ack{Journal: journal, Refusal: code, RefusalText: text}}
	if err := h.answer(a, h.credit(0)); err != nil {
		h.opts.Log.Warn("acknowledgement was not sent", "err", err) // the agent asks again
	}
}

// ingest files messages in groups and acknowledges them.
func (h *Hub) ingest(ctx context.Context, in <-chan message) error {
	greetings, err := h.ledger.Greetings()
	if err != nil {
		return err
	}
	for _, a := range greetings {
		if err := h.answer(a, h.credit(0)); err != nil {
			h.opts.Log.Warn("greeting", "err", err)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case first := <-in:
			if err := h.file(ctx, gather(first, in), len(in)); err != nil {
				return err
			}
		case pull := <-h.pulls:
			if err := h.file(ctx, []message{pull}, len(in)); err != nil {
				return err
			}
		}
	}
}

// gather takes what else is waiting into a group.
func gather(first message, in <-chan message) []message {
	group, size := []message{first}, first.size
	for len(group) < groupMessages && size < groupBytes {
		select {
		case m := <-in:
			group, size = append(group, m), size+m.size
		default:
			return group
		}
	}
	return group
}

// file makes a group durable, trying again until it is, and answers.
func (h *Hub) file(ctx context.Context, group []message, waiting int) error {
	messages := make([]ledger.Message, len(group))
	for i, m := range group {
		messages[i] = m.Message
	}
	begin := time.Now()
	answers, err := h.ledger.Apply(messages)
	for err != nil {
		h.health.set(partLedger, err.Error())
		h.metrics.failures.Inc()
		h.opts.Log.Error("messages were not filed, trying again", "err", err)
		if err := wait.For(ctx, retryPause); err != nil {
			return err
		}
		answers, err = h.ledger.Apply(messages)
	}
	h.health.set(partLedger, "")
	h.metrics.filed(answers, time.Since(begin))
	credit := h.credit(waiting)
	for _, a := range answers {
		if a.Ack.Refusal != wire.Refusal_REFUSAL_NONE {
			h.metrics.refusals.Inc()
			h.opts.Log.Warn("refused", "site", a.Site, "agent", a.Agent,
				"code", a.Ack.Refusal.String(), "why", a.Ack.RefusalText)
		}
		if a.Defect != "" {
			h.opts.Log.Error("a message brought a defect of the hub to light",
				"site", a.Site, "agent", a.Agent, "where", a.Defect)
		}
		if err := h.answer(a, credit); err != nil {
			h.opts.Log.Warn("acknowledgement was not sent", "err", err) // the agent asks again
		}
	}
	for _, m := range group {
		if m.done != nil {
			m.done()
		}
	}
	return nil
}

// credit is what one agent may have in flight: its share of the total, less when messages queue up here.
func (h *Hub) credit(waiting int) uint32 {
	share := min(creditTotal/max(h.states.online(), 1), creditMax)
	return uint32(max(share*(queueLen-waiting)/queueLen, creditMin))
}
