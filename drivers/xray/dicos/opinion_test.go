package dicos

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dicos/sim"
)

// opinion is what an officer drew on an image of the simulator.
func opinion(t *testing.T) (file []byte, image *dicom.File) {
	t.Helper()
	var b bytes.Buffer
	if err := (sim.Scan{Seed: 1, Rows: 20, Columns: 30, At: time.Unix(1_800_000_000, 0), OOI: "MSCU1234565"}).WriteImage(&b); err != nil {
		t.Fatal(err)
	}
	image, err := dicom.ReadHeader(&b)
	if err != nil {
		t.Fatal(err)
	}
	var out [2]bytes.Buffer
	for i := range out {
		if err := WriteOpinion(&out[i], image, Opinion{
			Instance: "2.25.42", By: "Émilie Tremblay", At: time.Unix(1_800_000_100, 5e8), Decision: "ALARM",
			Boxes: []Box{{"cigarettes, à vérifier", []float32{3, 9}, []float32{4, 8}}, {"", []float32{1, 2, 3}, []float32{5, 6, 7}}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(out[0].Bytes(), out[1].Bytes()) {
		t.Error("the same opinion is not the same bytes")
	}
	return out[0].Bytes(), image
}

// What an officer holds of an image is read back as the report of an operator.
func TestOpinion(t *testing.T) {
	file, image := opinion(t)
	f, err := dicom.ReadHeader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	of := newObject(image, time.UTC).text(dicom.SOPInstanceUID)
	r := newObject(f, time.UTC).report()
	if r == nil || r.Type != "OPERATOR" || r.Decision != "ALARM" || r.AlarmObjects != 2 || r.OoiId != "MSCU1234565" ||
		r.DecisionNs != time.Unix(1_800_000_100, 5e8).UnixNano() || !slices.Equal(r.ImageInstances, []string{of}) {
		t.Fatalf("%v", r)
	}
	first := r.Objects[0]
	if first.Assessments[0].Description != "cigarettes, à vérifier" || first.Assessments[0].Flag != "THREAT" ||
		first.Regions[0].ImageInstance != of || !slices.Equal(first.Regions[0].Polygon, []float32{3, 4, 0, 9, 8, 0}) {
		t.Errorf("%v", first)
	}
	if corners := r.Objects[1].Regions[0].Polygon; len(corners) != 9 {
		t.Errorf("%v", corners)
	}
	var clear bytes.Buffer
	if err := WriteOpinion(&clear, image, Opinion{Instance: "2.25.43", Decision: "CLEAR", Boxes: []Box{{"", []float32{1, 2}, []float32{1, 2}}}}); err != nil {
		t.Fatal(err)
	}
	if f, err = dicom.ReadHeader(&clear); err != nil {
		t.Fatal(err)
	}
	if r := newObject(f, time.UTC).report(); isAlarm(r) || r.Objects[0].Assessments[0].Flag != "NO_THREAT" {
		t.Errorf("%v", r)
	}
	if err := WriteOpinion(&clear, &dicom.File{}, Opinion{}); err == nil {
		t.Error("a report of nothing was written")
	}
}

// Pydicom, which we did not write, reads the same, and dcmdump has nothing against it.
func TestOpinionIsDicos(t *testing.T) {
	peer.Need(t, peer.Pydicom)
	file, _ := opinion(t)
	path := filepath.Join(t.TempDir(), "opinion.dcs")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(peer.Python, "-c", `
import sys, pydicom
d = pydicom.dcmread(sys.argv[1])
t = d[0x4010, 0x1011].value[0]
print(d.SOPClassUID, d.Modality, d[0x4010, 0x1027].value, d[0x4010, 0x1031].value, str(d.OperatorsName) == "Émilie Tremblay",
  t[0x4010, 0x1038].value[0][0x4010, 0x1013].value == "cigarettes, à vérifier", [float(x) for x in t[0x4010, 0x1037].value[0][0x4010, 0x101d].value],
  len(d[0x4010, 0x1011].value))`, path).CombinedOutput()
	want := classTDR + " TDR OPERATOR ALARM True True [3.0, 4.0, 0.0, 9.0, 8.0, 0.0] 2"
	if err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("pydicom reads %s, %v; want %s", out, err, want)
	}
	if peer.Dcmtk.Check() == nil {
		if out, err := exec.Command("dcmdump", "-q", path).CombinedOutput(); err != nil || bytes.Contains(out, []byte("W: ")) || bytes.Contains(out, []byte("E: ")) {
			t.Errorf("dcmdump: %v %s", err, out)
		}
	}
}
