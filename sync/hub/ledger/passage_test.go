package ledger

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// put commits one observation and returns its row.
func (l lane) put(device string, class observation.Class, body proto.Message) int64 {
	l.t.Helper()
	o := observation.New(class, time.Unix(l.j.Size()+1, 0), body)
	o.Device = device
	if _, err := l.j.Commit(l.t.Context(), o); err != nil {
		l.t.Fatal(err)
	}
	return l.j.Size() - 1
}

// say commits rows of the agent.
func (l lane) say(bodies ...proto.Message) {
	l.t.Helper()
	for _, b := range bodies {
		l.put(observation.AgentDevice, observation.Class_CLASS_EVENT, b)
	}
}

// Rows that every passage of these tests is about.
const (
	rowPlate      = 0 // lpr-1 reads AAA111, surely
	rowOtherPlate = 1 // lpr-1 reads BBB222
	rowLatePlate  = 2 // lpr-2 reads AAA112, less surely
	rowAlarm      = 3 // of rpm-1
)

func newVehicles(t *testing.T) lane {
	l := newLane(t, 0)
	l.put("lpr-1", observation.Class_CLASS_EVENT, &observation.VehiclePlate{Normal: "AAA111", Confidence: 0.9})
	l.put("lpr-1", observation.Class_CLASS_EVENT, &observation.VehiclePlate{Normal: "BBB222", Confidence: 0.8})
	l.put("lpr-2", observation.Class_CLASS_EVENT, &observation.VehiclePlate{Normal: "AAA112", Confidence: 0.5})
	l.put("rpm-1", observation.Class_CLASS_ALARM, &observation.RadiationOccupancy{GammaAlarm: true})
	return l
}

func plateReading(idx int64, confidence float32) *observation.PassageReading {
	return &observation.PassageReading{Idx: idx, Kind: uint32(observation.Kind_KIND_VEHICLE_PLATE), Confidence: confidence}
}

// alarmReading is the alarm's, which may be of another passage as well.
func alarmReading(confidence float32, other string, otherConfidence float32) *observation.PassageReading {
	return &observation.PassageReading{
		Idx: rowAlarm, Kind: uint32(observation.Kind_KIND_RADIATION_OCCUPANCY), Class: uint32(observation.Class_CLASS_ALARM),
		Confidence: confidence, Other: other, OtherConfidence: otherConfidence,
	}
}

func opened(id string, readings ...*observation.PassageReading) proto.Message {
	return &observation.PassageOpened{Id: id, Readings: readings}
}

func updated(id string, readings ...*observation.PassageReading) proto.Message {
	return &observation.PassageUpdated{Id: id, Readings: readings}
}

func corrected(from, to string, r *observation.PassageReading) proto.Message {
	return &observation.PassageCorrected{Idx: r.Idx, From: from, To: to, By: "officer-7", Reading: r}
}

// event returns the filed event of a row.
func (l lane) event(ledger *Ledger, idx int64) Event {
	l.t.Helper()
	events, err := ledger.Events(0, 1000, Filter{})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range events {
		if e.Idx == idx {
			return e
		}
	}
	l.t.Fatalf("row %d is not filed", idx)
	return Event{}
}

// file sends all rows.
func (l lane) file(ledger *Ledger) {
	l.t.Helper()
	apply(l.t, ledger, l.hello())
	for _, class := range []observation.Class{observation.Class_CLASS_ALARM, observation.Class_CLASS_EVENT} {
		apply(l.t, ledger, l.batch(class, -1, 1000))
	}
}

// An alarm's event names each passage that it may be of, with its plate and confidence, as the lane said last.
func TestAlarmOfTwoPassages(t *testing.T) {
	a, b := opened("a", plateReading(rowPlate, 1)), opened("b", plateReading(rowOtherPlate, 1))
	in := func(id, plate string, confidence float64) Candidate { return Candidate{id, plate, confidence} }
	for name, c := range map[string]struct {
		said        []proto.Message
		want, other Candidate
	}{
		"nothing said yet":      {[]proto.Message{a, b}, Candidate{}, Candidate{}},
		"one candidate":         {[]proto.Message{a, b, updated("a", alarmReading(1, "", 0))}, in("a", "AAA111", 1), Candidate{}},
		"two candidates":        {[]proto.Message{a, b, updated("a", alarmReading(0.75, "b", 0.25))}, in("a", "AAA111", 0.75), in("b", "BBB222", 0.25)},
		"opened with it":        {[]proto.Message{b, opened("a", plateReading(rowPlate, 1), alarmReading(0.75, "b", 0.25))}, in("a", "AAA111", 0.75), in("b", "BBB222", 0.25)},
		"among several":         {[]proto.Message{b, opened("a", plateReading(rowLatePlate, 1)), updated("a", plateReading(rowPlate, 1), alarmReading(0.75, "b", 0.25))}, in("a", "AAA111", 0.75), in("b", "BBB222", 0.25)},
		"the other is unknown":  {[]proto.Message{a, updated("a", alarmReading(0.75, "c", 0.25))}, in("a", "AAA111", 0.75), in("c", "", 0.25)},
		"certain in the end":    {[]proto.Message{a, b, updated("a", alarmReading(0.75, "b", 0.25)), updated("a", alarmReading(0.96875, "", 0))}, in("a", "AAA111", 0.96875), Candidate{}},
		"moved":                 {[]proto.Message{a, b, updated("a", alarmReading(0.75, "b", 0.25)), corrected("a", "b", alarmReading(0.5, "a", 0.25))}, in("b", "BBB222", 0.5), in("a", "AAA111", 0.25)},
		"detached":              {[]proto.Message{a, b, updated("a", alarmReading(0.75, "b", 0.25)), corrected("a", "", alarmReading(1, "", 0))}, Candidate{}, Candidate{}},
		"of nobody, perhaps":    {[]proto.Message{a, b, corrected("", "", alarmReading(0.75, "b", 0.25))}, in("", "", 0.75), in("b", "BBB222", 0.25)},
		"moved by earlier rows": {[]proto.Message{a, b, updated("a", alarmReading(1, "", 0)), &observation.PassageCorrected{Idx: rowAlarm, From: "a", To: "b"}}, in("b", "BBB222", 0), Candidate{}},
	} {
		t.Run(name, func(t *testing.T) {
			l, ledger := newVehicles(t), open(t, t.TempDir())
			l.say(c.said...)
			l.file(ledger)
			if got := l.event(ledger, rowAlarm); got.Candidate != c.want || got.Other != c.other {
				t.Errorf("%+v or %+v, expected %+v or %+v", got.Candidate, got.Other, c.want, c.other)
			}
		})
	}
}

