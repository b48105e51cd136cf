package ledger

import (
	"strings"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// defective is a batch on which this program fails when its rows are in.
type defective struct{ Batch }

func (d defective) applyTo(l *Ledger, touched map[*replica]bool) (Answer, error) {
	a, err := d.Batch.applyTo(l, touched)
	if err == nil {
		panic("a tile went missing")
	}
	return a, err
}

// TestDefectIsOneMessagesRefusal: a message on which this program panics is refused and leaves nothing behind. The
// other messages of its agent and those of others are kept. Where it happened is for the hub's log; the agent is told
// that the hub is at fault, and may send the same message again.
func TestDefectIsOneMessagesRefusal(t *testing.T) {
	from, other, dir := newLane(t, 60), openAs(t, "lane-2", 1), t.TempDir()
	l := open(t, dir)
	apply(t, l, from.hello())
	broken := from.batch(events, -1, 100)
	answers, err := l.Apply([]Message{from.batch(alarms, -1, 100), defective{broken}, other.helloAt(t, 10),
		from.batch(telemetry, -1, 100)})
	if err != nil || len(answers) != 4 {
		t.Fatalf("%+v, %v", answers, err)
	}
	for i, a := range answers {
		agent, rows := "lane-1", []int{len(from.rows(alarms)), 0, len(from.rows(telemetry)), 0}[i]
		if i == 3 { // each agent's answers come together
			agent = "lane-2"
		}
		if a.Agent != agent || a.Rows != rows || (a.Ack.Refusal != 0 || a.Defect != "") != (i == 1) {
			t.Errorf("answer %d: %+v", i, a)
		}
	}
	a := answers[1]
	text := a.Ack.RefusalText
	if a.Ack.Refusal != wire.Refusal_REFUSAL_MALFORMED || string(a.Ack.Journal) != string(from.j.Identity().ID) ||
		!strings.Contains(text, "defect of the hub") || !strings.Contains(a.Ack.RefusalTextFr, "défaut du centre") ||
		strings.Contains(text, "defect_test.go") {
		t.Errorf("the agent is told %v", a.Ack)
	}
	if !strings.Contains(a.Defect, "a tile went missing") || !strings.Contains(a.Defect, "defect_test.go") {
		t.Errorf("the log is told %q", a.Defect)
	}
	if n := countRows(t, l); n != int64(answers[0].Rows+answers[2].Rows) {
		t.Errorf("%d rows", n)
	}
	l.Close()
	l = open(t, dir)
	if a := apply(t, l, broken); a.Refusal != 0 || a.Cursors[0].GoBack || a.Verified != 60 {
		t.Errorf("the same rows again: %v", a)
	}
}

// rows returns all rows of a class.
func (l lane) rows(class observation.Class) []wire.Row {
	rows, err := l.batch(class, -1, 1000).Body.Rows()
	if err != nil {
		l.t.Fatal(err)
	}
	return rows
}

// TestUndoneHelloTakesNoRoom: a hello that is undone with the rest of its agent's messages, and applied again, counts
// as one agent.
func TestUndoneHelloTakesNoRoom(t *testing.T) {
	from, other, l := newLane(t, 60), openAs(t, "lane-2", 1), open(t, t.TempDir())
	l.limits.agents = 2
	apply(t, l, from.hello())
	foreign := Sender{Site: "demo", Agent: "lane-2"}
	answers, err := l.Apply([]Message{other.helloAt(t, 10), defective{Batch{foreign, from.batch(alarms, -1, 5).Body}}})
	if err != nil || len(answers) != 2 || answers[0].Ack.Refusal != 0 || answers[1].Defect == "" {
		t.Errorf("%+v, %v", answers, err)
	}
}

// contradiction makes a batch with an alarm under the number of a row that is none.
func (l lane) contradiction() Batch {
	row := wire.Row{Idx: 58, Time: 1, Device: "lpr-1", Kind: observation.Kind_KIND_VEHICLE_PLATE, Body: []byte{}}
	return Batch{laneOne, wire.NewBatch(l.j.Identity().ID, alarms, l.j.Last(alarms), []wire.Row{row})}
}

// TestRefusalThatCannotBeKept: a journal is not refused for good while that cannot be written: nobody is told so.
func TestRefusalThatCannotBeKept(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	apply(t, l, from.hello())
	for _, class := range observation.Classes {
		apply(t, l, from.batch(class, -1, 100))
	}
	contradicts := from.contradiction()
	must(t, l, "CREATE TRIGGER no BEFORE UPDATE OF refused ON journal BEGIN SELECT RAISE(ABORT, 'no'); END")
	if answers, err := l.Apply([]Message{contradicts}); err == nil {
		t.Errorf("answered %+v", answers)
	}
	must(t, l, "DROP TRIGGER no")
	if a := apply(t, l, contradicts); a.Refusal != wire.Refusal_REFUSAL_EVIDENCE {
		t.Errorf("%v", a)
	}
}

// TestRowsOfARefusedBatchCount: the rows of a batch that shows a false checkpoint are kept as evidence, and counted.
func TestRowsOfARefusedBatchCount(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	apply(t, l, from.hello())
	altered := from.batch(alarms, -1, 100)
	altered.Body.Bodies[0] ^= 1
	apply(t, l, altered)
	apply(t, l, from.batch(events, -1, 100))
	answers, err := l.Apply([]Message{from.batch(telemetry, -1, 100)})
	if want := len(from.rows(telemetry)); err != nil || answers[0].Rows != want || answers[0].Ack.Refusal == 0 {
		t.Errorf("%+v of %d rows, %v", answers, want, err)
	}
	if n := countRows(t, l); n != 60 {
		t.Errorf("%d rows are kept", n)
	}
}

// TestCheckpointThatCannotWait: a batch is not acknowledged when the checkpoint that it brings cannot be kept until its
// rows are there.
func TestCheckpointThatCannotWait(t *testing.T) {
	from, l := newLane(t, 60), open(t, t.TempDir())
	hello := from.hello()
	checkpoint := hello.Body.Checkpoint
	hello.Body.Checkpoint = ""
	apply(t, l, hello)
	first := from.batch(alarms, -1, 100)
	first.Body.Checkpoint = checkpoint
	must(t, l, "CREATE TRIGGER no BEFORE INSERT ON pending BEGIN SELECT RAISE(ABORT, 'no'); END")
	if filed(l, first) {
		t.Error("the batch is acknowledged")
	}
	must(t, l, "DROP TRIGGER no")
	for _, m := range []Message{first, from.batch(events, -1, 100), from.batch(telemetry, -1, 100)} {
		if !filed(l, m) {
			t.Error("a batch is not accepted afterwards")
		}
	}
	if v, _ := verified(t, l); v != 60 {
		t.Errorf("%d rows are verified", v)
	}
}
