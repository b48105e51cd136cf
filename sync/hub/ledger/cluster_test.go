package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/sync/hub/ledger/postgres/postgrestest"
)

// postgresOnly skips a test of what only PostgreSQL has.
func postgresOnly(t *testing.T) {
	if !onPostgres {
		t.Skip("one process has a ledger in SQLite")
	}
}

// processes opens one ledger as so many hub processes do: each with its directory, all with one key.
func processes(t *testing.T, n int) (all []*Ledger) {
	t.Helper()
	url, first := postgrestest.URL(t), ""
	for i := range n {
		dir := t.TempDir()
		urls.Store(dir, url)
		if i == 0 {
			first = filepath.Join(dir, KeyFile)
		} else if err := os.CopyFS(dir, os.DirFS(filepath.Dir(first))); err != nil {
			t.Fatal(err)
		}
		all = append(all, open(t, dir))
	}
	return all
}

// TestTwoProcessesOfOneJournal: two processes that both think they own an agent neither double nor lose its rows, and see
// each other's.
func TestTwoProcessesOfOneJournal(t *testing.T) {
	postgresOnly(t)
	from, hubs := newLane(t, 300), processes(t, 2)
	apply(t, hubs[0], from.hello())
	if a := apply(t, hubs[1], from.batch(telemetry, -1, 10)); a.Cursors[0].GoBack {
		t.Fatalf("the second process does not know the journal: %v", a)
	}
	for i := 0; ; i++ {
		hub := hubs[i%2]
		again := from.batch(telemetry, -1, 10)
		if a := apply(t, hub, again); !a.Cursors[0].GoBack {
			t.Fatalf("rows are filed twice: %v", a)
		}
		after := apply(t, hub, again).Cursors[0].Idx
		if after == from.j.Last(telemetry) {
			break
		}
		if a := apply(t, hub, from.batch(telemetry, after, 10)); a.Cursors[0].GoBack {
			t.Fatalf("a copy in memory is out of date: %v", a)
		}
	}
	apply(t, hubs[0], from.batch(alarms, -1, 1000))
	if a := apply(t, hubs[1], from.batch(events, -1, 1000)); a.Verified != from.j.Size() {
		t.Errorf("verified %d of %d rows", a.Verified, from.j.Size())
	}
	for _, hub := range hubs {
		waitFor(t, hub, from.j.Size())
	}
	mustVerify(t, hubs[0].dir, from.j.Size())
}

// waitFor waits until a process has heard of so many rows.
func waitFor(t *testing.T, l *Ledger, rows int64) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		_, changed := l.Durable()
		found, err := l.Events(0, 10_000, Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(found)) >= rows {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d of %d rows are seen", len(found), rows)
		}
	}
}

// TestProcessesAtOnce: the same batches come to two processes at the same time, again and again.
func TestProcessesAtOnce(t *testing.T) {
	postgresOnly(t)
	from, hubs := newLane(t, 200), processes(t, 2)
	apply(t, hubs[0], from.hello())
	var group []Message
	for after := int64(-1); after < from.j.Last(telemetry); {
		b := from.batch(telemetry, after, 20)
		group = append(group, b)
		rows, err := b.Body.Rows()
		if err != nil {
			t.Fatal(err)
		}
		after = rows[len(rows)-1].Idx
	}
	var g errgroup.Group
	for _, hub := range hubs {
		g.Go(func() error {
			for _, m := range group {
				if _, err := hub.Apply([]Message{m}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if want := int64(len(from.rows(telemetry))); countRows(t, hubs[0]) != want {
		t.Errorf("%d rows, not %d", countRows(t, hubs[0]), want)
	}
}

// TestOtherHubKey: a process with another key is refused, in words that say what to do.
func TestOtherHubKey(t *testing.T) {
	postgresOnly(t)
	l := processes(t, 1)[0]
	_, err := OpenWith(t.Context(), Options{Dir: t.TempDir(), URL: place(l.dir)})
	if err == nil || !strings.Contains(err.Error(), KeyFile) {
		t.Errorf("%v", err)
	}
}

// TestLostConnections: connections that end between two groups, or with the server, lose and double nothing.
func TestLostConnections(t *testing.T) {
	postgresOnly(t)
	from, l := newLane(t, 200), processes(t, 1)[0]
	apply(t, l, from.hello())
	cursor := apply(t, l, from.batch(telemetry, -1, 30)).Cursors[0].Idx
	before := l.Cursor(l.at().Newest)
	postgrestest.Exec(t, place(l.dir), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid<>pg_backend_pid()"+
		" AND application_name='lanehub'")
	if a := apply(t, l, from.batch(telemetry, cursor, 1000)); a.Cursors[0].GoBack {
		t.Errorf("after the connection was lost: %v", a)
	}
	if n := len(l.at().Epochs); n != 2 {
		t.Errorf("%d epochs: rows after a lost connection begin a new one", n)
	}
	if _, err := l.ParseCursor(before); err != nil {
		t.Errorf("the cursor of before: %v", err)
	}
	waitFor(t, l, int64(len(from.rows(telemetry))))
}

// TestOlderLedgerInPlace: a server that lost rows, as one does that was restored, is told by the epochs.
func TestOlderLedgerInPlace(t *testing.T) {
	postgresOnly(t)
	from, l := newLane(t, 200), processes(t, 1)[0]
	apply(t, l, from.hello())
	apply(t, l, from.batch(telemetry, -1, 1000))
	cursor, last := l.Cursor(l.at().Newest), l.at().Newest
	for _, statement := range []string{
		"DELETE FROM observation", "UPDATE ledger SET seq=seq-120", "DELETE FROM cursor", "UPDATE journal SET tree=0, tail='', verified=0",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid<>pg_backend_pid() AND application_name='lanehub'",
	} {
		postgrestest.Exec(t, place(l.dir), statement)
	}
	if a := apply(t, l, from.batch(telemetry, -1, 1000)); a.Cursors[0].GoBack {
		t.Errorf("the rows do not come again: %v", a)
	}
	if l.at().Newest > last {
		t.Fatalf("row %d, before it was %d: no other row has the number of the old one", l.at().Newest, last)
	}
	if _, err := l.ParseCursor(cursor); err != ErrCursorGone {
		t.Errorf("cursor %s: %v", cursor, err)
	}
}

// TestZeroBytes: texts that PostgreSQL cannot hold are refused by every ledger, once, and stop nobody.
func TestZeroBytes(t *testing.T) {
	from, l := newLane(t, 20), open(t, t.TempDir())
	hello := from.hello()
	hello.Body.Software = "1.0\x00"
	if a := apply(t, l, hello); a.Refusal == 0 {
		t.Error("a hello with a zero byte is accepted")
	}
	apply(t, l, from.hello())
	b := from.batch(telemetry, -1, 10)
	b.Body.Devices = []string{"rpm\x001"}
	if a := apply(t, l, b); a.Refusal == 0 {
		t.Error("a device with a zero byte is accepted")
	}
	if a := apply(t, l, from.batch(telemetry, -1, 10)); a.Refusal != 0 {
		t.Errorf("the next batch: %v", a)
	}
}
