package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// mixture commits rows of all classes: one of ten is an event, one of a hundred an alarm; these have keys.
func mixture(t testing.TB, j *Journal, rows int) {
	t.Helper()
	mixtureFrom(t, j, 0, rows)
}

// mixtureFrom is mixture with keys of its own.
func mixtureFrom(t testing.TB, j *Journal, first, rows int) {
	t.Helper()
	var all []*observation.Observation
	for i := first; i < first+rows; i++ {
		switch {
		case i%100 == 7:
			all = append(all, keyed(observation.Class_CLASS_ALARM, fmt.Sprint("alarm ", i)))
		case i%10 == 3:
			all = append(all, keyed(observation.Class_CLASS_EVENT, fmt.Sprint("event ", i)))
		default:
			all = append(all, background(i))
		}
	}
	commit(t, j, rows, all...)
}

// acknowledge acknowledges everything.
func acknowledge(j *Journal) {
	for _, class := range observation.Classes {
		j.SetAcked(class, j.Last(class))
	}
}

func count(t testing.TB, j *Journal, where string) int64 {
	t.Helper()
	n, err := j.read.Int("SELECT count(*) FROM observation WHERE "+where, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pruneAll prunes a class as far as it may be.
func pruneAll(t testing.TB, j *Journal, class observation.Class) (total int) {
	t.Helper()
	for {
		n, err := j.PruneRows(t.Context(), class, 3000, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return total
		}
		total += n
	}
}

// audited verifies the journal and returns how many rows were removed.
func audited(t testing.TB, dir string) int64 {
	t.Helper()
	_, report, err := Audit(t.Context(), dir, "")
	if err != nil || !report.OK() {
		t.Fatalf("audit: %+v, %v", report, err)
	}
	return report.Removed
}

// What was removed stays proven: keys are known, the rest verifies, Waiting counts right, and rows that the hub has not
// acknowledged, alarms and the newest rows are there.
func TestPrunedRowsStayProven(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	const rows = 30_000
	mixture(t, j, rows)
	if n := pruneAll(t, j, observation.Class_CLASS_TELEMETRY); n != 0 {
		t.Fatalf("%d rows were removed that the hub has not acknowledged", n)
	}
	for _, class := range observation.Classes {
		j.SetAcked(class, 15_000)
	}
	telemetry := pruneAll(t, j, observation.Class_CLASS_TELEMETRY)
	events := pruneAll(t, j, observation.Class_CLASS_EVENT)
	if left := count(t, j, "class<>1 AND idx<=15000"); left != 0 {
		t.Errorf("%d acknowledged rows are left", left)
	}
	if n := count(t, j, "idx<30000"); n != int64(rows-telemetry-events) || telemetry < 13_000 || events < 1400 {
		t.Errorf("removed %d rows of telemetry and %d events, %d are left", telemetry, events, n)
	}
	for key, want := range map[string]string{"event 13": "<nil> true", "event 29993": "event 29993 false", "event 14": "<nil> false"} {
		row, removed, err := j.Named("rpm-1", key)
		got := fmt.Sprint(row, " ", removed)
		if row != nil {
			got = fmt.Sprint(row.Key, " ", removed)
		}
		if got != want || err != nil {
			t.Errorf("%s: %s, %v, expected %s", key, got, err, want)
		}
	}
	if n := audited(t, dir); n != int64(telemetry+events) {
		t.Errorf("the audit finds %d removed rows, not %d", n, telemetry+events)
	}
	waiting, err := j.Waiting(t.Context())
	if want := count(t, j, "class=3 AND idx>15000"); err != nil || waiting[observation.Class_CLASS_TELEMETRY] != want {
		t.Errorf("waiting %v, %v, want %d", waiting, err, want)
	}
	commit(t, j, 0, keyed(observation.Class_CLASS_EVENT, "event 13"))
	acknowledge(j)
	pruneAll(t, j, observation.Class_CLASS_TELEMETRY)
	pruneAll(t, j, observation.Class_CLASS_EVENT)
	if n := count(t, j, fmt.Sprintf("idx>%d", j.Size()-keepNewest)); n != keepNewest-1 {
		t.Errorf("of the newest rows %d are left", n)
	}
	if n := count(t, j, "class=1"); n != rows/100 {
		t.Errorf("%d alarms are left", n)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	commit(t, j, 0, keyed(observation.Class_CLASS_EVENT, "event 13"), keyed(observation.Class_CLASS_ALARM, "alarm 7"))
	audited(t, dir)
	if n := pruneAll(t, j, observation.Class_CLASS_TELEMETRY); n != 0 {
		t.Errorf("%d rows more after the restart", n)
	}
}

// A row that somebody else removed is missed, though others about it were declared removed.
func TestRowMissingAmongPruned(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	mixture(t, j, 20_000)
	acknowledge(j)
	pruneAll(t, j, observation.Class_CLASS_TELEMETRY)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, dir, "DELETE FROM observation WHERE idx=1007")
	_, report, err := Audit(t.Context(), dir, "")
	if err == nil && report.OK() {
		t.Error("an alarm that was deleted is not missed")
	}
	t.Log(err)
}

// tamper runs statements on a closed journal.
func tamper(t testing.TB, dir, script string) {
	t.Helper()
	db, err := sqlog.Open(filepath.Join(dir, FileName), sqlog.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Script(script), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// A crash between the declaration and the removal leaves rows that go at the next start.
func TestPruningResumes(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	mixture(t, j, 20_000)
	acknowledge(j)
	rows := []int64{0, 1, 2, 4, 5, 6, 8, 9}
	if err := j.declare(t.Context(), observation.NewAgentPruned(observation.Class_CLASS_TELEMETRY, rows), nil); err != nil {
		t.Fatal(err)
	}
	if n := audited(t, dir); n != 0 {
		t.Errorf("%d rows count as removed", n)
	}
	j.Close()
	j = open(t, dir)
	if n := count(t, j, "idx<10"); n != 2 {
		t.Errorf("%d of the first rows are left", n)
	}
	if n := audited(t, dir); n != int64(len(rows)) {
		t.Errorf("%d rows count as removed", n)
	}
}

// Artifacts go oldest first, those of vehicles with an alarm last and when asked only; what is there again is whole.
func TestPrunedArtifacts(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, Options{Site: "demo", Agent: "lane-1", SignEvery: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	rng := rand.New(rand.NewPCG(1, 2))
	var stored []*observation.Artifact
	var bodies [][]byte
	for i := range 6 {
		body := make([]byte, 10_000+i*40_000)
		for k := range body {
			body[k] = byte(rng.Uint32())
		}
		a, err := j.StoreArtifact(t.Context(), bytes.NewReader(body), "image/png", fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		stored, bodies = append(stored, a), append(bodies, body)
	}
	commit(t, j, 2, naming(observation.Class_CLASS_EVENT, stored[0], stored[1], stored[2], stored[3]),
		naming(observation.Class_CLASS_ALARM, stored[4]))
	closed := observation.New(observation.Class_CLASS_EVENT, time.Unix(9, 0), &observation.PassageClosed{
		Id: "p", Alarm: true, Readings: []*observation.PassageReading{{Artifacts: [][]byte{stored[3].Sha256}}},
	})
	closed.Device = observation.AgentDevice
	commit(t, j, 2, closed, naming(observation.Class_CLASS_EVENT, stored[5]))
	before, _ := j.Usage()
	if freed, err := j.PruneArtifacts(t.Context(), false, 1<<40, 1); err != nil || freed != 0 {
		t.Fatalf("%d bytes were removed that the hub does not hold, %v", freed, err)
	}
	for _, a := range stored[:5] {
		j.SetArtifactHeld(a.Sha256)
	}
	written(t, j)
	freed, err := j.PruneArtifacts(t.Context(), false, 1<<40, 1)
	if want := int64(len(bodies[0]) + len(bodies[1]) + len(bodies[2])); err != nil || freed != want {
		t.Fatalf("freed %d bytes, %v, want %d", freed, err, want)
	}
	after, _ := j.Usage()
	if want := int64(len(bodies[2])); before.Artifacts-after.Artifacts < want {
		t.Errorf("files were %d bytes, are %d", before.Artifacts, after.Artifacts)
	}
	for i := range stored {
		r, _, err := j.OpenArtifact(stored[i].Sha256)
		if gone := errors.Is(err, ErrPruned); gone != (i < 3) || err != nil && !gone {
			t.Errorf("artifact %d: %v", i, err)
		}
		if err == nil {
			r.Close()
		}
	}
	for i := range 3 { // the device sends it again
		if _, err := j.StoreArtifact(t.Context(), bytes.NewReader(bodies[i]), "image/png", ""); err != nil {
			t.Fatal(err)
		}
	}
	if freed, err := j.PruneArtifacts(t.Context(), true, 1<<40, 1); err != nil || freed != int64(len(bodies[3])+len(bodies[4])) {
		t.Errorf("of alarms: %d bytes, %v", freed, err)
	}
	j.Close()
	j = open(t, dir)
	for i := range 3 {
		r, size, err := j.OpenArtifact(stored[i].Sha256)
		if err != nil || size != int64(len(bodies[i])) {
			t.Errorf("artifact %d came again: %d bytes, %v", i, size, err)
			continue
		}
		r.Close()
	}
	audited(t, dir)
}

// written waits until what SetArtifactHeld recorded is in the database.
func written(t testing.TB, j *Journal) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < 20*time.Second; <-time.After(10 * time.Millisecond) {
		j.mu.Lock()
		left := len(j.arrived)
		j.mu.Unlock()
		if left == 0 {
			return
		}
	}
	t.Fatal("what the hub holds is not written")
}

func TestRoom(t *testing.T) {
	j := open(t, t.TempDir())
	try := func(class observation.Class) error {
		_, err := j.Commit(t.Context(), keyed(class, ""))
		return err
	}
	store := func() error {
		_, err := j.StoreArtifact(context.Background(), bytes.NewReader([]byte("x")), "text/plain", "")
		return err
	}
	for room, refused := range map[Room]int{RoomForAll: 0, RoomForEvents: 1, RoomForAlarms: 3} {
		j.SetRoom(room)
		got := 0
		for _, err := range []error{try(observation.Class_CLASS_ALARM), try(observation.Class_CLASS_EVENT), try(observation.Class_CLASS_TELEMETRY), store()} {
			if errors.Is(err, driver.ErrNoRoom) {
				got++
			} else if err != nil {
				t.Error(err)
			}
		}
		if got != refused {
			t.Errorf("room %d: %d refused, not %d", room, got, refused)
		}
	}
}

// Room that rows leave goes back to the disk.
func TestPruningShrinksTheDatabase(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for range 5 {
		var all []*observation.Observation
		for i := range 4000 {
			o := observation.New(observation.Class_CLASS_TELEMETRY, time.Unix(0, int64(i)), &observation.DeviceFault{Reason: string(make([]byte, 2000))})
			o.Device = "d"
			all = append(all, o)
		}
		commit(t, j, len(all), all...)
	}
	acknowledge(j)
	before, _ := j.Usage()
	pruneAll(t, j, observation.Class_CLASS_TELEMETRY)
	after, err := j.Usage()
	if err != nil || after.Database > before.Database*6/10 {
		t.Errorf("%d bytes before, %d after, %v", before.Database, after.Database, err)
	}
	j.Close()
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil || info.Size() > after.Database+spareBytes*3/2 {
		t.Errorf("the file has %d bytes, of which %d are used; %v", info.Size(), after.Database, err)
	}
}

// A journal of schema 2, which did not tell artifacts of vehicles with an alarm apart, learns it from its alarms and from
// the documents of passages.
func TestJournalOfSchema2(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	ofAlarm, ofPassage, routine := store(t, j, 100_000, 1), store(t, j, 90_000, 2), store(t, j, 80_000, 3)
	commit(t, j, 2, naming(observation.Class_CLASS_ALARM, ofAlarm), naming(observation.Class_CLASS_EVENT, ofPassage, routine))
	closed := observation.New(observation.Class_CLASS_EVENT, time.Unix(9, 0), &observation.PassageClosed{
		Id: "p", Alarm: true, Readings: []*observation.PassageReading{{Artifacts: [][]byte{ofPassage.Sha256}}},
	})
	closed.Device = observation.AgentDevice
	commit(t, j, 1, closed)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, dir, `DROP INDEX artifact_held; DROP INDEX observation_pruned; DROP TABLE pruned_key;
		ALTER TABLE artifact DROP COLUMN alarm; UPDATE artifact SET state=2; ALTER TABLE observation DROP COLUMN sealed;
		UPDATE meta SET value=CAST('2' AS BLOB) WHERE key='schema'`)
	j = open(t, dir)
	if freed, err := j.PruneArtifacts(t.Context(), false, 1<<40, 1); err != nil || freed != 80_000 {
		t.Errorf("of vehicles without an alarm %d bytes, %v", freed, err)
	}
	if freed, err := j.PruneArtifacts(t.Context(), true, 1<<40, 1); err != nil || freed != 190_000 {
		t.Errorf("of vehicles with an alarm %d bytes, %v", freed, err)
	}
	audited(t, dir)
}
