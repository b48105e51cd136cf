package views

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/postgres/postgrestest"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// onBoth runs a test on a ledger in SQLite and on one in PostgreSQL.
func onBoth(t *testing.T, f func(t *testing.T, c *centre)) {
	t.Run("sqlite", func(t *testing.T) { f(t, newCentre(t, "")) })
	t.Run("postgres", func(t *testing.T) { f(t, newCentre(t, postgrestest.URL(t))) })
}

// centre is a ledger with its views.
type centre struct {
	*Views
	t      testing.TB
	ledger *ledger.Ledger
	broken error // of the next message, once
	undoes bool  // each batch is folded and undone once, as by a full disk, before it is filed
}

func newCentre(t testing.TB, url string) *centre {
	l, err := ledger.OpenWith(t.Context(), ledger.Options{Dir: t.TempDir(), URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := &centre{t: t, ledger: l}
	c.Views = New(l, c.apply, slog.New(slog.DiscardHandler))
	return c
}

// apply files a message. With broken set it is filed, and the answer is lost.
func (c *centre) apply(_ context.Context, m ledger.Message) error {
	if d, ok := m.(ledger.Derive); ok && c.undoes {
		full := func(tx store.Tx) error { return errors.Join(d.Do(tx), errors.New("the disk is full")) }
		if _, err := c.ledger.Apply([]ledger.Message{ledger.Derive{Do: full, Failed: new(error)}}); err != nil {
			return err
		}
	}
	_, err := c.ledger.Apply([]ledger.Message{m})
	if c.broken != nil {
		err, c.broken = c.broken, nil
	}
	return err
}

// follow folds all that there is, in batches of up to limit rows.
func (c *centre) follow(limit int) {
	c.t.Helper()
	c.Views.most, c.Views.limit = limit, limit
	for more := true; more; {
		var err error
		if more, err = c.step(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
}

// content returns all that the tables have, in order.
func (c *centre) content() (out []string) {
	c.t.Helper()
	for _, table := range append(tables(), "view_cursor") {
		var rows []string
		err := c.query("SELECT * FROM "+table, func(r []driver.Value) error {
			rows = append(rows, fmt.Sprintf("%s %v", table, r))
			return nil
		})
		if err != nil {
			c.t.Fatal(err)
		}
		slices.Sort(rows)
		out = append(out, rows...)
	}
	return out
}

// sameAgain drops the tables, folds again and compares.
func (c *centre) sameAgain() {
	c.t.Helper()
	before := c.content()
	if err := c.Rebuild(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.follow(batchRows)
	after := c.content()
	for i := range max(len(before), len(after)) {
		switch {
		case i >= len(before) || i >= len(after):
			c.t.Fatalf("%d rows, folded again %d", len(before), len(after))
		case before[i] != after[i]:
			c.t.Fatalf("row %d is\n%s\nand folded again\n%s", i, before[i], after[i])
		}
	}
}

// lane is an agent with a journal of its own.
type lane struct {
	c    *centre
	j    *journal.Journal
	from store.Sender
	now  time.Time
	sent observation.PerClass[int64]
}

func newLane(c *centre, site, agent string) *lane {
	j, err := journal.Open(c.t.TempDir(), journal.Options{Site: site, Agent: agent, SignEvery: time.Nanosecond})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { j.Close() })
	l := &lane{c: c, j: j, from: store.Sender{Site: site, Agent: agent}, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	l.sent = observation.PerClass[int64]{-1, -1, -1, -1}
	l.add(observation.Class_CLASS_EVENT, "agent", &observation.AgentStarted{Inventory: &observation.Inventory{
		Site: site, Agent: agent, Lanes: []*observation.Lane{{Id: "lane-1"}},
		Devices: []*observation.Device{{Id: "rpm-1", Lane: "lane-1"}, {Id: "lpr-1", Lane: "lane-1"}},
	}})
	return l
}

// add journals an observation of now and returns its row.
func (l *lane) add(class observation.Class, device string, body proto.Message) int64 {
	l.c.t.Helper()
	o := observation.New(class, l.now, body)
	o.Device = device
	if _, err := l.j.Commit(l.c.t.Context(), o); err != nil {
		l.c.t.Fatal(err)
	}
	return l.j.Size() - 1
}

// event journals an event of the agent.
func (l *lane) event(body proto.Message) int64 {
	l.c.t.Helper()
	return l.add(observation.Class_CLASS_EVENT, observation.AgentDevice, body)
}

// send files what the ledger has not got, alarms first as over the link.
func (l *lane) send() {
	l.c.t.Helper()
	id := l.j.Identity()
	_, checkpoint := l.j.Checkpoint()
	hello := ledger.Hello{From: l.from, Body: &wire.Hello{Journal: id.ID, Size: l.j.Size(), Checkpoint: checkpoint,
		BlindKey: id.BlindKey, Verifier: id.Verifier, Epoch: 1, Inventory: &observation.Inventory{}}}
	if _, err := l.c.ledger.Apply([]ledger.Message{hello}); err != nil {
		l.c.t.Fatal(err)
	}
	for _, class := range observation.Classes {
		for {
			rows, err := l.j.ReadClass(class, l.sent[class], 500, 1<<20)
			if err != nil {
				l.c.t.Fatal(err)
			}
			if len(rows) == 0 {
				break
			}
			packed := make([]wire.Row, len(rows))
			for i := range rows {
				packed[i] = wire.RowOf(&rows[i], true)
			}
			answers, err := l.c.ledger.Apply([]ledger.Message{ledger.Batch{From: l.from,
				Body: wire.NewBatch(id.ID, class, l.sent[class], packed)}})
			if err != nil || answers[0].Ack.Refusal != 0 {
				l.c.t.Fatal(err, answers)
			}
			l.sent[class] = rows[len(rows)-1].Idx
		}
	}
}

func reading(idx int64, kind observation.Kind, class observation.Class, at time.Time) *observation.PassageReading {
	return &observation.PassageReading{Idx: idx, Device: "lpr-1", Kind: uint32(kind), Class: uint32(class), TimeNs: at.UnixNano(),
		Confidence: 1, Station: "entry"}
}

func (l *lane) plate(text string) *observation.PassageReading {
	idx := l.add(observation.Class_CLASS_EVENT, "lpr-1", &observation.VehiclePlate{Plate: text, Normal: text, Confidence: 0.9})
	return reading(idx, observation.Kind_KIND_VEHICLE_PLATE, observation.Class_CLASS_EVENT, l.now)
}

func (l *lane) alarm() *observation.PassageReading {
	idx := l.add(observation.Class_CLASS_ALARM, "rpm-1", &observation.RadiationOccupancy{GammaAlarm: true, SigmaMax: 81})
	return reading(idx, observation.Kind_KIND_RADIATION_OCCUPANCY, observation.Class_CLASS_ALARM, l.now)
}

// ids returns the passages that a search finds.
func (c *centre) ids(s Search) (out []string) {
	c.t.Helper()
	for next := (&Place{}); next != nil; {
		found, more, err := c.Passages(s, *next, 2)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, f := range found {
			out = append(out, f.Document.Id)
		}
		next = more
	}
	return out
}

func named(kind, name string) Search { return Search{Names: map[string]string{kind: name}} }

func (c *centre) finds(what string, s Search, want ...string) {
	c.t.Helper()
	if got := c.ids(s); !slices.Equal(got, want) {
		c.t.Errorf("%s: %v, expected %v", what, got, want)
	}
}

// TestStoryOfAPassage: a vehicle is found from its first reading on, by what it was read as, and its page has the
// decision in force with its reasons, what an officer said, and what came later; folded again it is the same.
func TestStoryOfAPassage(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		read := l.plate("ABC1D23")
		l.event(&observation.PassageOpened{Id: "p1", Lane: "lane-1", Readings: []*observation.PassageReading{read}})
		l.send()
		c.follow(batchRows)
		c.finds("an open passage by its plate", named(observation.PlateName, "abc-1d23"), "p1")
		c.finds("by characters that look alike", named(observation.PlateName, "ABCID23"), "p1")
		c.finds("without alarm", Search{Alarm: true})

		l.now = l.now.Add(time.Minute)
		alarm := l.alarm()
		l.event(&observation.PassageUpdated{Id: "p1", Readings: []*observation.PassageReading{alarm}})
		l.event(&observation.ClearanceDecision{Presentation: "v1", Revision: 1, Lane: "lane-1", Passage: "p1", Outcome: "RELEASE", Decided: "RELEASE"})
		l.event(&observation.ClearanceDecision{Presentation: "v1", Revision: 2, Lane: "lane-1", Passage: "p1", Outcome: "HOLD", Decided: "HOLD",
			Reasons: []*observation.ClearanceReason{{Code: "ALARM-RADIATION", Outcome: "HOLD"}},
			Lists:   []*observation.ListInForce{{List: "targets", Version: 12, IssuedNs: l.now.UnixNano()}}})
		l.event(&observation.ClearanceOverride{Presentation: "v1", Revision: 2, Was: "HOLD", Outcome: "REFER", By: "ann", Reason: "seen"})
		l.send()
		c.follow(1)
		c.finds("with an alarm", Search{Alarm: true}, "p1")
		c.finds("that is held", Search{Outcome: "HOLD", Site: "emerson"}, "p1")
		c.finds("that was released", Search{Outcome: "RELEASE"})

		document := &observation.PassageClosed{Id: "p1", Lane: "lane-1", OpenedNs: read.TimeNs, ClosedNs: l.now.UnixNano(), Plate: "ABC1D23",
			Containers: []string{"CSQU3054383"}, Codes: []string{"1234 PARS 55"}, Alarm: true, End: observation.PassageEnd_PASSAGE_END_LEFT,
			State: observation.PassageState_PASSAGE_STATE_CLOSED, Readings: []*observation.PassageReading{read, alarm}}
		l.event(document)
		l.send()
		c.follow(batchRows)
		c.finds("by container", named(observation.ContainerName, "csqu 305438-3"), "p1")
		c.finds("by code", Search{Any: "1234PARS55"}, "p1")
		c.finds("two names that are not of one vehicle", Search{Names: map[string]string{observation.PlateName: "ABC1D23", observation.ContainerName: "X"}})
		c.finds("of another site", Search{Site: "windsor"})
		c.finds("before", Search{To: time.Unix(0, read.TimeNs)})
		c.finds("since", Search{From: time.Unix(0, read.TimeNs)}, "p1")

		p, err := c.Passage(l.from, "p1")
		switch {
		case err != nil:
			t.Fatal(err)
		case p.Decision.GetRevision() != 2 || p.Decision.Reasons[0].Code != "ALARM-RADIATION" || p.Decision.Lists[0].Version != 12:
			t.Errorf("decision: %v", p.Decision)
		case len(p.Overrides) != 1 || p.Overrides[0].Body.GetClearanceOverride().Reason != "seen":
			t.Errorf("overrides: %v", p.Overrides)
		case len(p.Observations) != 2 || p.Observations[alarm.Idx].Body.GetRadiationOccupancy().GetSigmaMax() != 81:
			t.Errorf("observations: %v", p.Observations)
		}

		l.event(&observation.PassageCorrected{Idx: alarm.Idx, From: "p1", To: "p2", By: "ann", Reading: alarm})
		l.event(&observation.PassageCorrected{Idx: read.Idx, From: "p1", To: "p2", By: "ann", Reading: read})
		l.send()
		c.follow(batchRows)
		c.finds("alarms, once it is another's", Search{Alarm: true}, "p2")
		c.finds("the plate, once it is another's", named(observation.PlateName, "ABC1D23"), "p2")
		c.sameAgain()
		if _, err := c.Passage(l.from, "p3"); !errors.Is(err, ErrNone) {
			t.Errorf("a passage that there is not: %v", err)
		}
	})
}

// TestNameOfManyDays: a name is found in each day that has it, however far these are apart, newest first and page by page.
func TestNameOfManyDays(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		var want []string
		for i := range 5 {
			id := fmt.Sprintf("p%d", i)
			l.event(&observation.PassageClosed{Id: id, Lane: "lane-1", OpenedNs: l.now.UnixNano(), Plate: "AAA111"})
			l.event(&observation.PassageClosed{Id: "x" + id, Lane: "lane-1", OpenedNs: l.now.UnixNano(), Plate: "BBB222"})
			want = append([]string{id}, want...)
			l.now = l.now.Add(40 * 24 * time.Hour)
		}
		l.send()
		c.follow(batchRows)
		c.finds("on all days", named(observation.PlateName, "AAA111"), want...)
		c.finds("on some", Search{Any: "AAA111", From: l.now.Add(-130 * 24 * time.Hour), To: l.now.Add(-70 * 24 * time.Hour)}, "p3", "p2")
		c.finds("on none", named(observation.PlateName, "CCC333"))
	})
}

// TestDevicesListsAndHours: the newest state and the conditions that last are a device's, in whichever order classes
// come; lists are those that were taken last; each row counts once, in its hour.
func TestDevicesListsAndHours(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		state := func(s observation.DeviceState_State) {
			l.add(observation.Class_CLASS_EVENT, "rpm-1", &observation.DeviceState{State: s, Reason: s.String()})
		}
		condition := func(class observation.Class, name string, over bool) {
			l.add(class, "rpm-1", &observation.DeviceCondition{Condition: name, Cleared: over, Text: name})
		}
		state(observation.DeviceState_STATE_RUNNING)
		state(observation.DeviceState_STATE_DOWN)
		condition(observation.Class_CLASS_ALARM, "buffer", false)
		condition(observation.Class_CLASS_EVENT, "buffer", true)
		condition(observation.Class_CLASS_EVENT, "antenna", true)
		condition(observation.Class_CLASS_ALARM, "antenna", false) // comes first, and is the later one
		l.event(&observation.OrdersChecked{Taken: []*observation.OrdersTarget{{Path: "lists/targets/11-12.delta"}, {Path: "bundles/x"}}})
		l.alarm()
		l.now = l.now.Add(time.Hour)
		l.alarm()
		l.alarm()
		l.send()
		c.follow(3)
		devices, err := c.Devices(1)
		if err != nil || len(devices) != 1 {
			t.Fatalf("%v, %v", devices, err)
		}
		d := devices[0]
		if d.State.GetBody().GetDeviceState().GetState() != observation.DeviceState_STATE_DOWN || !d.Seen.Equal(l.now) ||
			len(d.Conditions) != 1 || d.Conditions[0].Body.GetDeviceCondition().Condition != "antenna" {
			t.Errorf("%+v", d)
		}
		if lists, err := c.Lists(1); err != nil || len(lists) != 1 || lists[0] != (List{List: "targets", Version: 12}) {
			t.Errorf("lists: %v, %v", lists, err)
		}
		counted, err := c.Hours(1, l.now.Add(-time.Hour), l.now.Add(time.Hour))
		got := map[string]int64{}
		for _, one := range counted {
			got[fmt.Sprintf("%s %s %s", one.Hour.Format("15"), one.Device, one.What)] = one.N
		}
		for what, n := range map[string]int64{
			"12 rpm-1 alarm.radiation.occupancy": 1, "13 rpm-1 alarm.radiation.occupancy": 2,
			"12 rpm-1 detections": 1, "13 rpm-1 detections": 2, "12 rpm-1 alarm.device.condition": 2,
		} {
			if got[what] != n {
				t.Errorf("%s: %d, expected %d of %v (%v)", what, got[what], n, got, err)
			}
		}
		c.sameAgain()
	})
}

