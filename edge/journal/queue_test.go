package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// store keeps an artifact of a size and returns it.
func store(t *testing.T, j *Journal, size int, seed byte) *observation.Artifact {
	t.Helper()
	a, err := j.StoreArtifact(t.Context(), bytes.NewReader(bytes.Repeat([]byte{seed}, size)), "application/dicom", "x")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func naming(class observation.Class, artifacts ...*observation.Artifact) *observation.Observation {
	o := keyed(class, "")
	o.Body.Artifacts = artifacts
	return o
}

func waiting(t *testing.T, j *Journal) (sizes []int64) {
	t.Helper()
	list, err := j.WaitingArtifacts(10)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		sizes = append(sizes, a.Size)
	}
	return sizes
}

func equal(a []int64, b ...int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Small artifacts leave before files, those of alarms before those of events, and each after the row that names it.
func TestQueueOfArtifacts(t *testing.T) {
	j := open(t, t.TempDir())
	event, preview, alarm := store(t, j, 100_000, 1), store(t, j, 500, 2), store(t, j, 200_000, 3)
	commit(t, j, 1, naming(observation.Class_CLASS_EVENT, event))
	commit(t, j, 1, naming(observation.Class_CLASS_EVENT, preview))
	commit(t, j, 1, naming(observation.Class_CLASS_ALARM, alarm))
	if n, size, err := j.Backlog(); err != nil || n != 3 || size != 300_500 {
		t.Errorf("backlog %d, %d bytes, %v", n, size, err)
	}
	if got := waiting(t, j); !equal(got) {
		t.Errorf("before any row is at the hub: %v", got)
	}
	j.SetAcked(observation.Class_CLASS_EVENT, 0)
	if got := waiting(t, j); !equal(got, 100_000) {
		t.Errorf("when the first row is: %v", got)
	}
	j.SetAcked(observation.Class_CLASS_EVENT, 1)
	j.SetAcked(observation.Class_CLASS_ALARM, 2)
	if got := waiting(t, j); !equal(got, 500, 200_000, 100_000) {
		t.Errorf("when all are: %v", got)
	}
	j.SetArtifactHeld(preview.Sha256)
	if got := waiting(t, j); !equal(got, 200_000, 100_000) {
		t.Errorf("the hub has one: %v", got)
	}
}

func TestArtifactsAreQueuedAgainForARestoredHub(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	a := store(t, j, 100, 1)
	commit(t, j, 1, naming(observation.Class_CLASS_EVENT, a))
	j.SetAcked(observation.Class_CLASS_EVENT, 0)
	j.SetArtifactHeld(a.Sha256)
	reopen := func() {
		t.Helper()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, dir)
	}
	reopen()
	if got := waiting(t, j); len(got) != 0 {
		t.Errorf("what the hub has is queued: %v", got)
	}
	j.RequeueArtifacts(observation.Class_CLASS_EVENT, -1)
	reopen()
	if got := waiting(t, j); !equal(got, 100) {
		t.Errorf("after the hub lost it: %v", got)
	}
}

// What no row names was not acknowledged to anybody: it goes at the next start, files and all.
func TestOrphansGoAtStart(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	kept, orphan, small := store(t, j, 100_000, 1), store(t, j, 100_000, 2), store(t, j, 10, 3)
	commit(t, j, 1, naming(observation.Class_CLASS_EVENT, kept))
	if err := os.WriteFile(filepath.Join(dir, artifactDir, temporaryPrefix+"x"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	for _, a := range []*observation.Artifact{kept, orphan, small} {
		r, _, err := j.OpenArtifact(a.Sha256)
		if (err == nil) != (a == kept) {
			t.Errorf("artifact of %d bytes: %v", a.Size, err)
		}
		if err == nil {
			r.Close()
		}
	}
	files := 0
	err := filepath.Walk(filepath.Join(dir, artifactDir), func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files != 1 {
		t.Errorf("%d files are left, %v", files, err)
	}
}

// A journal of schema 1, which did not queue artifacts, is taken over with all that it holds.
func TestJournalOfSchema1(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	a, b := store(t, j, 100_000, 1), store(t, j, 10, 2)
	commit(t, j, 1, naming(observation.Class_CLASS_ALARM, a))
	commit(t, j, 1, naming(observation.Class_CLASS_EVENT, b))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sqlog.Open(filepath.Join(dir, FileName), sqlog.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Script(`DROP INDEX artifact_waiting; DROP INDEX artifact_held; ALTER TABLE artifact DROP COLUMN alarm; ALTER TABLE artifact DROP COLUMN rank; ALTER TABLE artifact DROP COLUMN idx;
		UPDATE artifact SET state=0; ALTER TABLE observation DROP COLUMN sealed; UPDATE meta SET value=CAST('1' AS BLOB) WHERE key='schema'`)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	j.SetAcked(observation.Class_CLASS_ALARM, 0)
	j.SetAcked(observation.Class_CLASS_EVENT, 1)
	if got := waiting(t, j); !equal(got, 10, 100_000) {
		t.Errorf("queued: %v", got)
	}
	commit(t, j, 1, background(1))
	if _, report, err := Audit(t.Context(), dir+"/"+FileName, ""); err != nil || !report.OK() {
		t.Errorf("%v %v", report, err)
	}
}
