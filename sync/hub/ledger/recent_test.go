package ledger

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/postgres/postgrestest"
	"lanewarden/sync/hub/ledger/store"
)

// notTelemetry are the rows whose bodies these tests want.
func notTelemetry(class observation.Class, _ observation.Kind) bool { return class != telemetry }

// openRecent opens a ledger that keeps what it files.
func openRecent(t *testing.T) *Ledger {
	l := open(t, t.TempDir())
	l.KeepRecent(notTelemetry)
	return l
}

// handedOver returns the rows behind a seq that the ledger has at hand, in the text in which inDatabase has them, and the
// seq of the last one.
func handedOver(t *testing.T, l *Ledger, after int64, limit int) (out []string, upTo int64) {
	t.Helper()
	derive(t, l, func(store.Tx) error {
		upTo = l.Recent(after, limit, func(r *store.OwnedRow) {
			body, sealed := fmt.Sprintf("%x", r.Body), fmt.Sprintf("%x", r.Sealed)
			if r.Class == telemetry {
				body, sealed = "", ""
			}
			out = append(out, fmt.Sprint(r.Seq, r.Owner, r.Idx, r.Class, r.TimeNs, r.Device, r.Kind, body, r.Sealed != nil, sealed))
		})
		return nil
	})
	return out, upTo
}

// inDatabase returns rows between two seqs as they are read.
func inDatabase(t *testing.T, l *Ledger, after, upTo int64) (out []string) {
	t.Helper()
	derive(t, l, func(tx store.Tx) error {
		return tx.Query("SELECT seq, owner, idx, class, t, device, kind, body, sealed FROM observation WHERE seq>? AND seq<=? ORDER BY seq",
			func(r []driver.Value) error {
				class := observation.Class(sqlog.Int64(r[3]))
				body, sealed := fmt.Sprintf("%x", sqlog.Bytes(r[7])), fmt.Sprintf("%x", sqlog.Bytes(r[8]))
				if class == telemetry {
					body, sealed = "", ""
				}
				out = append(out, fmt.Sprint(r[0], r[1], r[2], class, r[4], sqlog.Text(r[5]), observation.Kind(sqlog.Int64(r[6])), body, r[8] != nil, sealed))
				return nil
			}, after, upTo)
	})
	return out
}

func derive(t *testing.T, l *Ledger, do func(store.Tx) error) {
	t.Helper()
	var failed error
	if _, err := l.Apply([]Message{Derive{Do: do, Failed: &failed}}); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

// sameRows compares all rows behind a seq that are at hand, so many at once, with those of the database.
func sameRows(t *testing.T, l *Ledger, after int64, limit int) {
	t.Helper()
	newest := l.at().Newest
	for after < newest {
		got, upTo := handedOver(t, l, after, limit)
		want := inDatabase(t, l, after, upTo)
		if upTo != min(after+int64(limit), newest) || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("after %d, up to %d\n%v\ninstead of\n%v", after, upTo, got, want)
		}
		after = upTo
	}
	if got, upTo := handedOver(t, l, newest, limit); len(got) != 0 || upTo > newest {
		t.Errorf("behind the newest row %v", got)
	}
}

// TestRecentRows: what was filed is at hand as the database has it, in pieces of any size: of several agents, with personal
// values, where one message of a group was at fault, and where a group was undone and came again.
func TestRecentRows(t *testing.T) {
	for _, limit := range []int{1, 7, 1000} {
		from, other, l := newLane(t, 60), openAs(t, "lane-2", 1), openRecent(t)
		readPlate(t, from)
		if _, err := l.Apply([]Message{from.hello(), other.helloAt(t, 10), from.batch(alarms, -1, 100)}); err != nil {
			t.Fatal(err)
		}
		some := from.batch(events, -1, 5)
		sent, err := some.Body.Rows()
		if err != nil {
			t.Fatal(err)
		}
		group := []Message{some, defective{from.batch(events, sent[4].Idx, 5)}, from.batch(telemetry, -1, 100)}
		if _, err := l.Apply(append(group, other.helloAt(t, 10))); err != nil {
			t.Fatal(err)
		}
		undone := Derive{Failed: new(error), Do: func(store.Tx) error { return &store.MachineError{Err: errors.New("a full disk")} }}
		if _, err := l.Apply([]Message{from.batch(events, sent[4].Idx, 5), undone}); err == nil {
			t.Fatal("it was not undone")
		}
		apply(t, l, from.batch(events, sent[4].Idx, 100))
		first, err := sqlOf(l).Int("SELECT min(seq) FROM observation", 0)
		if err != nil {
			t.Fatal(err)
		}
		sameRows(t, l, first-1, limit)
	}
}

