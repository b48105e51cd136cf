package ledger

import (
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/sync/wire"
)

// An agent that has lost its key is refused until the hub takes another: the next one, or the one that was named. The
// journals of before go on to be accepted with the key that signed them.
func TestRekey(t *testing.T) {
	before, after, l := newLane(t, 20), newLane(t, 20), open(t, t.TempDir())
	apply(t, l, before.hello())
	refused := func(lane lane, want wire.Refusal) {
		t.Helper()
		if a := apply(t, l, lane.hello()); a.Refusal != want {
			t.Errorf("%v %q, want %v", a.Refusal, a.RefusalText, want)
		}
	}
	rekey := func(key string) {
		t.Helper()
		if a, err := l.Apply([]Message{Rekey{laneOne, key}}); err != nil || len(a) != 0 {
			t.Fatal(a, err)
		}
	}
	refused(after, wire.Refusal_REFUSAL_KEY)
	_, other, err := evidence.NewKey("demo", "lane-1")
	if err != nil {
		t.Fatal(err)
	}
	rekey(other)
	refused(after, wire.Refusal_REFUSAL_KEY)
	rekey("")
	refused(before, wire.Refusal_REFUSAL_NONE) // a journal of before that speaks first does not have its key pinned again
	refused(after, wire.Refusal_REFUSAL_NONE)
	refused(newLane(t, 5), wire.Refusal_REFUSAL_KEY)
	refused(before, wire.Refusal_REFUSAL_NONE)
	before.commit(20)
	apply(t, l, before.hello())
	for _, class := range observation.Classes {
		apply(t, l, before.batch(class, -1, 100))
	}
	if a := apply(t, l, before.hello()); a.Verified != before.j.Size() {
		t.Errorf("the journal of before: %v", a)
	}
	if known, err := l.Knows(Sender{Site: "demo", Agent: "nobody"}); known || err != nil {
		t.Error(known, err)
	}
}

// TestRekeyAmongOthers: a key is forgotten before the messages that came with it are applied, and all these are
// answered. One that cannot be forgotten is an error.
func TestRekeyAmongOthers(t *testing.T) {
	before, after, l := newLane(t, 20), newLane(t, 20), open(t, t.TempDir())
	apply(t, l, before.hello())
	a, err := l.Apply([]Message{after.hello(), Rekey{laneOne, ""}, before.batch(alarms, -1, 100)})
	if err != nil || len(a) != 2 || a[0].Ack.Refusal != 0 || a[1].Ack.Refusal != 0 || a[1].Rows == 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	must(t, l, "ALTER TABLE agent RENAME TO away")
	if _, err := l.Apply([]Message{Rekey{laneOne, ""}}); err == nil {
		t.Error("the key is forgotten while it cannot be")
	}
	must(t, l, "ALTER TABLE away RENAME TO agent")
	if known, err := l.Knows(laneOne); !known || err != nil {
		t.Error(known, err)
	}
}