// TestRowsThatCannotBeRead: a row of a kind of the future is passed over, one that cannot be decoded or written is
// counted and named, and all others are folded.
func TestRowsThatCannotBeRead(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		l.event(&observation.PassageClosed{Id: "p1", Lane: "lane-1", OpenedNs: l.now.UnixNano(), Plate: "AAA111"})
		l.event(&observation.PassageClosed{Id: "p\x00", Lane: "lane-1", OpenedNs: l.now.UnixNano()})
		l.event(&observation.PassageClosed{Id: strings.Repeat("p", 300), OpenedNs: l.now.UnixNano()})
		l.event(&observation.PassageClosed{Id: "p2", Lane: "lane\x00", OpenedNs: l.now.UnixNano() - 1})
		l.send()
		c.raw(l, observation.Kind_KIND_PASSAGE_CLOSED, []byte("\xff\xff"))
		c.raw(l, 9999, []byte("\xff\xff"))
		l.now = l.now.Add(time.Hour)
		c.follow(batchRows)
		c.finds("all that can be read", Search{}, "p1", "p2")
		p, err := c.Progress()
		if newest, _ := c.ledger.Durable(); err != nil || p.Unread != 3 || p.Seq != newest || !strings.Contains(p.Why, "passage.closed") {
			t.Errorf("%+v, %v", p, err)
		}
		c.sameAgain()
	})
}

