// Package command carries out what the centre orders one agent to do. Signed commands go in; each is journalled as
// accepted before anything is done about it, or as refused; what came of it is journalled afterwards. An order is
// carried out once at most, also when the agent is killed in the middle.
package command

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/journal"
	"lanewarden/sync/downlink"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/command"
	"lanewarden/sync/wire/layout"
)

// Executor carries out orders of a kind. It returns when the order is done.
type Executor func(ctx context.Context, o *wire.Order) error

// Journal is what the receiver needs of the agent's journal.
type Journal interface {
	Identity() journal.Identity
	Read(from int64, maxRows int) ([]journal.Row, error)
	Size() int64
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// Options describe a receiver. All are required.
type Options struct {
	Journal   Journal
	Now       func() time.Time // the trusted time
	Run       func() uint64    // Hello.instance of this run
	Executors map[string]Executor
	File      string // keeps commanders.json as it is in force
	Log       *slog.Logger
}

// refusalEvery is how often refusals are journalled at most; those between are counted.
const refusalEvery = time.Minute

// Receiver takes commands. Run carries them out, one after the other; Receive may be called from any goroutine.
type Receiver struct {
	o        Options
	commands chan *wire.Command

	mu         sync.Mutex
	commanders command.Commanders

	// The rest belongs to Run.
	last     uint64          // highest sequence accepted
	accepted map[string]bool // ids of accepted orders
	refused  uint32          // since the last row of a refusal
	told     time.Time       // when that was
}

// maxWaiting bounds the commands that wait; more are dropped, and come again.
const maxWaiting = 32

// New reads who may command. A file that is not there is nobody.
func New(o Options) *Receiver {
	r := &Receiver{o: o, commands: make(chan *wire.Command, maxWaiting), accepted: map[string]bool{}}
	if text, err := os.ReadFile(o.File); err == nil {
		if r.commanders, err = command.Parse(text); err != nil {
			o.Log.Error("nobody may command", "err", err)
		}
	}
	return r
}

// Receive takes a command, without waiting.
func (r *Receiver) Receive(c *wire.Command) {
	select {
	case r.commands <- c:
	default:
	}
}

// Prefix implements downlink.Consumer: the list of commanders is a target.
func (*Receiver) Prefix() string { return layout.Commanders }

// Choose implements downlink.Consumer.
func (r *Receiver) Choose(published []downlink.Target) (downlink.Target, bool) {
	for _, t := range published {
		if t.Path == layout.Commanders && t.Site == "" {
			have, err := os.ReadFile(r.o.File)
			sum := sha256.Sum256(have)
			return t, err != nil || !bytes.Equal(sum[:], t.SHA256)
		}
	}
	return downlink.Target{}, false
}

// Apply implements downlink.Consumer. A list that cannot be read leaves the last one in force.
func (r *Receiver) Apply(_ context.Context, _ downlink.Target, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	next, err := command.Parse(text)
	if err != nil {
		return err
	}
	if err := linefile.Replace(r.o.File, text, 0o600); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commanders = next
	return nil
}

// Run carries out commands until ctx ends, and returns nil. ack is called with the id of each that is accepted or
// refused, once that is journalled.
func (r *Receiver) Run(ctx context.Context, ack func(id []byte)) error {
	if err := r.resume(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-r.commands:
			if err := r.handle(ctx, c, ack); err != nil {
				r.o.Log.Error("a command is not journalled, and not carried out: it comes again", "err", err)
			}
		}
	}
}

// resume reads the journal: what was accepted, and what of it has no result. That is not done again, as nobody knows
// how far it came.
func (r *Receiver) resume(ctx context.Context) error {
	open := map[string]*observation.OrderReceived{}
	from := r.readMark()
	for from < r.o.Journal.Size() {
		rows, err := r.o.Journal.Read(from, 1000)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			kind := observation.Kind(rows[i].Kind)
			if kind != observation.Kind_KIND_ORDER_RECEIVED && kind != observation.Kind_KIND_ORDER_RESULT {
				continue
			}
			o, err := rows[i].Observation()
			if err != nil {
				return err
			}
			if b := o.Body.GetOrderReceived(); b != nil && b.Refusal == "" {
				r.accepted[string(b.Id)] = true
				if b.Order != command.Case {
					r.last = max(r.last, b.Sequence)
				}
				open[string(b.Id)] = b
			}
			if b := o.Body.GetOrderResult(); b != nil {
				delete(open, string(b.Id))
			}
		}
		from = rows[len(rows)-1].Idx + 1
	}
	for _, b := range open {
		result := &observation.OrderResult{Id: b.Id, Sequence: b.Sequence, Order: b.Order,
			Outcome: observation.OrderResult_OUTCOME_UNKNOWN}
		if err := r.commit(ctx, result); err != nil {
			return err
		}
	}
	return r.writeMark()
}

