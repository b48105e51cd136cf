// Package hub is the central side: agents' messages come in from a broker, its own or one that runs already, are filed in
// the ledger, and acknowledged when durable. What the ledger holds goes out as a feed over HTTP. docs/wire.md and
// docs/openapi.yaml are its contracts.
package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"golang.org/x/sync/errgroup"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// Options describe a hub.
type Options struct {
	Dir        string   // of ledger and embedded broker
	HTTP       string   // HOST:PORT of the feed
	HTTPNames  []string // host names under which the HTTP side is reached, beside its addresses and localhost
	MQTT       string   // HOST:PORT of the embedded broker; "" with External
	TLSCert    string   // of the embedded broker; "" for none
	TLSKey     string
	AgentsFile string       // who may connect to the embedded broker; "" for everyone
	External   *wire.Broker // a broker that runs already, instead of the embedded one
	Log        *slog.Logger
	Pages      http.Handler // of the fleet console, for GET /; nil for none
}

// source is a broker as the hub uses it.
type source interface {
	// run delivers messages to in until ctx ends or the broker is lost.
	run(ctx context.Context, in chan<- incoming) error
	// publish sends an acknowledgement.
	publish(topic string, payload []byte) error
	close() error
}

// incoming is a message on its way to the ledger.
type incoming struct {
	topic   string
	payload []byte
	done    func() // called when the message is filed; may be nil
}

// Hub is a running hub.
type Hub struct {
	opts    Options
	ledger  *ledger.Ledger
	codec   *wire.Codec
	source  source
	metrics *metrics
	health  health
	boxes   *boxes
	hellos  *helloGate
	states  *states
	pulls   chan message // from HTTP to the ledger
}

// Run runs a hub until ctx ends.
func Run(ctx context.Context, opts Options) (err error) {
	if err := sqlog.MakeDir(opts.Dir); err != nil {
		return err
	}
	h := &Hub{opts: opts, states: newStates(), pulls: make(chan message), boxes: newBoxes(), hellos: newHelloGate()}
	if h.ledger, err = ledger.Open(opts.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.ledger.Close()) }()
	if h.codec, err = wire.NewCodec(); err != nil {
		return err
	}
	defer h.codec.Close()
	if opts.External != nil {
		h.source, err = newExternal(*opts.External, opts.Log)
	} else {
		h.source, err = newEmbedded(ctx, opts, &h.health)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.source.close()) }()
	h.metrics = newMetrics(h)
	return h.serve(ctx)
}

func (h *Hub) serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	raw, decoded := make(chan incoming, queueLen), make(chan message, queueLen)
	g.Go(func() error { return h.source.run(ctx, raw) })
	g.Go(func() error { return h.decode(ctx, raw, decoded) })
	g.Go(func() error { return h.ingest(ctx, decoded) })
	g.Go(func() error { return h.serveHTTP(ctx) })
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// answer publishes an acknowledgement.
func (h *Hub) answer(a ledger.Answer, credit uint32) error {
	a.Ack.CreditBytes = credit
	payload, err := h.codec.Encode(a.Ack)
	if err != nil {
		return err
	}
	if err := h.source.publish(wire.Topic(a.Site, a.Agent, wire.LeafAck), payload); err != nil {
		return fmt.Errorf("acknowledging %s/%s: %w", a.Site, a.Agent, err)
	}
	return nil
}
