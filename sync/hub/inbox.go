package hub

import (
	"context"
	"strings"
	"sync"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// Bounds of what waits between broker and decoder. The credit that agents get (acks.go) keeps honest ones below them:
// 2,000 agents that do not know their rate yet have 8 MB in flight.
const (
	maxInbox         = 64 << 20      // bytes, with messageOverhead for each
	maxInboxOfAgent  = 2 * maxCredit // bytes of one agent, so that one that storms does not take the others' room
	maxInboxMessages = 64 << 10
	messageOverhead  = 512 // bytes: what a small message costs in memory, beside topic and payload
)

// incoming is a message as it came from the broker.
type incoming struct {
	topic    string
	payload  []byte
	retained bool // the broker has kept it: it may be of any time
}

func (m incoming) size() int64 { return int64(len(m.topic) + len(m.payload) + messageOverhead) }

// agentAndLeaf splits the topic: what all topics of one agent begin with, and the last level.
func (m incoming) agentAndLeaf() (agent, leaf string) {
	i := strings.LastIndexByte(m.topic, '/')
	return m.topic[:i+1], m.topic[i+1:]
}

// inbox holds messages between broker and decoder, in the order in which they came. What does not fit is dropped and
// counted, and the agents, who keep it until the ledger has acknowledged it, send it again after their time-out
// (docs/decisions/0022-no-buffer.md). It may be used by many goroutines.
type inbox struct {
	messages chan incoming
	dropped  counter

	mu     sync.Mutex
	bytes  int64            // of all messages
	agents map[string]int64 // of each agent that has any
}

// counter counts events.
type counter interface{ Inc() }

// newInbox returns an empty inbox; dropped counts what it drops, and may be used by many goroutines at once.
func newInbox(dropped counter) *inbox {
	return &inbox{messages: make(chan incoming, maxInboxMessages), dropped: dropped, agents: map[string]int64{}}
}

// offer takes a message if there is room, without waiting. Telemetry and parts of artifacts may fill one half alone, so
// that an overload by them costs no alarm and no hello.
func (b *inbox) offer(m incoming) {
	if !b.reserve(m, true) {
		b.dropped.Inc()
		return
	}
	select {
	case b.messages <- m:
	default:
		b.took(m)
		b.dropped.Inc()
	}
}

// put takes a message and waits for room, or until ctx ends. It is for brokers that hold back what the hub does not read.
func (b *inbox) put(ctx context.Context, m incoming) {
	b.reserve(m, false)
	select {
	case b.messages <- m:
	case <-ctx.Done():
		b.took(m)
	}
}

// reserve counts a message before it is in messages. It reports false, and counts nothing, when that is bounded and would
// be over a limit.
func (b *inbox) reserve(m incoming, bounded bool) bool {
	agent, leaf := m.agentAndLeaf()
	limit, size := int64(maxInbox), m.size()
	if leaf == wire.LeafChunk || leaf == wire.ClassLeaf(observation.Class_CLASS_TELEMETRY) {
		limit /= 2
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if bounded && (b.bytes+size > limit || b.agents[agent]+size > maxInboxOfAgent) {
		return false
	}
	b.bytes += size
	b.agents[agent] += size
	return true
}

// took notes that a message which was received from messages is dealt with.
func (b *inbox) took(m incoming) {
	agent, _ := m.agentAndLeaf()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= m.size()
	if b.agents[agent] -= m.size(); b.agents[agent] == 0 {
		delete(b.agents, agent)
	}
}

// clear drops all that waits, uncounted.
func (b *inbox) clear() {
	for {
		select {
		case m := <-b.messages:
			b.took(m)
		default:
			return
		}
	}
}

// empty reports whether nothing waits.
func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes == 0
}

// fullness returns how full the inbox is, from 0 to 1.
func (b *inbox) fullness() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return min(max(float64(b.bytes)/maxInbox, float64(len(b.messages))/maxInboxMessages), 1)
}
