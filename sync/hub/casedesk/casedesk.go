// Package casedesk is where the centre works on the cases of all agents. Rows about cases go in, as the ledger's views
// have them and as people at the centre have just written them; cases come out, rows of the hub's own journal, and
// orders that tell each lane what was said. It folds as the lanes do (edge/cases), and keeps nothing that it could not
// read again. docs/decisions/0036-cases-at-the-hub.md.
package casedesk

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/command"
)

// Journal is the part of the hub's own journal that the desk uses. Commit takes a key once.
type Journal interface {
	Identity() journal.Identity
	Size() int64
	ReadCases(from int64, maxRows int) ([]journal.Row, error)
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// Ledger is what the ledger's views have of cases. They follow the ledger, and with it the hub's own journal, a little
// later.
type Ledger interface {
	// CaseChanged returns a number that grows with each row of a case; 0 for a case that is not there.
	CaseChanged(views.CaseKey) (int64, error)
	CaseEvents(views.CaseKey) ([]cases.Event, error)
	// CasesSaid returns up to which row of a journal of the hub's they have what was said in cases; -1 for none.
	CasesSaid(journal []byte) (int64, error)
}

// Bounds of what is kept and read.
const (
	keptFolded = 2048        // cases, folded: some 10 kB each
	keptFor    = time.Minute // a case that is read again shows what was erased meanwhile as erased
	readRows   = 256
	// maxAct bounds what one act may hold, in bytes: it is to fit into one order to the lane.
	maxAct = 48 << 10
)

// Desk has the cases of all agents. Its methods may be called from any goroutine.
type Desk struct {
	own    Journal
	ledger Ledger

	acting sync.Mutex // one act at a time: the next one knows of it

	mu      sync.Mutex                      // guards the rest
	pending map[views.CaseKey][]cases.Event // own rows that the views may not have yet
	waiting int                             // how many these are
	begun   bool
	next    int64 // row of the own journal to be read next

	folded *lru.Cache[views.CaseKey, folded]
}

// folded is a case as it was when it was folded.
type folded struct {
	one     *cases.Case
	changed int64
	own     int // pending rows that are in it
	at      time.Time
}

// New returns the desk of a hub.
func New(own Journal, ledger Ledger) *Desk {
	cache, err := lru.New[views.CaseKey, folded](keptFolded)
	if err != nil {
		panic(err) // the size is above
	}
	return &Desk{own: own, ledger: ledger, pending: map[views.CaseKey][]cases.Event{}, folded: cache}
}

// Case returns a case; nil for one that there is not.
func (d *Desk) Case(k views.CaseKey) (*cases.Case, error) {
	own, err := d.pendingOf(k) // before the views are read: what they have by then is not missing in between
	if err != nil {
		return nil, err
	}
	changed, err := d.ledger.CaseChanged(k)
	if err != nil {
		return nil, err
	}
	f, ok := d.folded.Get(k)
	if ok && f.changed == changed && f.own == len(own) && time.Since(f.at) < keptFor {
		return f.one, nil
	}
	events, err := d.ledger.CaseEvents(k)
	if err != nil {
		return nil, err
	}
	f = folded{cases.Fold(append(events, own...)), changed, len(own), time.Now()}
	if f.one != nil {
		d.folded.Add(k, f)
	}
	return f.one, nil
}

// pendingOf returns the own rows about a case that the views may not have.
func (d *Desk) pendingOf(k views.CaseKey) ([]cases.Event, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.catchUp(); err != nil {
		return nil, err
	}
	return slices.Clone(d.pending[k]), nil
}

// Waiting returns how many own rows about a case the views do not have yet.
func (d *Desk) Waiting(k views.CaseKey) (int, error) {
	own, err := d.pendingOf(k)
	return len(own), err
}

// catchUp forgets the own rows that the views have, and reads those that are new in the journal. A start reads those
// that the views do not have.
func (d *Desk) catchUp() error {
	if d.begun && d.waiting == 0 && d.next >= d.own.Size() {
		return nil
	}
	said, err := d.ledger.CasesSaid(d.own.Identity().ID)
	if err != nil {
		return err
	}
	d.forget(said)
	if d.next, d.begun = max(d.next, said+1), true; d.next >= d.own.Size() {
		return nil
	}
	size := d.own.Size()
	for {
		rows, err := d.own.ReadCases(d.next, readRows)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			d.next = max(d.next, size) // the rest is about other things
			return nil
		}
		for i := range rows {
			d.next = rows[i].Idx + 1
			if err := d.takeOwn(&rows[i]); err != nil {
				return err
			}
		}
	}
}

