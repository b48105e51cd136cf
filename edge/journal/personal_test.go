package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
)

// plateRead is a read of a plate, under a key that names it.
func plateRead(plate string, at int64) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, time.Unix(at, 0), &observation.VehiclePlate{
		Plate: plate, Normal: plate, Skeleton: plate, Camera: "cam", Alternatives: []*observation.PlateRead{{Plate: plate + "X"}},
	})
	o.Device, o.Key = "lpr-1", plate+"/1"
	return o
}

// mustNotHold fails when a file of a directory has a text.
func mustNotHold(t *testing.T, dir, text string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, FileName+"*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(text)) {
			t.Errorf("%s has %s", filepath.Base(path), text)
		}
	}
}

// TestNoPlateOnDisk: neither the database nor its write-ahead log has a plate that was read, while readers of the
// journal have it, and its document.
func TestNoPlateOnDisk(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	o := plateRead("QZKX482", 1)
	document, err := j.StoreArtifact(t.Context(), strings.NewReader(`{"plate":"QZKX482"}`), "application/json", "QZKX482.json")
	if err != nil {
		t.Fatal(err)
	}
	o.Body.Artifacts = []*observation.Artifact{document}
	commit(t, j, 1, o)
	commit(t, j, 0, o) // its key is known
	mustNotHold(t, dir, "QZKX482")
	rows, err := j.Read(0, 10)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	got, err := rows[0].Observation()
	if err != nil || got.Body.GetVehiclePlate().GetAlternatives()[0].GetPlate() != "QZKX482X" || got.Key != o.Key ||
		got.Body.Artifacts[0].Name != "QZKX482.json" || rows[0].Erased {
		t.Errorf("%v, %v", got, err)
	}
	reader, _, err := j.OpenArtifact(document.Sha256)
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, document.Size)
	if _, err := reader.ReadAt(text, 0); err != nil || !strings.Contains(string(text), "QZKX482") {
		t.Errorf("%q, %v", text, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	mustNotHold(t, dir, "QZKX482")
	if _, report, err := Audit(t.Context(), dir, ""); err != nil || !report.OK() || report.Rows != 1 {
		t.Errorf("audit %+v, %v", report, err)
	}
}

// TestValuesOfAnotherKey: what was sealed with a key that is gone is read as erased, and proves what it proved.
func TestValuesOfAnotherKey(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	commit(t, j, 1, plateRead("QZKX482", 1))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, KeyFile), filepath.Join(dir, "kept")); err != nil {
		t.Fatal(err)
	}
	err := Each(filepath.Join(dir, FileName), func(r *Row) error {
		o, err := r.Observation()
		if p := o.GetBody().GetVehiclePlate(); !r.Erased || r.Salt != nil || p.GetPlate() != "" || p.GetCamera() != "cam" {
			t.Errorf("%+v, %v", r, o)
		}
		shown, err2 := r.Shown("erased")
		if p := shown.GetBody().GetVehiclePlate(); err2 != nil || p.GetPlate() != "erased" {
			t.Errorf("shown %v, %v", shown, err2)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, report, err := Audit(t.Context(), dir, ""); err != nil || !report.OK() || report.Rows != 1 {
		t.Errorf("audit %+v, %v", report, err)
	}
}

// TestJournalOfSchema3: a journal of the version before values were sealed has its rows and its artifact as they
// were, with their proofs, knows what it has, and takes rows with sealed values after them.
func TestJournalOfSchema3(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/schema3")); err != nil {
		t.Fatal(err)
	}
	before := leafRows(t, dir) // by a reader of this version, before the agent of this version ran
	j, err := Open(dir, Options{Site: "demo", Agent: "lane-1"})
	if err != nil {
		t.Fatal(err)
	}
	document := strings.NewReader(`{"plate":"QZKX482"}`)
	a, err := j.StoreArtifact(t.Context(), document, "application/json", "QZKX482.json")
	if err != nil {
		t.Fatal(err)
	}
	o := observation.New(observation.Class_CLASS_EVENT, time.Unix(1, 0), &observation.VehiclePlate{
		Plate: "QZKX482", Normal: "QZKX482", Skeleton: "QZKX482", Camera: "cam", Confidence: 0.9,
		Alternatives: []*observation.PlateRead{{Plate: "QZKX482X"}},
	})
	o.Device, o.Key, o.Body.Artifacts = "lpr-1", "QZKX482/1", []*observation.Artifact{a}
	commit(t, j, 0, o) // the camera sends it again
	reader, size, err := j.OpenArtifact(a.Sha256)
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, size)
	if _, err := reader.ReadAt(text, 0); err != nil || string(text) != `{"plate":"QZKX482"}` {
		t.Errorf("%q, %v", text, err)
	}
	commit(t, j, 1, plateRead("QZKX483", 3))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	after := leafRows(t, dir)
	if len(before) != 2 || len(after) != 3 || !slices.Equal(before, after[:2]) {
		t.Errorf("rows before %q, after %q", before, after)
	}
	if _, report, err := Audit(t.Context(), dir, ""); err != nil || !report.OK() || report.Rows != 3 {
		t.Errorf("audit %+v, %v", report, err)
	}
	mustNotHold(t, dir, "QZKX483")
}

// leafRows returns a journal's rows as they are hashed.
func leafRows(t *testing.T, dir string) (out []string) {
	t.Helper()
	if err := Each(filepath.Join(dir, FileName), func(r *Row) error {
		out = append(out, fmt.Sprintf("%+v", r.Record()))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}
