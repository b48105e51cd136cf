package ledger

import (
	"bytes"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger/postgres"
	"lanewarden/sync/hub/ledger/postgres/postgrestest"
	"lanewarden/sync/hub/ledger/sqlite"
)

// TestMigrate: a ledger in SQLite goes on in PostgreSQL with all its rows, proofs and cursors.
func TestMigrate(t *testing.T) {
	postgresOnly(t)
	dir, from, url := t.TempDir(), newLane(t, 600), postgrestest.URL(t)
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	readPlate(t, from)
	apply(t, l, from.hello())
	apply(t, l, from.batch(alarms, -1, 1000))
	half := apply(t, l, from.batch(telemetry, -1, 200)).Cursors[0].Idx
	events, err := l.Events(0, 1000, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	cursor := l.Cursor(events[20].Seq)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a copy that was not accepted is begun anew
		if _, err := postgresImportOnly(t, dir, url); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenWith(t.Context(), Options{Dir: dir, URL: url}); err == nil {
			t.Fatal("a copy that is not verified can be opened")
		}
	}
	m, err := Migrate(t.Context(), dir, url)
	if err != nil || m.Rows != int64(len(events)) || !m.Audited[0].Report.OK() {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err := Migrate(t.Context(), dir, url); err == nil {
		t.Error("a ledger in use is overwritten")
	}
	urls.Store(dir, url)
	l = open(t, dir)
	if seq, err := l.ParseCursor(cursor); err != nil || seq != events[20].Seq {
		t.Errorf("cursor %s is row %d, %v", cursor, seq, err)
	}
	again, err := l.Events(0, 1000, Filter{})
	if err != nil || len(again) != len(events) {
		t.Fatalf("%d rows of %d, %v", len(again), len(events), err)
	}
	for i := range again {
		if again[i].Seq != events[i].Seq || !bytes.Equal(again[i].Body, events[i].Body) {
			t.Fatalf("row %d is another", i)
		}
	}
	apply(t, l, from.batch(telemetry, half, 1000))
	if a := apply(t, l, from.batch(observation.Class_CLASS_EVENT, -1, 1000)); a.Verified != from.j.Size() {
		t.Errorf("%d of %d rows are verified", a.Verified, from.j.Size())
	}
	mustVerify(t, dir, from.j.Size())
}

// postgresImportOnly copies a ledger and leaves the copy unverified, as a migration that was interrupted does.
func postgresImportOnly(t *testing.T, dir, url string) (map[string]int64, error) {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return postgres.Import(t.Context(), url, l.store.(*sqlite.Store).Export)
}
