package hub

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// tally counts what an inbox drops.
type tally struct{ n int }

func (c *tally) Inc() { c.n++ }

// fill offers n messages of 1 MiB, each of another agent.
func fill(b *inbox, leaf string, n int) {
	for i := range n {
		m := incoming{topic: wire.Topic("demo", fmt.Sprintf("lane-%02d", i), leaf)}
		m.payload = make([]byte, 1<<20-m.size())
		b.offer(m)
	}
}

// empty takes everything out, and returns how many messages that were.
func empty(b *inbox) (n int) {
	for ; len(b.messages) > 0; n++ {
		b.took(<-b.messages)
	}
	return n
}

// What does not fit is dropped and counted; bulk fills one half, so that alarms and hellos have the other; and what is
// taken out makes room again.
func TestInboxDropsWhatDoesNotFit(t *testing.T) {
	dropped := &tally{}
	b := newInbox(dropped)
	waiting := func(want, lost int) {
		t.Helper()
		if n := len(b.messages); n != want || dropped.n != lost {
			t.Errorf("%d wait and %d were dropped, want %d and %d", n, dropped.n, want, lost)
		}
	}
	fill(b, wire.LeafChunk, 40)
	waiting(32, 8)
	fill(b, wire.ClassLeaf(observation.Class_CLASS_TELEMETRY), 1)
	waiting(32, 9)
	fill(b, wire.ClassLeaf(observation.Class_CLASS_ALARM), 20)
	fill(b, wire.LeafHello, 20)
	waiting(64, 17)
	if f := b.fullness(); f != 1 {
		t.Errorf("fullness %v", f)
	}
	if n := empty(b); n != 64 || b.bytes != 0 || b.fullness() != 0 || len(b.agents) != 0 {
		t.Errorf("%d messages came out; %d bytes of %d agents wait in an empty inbox", n, b.bytes, len(b.agents))
	}
	fill(b, wire.LeafChunk, 1)
	waiting(1, 17)
}

// One agent that sends all it can leaves room for the others, whatever it sends.
func TestInboxIsSharedAmongAgents(t *testing.T) {
	for name, payload := range map[string]int{"large messages": 1 << 20, "empty messages": 0} {
		t.Run(name, func(t *testing.T) {
			dropped := &tally{}
			b := newInbox(dropped)
			storm := make([]byte, payload)
			for range maxInboxMessages {
				b.offer(incoming{topic: wire.Topic("demo", "storm", wire.LeafHello), payload: storm})
			}
			lost := dropped.n
			if lost == 0 || b.fullness() > 0.25 {
				t.Errorf("%d dropped, fullness %v", lost, b.fullness())
			}
			b.offer(incoming{topic: wire.Topic("demo", "honest", wire.LeafHello)})
			if dropped.n != lost {
				t.Error("the honest agent's hello was dropped")
			}
		})
	}
}

// A message that is given up while it waits for room does not count.
func TestInboxForgetsWhatWasGivenUp(t *testing.T) {
	b := newInbox(&tally{})
	for i := range maxInboxMessages {
		b.put(t.Context(), incoming{topic: wire.Topic("demo", fmt.Sprint(i), wire.LeafHello)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := b.bytes
	b.put(ctx, incoming{topic: wire.Topic("demo", "late", wire.LeafHello)})
	if b.bytes != before || b.fullness() != 1 {
		t.Errorf("%d bytes more wait, fullness %v", b.bytes-before, b.fullness())
	}
}

// Groups are bounded in messages and bytes, and a queue that is full of bytes holds the decoder up until a group is filed.
func TestQueueIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		const size = maxGroupBytes / 4
		put := make(chan error)
		go func() {
			for range queueBytes/size + 1 {
				put <- q.put(t.Context(), decoded{size: size})
			}
		}()
		for range queueBytes / size {
			if err := <-put; err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		select {
		case <-put:
			t.Error("more was taken than there is room for")
		default:
		}
		group := q.group(<-q.messages)
		if len(group) != 4 {
			t.Errorf("a group of %d messages", len(group))
		}
		q.done(group)
		if err := <-put; err != nil {
			t.Fatal(err)
		}
	})
}

func TestGroupIsBoundedInMessages(t *testing.T) {
	q := newQueue()
	for range maxGroupMessages + 10 {
		if err := q.put(t.Context(), decoded{size: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(q.group(<-q.messages)); n != maxGroupMessages {
		t.Errorf("a group of %d messages", n)
	}
	if n := len(q.group(<-q.messages)); n != 10 {
		t.Errorf("a group of %d messages", n)
	}
}

// The size of a message in memory is known before it is unpacked; a frame that does not say counts as the largest.
func TestUnpackedSize(t *testing.T) {
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer codec.Close()
	chunk := &wire.Chunk{Data: bytes.Repeat([]byte("x"), 100_000)}
	payload, err := codec.Encode(chunk)
	if err != nil {
		t.Fatal(err)
	}
	if n := wire.UnpackedSize(payload); n < 100_000 || n > 100_100 {
		t.Errorf("%d bytes for %d", n, len(payload))
	}
	if n := wire.UnpackedSize([]byte("no frame")); n < 4<<20 {
		t.Errorf("%d bytes for what is no frame", n)
	}
	if n := fmt.Sprint(wire.UnpackedSize(nil)); n == "0" {
		t.Error("nothing counts as nothing")
	}
}