// mark says up to which row the journal was read, so that a start does not read all of it: no order before it waits
// for its result. One of another journal, and one that is lost, mean the beginning.
type mark struct {
	Journal []byte `json:"journal"`
	Rows    int64  `json:"rows"`
	Last    uint64 `json:"last"` // highest sequence accepted before
}

func (r *Receiver) markFile() string { return r.o.File + ".mark" }

func (r *Receiver) readMark() int64 {
	var m mark
	text, err := os.ReadFile(r.markFile())
	if err != nil || json.Unmarshal(text, &m) != nil || !bytes.Equal(m.Journal, r.o.Journal.Identity().ID) {
		return 0
	}
	r.last = m.Last
	return m.Rows
}

func (r *Receiver) writeMark() error {
	text, err := json.Marshal(mark{r.o.Journal.Identity().ID, r.o.Journal.Size(), r.last})
	if err != nil {
		return err
	}
	return linefile.Replace(r.markFile(), text, 0o600)
}

// handle journals what becomes of a command, and carries it out when it is accepted.
func (r *Receiver) handle(ctx context.Context, c *wire.Command, ack func([]byte)) error {
	id := command.ID(c)
	o, err := r.open(c, id)
	if err != nil {
		if err := r.refuse(ctx, c, id, o, err); err != nil {
			return err
		}
		ack(id)
		return nil
	}
	var result *observation.OrderResult
	if o.Kind == command.Case { // before it is acknowledged: what was said at the centre must not be lost, and counts once
		result = r.carryOut(ctx, o, id)
	}
	if err := r.commit(ctx, received(c, id, o)); err != nil {
		return err
	}
	r.accepted[string(id)] = true
	if o.Kind != command.Case {
		r.last = o.Sequence
	}
	ack(id)
	if result == nil {
		result = r.carryOut(ctx, o, id)
	}
	if err := r.commit(ctx, result); err != nil {
		return err
	}
	return r.writeMark()
}

// carryOut does what is ordered, and returns what came of it.
func (r *Receiver) carryOut(ctx context.Context, o *wire.Order, id []byte) *observation.OrderResult {
	result := &observation.OrderResult{Id: id, Sequence: o.Sequence, Order: o.Kind, Outcome: observation.OrderResult_OUTCOME_DONE}
	if err := r.o.Executors[o.Kind](ctx, o); err != nil {
		said := message.Of(err)
		result.Outcome = observation.OrderResult_OUTCOME_FAILED
		result.Text, result.Message = said.English(), driver.EncodeMessage(said)
	}
	return result
}

// open opens a command. The order is returned with an error, too, where it is signed.
func (r *Receiver) open(c *wire.Command, id []byte) (*wire.Order, error) {
	identity := r.o.Journal.Identity()
	r.mu.Lock()
	commanders := r.commanders
	r.mu.Unlock()
	o, err := commanders.Open(c, command.To{
		Site: identity.Site, Agent: identity.Agent, Journal: identity.ID, Run: r.o.Run(), Now: r.o.Now(), Last: r.last,
	})
	switch {
	case o != nil && r.accepted[string(id)]:
		return o, message.Errorf("order.replayed")
	case err == nil && r.o.Executors[o.Kind] == nil:
		return o, message.Errorf("order.no-executor", message.String("kind", o.Kind))
	}
	return o, err
}

// refuse journals a refusal, one in refusalEvery: a flood of rubbish is counted.
func (r *Receiver) refuse(ctx context.Context, c *wire.Command, id []byte, o *wire.Order, why error) error {
	r.refused++
	if now := time.Now(); !r.told.IsZero() && now.Sub(r.told) < refusalEvery {
		return nil
	}
	body := received(c, id, o)
	said := message.Of(why)
	body.Refusal, body.Text, body.Message = strings.TrimPrefix(said.Code, "order."), said.English(), driver.EncodeMessage(said)
	body.Count = r.refused
	if err := r.commit(ctx, body); err != nil {
		return err
	}
	r.refused, r.told = 0, time.Now()
	return nil
}

// received returns the row of a command; o is nil where its signature is not good, and what it says counts for
// nothing.
func received(c *wire.Command, id []byte, o *wire.Order) *observation.OrderReceived {
	body := &observation.OrderReceived{Id: id, Commander: c.Key[:min(len(c.Key), 64)]}
	if o != nil {
		body.Sequence, body.Order, body.Device, body.NotAfterNs = o.Sequence, o.Kind, o.Device, o.NotAfterNs
		if !slices.Contains(command.Kinds(), o.Kind) {
			body.Order = ""
		}
	}
	return body
}

// commit journals a row. What was begun is journalled to its end, although the agent stops.
func (r *Receiver) commit(ctx context.Context, body proto.Message) error {
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), body)
	o.Device = observation.AgentDevice
	_, err := r.o.Journal.Commit(context.WithoutCancel(ctx), o)
	return err
}