// raw files a row of any content behind a lane's events.
func (c *centre) raw(l *lane, kind observation.Kind, body []byte) {
	c.t.Helper()
	last := l.sent[observation.Class_CLASS_EVENT]
	idx := max(last, l.j.Size()-1, l.sent[0]) + 1
	answers, err := c.ledger.Apply([]ledger.Message{ledger.Batch{From: l.from, Body: wire.NewBatch(l.j.Identity().ID,
		observation.Class_CLASS_EVENT, last, []wire.Row{{Idx: idx, Time: l.now.UnixNano(), Device: observation.AgentDevice, Kind: kind, Body: body}})}})
	if err != nil || answers[0].Ack.Refusal != 0 {
		c.t.Fatal(err, answers)
	}
	l.sent[observation.Class_CLASS_EVENT], l.sent[0] = idx, idx
}

// TestARowThatCannotBeWritten: where the database itself refuses what a row leads to, that row alone is passed over.
func TestARowThatCannotBeWritten(t *testing.T) {
	c := newCentre(t, "")
	l := newLane(c, "emerson", "lane-7")
	c.follow(batchRows)
	for i := range 20 {
		l.event(&observation.PassageClosed{Id: fmt.Sprintf("p%d", i), Lane: "lane-1", OpenedNs: l.now.UnixNano() - int64(i)})
	}
	l.send()
	c.follow(1) // the tables
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused := false
	passages := folds[2].begin
	folds[2].begin = func(b *batch) folding { return &refusing{passages(b), b, &refused} }
	defer func() { folds[2].begin = passages }()
	c.follow(batchRows)
	if p, _ := c.Progress(); !refused || p.Unread != 1 || len(c.ids(Search{})) != 19 {
		t.Errorf("%+v, %d passages", p, len(c.ids(Search{})))
	}
}

