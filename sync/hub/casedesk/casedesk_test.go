package casedesk

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/casebook"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire"
)

var many = flag.Int("cases", 50, "cases of TestFlappingLink; make cases asks for 1,000")

func key(id string) views.CaseKey {
	return views.CaseKey{Sender: store.Sender{Site: "s", Agent: "a"}, ID: id}
}

// filed is what the ledger's views have of cases: of the lane what came over the link, and of the hub's own journal what
// was filed, a little later than it was written.
type filed struct {
	own *journal.Journal

	mu      sync.Mutex
	events  map[views.CaseKey][]cases.Event
	changed int64
	seen    map[views.CaseKey]int64
	next    int64 // own row that is filed next
	waits   map[int64]*observation.CaseEvent
}

// file takes rows of a journal, of which each counts once.
func (f *filed) file(k views.CaseKey, e cases.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed++
	f.seen[k] = f.changed
	if o := e.Act.GetOrigin(); o != nil {
		delete(f.waits, o.Idx)
		return // the hub's own row says the same
	}
	f.events[k] = append(f.events[k], e)
}

// follow files up to n own rows.
func (f *filed) follow(t *testing.T, n int) {
	t.Helper()
	rows, err := f.own.ReadCases(f.next, n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil {
			t.Fatal(err)
		}
		e, _ := cases.EventOf(f.own.Identity().ID, rows[i].Idx, o.Time(), o.Body.Typed())
		said := proto.Clone(e.Act).(*observation.CaseEvent)
		said.Origin = &observation.CaseOrigin{Journal: f.own.Identity().ID, Idx: rows[i].Idx, TimeNs: o.TimeNs}
		f.file(key(e.Case()), e)
		f.mu.Lock()
		f.waits[rows[i].Idx], f.next = said, rows[i].Idx+1
		f.mu.Unlock()
	}
}

func (f *filed) CaseChanged(k views.CaseKey) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[k], nil
}

func (f *filed) CaseEvents(k views.CaseKey) ([]cases.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events[k]), nil
}

func (f *filed) CasesSaid([]byte) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next - 1, nil
}

// untold returns what was said here and the lane has no copy of.
func (f *filed) untold() (out []*observation.CaseEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, idx := range slices.Sorted(maps.Keys(f.waits)) {
		out = append(out, f.waits[idx])
	}
	return out
}

// ends are a lane and the centre in one process, each with its journal, and a link between them that comes and goes.
type ends struct {
	*testing.T
	journal *journal.Journal
	book    *casebook.Casebook
	own     *journal.Journal
	filed   *filed
	desk    *Desk
	sent    int64 // row of the lane that the centre gets next
}

func newEnds(t *testing.T) *ends {
	open := func(name string) *journal.Journal {
		j, err := journal.Open(filepath.Join(t.TempDir(), name), journal.Options{Site: "s", Agent: name})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	e := &ends{T: t, journal: open("a"), own: open("hub")}
	e.book = casebook.New(casebook.Options{Journal: e.journal, Rules: cases.DefaultRules(), Handheld: time.Minute, Log: slog.New(slog.DiscardHandler)})
	e.filed = &filed{own: e.own, events: map[views.CaseKey][]cases.Event{}, seen: map[views.CaseKey]int64{},
		waits: map[int64]*observation.CaseEvent{}}
	e.desk = New(e.own, e.filed)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.book.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, e.journal.Close(), e.own.Close()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// pass opens n cases at the lane, each by a passage with an alarm.
func (e *ends) pass(n int) (ids []string) {
	var alarms, passages []*observation.Observation // the alarms first: they are the rows 0 to n-1
	for i := range n {
		ids = append(ids, fmt.Sprintf("lane-1-20261101T080000-%d", i))
		alarm := observation.New(observation.Class_CLASS_ALARM, time.Now(), &observation.RadiationOccupancy{GammaAlarm: true})
		alarm.Device, alarm.Key = "rpm-1", fmt.Sprint("alarm ", i)
		opened := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.PassageOpened{
			Id: ids[i], Lane: "lane-1", Readings: []*observation.PassageReading{{
				Idx: int64(i), Device: "rpm-1", Kind: uint32(observation.Kind_KIND_RADIATION_OCCUPANCY), Class: uint32(observation.Class_CLASS_ALARM),
			}},
		})
		opened.Device, opened.Key = observation.AgentDevice, "opened "+ids[i]
		alarms, passages = append(alarms, alarm), append(passages, opened)
	}
	for _, rows := range [][]*observation.Observation{alarms, passages} {
		if _, err := e.journal.Commit(e.Context(), rows...); err != nil {
			e.Fatal(err)
		}
	}
	e.wait("all cases are open", func() bool { return len(e.book.Cases()) == n })
	return ids
}

func (e *ends) wait(what string, holds func() bool) {
	e.Helper()
	for begun := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 2*time.Minute {
			e.Fatalf("it does not come to this: %s", what)
		}
	}
}

