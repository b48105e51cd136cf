package casebook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
)

// desk is an agent with its journal and casebook.
type desk struct {
	*testing.T
	dir     string
	journal *journal.Journal
	*Casebook
	stop func()
	n    int
}

func newDesk(t *testing.T) *desk {
	d := &desk{T: t, dir: filepath.Join(t.TempDir(), "journal")}
	d.start()
	t.Cleanup(func() { d.stop() })
	return d
}

func (d *desk) start() {
	d.Helper()
	j, err := journal.Open(d.dir, journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		d.Fatal(err)
	}
	d.journal = j
	d.Casebook = New(Options{
		Journal: j, Rules: cases.DefaultRules(), Handheld: 15 * time.Minute, Log: slog.New(slog.DiscardHandler),
		Stations: []Station{{ID: "portal", Devices: []string{"rpm-1"}}, {ID: "secondary", Devices: []string{"hand-1"}}},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Casebook.Run(ctx) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, j.Close()); err != nil {
			d.Error(err)
		}
	})
}

// commit journals a row and returns its idx.
func (d *desk) commit(class observation.Class, device string, body proto.Message, artifacts ...*observation.Artifact) int64 {
	d.Helper()
	d.n++
	o := observation.New(class, time.Now(), body)
	o.Device, o.Key, o.Body.Artifacts = device, fmt.Sprintf("row %d %d", d.n, o.TimeNs), artifacts
	if _, err := d.journal.Commit(d.Context(), o); err != nil {
		d.Fatal(err)
	}
	rows, err := d.journal.ReadBack(d.journal.Size(), 20)
	if err != nil {
		d.Fatal(err)
	}
	for _, r := range rows {
		if r.Key == o.Key {
			return r.Idx
		}
	}
	d.Fatal("the row is not there")
	return -1
}

func (d *desk) alarm() int64 {
	return d.commit(observation.Class_CLASS_ALARM, "rpm-1", &observation.RadiationOccupancy{GammaAlarm: true, SigmaMax: 81, SigmaLimit: 7})
}

// passage journals that alarms are of a passage that opens.
func (d *desk) passage(id string, alarms ...int64) {
	p := &observation.PassageOpened{Id: id, Lane: "lane-1"}
	for _, a := range alarms {
		p.Readings = append(p.Readings, d.reading(a))
	}
	d.commit(observation.Class_CLASS_EVENT, observation.AgentDevice, p)
}

func (d *desk) reading(alarm int64) *observation.PassageReading {
	return &observation.PassageReading{
		Idx: alarm, Device: "rpm-1", Kind: uint32(observation.Kind_KIND_RADIATION_OCCUPANCY), Class: uint32(observation.Class_CLASS_ALARM), Confidence: 1,
	}
}

func (d *desk) move(alarm int64, from, to string) {
	d.commit(observation.Class_CLASS_EVENT, observation.AgentDevice,
		&observation.PassageCorrected{Idx: alarm, From: from, To: to, By: "lane", Reading: d.reading(alarm)})
}