// refusing is a fold whose database refuses one row.
type refusing struct {
	folding
	b       *batch
	refused *bool
}

func (r *refusing) finish() error {
	for _, row := range r.b.rows {
		if row.Idx == 7 {
			*r.refused = true
			return errors.New("no such value")
		}
	}
	return r.folding.finish()
}

// TestErasedValuesLeaveTheViews: a vehicle whose personal values are erased, by its lane or at the hub, is not found
// by them any more, and no hash of them is left; what else is known of it stays.
func TestErasedValuesLeaveTheViews(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		read := l.plate("AAA111")
		l.event(&observation.PassageOpened{Id: "open", Lane: "lane-1", Readings: []*observation.PassageReading{read}})
		closed := l.event(&observation.PassageClosed{Id: "closed", Lane: "lane-1", OpenedNs: l.now.UnixNano() - 1, Plate: "BBB222",
			Containers: []string{"CSQU3054383"}, Alarm: true})
		l.event(&observation.PassageClosed{Id: "other", Lane: "lane-1", OpenedNs: l.now.UnixNano() - 2, Plate: "CCC333"})
		l.send()
		c.follow(batchRows)
		c.finds("before", named(observation.PlateName, "BBB222"), "closed")
		l.event(&observation.AgentErased{First: closed, Runs: []uint64{1}, Rows: 1})
		l.send()
		page := &ledger.ErasePage{}
		if err := c.apply(t.Context(), ledger.Erase{Name: "AAA111", Page: page}); err != nil || page.Rows != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		c.finds("erased, not yet folded", named(observation.PlateName, "BBB222"))
		c.follow(batchRows)
		for _, name := range []string{"AAA111", "BBB222", "CSQU3054383"} {
			c.finds(name, Search{Any: name})
		}
		c.finds("another's", named(observation.PlateName, "CCC333"), "other")
		c.finds("the alarm", Search{Alarm: true}, "closed")
		if n, err := integer(c.ledger.Derived(), "SELECT count(*) FROM view_name"); n != 1 || err != nil {
			t.Errorf("%d names are left (%v)", n, err)
		}
		if n, err := integer(c.ledger.Derived(), "SELECT count(*) FROM erased"); n != 0 || err != nil {
			t.Errorf("%d erased rows are not done (%v)", n, err)
		}
		if p, err := c.Passage(l.from, "closed"); err != nil || p.Document.Plate != "erased" {
			t.Errorf("%v, %v", p.Document, err)
		}
		c.sameAgain()
	})
}

