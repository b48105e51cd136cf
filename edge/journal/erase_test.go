package journal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// plates returns the plates that a journal's readers get, by idx; "" for rows of other kinds.
func platesOf(t *testing.T, j *Journal) (out []string) {
	t.Helper()
	rows, err := j.Read(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o.Body.GetVehiclePlate().GetNormal())
	}
	return out
}

// TestEraseName: a plate is gone from the rows that had it and from what people see, with its picture; others stay,
// proofs hold, the row that says so is there, and what the camera sends again is still known.
func TestEraseName(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	read, other := plateRead("QZKX482", 1), plateRead("ABCD123", 2)
	document, err := j.StoreArtifact(t.Context(), strings.NewReader("of QZKX482"), "text/plain", "QZKX482.txt")
	if err != nil {
		t.Fatal(err)
	}
	picture := store(t, j, 100_000, 7)
	read.Body.Artifacts = []*observation.Artifact{document, picture}
	closed := observation.New(observation.Class_CLASS_EVENT, time.Unix(3, 0), &observation.PassageClosed{Id: "p", Plate: "QZKX482"})
	closed.Device = observation.AgentDevice
	commit(t, j, 3, read, other, closed)
	done, err := j.EraseName(t.Context(), "qzkx-482")
	if err != nil || done != (Erased{Rows: 2, Artifacts: 2}) {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := strings.Join(platesOf(t, j), ","); got != ",ABCD123,," {
		t.Errorf("plates %q", got)
	}
	for _, a := range read.Body.Artifacts {
		if _, _, err := j.OpenArtifact(a.Sha256); err == nil {
			t.Errorf("%s can still be read", a.Name)
		}
	}
	rows, err := j.Read(3, 1)
	if err != nil {
		t.Fatal(err)
	}
	o, err := rows[0].Observation()
	if e := o.GetBody().GetAgentErased(); err != nil || e.GetRows() != 2 || e.GetFirst() != 0 || e.GetArtifacts() != 2 {
		t.Errorf("%v, %v", o, err)
	}
	commit(t, j, 0, plateRead("ABCD123", 2))
	if again, err := j.EraseName(t.Context(), "QZKX482"); err != nil || again != (Erased{}) {
		t.Errorf("once more %+v, %v", again, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, report, err := Audit(t.Context(), dir, ""); err != nil || !report.OK() || report.Rows != 4 {
		t.Errorf("audit %+v, %v", report, err)
	}
}

// TestEraseBefore: what came before a time is erased, and looked through once.
func TestEraseBefore(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	defer j.Close()
	commit(t, j, 1, plateRead("QZKX482", 100))
	commit(t, j, 1, plateRead("ABCD123", 200))
	commit(t, j, 1, plateRead("EFGH456", 300))
	for _, c := range []struct {
		before, rows int64
		left         string
	}{{50, 0, "QZKX482,ABCD123,EFGH456"}, {250, 2, ",,EFGH456,"}, {250, 0, ",,EFGH456,"}} {
		done, err := j.EraseBefore(t.Context(), time.Unix(c.before, 0))
		if got := strings.Join(platesOf(t, j), ","); err != nil || done.Rows != c.rows || got != c.left {
			t.Errorf("before %d: %+v, %v; left %q", c.before, done, err, got)
		}
	}
}

// TestErasedIsOverwritten: neither database nor log has the sealed bytes of what was erased.
func TestErasedIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	defer j.Close()
	commit(t, j, 1, plateRead("QZKX482", 1))
	var sealed string
	for i := range 50 { // so that it is not alone on its page
		commit(t, j, 1, plateRead(fmt.Sprintf("ABCD%d", i), int64(i+2)))
	}
	rows, err := j.Read(0, 1)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	sealed = string(rows[0].sealed)
	if _, err := j.EraseName(t.Context(), "QZKX482"); err != nil {
		t.Fatal(err)
	}
	mustNotHold(t, dir, sealed[:24])
}

// TestErasingBesideAReader: somebody who reads the database for long keeps its log from being emptied; commits do
// not wait for that, and the log is emptied when they are gone.
func TestErasingBesideAReader(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	defer j.Close()
	commit(t, j, 1, plateRead("QZKX482", 1))
	commit(t, j, 1, plateRead("ABCD123", 2))
	db, err := sqlog.Open(filepath.Join(dir, FileName), sqlog.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	erased := make(chan error, 1)
	err = db.Query("SELECT idx FROM observation", func([]driver.Value) error {
		if ctx.Err() != nil {
			return nil
		}
		go func() {
			_, err := j.EraseName(ctx, "QZKX482")
			erased <- err
		}()
		for { // until it is erased, while this reader holds the log
			changed := j.Changed()
			if platesOf(t, j)[0] == "" {
				break
			}
			<-changed
		}
		commit(t, j, 1, plateRead("EFGH456", 3))
		cancel()
		return <-erased
	})
	if !errors.Is(err, context.Canceled) && !errors.Is(err, ErrLog) {
		t.Errorf("erasing beside a reader: %v", err)
	}
	if _, err := j.EraseName(t.Context(), "EFGH456"); err != nil {
		t.Errorf("erasing when the reader is gone: %v", err)
	}
}