// TestRecentErased: rows that may have been erased are not at hand, whether that came before, with, or after them; those
// that are filed later are.
func TestRecentErased(t *testing.T) {
	from, l := newLane(t, 20), openRecent(t)
	readPlate(t, from)
	from.fileAll(l)
	page := &ErasePage{}
	if _, err := l.Apply([]Message{Erase{Name: secretPlate, Page: page}}); err != nil || page.Rows == 0 {
		t.Fatal(err, page)
	}
	newest := l.at().Newest
	if got, _ := handedOver(t, l, newest-1, 10); len(got) > 0 {
		t.Errorf("erased, and at hand: %v", got)
	}
	sent, lastEvent, lastTelemetry := from.j.Size(), from.j.Last(events), from.j.Last(telemetry)
	readPlate(t, from)
	erased := observation.New(events, time.Unix(5, 0), &observation.AgentErased{First: sent, Runs: []uint64{3}, Rows: 3})
	erased.Device = observation.AgentDevice
	if _, err := from.j.Commit(t.Context(), erased); err != nil {
		t.Fatal(err)
	}
	apply(t, l, from.batch(events, lastEvent, 100))
	if got, _ := handedOver(t, l, newest, 10); len(got) > 0 {
		t.Errorf("erased in the same transaction, and at hand: %v", got)
	}
	newest = l.at().Newest
	from.commit(30)
	apply(t, l, from.batch(telemetry, lastTelemetry, 100))
	sameRows(t, l, newest, 10)
}

// TestRecentBound: of more rows than may be kept the oldest go.
func TestRecentBound(t *testing.T) {
	from, l := newLane(t, 600), openRecent(t)
	l.recent.most = 40 * recentRowBytes
	apply(t, l, from.hello())
	for after := int64(-1); after < from.j.Last(telemetry); {
		after = apply(t, l, from.batch(telemetry, after, 10)).Cursors[0].Idx
	}
	newest := l.at().Newest
	if got, _ := handedOver(t, l, newest-41, 100); len(got) > 0 || l.recent.bytes > l.recent.most {
		t.Errorf("%d rows, %d bytes", len(got), l.recent.bytes)
	}
	sameRows(t, l, newest-30, 100)
	if len(l.recent.parts) > 0 || l.recent.bytes != 0 {
		t.Errorf("what was handed over is kept: %d bytes", l.recent.bytes)
	}
}

// TestRecentOfSeveral: where another process filed rows in between, rows before these are not at hand. That values were
// erased there is told.
func TestRecentOfSeveral(t *testing.T) {
	postgresOnly(t)
	from, hubs := newLane(t, 60), processes(t, 2)
	for _, l := range hubs {
		l.KeepRecent(notTelemetry)
	}
	apply(t, hubs[0], from.hello())
	readPlate(t, from)
	apply(t, hubs[0], from.batch(telemetry, -1, 100))
	before := hubs[0].at().Newest
	apply(t, hubs[1], from.batch(alarms, -1, 100))
	waitFor(t, hubs[0], int64(len(from.rows(telemetry))+len(from.rows(alarms))))
	between := hubs[0].at().Newest
	apply(t, hubs[0], from.batch(events, -1, 100))
	for _, after := range []int64{before - 5, before} {
		if got, _ := handedOver(t, hubs[0], after, 100); len(got) > 0 {
			t.Errorf("rows behind those of another process: %v", got)
		}
	}
	sameRows(t, hubs[0], between, 10)
	newest := hubs[0].at().Newest
	for sealed, want := range map[int64]bool{3: false, 4: true} {
		derive(t, hubs[0], func(tx store.Tx) error {
			if erased, err := tx.Erased(between, newest, sealed); erased != want {
				t.Errorf("of %d rows with values: %v, %v", sealed, erased, err)
			}
			return nil
		})
	}
}

// TestRecentOfAnOlderLedger: nothing is at hand of rows that a server in its place no longer has.
func TestRecentOfAnOlderLedger(t *testing.T) {
	postgresOnly(t)
	from, l := newLane(t, 200), processes(t, 1)[0]
	l.KeepRecent(notTelemetry)
	apply(t, l, from.hello())
	apply(t, l, from.batch(telemetry, -1, 1000))
	newest := l.at().Newest
	for _, statement := range []string{
		"DELETE FROM observation", "UPDATE ledger SET seq=seq-120",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid<>pg_backend_pid() AND application_name='lanehub'",
	} {
		postgrestest.Exec(t, place(l.dir), statement)
	}
	lost := Derive{Failed: new(error), Do: func(tx store.Tx) error { return tx.Query("SELECT 1", func([]driver.Value) error { return nil }) }}
	for _, err := l.Apply([]Message{lost}); err != nil; _, err = l.Apply([]Message{lost}) {
	}
	if got, _ := handedOver(t, l, newest-10, 100); len(got) > 0 {
		t.Errorf("at hand: %v", got)
	}
}