// up lets the lane send some rows, some of them twice, and the centre's words come down, some of them twice and in any
// order, some not at all.
func (e *ends) up(r *rand.Rand, whole bool) {
	e.Helper()
	rows, err := e.journal.ReadCases(e.sent, 100+r.IntN(200))
	if err != nil {
		e.Fatal(err)
	}
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil {
			e.Fatal(err)
		}
		event, _ := cases.EventOf(e.journal.Identity().ID, rows[i].Idx, o.Time(), o.Body.Typed())
		for range 1 + r.IntN(2) {
			e.filed.file(key(event.Case()), event)
		}
		e.sent = rows[i].Idx + 1
	}
	n := 1000
	if !whole {
		n = 1 + r.IntN(20)
	}
	e.filed.follow(e.T, n)
	said := e.filed.untold()
	r.Shuffle(len(said), func(i, k int) { said[i], said[k] = said[k], said[i] })
	for _, one := range said {
		if !whole && r.IntN(3) == 0 {
			continue
		}
		order := proto.Clone(Order(key(one.Id), e.journal.Identity().ID, one, time.Now()).CaseEvent).(*observation.CaseEvent)
		for range 1 + r.IntN(2) {
			if err := e.book.Receive(e.Context(), order); err != nil {
				e.Fatal(err)
			}
		}
	}
}

// TestFlappingLink: two officers work on the same cases, one at the lane and one at the centre, while the link comes and
// goes. Nothing is lost, nothing is there twice, both ends come to the same case, and who decided differently without
// knowing of each other is shown as a dispute.
func TestFlappingLink(t *testing.T) {
	e := newEnds(t)
	ids := e.pass(*many)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for e.up(r, true); e.at(ids[len(ids)-1]) == nil; e.up(r, true) {
	}
	did := map[string]int{} // rows that people were told are on record
	for half := range 2 {
		for i := half * len(ids) / 2; i < (half+1)*len(ids)/2; i++ {
			if r.IntN(8) == 0 {
				e.up(r, false)
			}
			e.bothAct(r, ids[i], did)
		}
	}
	e.settle(r)
	disputes := 0
	for _, id := range ids {
		disputes += e.compare(id, did[id])
	}
	t.Logf("%d cases, %d disputed", len(ids), disputes)
	if disputes == 0 {
		t.Error("nobody differed")
	}
}

// at returns a case as the centre has it.
func (e *ends) at(id string) *cases.Case {
	e.Helper()
	c, err := e.desk.Case(key(id))
	if err != nil {
		e.Error(err)
	}
	return c
}

// bothAct lets both officers act at the same time, each by what they know.
func (e *ends) bothAct(r *rand.Rand, id string, did map[string]int) {
	e.Helper()
	codes := []uint32{4, 6, 7}
	verdict := func(by string, code uint32) *observation.CaseEvent {
		return &observation.CaseEvent{Id: id, Action: observation.CaseEvent_ACTION_DECIDE, By: by, Role: "officer", Key: by,
			Verdict: &observation.CaseVerdict{Code: code}}
	}
	atLane, atCentre := verdict("Ana", codes[r.IntN(3)]), verdict("Max", codes[r.IntN(3)])
	var both sync.WaitGroup
	var errs [2]error
	both.Go(func() {
		seen, err := e.book.Case(id)
		if err != nil {
			errs[0] = err
			return
		}
		_, errs[0] = e.book.Act(e.Context(), atLane, seen.Revision())
	})
	both.Go(func() {
		_, errs[1] = e.desk.Act(e.Context(), key(id), atCentre, []string{"officer"}, e.at(id).Revision())
	})
	both.Wait()
	for _, err := range errs {
		if err == nil {
			did[id]++
		}
	}
}

// settle lets the link be up until both ends have everything.
func (e *ends) settle(r *rand.Rand) {
	e.wait("both ends have everything", func() bool {
		e.up(r, true)
		rows, err := e.journal.ReadCases(e.sent, 1)
		return err == nil && len(rows) == 0 && len(e.filed.untold()) == 0
	})
}

