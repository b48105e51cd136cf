package hub

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"lanewarden/edge/api"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/hub/orders/rollout"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/layout"
)

// Bounds of what agents ask for: what does not fit is dropped, and asked for again.
const (
	maxGets        = 1024 // that wait, of all agents
	maxGetsOfAgent = 4
)

// orderServer answers what agents ask of the repository of orders, from its files as they are at that moment, and
// tells them when it changes. It reads on a goroutine of its own, so that a slow disk holds up no rows.
type orderServer struct {
	repository *orders.Repository
	rollouts   *rollout.Keeper
	codec      *wire.Codec
	source     source
	views      *views.Views // who asks whether a container was somewhere is answered from these; nil: not answered
	teller     *caseTeller  // is told which commands agents have; nil: nobody is
	log        *slog.Logger
	gets       chan orderGet

	mu      sync.Mutex
	waiting map[ledger.Sender]int
	asked   map[ledger.Sender]bool // since the start: whom news are told
}

// orderGet is what an agent asks.
type orderGet struct {
	from ledger.Sender
	get  *wire.Get
}

func newOrderServer(r *orders.Repository, rollouts *rollout.Keeper, codec *wire.Codec, s source, log *slog.Logger) *orderServer {
	return &orderServer{
		repository: r, rollouts: rollouts, codec: codec, source: s, log: log, gets: make(chan orderGet, maxGets),
		waiting: map[ledger.Sender]int{}, asked: map[ledger.Sender]bool{},
	}
}

// ask takes what an agent asks, without waiting.
func (o *orderServer) ask(from ledger.Sender, payload []byte) error {
	get := &wire.Get{}
	if err := o.codec.Decode(payload, get); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting[from] >= maxGetsOfAgent {
		return nil
	}
	select {
	case o.gets <- orderGet{from, get}:
		o.waiting[from]++
		if len(o.asked) < maxAgents {
			o.asked[from] = true
		}
	default:
	}
	return nil
}

// run answers until ctx ends, and returns ctx's error.
func (o *orderServer) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case one := <-o.gets:
			if strings.HasPrefix(one.get.Name, receivedPrefix) {
				if err := o.received(one.from, one.get.Name); err != nil {
					o.log.Warn("an agent's word that it has a command", "site", one.from.Site, "agent", one.from.Agent, "err", err)
				}
				o.done(one.from)
				continue
			}
			part, err := o.answerAny(one)
			if err == nil {
				err = o.send(one.from, part)
			}
			if err != nil { // the agent asks again
				o.log.Warn("an agent's question for orders is not answered", "site", one.from.Site, "agent", one.from.Agent,
					"file", one.get.Name, "err", err)
			}
			o.done(one.from)
		}
	}
}

// answerAny answers what an agent asks: of files, or whether a container was somewhere.
func (o *orderServer) answerAny(one orderGet) (*wire.Part, error) {
	q, ok := layout.ParseSeen(one.get.Name)
	if !ok || o.views == nil {
		return o.answer(one)
	}
	part := &wire.Part{Tag: one.get.Tag, Name: one.get.Name}
	seen, err := seenBefore(o.views, q)
	if err != nil || seen == nil {
		part.Missing = true
		return part, err
	}
	part.Data, err = proto.Marshal(seen)
	return part, err
}

// answer answers what an agent asks. A bundle whose turn is not yet for the agent is missing.
func (o *orderServer) answer(one orderGet) (*wire.Part, error) {
	if !o.rollouts.Allows(one.get.Name, one.from.Site, one.from.Agent) {
		return &wire.Part{Tag: one.get.Tag, Name: one.get.Name, Offset: one.get.Offset, Missing: true}, nil
	}
	return o.repository.Answer(one.from.Site, one.get)
}

func (o *orderServer) done(from ledger.Sender) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting[from]--; o.waiting[from] == 0 {
		delete(o.waiting, from)
	}
}

func (o *orderServer) send(to ledger.Sender, part *wire.Part) error {
	payload, err := o.codec.Encode(part)
	if err != nil {
		return err
	}
	return o.source.publish(wire.Topic(to.Site, to.Agent, wire.LeafPart), payload)
}

// keep keeps the repository fresh until ctx ends, and tells agents when it has changed.
func (o *orderServer) keep(ctx context.Context) error {
	return o.repository.Keep(ctx, o.log, o.tellNews)
}

// roll moves rollouts on until ctx ends, and tells agents when their turn may have come.
func (o *orderServer) roll(ctx context.Context) error { return o.rollouts.Run(ctx, o.tellNews) }

// tellNews has all agents that have asked look again.
func (o *orderServer) tellNews() {
	o.mu.Lock()
	var all []ledger.Sender
	for a := range o.asked {
		all = append(all, a)
	}
	o.mu.Unlock()
	for _, a := range all {
		if err := o.send(a, &wire.Part{}); err != nil { // it looks by itself before long
			o.log.Debug("news of orders", "site", a.Site, "agent", a.Agent, "err", err)
		}
	}
}

// orders serves hubapi.GetOrders.
func (s *httpServer) orders(_ *api.Call, _ api.None) (orders.Status, error) {
	return s.repository.Status()
}

// rollouts serves hubapi.GetRollouts. Who sees some sites only is told of these.
func (s *httpServer) rollouts(c *api.Call, _ api.None) (rollout.Book, error) {
	b, err := s.rolls.Book()
	return b.Of(c.User.Sees), err
}
