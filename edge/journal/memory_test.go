package journal

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
)

// keys is a source of key bytes that is always the same.
func keys() *bytes.Reader { return bytes.NewReader(bytes.Repeat([]byte("key"), 100)) }

func newMemory(t *testing.T) *Memory {
	t.Helper()
	m, err := NewMemory(Options{Site: "s", Agent: "a", SignEvery: time.Nanosecond}, keys())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mixed makes observations of all classes, some with personal values.
func mixed(n int) (obs []*observation.Observation) {
	for i := range n {
		o := plateOf300(true)
		o.TimeNs = int64(i)
		if i%3 > 0 {
			o = observation.New(observation.Classes[2*(i%3-1)], time.Unix(0, int64(i)), &observation.RadiationTamper{Tripped: true})
			o.Device = "rpm-1"
		}
		obs = append(obs, o)
	}
	return obs
}

// sentRow is what an uplink sends of a row. The salt of personal values is random.
type sentRow struct {
	Idx, Prev, Time int64
	Class           observation.Class
	Device          string
	Body, Mask      []byte
}

func sentRows(rows []Row) (out []sentRow) {
	for _, r := range rows {
		out = append(out, sentRow{r.Idx, r.Prev, r.Time, r.Class, r.Device, r.Body, r.Mask})
	}
	return out
}

// A journal in memory gives the rows that a real one gives, by class and within the same bounds.
func TestMemoryAsJournal(t *testing.T) {
	real, err := Open(t.TempDir(), Options{Site: "s", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	m := newMemory(t)
	for group := range slices.Chunk(mixed(60), 7) {
		for _, j := range []interface {
			Commit(ctx context.Context, obs ...*observation.Observation) (int, error)
		}{real, m} {
			if n, err := j.Commit(t.Context(), group...); n != len(group) || err != nil {
				t.Fatal(n, err)
			}
		}
	}
	for _, class := range observation.Classes {
		if m.Last(class) != real.Last(class) || m.Acked(class) != -1 {
			t.Errorf("class %d: last %d and %d", class, m.Last(class), real.Last(class))
		}
		for after := int64(-1); after < real.Last(class); {
			most := Limits{Rows: 5, Bytes: 700}
			got, err := m.Next(class, after, most)
			if err != nil {
				t.Fatal(err)
			}
			want, err := real.Next(class, after, most)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(sentRows(want.Rows), sentRows(got.Rows)); d != "" {
				t.Fatalf("class %d after %d: %s", class, after, d)
			}
			after = want.Rows[len(want.Rows)-1].Idx
		}
	}
}

// What it signs is the evidence log over its rows, with the key that follows from the source.
func TestMemoryCheckpoint(t *testing.T) {
	m := newMemory(t)
	if _, err := m.Commit(t.Context(), mixed(300)...); err != nil {
		t.Fatal(err)
	}
	size, signed := m.Checkpoint()
	verifier, err := note.NewVerifier(newMemory(t).Identity().Verifier) // another one of the same source
	if err != nil {
		t.Fatal(err)
	}
	c, err := evidence.OpenCheckpoint(signed, verifier, m.Identity().Origin())
	if err != nil || c.Size != size || size != m.Size() {
		t.Fatal(c.Size, size, err)
	}
	rows, err := m.Read(0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	hasher, tree := evidence.NewHasher(m.Identity().BlindKey), evidence.Tree{}
	for i := range rows {
		leaf, err := hasher.Leaf(rows[i].Idx, rows[i].Record())
		if err != nil {
			t.Fatal(err)
		}
		tree.Append(leaf)
	}
	if tree.Root() != c.Root {
		t.Error("the root is of other rows")
	}
}

// Rows are forgotten once all before them are acknowledged, and asking for one of these is an error, also after a hub
// has lost it.
func TestMemoryForgets(t *testing.T) {
	m := newMemory(t)
	if _, err := m.Commit(t.Context(), mixed(30)...); err != nil {
		t.Fatal(err)
	}
	alarm, event, telemetry := observation.Class_CLASS_ALARM, observation.Class_CLASS_EVENT, observation.Class_CLASS_TELEMETRY
	m.SetAcked(event, m.Last(event))
	m.SetAcked(telemetry, m.Last(telemetry))
	if len(m.rows) != 29 { // the first is an event, the second an alarm
		t.Errorf("%d rows are kept while an alarm waits", len(m.rows))
	}
	m.SetAcked(alarm, m.Last(alarm))
	if len(m.rows) != 0 {
		t.Errorf("%d rows are kept", len(m.rows))
	}
	m.SetAcked(event, -1)
	if next, err := m.Next(event, -1, Limits{Rows: 1, Bytes: 1}); err == nil {
		t.Errorf("%d rows", len(next.Rows))
	}
	if _, err := m.Read(0, 1); err == nil {
		t.Error("a row that is gone was read")
	}
	if _, err := m.Commit(t.Context(), mixed(3)...); err != nil {
		t.Fatal(err)
	}
	if next, err := m.Next(telemetry, m.Acked(telemetry), Limits{Rows: 9, Bytes: 1e6}); err != nil || len(next.Rows) != 1 {
		t.Error(len(next.Rows), err)
	}
	if waiting, err := m.Waiting(t.Context()); err != nil || waiting[telemetry] != 1 {
		t.Error(waiting, err)
	}
}