// compare compares a case at both ends, and returns 1 for a dispute.
func (e *ends) compare(id string, did int) int {
	e.Helper()
	var here *cases.Case
	there := e.at(id)
	e.wait("the lane has folded "+id, func() bool {
		here, _ = e.book.Case(id)
		return here.Revision() == there.Revision()
	})
	if here.State != there.State || here.Revision() != 1+did {
		e.Errorf("%s: %s with %d rows at the lane, %s with %d at the centre, %d were made", id, here.State, here.Revision(), there.State, there.Revision(), 1+did)
	}
	for i := range here.History {
		if here.History[i].Ref != there.History[i].Ref {
			e.Errorf("%s: row %d differs", id, i)
		}
	}
	var codes []uint32
	for _, v := range here.Verdicts {
		codes = append(codes, v.Code)
	}
	slices.Sort(codes)
	if differ := len(slices.Compact(codes)) > 1; differ != (here.State == cases.Disputed) {
		e.Errorf("%s: verdicts %v, state %s", id, codes, here.State)
	}
	if here.State == cases.Disputed {
		return 1
	}
	return 0
}

// TestRestart: a desk that begins anew has the same cases, whatever the views have of them by then.
func TestRestart(t *testing.T) {
	e := newEnds(t)
	r := rand.New(rand.NewPCG(1, 1))
	ids := e.pass(12)
	for e.up(r, true); e.at(ids[11]) == nil; e.up(r, true) {
	}
	for i, id := range ids {
		e.bothAct(r, id, map[string]int{})
		if i%3 == 0 {
			e.filed.follow(t, 2)
		}
	}
	again := New(e.own, e.filed)
	for _, id := range ids {
		before := e.at(id)
		after, err := again.Case(key(id))
		if err != nil || before.State != after.State || before.Revision() != after.Revision() || !proto.Equal(e.heads(before), e.heads(after)) {
			t.Errorf("%s: %s with %d rows, and after a restart %s with %d: %v", id, before.State, before.Revision(), after.State, after.Revision(), err)
		}
	}
}

// heads is what is known of a case.
func (*ends) heads(c *cases.Case) *observation.CaseEvent {
	return &observation.CaseEvent{Seen: c.Heads()}
}

// TestRoles: somebody with several roles acts in the first that may, and somebody with none does not.
func TestRoles(t *testing.T) {
	e := newEnds(t)
	ids := e.pass(1)
	for e.up(rand.New(rand.NewPCG(1, 1)), true); e.at(ids[0]) == nil; e.up(rand.New(rand.NewPCG(1, 1)), true) {
	}
	take := func() *observation.CaseEvent {
		return &observation.CaseEvent{Action: observation.CaseEvent_ACTION_TAKE, By: "Sue"}
	}
	if _, err := e.desk.Act(t.Context(), key(ids[0]), take(), nil, 0); !message.Of(err).Is("cases.no-role") {
		t.Error(err)
	}
	c, err := e.desk.Act(t.Context(), key(ids[0]), take(), []string{"viewer", "officer"}, 0)
	if err != nil || len(c.Holders) != 1 || c.Holders[0].Role != "officer" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := e.desk.Act(t.Context(), key("none"), take(), []string{"officer"}, 0); !message.Of(err).Is("cases.none") {
		t.Error(err)
	}
	long := take()
	long.Action, long.Notes = observation.CaseEvent_ACTION_ATTACH, "n"
	for range 30 {
		x := make([]float32, 190)
		long.Attachments = append(long.Attachments, &observation.CaseAttachment{Sha256: make([]byte, 32),
			Boxes: []*observation.CaseBox{{X: x, Y: x}, {X: x, Y: x}}})
	}
	if _, err := e.desk.Act(t.Context(), key(ids[0]), long, []string{"officer"}, 0); !message.Of(err).Is("cases.too-long") {
		t.Error(err)
	}
}

// TestOrderIsTheSameForWeeks: so that a lane knows one that comes again; and it is issued anew before it ends.
func TestOrderIsTheSameForWeeks(t *testing.T) {
	said := &observation.CaseEvent{Id: "p", Origin: &observation.CaseOrigin{Journal: []byte("hub"), Idx: 3, TimeNs: time.Now().UnixNano()}}
	at := func(days int) *wire.Order {
		return Order(key("p"), []byte("lane"), said, time.Unix(0, said.Origin.TimeNs).AddDate(0, 0, days))
	}
	if !proto.Equal(at(0), at(24)) || proto.Equal(at(24), at(25)) {
		t.Error("an order is another one within 25 days, or the same one after")
	}
	for days := range 100 {
		if until := time.Unix(0, at(days).NotAfterNs); until.Before(time.Unix(0, said.Origin.TimeNs).AddDate(0, 0, days+4)) {
			t.Errorf("after %d days it is good until %v", days, until)
		}
	}
}
