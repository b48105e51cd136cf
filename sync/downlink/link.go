package downlink

import (
	"context"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/layout"
)

// Link fetches over the connection that the uplink makes: a Get goes out, a Part comes back. Both may be lost, come
// twice and come late; a part that does not answer what is asked now is passed over.
type Link struct {
	codec *wire.Codec
	log   *slog.Logger
	news  chan struct{} // something may have changed: the link is up, or the centre says so

	mu      sync.Mutex
	publish func(leaf string, payload []byte) error // nil while there is no connection
	gone    chan struct{}                           // closed when it is lost
	command func(*wire.Command)                     // takes commands; nil for nobody
	seen    func(layout.Seen, []byte)               // takes what the centre says of containers; nil for nobody
	tag     uint64
	answers chan *wire.Part // to what was asked last; nil while nothing is asked
	limit   int             // bytes to ask for
}

// A part that does not come within partWait is asked for again; each further time the wait doubles and the part is
// halved, as on a link that carries a few bytes a second.
const (
	partWait  = 5 * time.Second
	partMin   = 4 << 10 // bytes
	partMax   = wire.MaxChunk
	partTries = 8
)

// newLink returns a link without a connection.
func newLink(codec *wire.Codec, log *slog.Logger) *Link {
	return &Link{codec: codec, log: log, news: make(chan struct{}, 1), tag: rand.Uint64() >> 1, limit: 64 << 10}
}

// Attach gives the link a connection; publish sends a payload on one of the agent's topics, from any goroutine.
func (l *Link) Attach(publish func(leaf string, payload []byte) error) {
	l.Detach()
	l.mu.Lock()
	l.publish, l.gone = publish, make(chan struct{})
	l.mu.Unlock()
	l.tell()
}

// Detach takes the connection away.
func (l *Link) Detach() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.publish != nil {
		close(l.gone)
		l.publish = nil
	}
}

// tell has the service look soon.
func (l *Link) tell() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// LookSoon has the service look for what is published as soon as it can.
func (l *Link) LookSoon() { l.tell() }

// Leaves lists the topics to subscribe to.
func (l *Link) Leaves() []string { return []string{wire.LeafPart, wire.LeafOrder} }

// OnCommand has commands handed to a function, which must not wait.
func (l *Link) OnCommand(f func(*wire.Command)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.command = f
}

// OnSeen has what the centre says of containers handed to a function, which must not wait: the question that it answers,
// and a ClearanceSeen (protobuf), empty for a container that was not there.
func (l *Link) OnSeen(f func(layout.Seen, []byte)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = f
}

// AskSeen asks the centre whether a container was somewhere. It does not wait; without a link, or when question or answer
// is lost, nothing comes.
func (l *Link) AskSeen(q layout.Seen) { l.say(q.Name(), "the centre is not asked for a container") }

// Received says to the centre that a command is here and journalled. When it gets lost the command comes again.
func (l *Link) Received(id []byte) {
	l.say("received/"+hex.EncodeToString(id), "the centre is not told that a command is here")
}

// say sends a Get that is no part of a file. failed is what is logged when it cannot be sent.
func (l *Link) say(name, failed string) {
	l.mu.Lock()
	publish := l.publish
	l.mu.Unlock()
	payload, err := l.codec.Encode(&wire.Get{Name: name, Tag: 1})
	if err == nil && publish != nil {
		err = publish(wire.LeafGet, payload)
	}
	if err != nil {
		l.log.Warn(failed, "err", err)
	}
}

// receiveCommand takes a command.
func (l *Link) receiveCommand(payload []byte) {
	c := &wire.Command{}
	l.mu.Lock()
	take := l.command
	l.mu.Unlock()
	if err := l.codec.Decode(payload, c); err != nil || take == nil {
		l.log.Warn("a command could not be understood", "bytes", len(payload), "err", err)
		return
	}
	take(c)
}

// receiveSeen takes what the centre says of a container.
func (l *Link) receiveSeen(q layout.Seen, data []byte) {
	l.mu.Lock()
	take := l.seen
	l.mu.Unlock()
	if take != nil {
		take(q, data)
	}
}

// Receive takes a payload that came on one of the topics. It does not wait.
func (l *Link) Receive(leaf string, payload []byte) {
	if leaf == wire.LeafOrder {
		l.receiveCommand(payload)
		return
	}
	part := &wire.Part{}
	if err := l.codec.Decode(payload, part); err != nil {
		l.log.Warn("a part of an order could not be understood", "bytes", len(payload), "err", err)
		return
	}
	if part.Tag == 0 {
		l.tell()
		return
	}
	if q, ok := layout.ParseSeen(part.Name); ok {
		l.receiveSeen(q, part.Data)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answers == nil || part.Tag != l.tag {
		return
	}
	select {
	case l.answers <- part:
	default: // it came twice
	}
}

// errSilent means that the centre does not answer: it has no orders, or the link is too thin.
var errSilent = message.Errorf("orders.silent")

// Fetch implements Fetcher. One goroutine at a time may call it.
func (l *Link) Fetch(ctx context.Context, name string, offset int64, limit int) ([]byte, int64, error) {
	wait := partWait
	for range partTries {
		part, err := l.ask(ctx, name, offset, min(limit, l.limit), wait)
		if err == nil && part == nil {
			l.limit, wait = max(l.limit/2, partMin), min(2*wait, time.Minute)
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		if part.Missing {
			return nil, 0, ErrMissing
		}
		l.limit = min(2*l.limit, partMax)
		return part.Data, part.Total, nil
	}
	return nil, 0, errSilent
}

// ask sends one Get and returns its answer; nil for none within the wait.
func (l *Link) ask(ctx context.Context, name string, offset int64, limit int, wait time.Duration) (*wire.Part, error) {
	l.mu.Lock()
	l.tag++
	l.answers = make(chan *wire.Part, 1)
	publish, gone, answers, tag := l.publish, l.gone, l.answers, l.tag
	l.mu.Unlock()
	defer l.end()
	if publish == nil {
		return nil, errSilent
	}
	payload, err := l.codec.Encode(&wire.Get{Tag: tag, Name: name, Offset: offset, Limit: uint32(limit)})
	if err != nil {
		return nil, err
	}
	if err := publish(wire.LeafGet, payload); err != nil {
		return nil, errSilent
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-gone:
			return nil, errSilent
		case <-timer.C:
			return nil, nil
		case part := <-answers:
			if part.Name == name && part.Offset == offset && len(part.Data) <= limit {
				return part, nil
			}
		}
	}
}

func (l *Link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = nil
}

// connected reports whether there is a connection.
func (l *Link) connected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.publish != nil
}
