// Package casedesk is where the centre works on the cases of all agents. Rows of agents about cases go in as the ledger
// has them, and what people do at the centre; cases come out, rows of the hub's own journal, and orders that tell each lane
// what was said. It folds as the lanes do (edge/cases).
package casedesk

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/command"
)

// Journal is the part of the hub's own journal that the desk uses. Commit takes a key once.
type Journal interface {
	Identity() journal.Identity
	ReadCases(from int64, maxRows int) ([]journal.Row, error)
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// Agent names an agent.
type Agent struct{ Site, Name string }

// Bounds of what is kept and read.
const (
	keptSettled = 1000 // of each agent
	readRows    = 256
)

// Desk has the cases of all agents. Its methods may be called from any goroutine.
type Desk struct {
	own Journal

	acting sync.Mutex // one act at a time: the next one knows of it

	mu     sync.Mutex // guards the rest
	agents map[Agent]*agent
	next   int64 // row of the own journal to be read next
}

// agent is what the desk knows of one agent.
type agent struct {
	book *cases.Book
	// unheard are the own rows of which the agent has no copy, by their idx.
	unheard map[int64]*observation.CaseEvent
	heard   map[int64]bool // own rows of which a copy came before they were read
}

// New returns a desk. Rows of agents are given to Take from the first on.
func New(own Journal) *Desk { return &Desk{own: own, agents: map[Agent]*agent{}} }

func (d *Desk) agent(a Agent) *agent {
	one := d.agents[a]
	if one == nil {
		one = &agent{cases.NewBook(keptSettled), map[int64]*observation.CaseEvent{}, map[int64]bool{}}
		d.agents[a] = one
	}
	return one
}

// Take takes a row of an agent's journal, as it stands in the ledger. Rows about other things, and rows that come again,
// change nothing.
func (d *Desk) Take(from Agent, journalID []byte, idx int64, at time.Time, body proto.Message) {
	e, ok := cases.EventOf(journalID, idx, at, body)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.agent(from)
	if o := e.Act.GetOrigin(); o != nil && string(o.Journal) == string(d.own.Identity().ID) {
		delete(one.unheard, o.Idx)
		one.heard[o.Idx] = o.Idx >= d.next
	}
	one.book.Take(e)
}

// CatchUp reads what is new in the hub's own journal. A start reads all of it.
func (d *Desk) CatchUp() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		rows, err := d.own.ReadCases(d.next, readRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			d.next = rows[i].Idx + 1
			if err := d.takeOwn(&rows[i]); err != nil {
				return err
			}
		}
	}
}

// takeOwn takes a row of the own journal.
func (d *Desk) takeOwn(r *journal.Row) error {
	o, err := r.Observation()
	if err != nil {
		return err
	}
	e, ok := cases.EventOf(d.own.Identity().ID, r.Idx, o.Time(), o.Body.Typed())
	if !ok || e.Act == nil {
		return nil
	}
	one := d.agent(Agent{e.Act.Site, e.Act.Agent})
	one.book.Take(e)
	if one.heard[r.Idx] {
		delete(one.heard, r.Idx)
		return nil
	}
	said := proto.Clone(e.Act).(*observation.CaseEvent)
	said.Origin = &observation.CaseOrigin{Journal: d.own.Identity().ID, Idx: r.Idx, TimeNs: o.TimeNs}
	one.unheard[r.Idx] = said
	return nil
}

// Cases returns the cases of an agent, in the order of cases.Compare.
func (d *Desk) Cases(a Agent) []*cases.Case {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.agent(a).book.Cases()
}

// Case returns a case of an agent; nil for one that is not kept.
func (d *Desk) Case(a Agent, id string) *cases.Case {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.agent(a).book.Case(id)
}

// Act journals what somebody at the centre does in a case, and returns the case afterwards. revision is that of the case
// which they saw. An event with a key that is there already changes nothing when it is the same one.
func (d *Desk) Act(ctx context.Context, a Agent, act *observation.CaseEvent, revision int) (*cases.Case, error) {
	d.acting.Lock()
	defer d.acting.Unlock()
	one := d.Case(a, act.Id)
	if one == nil {
		return nil, message.Errorf("cases.none", message.Quoted("id", act.Id))
	}
	if done, err := one.Repeats(act); done || err != nil {
		return one, err
	}
	act.Centre, act.Site, act.Agent, act.Origin = true, a.Site, a.Name, nil
	if err := one.Admits(act, revision); err != nil {
		return nil, err
	}
	now := time.Now()
	if act.Key == "" {
		act.Key = fmt.Sprintf("centre %d", now.UnixNano())
	}
	o := observation.New(observation.Class_CLASS_EVENT, now, act)
	o.Device, o.Key = observation.AgentDevice, fmt.Sprintf("case %s/%s %s by %s", a.Site, a.Name, act.Id, act.Key)
	if _, err := d.own.Commit(ctx, o); err != nil {
		return nil, err
	}
	if err := d.CatchUp(); err != nil {
		return nil, err
	}
	return d.Case(a, act.Id), nil
}

// Untold returns what was said at the centre and the agent has no copy of, oldest first.
func (d *Desk) Untold(a Agent) (out []*observation.CaseEvent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, said := range d.agent(a).unheard {
		out = append(out, said)
	}
	slices.SortFunc(out, func(x, y *observation.CaseEvent) int { return int(x.Origin.Idx - y.Origin.Idx) })
	return out
}

// Order returns the order that tells an agent what was said. Whoever sends it signs it.
func Order(a Agent, journalID []byte, said *observation.CaseEvent, now time.Time) *wire.Order {
	return &wire.Order{
		Site: a.Site, Agent: a.Name, Journal: journalID, Sequence: uint64(now.UnixMilli()), IssuedNs: now.UnixNano(),
		NotAfterNs: now.Add(command.Longest).UnixNano(), Kind: command.Case, CaseEvent: said,
	}
}