// TestExactlyOnce: a batch whose answer was lost, or that was undone, leaves each row counted once.
func TestExactlyOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		for range 10 {
			l.alarm()
		}
		l.send()
		for i := 0; i < 40; i++ {
			if i%2 == 0 {
				c.broken = errors.New("the answer is lost")
			}
			c.Views.most, c.Views.limit = 2, 2
			_, _ = c.step(t.Context())
		}
		c.broken = nil
		c.follow(batchRows)
		counted, err := c.Hours(0, l.now.Add(-time.Hour), l.now.Add(time.Hour))
		if err != nil || len(counted) != 2 || counted[0].N != 10 || counted[1].N != 10 {
			t.Errorf("%v, %v", counted, err)
		}
	})
}

// TestUndoneBatches: a batch that was undone, and is folded again by the same message, counts once, also one in which rows
// were erased and none came.
func TestUndoneBatches(t *testing.T) {
	onBoth(t, func(t *testing.T, c *centre) {
		l := newLane(c, "emerson", "lane-7")
		c.undoes = true
		read := l.plate("AAA111")
		l.event(&observation.PassageOpened{Id: "p1", Lane: "lane-1", Readings: []*observation.PassageReading{read, l.alarm()}})
		l.event(&observation.ClearanceDecision{Presentation: "v1", Revision: 1, Lane: "lane-1", Passage: "p1", Outcome: "HOLD"})
		l.event(&observation.PassageClosed{Id: "p2", Lane: "lane-1", OpenedNs: l.now.UnixNano(), Plate: "BBB222"})
		l.send()
		c.follow(3)
		page := &ledger.ErasePage{}
		if err := c.apply(t.Context(), ledger.Erase{Name: "BBB222", Page: page}); err != nil || page.Rows != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		c.follow(batchRows)
		c.finds("what was erased", named(observation.PlateName, "BBB222"))
		c.finds("what was not", named(observation.PlateName, "AAA111"), "p1")
		c.undoes = false
		c.sameAgain()
	})
}