// until waits for a case to be as it is wanted.
func (d *desk) until(id string, holds func(*cases.Case) bool) *cases.Case {
	d.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		c, err := d.Case(id)
		if err != nil {
			d.Fatal(err)
		}
		if c != nil && holds(c) {
			return c
		}
		if time.Now().After(deadline) {
			d.Fatalf("case %s is %+v", id, c)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func inState(s cases.State) func(*cases.Case) bool {
	return func(c *cases.Case) bool { return c.State == s }
}

// do lets an officer act, who has seen the case as it is.
func (d *desk) do(id string, action observation.CaseEvent_Action, by string, with func(*observation.CaseEvent)) (*cases.Case, error) {
	c, err := d.Case(id)
	if err != nil || c == nil {
		d.Fatalf("no case %s: %v", id, err)
	}
	act := &observation.CaseEvent{Id: id, Action: action, By: by, Role: "officer", Notes: "n", Reason: "r"}
	if with != nil {
		with(act)
	}
	return d.Act(d.Context(), act, c.Revision())
}

func verdict(code uint32) func(*observation.CaseEvent) {
	return func(a *observation.CaseEvent) { a.Verdict = &observation.CaseVerdict{Code: code} }
}

const first, second = "lane-1-20261201T080000-1", "lane-1-20261201T080100-2"

// TestOpensByItself: a passage with an alarm has one case, whatever else comes, and one without has none.
func TestOpensByItself(t *testing.T) {
	d := newDesk(t)
	one, two := d.alarm(), d.alarm()
	d.passage(second)
	d.passage(first, one)
	c := d.until(first, inState(cases.Open))
	if c.Lane != "lane-1" || len(c.Alarms) != 1 || !c.Alarms[0].Gamma || c.Alarms[0].Sigma != 81 || c.Alarms[0].Station != "portal" {
		t.Errorf("%+v", c)
	}
	d.commit(observation.Class_CLASS_EVENT, observation.AgentDevice,
		&observation.PassageUpdated{Id: first, Readings: []*observation.PassageReading{d.reading(one), d.reading(two)}})
	d.until(first, func(c *cases.Case) bool { return len(c.Alarms) == 2 })
	if n := len(d.Cases()); n != 1 {
		t.Errorf("%d cases", n)
	}
}

// TestAlarmMoves: an alarm that proves to be another vehicle's withdraws the case of the first, and opens one.
func TestAlarmMoves(t *testing.T) {
	d := newDesk(t)
	alarm := d.alarm()
	d.passage(first, alarm)
	d.passage(second)
	d.until(first, inState(cases.Open))
	d.move(alarm, first, second)
	d.until(first, inState(cases.Withdrawn))
	d.until(second, inState(cases.Open))
	if _, err := d.do(second, observation.CaseEvent_ACTION_TAKE, "Ana", nil); err != nil {
		t.Fatal(err)
	}
	d.move(alarm, second, "")
	d.until(second, func(c *cases.Case) bool { return len(c.Alarms) == 0 && c.State == cases.Taken })
}

// TestSurvivesRestarts: cases are there after a restart, and an alarm that was moved before is followed on.
func TestSurvivesRestarts(t *testing.T) {
	d := newDesk(t)
	alarm := d.alarm()
	d.passage(first, alarm)
	d.until(first, inState(cases.Open))
	if _, err := d.do(first, observation.CaseEvent_ACTION_DECIDE, "Ana", verdict(6)); err != nil {
		t.Fatal(err)
	}
	d.stop()
	d.start()
	d.until(first, inState(cases.Decided))
	d.passage(second)
	d.move(alarm, first, second)
	d.until(second, inState(cases.Open))
	d.until(first, func(c *cases.Case) bool { return len(c.Alarms) == 0 })
	rows, err := d.journal.ReadCases(0, 100)
	if err != nil || len(rows) != 4 {
		t.Errorf("%d rows about cases: %v", len(rows), err)
	}
}

// TestKeyCountsOnce: the same request again changes nothing; another one under its key is refused; who has not seen what
// the case is now is asked to look.
func TestKeyCountsOnce(t *testing.T) {
	d := newDesk(t)
	d.passage(first, d.alarm())
	c := d.until(first, inState(cases.Open))
	act := func() *observation.CaseEvent {
		return &observation.CaseEvent{Id: first, Action: observation.CaseEvent_ACTION_DECIDE, By: "Ana", Role: "officer", Key: "k1",
			Verdict: &observation.CaseVerdict{Code: 6}}
	}
	for range 3 {
		if c, err := d.Act(t.Context(), act(), c.Revision()); err != nil || c.State != cases.Decided || c.Revision() != 2 {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	other := act()
	other.Verdict.Code = 4
	if _, err := d.Act(t.Context(), other, 2); !message.Of(err).Is("cases.other-key") {
		t.Error(err)
	}
	late := act()
	late.Key, late.Action, late.Reason = "k2", observation.CaseEvent_ACTION_REOPEN, "r"
	if _, err := d.Act(t.Context(), late, 1); !message.Of(err).Is("cases.revised") {
		t.Error(err)
	}
}

// TestHandheld: an N42 document at the station of an open secondary inspection is attached once; elsewhere, without one,
// or with two open ones, none is.
func TestHandheld(t *testing.T) {
	d := newDesk(t)
	d.passage(first, d.alarm())
	d.passage(second, d.alarm())
	d.until(first, inState(cases.Open))
	d.until(second, inState(cases.Open))
	measure := func(device string) int64 {
		a, err := d.journal.StoreArtifact(t.Context(), strings.NewReader(fmt.Sprint("<RadInstrumentData/>", d.n)), "application/xml", "")
		if err != nil {
			t.Fatal(err)
		}
		return d.commit(observation.Class_CLASS_EVENT, device, &observation.RadiationSpectrum{Nuclides: []*observation.Nuclide{{Name: "K-40"}}}, a)
	}
	ask := func(id string) {
		if _, err := d.do(id, observation.CaseEvent_ACTION_ASK_SECONDARY, "Ana", func(a *observation.CaseEvent) { a.Station = "secondary" }); err != nil {
			t.Fatal(err)
		}
	}
	measure("hand-1")
	ask(first)
	measure("rpm-1")
	row := measure("hand-1")
	c := d.until(first, func(c *cases.Case) bool { return len(c.Attachments) > 0 })
	if len(c.Attachments) != 1 || c.Attachments[0].Row != row || c.Attachments[0].By != cases.LaneRole {
		t.Errorf("%+v", c.Attachments)
	}
	ask(second)
	measure("hand-1")
	if c, err := d.do(first, observation.CaseEvent_ACTION_COMMENT, "Ana", nil); err != nil || len(c.Attachments) != 1 {
		t.Errorf("%d attached", len(c.Attachments))
	}
}

// TestCopyOfTheCentre: what was said at the centre counts at the lane, once, also after a restart.
func TestCopyOfTheCentre(t *testing.T) {
	d := newDesk(t)
	d.passage(first, d.alarm())
	c := d.until(first, inState(cases.Open))
	said := &observation.CaseEvent{
		Id: first, Action: observation.CaseEvent_ACTION_DECIDE, By: "Max", Role: "expert", Centre: true, Key: "m1", Seen: c.Heads(),
		Verdict: &observation.CaseVerdict{Code: 6},
		Origin:  &observation.CaseOrigin{Journal: []byte("the hub's journal"), Idx: 7, TimeNs: time.Now().UnixNano()},
	}
	for range 2 {
		if err := d.Receive(t.Context(), said); err != nil {
			t.Fatal(err)
		}
	}
	d.until(first, inState(cases.Decided))
	d.stop()
	d.start()
	if c := d.until(first, inState(cases.Decided)); c.Revision() != 2 || !c.Verdicts[0].Centre {
		t.Errorf("%d rows, %+v", c.Revision(), c.Verdicts)
	}
	said.Origin = nil
	if err := d.Receive(t.Context(), said); err == nil {
		t.Error("a copy of nothing")
	}
}
