package ledger

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// lane is a journal whose rows a test sends by hand.
type lane struct {
	t *testing.T
	j *journal.Journal
}

func newLane(t *testing.T, rows int) lane {
	return openLane(t, t.TempDir(), rows)
}

func openLane(t *testing.T, dir string, rows int) lane {
	j, err := journal.Open(dir, journal.Options{Site: "demo", Agent: "lane-1", SignEvery: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	l := lane{t, j}
	l.commit(rows)
	return l
}

// commit adds rows in one transaction: every seventh an alarm, every third an event.
func (l lane) commit(rows int) {
	var all []*observation.Observation
	for i := range rows {
		class := observation.Class_CLASS_TELEMETRY
		if i%7 == 0 {
			class = observation.Class_CLASS_ALARM
		} else if i%3 == 0 {
			class = observation.Class_CLASS_EVENT
		}
		o := observation.New(class, time.Unix(int64(i), 0), &observation.RadiationTamper{Tripped: i%2 == 0})
		o.Device = "rpm-1"
		all = append(all, o)
	}
	if _, err := l.j.Commit(l.t.Context(), all...); err != nil {
		l.t.Fatal(err)
	}
}

// laneOne is who sends the messages of a lane.
var laneOne = Sender{Site: "demo", Agent: "lane-1"}

func (l lane) hello() Hello {
	id := l.j.Identity()
	_, checkpoint := l.j.Checkpoint()
	return Hello{laneOne, &wire.Hello{Journal: id.ID, Size: l.j.Size(), Checkpoint: checkpoint, BlindKey: id.BlindKey, Verifier: id.Verifier, Epoch: 9,
		Inventory: &observation.Inventory{Devices: []*observation.Device{{Id: "rpm-1", Lane: "lane-1"}}}}}
}

// batch makes the batch of a class after a row.
func (l lane) batch(class observation.Class, after int64, max int) Batch {
	rows, err := l.j.ReadClass(class, after, max, 1<<20)
	if err != nil || len(rows) == 0 {
		l.t.Fatalf("%d rows, %v", len(rows), err)
	}
	out := make([]wire.Row, len(rows))
	for i, r := range rows {
		out[i] = wire.RowOf(&r, true)
	}
	b := wire.NewBatch(l.j.Identity().ID, class, after, out)
	b.Epoch = 3
	return Batch{laneOne, b}
}

func open(t *testing.T, dir string) *Ledger {
	l, err := openAt(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func apply(t *testing.T, l *Ledger, m Message) *wire.Ack {
	t.Helper()
	a, err := l.Apply([]Message{m})
	if err != nil {
		t.Fatal(err)
	}
	return a[0].Ack
}

func TestClassesArriveOutOfOrderAndTheEvidenceCloses(t *testing.T) {
	lane, dir := newLane(t, 1000), t.TempDir()
	l := open(t, dir)
	if a := apply(t, l, lane.batch(1, -1, 10)); a.Refusal != wire.Refusal_REFUSAL_HELLO_NEEDED {
		t.Fatalf("a batch before any hello: %v", a)
	}
	a := apply(t, l, lane.hello())
	if a.HelloEpoch != 9 || len(a.Cursors) != 3 || a.Cursors[0].Idx != -1 || a.Refusal != 0 {
		t.Fatalf("hello: %v", a)
	}
	for _, class := range observation.Classes {
		for after := int64(-1); after < lane.j.Last(class); {
			m := lane.batch(class, after, 100)
			a := apply(t, l, m)
			if a.Cursors[0].GoBack || a.Cursors[0].Epoch != 3 {
				t.Fatalf("batch after %d: %v", after, a)
			}
			after = a.Cursors[0].Idx
			if again := apply(t, l, m); !again.Cursors[0].GoBack || again.Cursors[0].Idx != after {
				t.Fatalf("the same batch again: %v", again)
			}
			l.Close() // and comes back: everything must be in the database
			l = open(t, dir)
		}
	}
	all, err := l.allJournals()
	if err != nil || len(all) != 1 || all[0].Contiguous != 1000 || all[0].Verified != 1000 || !all[0].Refused.IsZero() {
		t.Fatalf("journals %+v, %v", all, err)
	}
	audited, err := Audit(t.Context(), place(dir), "")
	if err != nil || !audited[0].Report.OK() || audited[0].Report.Rows != 1000 || audited[0].Report.Signed != 1000 {
		t.Fatalf("audit %+v, %v", audited[0].Report, err)
	}
	if _, report, err := journal.Audit(t.Context(), filepath.Join(dir, FileName), ""); err == nil && report.OK() {
		t.Error("a ledger passed as a journal")
	}
}

func TestABatchWithAHoleIsSentBack(t *testing.T) {
	lane := newLane(t, 100)
	l := open(t, t.TempDir())
	apply(t, l, lane.hello())
	apply(t, l, lane.batch(3, -1, 5))
	cursor := apply(t, l, lane.batch(3, -1, 5)).Cursors[0].Idx
	skipped := lane.batch(3, cursor+10, 5)
	if a := apply(t, l, skipped); !a.Cursors[0].GoBack || a.Cursors[0].Idx != cursor {
		t.Errorf("a batch with a hole before it: %v", a)
	}
	if n := countRows(t, l); n != 5 {
		t.Errorf("%d rows", n)
	}
}

func TestRefusals(t *testing.T) {
	check := func(name string, a *wire.Ack, want wire.Refusal) {
		t.Helper()
		if a.Refusal != want || want != 0 &&
			(a.RefusalText == "" || a.RefusalTextFr == "" || a.RefusalTextFr == a.RefusalText) {
			t.Errorf("%s: %v %q, want %v", name, a.Refusal, a.RefusalText, want)
		}
	}
	lane := newLane(t, 50)
	l := open(t, t.TempDir())
	check("hello", apply(t, l, lane.hello()), 0)
	other := newLane(t, 3) // same names, another key: an impostor, or a box whose key was lost
	check("another key", apply(t, l, other.hello()), wire.Refusal_REFUSAL_KEY)
	elsewhere := lane.hello()
	elsewhere.From.Site = "elsewhere"
	check("key of another site", apply(t, l, elsewhere), wire.Refusal_REFUSAL_MALFORMED)
	short := lane.hello()
	short.Body.BlindKey = nil
	check("no blind key", apply(t, l, short), wire.Refusal_REFUSAL_MALFORMED)
	broken := lane.batch(3, -1, 5)
	broken.Body.BodyLen = nil
	check("malformed batch", apply(t, l, broken), wire.Refusal_REFUSAL_MALFORMED)
	for _, class := range observation.Classes {
		check("batch", apply(t, l, lane.batch(class, -1, 100)), 0)
	}
	back := lane.hello()
	back.Body.Size = 20
	check("rolled back", apply(t, l, back), wire.Refusal_REFUSAL_ROLLED_BACK)
	check("sound again", apply(t, l, lane.hello()), 0)
}

// A row that was altered on its way, or at the lane after it was signed, must not pass as evidence.
func TestAlteredRowIsRefusedByTheCheckpoint(t *testing.T) {
	lane := newLane(t, 60)
	l := open(t, t.TempDir())
	apply(t, l, lane.hello())
	for _, class := range observation.Classes {
		m := lane.batch(class, -1, 100)
		if class == observation.Class_CLASS_ALARM {
			m.Body.Bodies[0] ^= 1
		}
		a := apply(t, l, m)
		if last := class == observation.Class_CLASS_TELEMETRY; last != (a.Refusal == wire.Refusal_REFUSAL_EVIDENCE) {
			t.Errorf("class %v: %v", class, a)
		}
	}
	if a := apply(t, l, lane.hello()); a.Refusal != wire.Refusal_REFUSAL_EVIDENCE {
		t.Errorf("hello of a journal with altered rows: %v", a)
	}
}

func TestForkedHistoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	lane := openLane(t, dir, 30)
	l := open(t, t.TempDir())
	apply(t, l, lane.hello())
	for _, class := range observation.Classes {
		apply(t, l, lane.batch(class, -1, 100))
	}
	lane.j.Close()
	db, err := sqlog.Open(filepath.Join(dir, journal.FileName), sqlog.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	// History is rewritten at the lane, and goes on.
	for _, q := range []string{"UPDATE observation SET t=t+1 WHERE idx=4", "DELETE FROM checkpoint"} {
		if err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	lane = openLane(t, dir, 1)
	a := apply(t, l, lane.hello())
	if a.Refusal == 0 { // the rewritten row lies below the new checkpoint: its row has to come first
		a = apply(t, l, lane.batch(1, 28, 10))
	}
	if a.Refusal != wire.Refusal_REFUSAL_EVIDENCE || !strings.Contains(a.RefusalText, "root") {
		t.Errorf("a rewritten history: %v", a)
	}
}

func TestEventsFilterAndResume(t *testing.T) {
	lane := newLane(t, 50)
	l := open(t, t.TempDir())
	apply(t, l, lane.hello())
	for _, class := range observation.Classes {
		apply(t, l, lane.batch(class, -1, 100))
	}
	count := func(f Filter) (n int) {
		after := int64(0)
		for {
			e, err := l.Events(after, 7, f)
			if err != nil {
				t.Fatal(err)
			}
			if len(e) == 0 {
				return n
			}
			n, after = n+len(e), e[len(e)-1].Seq
		}
	}
	alarms := count(Filter{Classes: []observation.Class{observation.Class_CLASS_ALARM}})
	if all := count(Filter{}); all != 50 || alarms != 8 || count(Filter{Site: "demo", Agent: "lane-1"}) != 50 || count(Filter{Site: "x"}) != 0 {
		t.Errorf("%d rows, %d alarms", all, alarms)
	}
}

// An alarm names the passage and the plate that the lane found for it, also after a correction, and in a ledger that is older
// than the fold.
func TestEventsNamePassageAndPlate(t *testing.T) {
	dir, lane := t.TempDir(), newLane(t, 0)
	put := func(device string, class observation.Class, body proto.Message) int64 {
		o := observation.New(class, time.Unix(1, 0), body)
		o.Device = device
		if _, err := lane.j.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		return lane.j.Size() - 1
	}
	plate := put("lpr-1", observation.Class_CLASS_EVENT, &observation.VehiclePlate{Plate: "AB 123", Normal: "AB123", Confidence: 0.9})
	alarm := put("rpm-1", observation.Class_CLASS_ALARM, &observation.RadiationOccupancy{GammaAlarm: true})
	kind := uint32(observation.Kind_KIND_VEHICLE_PLATE)
	put(observation.AgentDevice, observation.Class_CLASS_EVENT, &observation.PassageOpened{Id: "p1", Readings: []*observation.PassageReading{{Idx: plate, Kind: kind}}})
	put(observation.AgentDevice, observation.Class_CLASS_EVENT, &observation.PassageUpdated{Id: "p1", Readings: []*observation.PassageReading{{Idx: alarm}}})
	l := open(t, dir)
	apply(t, l, lane.hello())
	named := func() [2]string {
		t.Helper()
		events, err := l.Events(0, 100, Filter{Classes: []observation.Class{observation.Class_CLASS_ALARM}})
		if err != nil || len(events) != 1 {
			t.Fatalf("%d alarms, %v", len(events), err)
		}
		return [2]string{events[0].Passage, events[0].Plate}
	}
	apply(t, l, lane.batch(1, -1, 10))
	if got := named(); got != [2]string{} {
		t.Errorf("before the lane said anything: %q", got)
	}
	apply(t, l, lane.batch(2, -1, 10))
	if got := named(); got != [2]string{"p1", "AB123"} {
		t.Errorf("%q", got)
	}
	last := lane.j.Last(2)
	put(observation.AgentDevice, observation.Class_CLASS_EVENT, &observation.PassageOpened{Id: "p2", Readings: []*observation.PassageReading{{Idx: 99}}})
	put(observation.AgentDevice, observation.Class_CLASS_EVENT, &observation.PassageCorrected{Idx: alarm, From: "p1", To: "p2"})
	put(observation.AgentDevice, observation.Class_CLASS_EVENT, &observation.PassageClosed{Id: "p2", Plate: "XY9"})
	apply(t, l, lane.batch(2, last, 10))
	if got := named(); got != [2]string{"p2", "XY9"} {
		t.Errorf("after the correction: %q", got)
	}
	if onPostgres {
		return // no ledger in it is older than the fold
	}
	for _, table := range []string{"passage", "passage_reading"} {
		if err := sqlOf(l).Exec("DELETE FROM " + table); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	if got := named(); got != [2]string{"p2", "XY9"} {
		t.Errorf("folded again: %q", got)
	}
}