// twoHubs returns two processes with one ledger.
func twoHubs(t *testing.T) (both [2]*centre) {
	url, dir := postgrestest.URL(t), t.TempDir()
	for i := range both {
		l, err := ledger.OpenWith(t.Context(), ledger.Options{Dir: dir, URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		both[i] = &centre{t: t, ledger: l}
		both[i].Views = New(l, both[i].apply, slog.New(slog.DiscardHandler))
	}
	return both
}

// TestTwoHubs: of two processes with one ledger each row is folded by one of them, and both answer.
func TestTwoHubs(t *testing.T) {
	both := twoHubs(t)
	l := newLane(both[0], "emerson", "lane-7")
	for i := range 50 {
		l.alarm()
		l.event(&observation.PassageClosed{Id: fmt.Sprintf("p%02d", i), Lane: "lane-1", OpenedNs: l.now.UnixNano() - int64(i)})
	}
	l.send()
	done := make(chan error, 2)
	for _, c := range both {
		go func() {
			var err error
			for n := 0; n < 200 && err == nil; n++ {
				c.Views.most, c.Views.limit = 3, 3
				_, err = c.step(t.Context())
			}
			done <- err
		}()
	}
	for range both {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range both {
		if n := len(c.ids(Search{})); n != 50 {
			t.Errorf("%d passages", n)
		}
	}
	both[1].follow(batchRows)
	both[1].sameAgain()
}