// forget forgets own rows up to one.
func (d *Desk) forget(said int64) {
	d.waiting = 0
	for k, events := range d.pending {
		events = slices.DeleteFunc(slices.Clone(events), func(e cases.Event) bool { return e.Idx <= said })
		if d.pending[k] = events; len(events) == 0 {
			delete(d.pending, k)
		}
		d.waiting += len(events)
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
	k := views.CaseKey{ID: e.Act.Id}
	k.Site, k.Agent = e.Act.Site, e.Act.Agent
	d.pending[k] = append(d.pending[k], e)
	d.waiting++
	return nil
}

// Act journals what somebody at the centre does in a case, and returns the case afterwards. They have one or several
// roles: the first that may do it counts. revision is that of the case which they saw. An event with a key that is
// there already changes nothing when it is the same one.
func (d *Desk) Act(ctx context.Context, k views.CaseKey, act *observation.CaseEvent, roles []string, revision int) (
	*cases.Case, error) {
	return d.act(ctx, k, act, roles, revision)
}

// Attach is Act for an event that attaches artifacts which the own journal has.
func (d *Desk) Attach(ctx context.Context, k views.CaseKey, act *observation.CaseEvent, roles []string, files ...*observation.Artifact) (
	*cases.Case, error) {
	for _, a := range files {
		act.Attachments = append(act.Attachments, &observation.CaseAttachment{Sha256: a.Sha256, MediaType: a.MediaType})
	}
	return d.act(ctx, k, act, roles, 0, files...)
}

func (d *Desk) act(ctx context.Context, k views.CaseKey, act *observation.CaseEvent, roles []string, revision int,
	files ...*observation.Artifact) (*cases.Case, error) {
	d.acting.Lock()
	defer d.acting.Unlock()
	one, err := d.Case(k)
	if err != nil {
		return nil, err
	}
	if one == nil {
		return nil, message.Errorf("cases.none", message.Quoted("id", k.ID))
	}
	if done, err := one.Repeats(act); done || err != nil {
		return one, err
	}
	act.Id, act.Centre, act.Site, act.Agent, act.Origin = k.ID, true, k.Site, k.Agent, nil
	if err := admit(one, act, roles, revision); err != nil {
		return nil, err
	}
	now := time.Now()
	if act.Key == "" {
		act.Key = fmt.Sprintf("centre %d", now.UnixNano())
	}
	if proto.Size(act) > maxAct {
		return nil, message.Errorf("cases.too-long")
	}
	o := observation.New(observation.Class_CLASS_EVENT, now, act)
	o.Body.Artifacts = files
	o.Device, o.Key = observation.AgentDevice, fmt.Sprintf("case %s/%s %s by %s", k.Site, k.Agent, k.ID, act.Key)
	if _, err := d.own.Commit(ctx, o); err != nil {
		return nil, err
	}
	return d.Case(k)
}

// admit has an act admitted in one of the roles. The error is that of the first.
func admit(one *cases.Case, act *observation.CaseEvent, roles []string, revision int) (first error) {
	if one.AsksBlind() && cases.Sees(roles) { // they see the first verdict in one role, and so in all
		roles = slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return !cases.Sees([]string{r}) })
	}
	for i, role := range roles {
		act.Role = role
		err := one.Admits(act, revision)
		if err == nil {
			return nil
		}
		if i == 0 {
			first = err
		}
	}
	if len(roles) == 0 {
		return message.Errorf("cases.no-role")
	}
	return first
}

// orderLife is how long an order is issued for. It is issued anew some days before it ends.
const (
	orderLife  = command.Longest
	orderRenew = orderLife - 5*24*time.Hour
)

// Order returns the order that tells an agent what was said, whose Origin names the row. Whoever sends it signs it. The
// same row gives the same order for weeks, so that the agent knows one that comes again.
func Order(to views.CaseKey, journalID []byte, said *observation.CaseEvent, now time.Time) *wire.Order {
	issued := time.Unix(0, said.Origin.TimeNs)
	if age := now.Sub(issued); age > 0 {
		issued = issued.Add(age.Truncate(orderRenew))
	}
	return &wire.Order{
		Site: to.Site, Agent: to.Agent, Journal: journalID, Sequence: uint64(said.Origin.Idx) + 1,
		IssuedNs: issued.UnixNano(), NotAfterNs: issued.Add(orderLife).UnixNano(), Kind: command.Case, CaseEvent: said,
	}
}