// The plate goes where its read goes: a passage that lost one has the surest of those that are left.
func TestPlateFollowsItsRead(t *testing.T) {
	alarm := updated("a", alarmReading(1, "", 0))
	for name, c := range map[string]struct {
		said []proto.Message
		want string // plate of passage a
	}{
		"the surest read": {[]proto.Message{opened("a", plateReading(rowLatePlate, 1), plateReading(rowPlate, 1)), alarm}, "AAA111"},
		"moved away":      {[]proto.Message{opened("a", plateReading(rowPlate, 1)), alarm, corrected("a", "b", plateReading(rowPlate, 1))}, ""},
		"another is left": {[]proto.Message{opened("a", plateReading(rowPlate, 1), plateReading(rowLatePlate, 1)), alarm, corrected("a", "b", plateReading(rowPlate, 1))}, "AAA112"},
		"moved here":      {[]proto.Message{opened("b", plateReading(rowPlate, 1)), opened("a", plateReading(rowLatePlate, 1)), alarm, corrected("b", "a", plateReading(rowPlate, 1))}, "AAA111"},
		"closed": {[]proto.Message{
			opened("a", plateReading(rowPlate, 1)), alarm, &observation.PassageClosed{Id: "a", Plate: "CCC333"}, updated("a", plateReading(rowOtherPlate, 1)),
		}, "CCC333"},
		"closed, then moved away": {[]proto.Message{
			opened("a", plateReading(rowPlate, 1)), alarm, &observation.PassageClosed{Id: "a", Plate: "AAA111"}, corrected("a", "b", plateReading(rowPlate, 1)),
		}, ""},
		"closed without, then read": {[]proto.Message{
			opened("a", alarmReading(1, "", 0)), &observation.PassageClosed{Id: "a"}, updated("a", plateReading(rowOtherPlate, 1)),
		}, "BBB222"},
		"moved away by earlier rows": {[]proto.Message{
			opened("a", plateReading(rowPlate, 1)), alarm, &observation.PassageCorrected{Idx: rowPlate, From: "a", To: "b"},
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, ledger := newVehicles(t), open(t, t.TempDir())
			l.say(c.said...)
			l.file(ledger)
			if got := l.event(ledger, rowAlarm); got.Passage != "a" || got.Plate != c.want {
				t.Errorf("passage %q, plate %q, expected plate %q", got.Passage, got.Plate, c.want)
			}
		})
	}
}

// A ledger of the version before is opened, keeps what it knew, and takes what only this version knows.
func TestOldPassageTables(t *testing.T) {
	sqliteOnly(t, "no ledger in PostgreSQL is so old")
	dir, l := t.TempDir(), newVehicles(t)
	l.say(opened("a", plateReading(rowPlate, 1)), opened("b", plateReading(rowOtherPlate, 1)), updated("a", alarmReading(1, "", 0)))
	ledger := open(t, dir)
	l.file(ledger)
	if err := sqlOf(ledger).Script(`
		DROP TABLE passage_reading;
		CREATE TABLE passage_reading(owner INTEGER NOT NULL, idx INTEGER NOT NULL, passage TEXT NOT NULL, PRIMARY KEY(owner, idx)) WITHOUT ROWID;
		INSERT INTO passage_reading(owner, idx, passage) VALUES(1, 0, 'a'), (1, 1, 'b'), (1, 3, 'a');
	`); err != nil {
		t.Fatal(err)
	}
	for range 2 { // and once more, as it is then
		if err := ledger.Close(); err != nil {
			t.Fatal(err)
		}
		ledger = open(t, dir)
		if got := l.event(ledger, rowAlarm); got.Candidate != (Candidate{"a", "AAA111", 0}) || got.Other != (Candidate{}) {
			t.Fatalf("%+v or %+v", got.Candidate, got.Other)
		}
	}
	last := l.j.Last(observation.Class_CLASS_EVENT)
	l.say(updated("a", alarmReading(0.75, "b", 0.25)), corrected("a", "b", plateReading(rowPlate, 1)))
	apply(t, ledger, l.batch(observation.Class_CLASS_EVENT, last, 1000))
	if got := l.event(ledger, rowAlarm); got.Candidate != (Candidate{"a", "", 0.75}) || got.Other != (Candidate{"b", "AAA111", 0.25}) {
		t.Errorf("%+v or %+v", got.Candidate, got.Other)
	}
}
