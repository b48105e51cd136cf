package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/xray/dicom"
)

// script has pydicom, which we did not write, say what is in a file.
const script = `
import sys, json, hashlib, pydicom
d = pydicom.dcmread(sys.argv[1])
out = {"class": str(d.SOPClassUID), "instance": str(d.SOPInstanceUID), "syntax": str(d.file_meta.TransferSyntaxUID), "ooi": str(d.PatientID)}
if "PixelData" in d:
    out.update(rows=int(d.Rows), columns=int(d.Columns), pixels=hashlib.sha256(d.PixelData).hexdigest(), kvp=float(d.KVP))
t = d.get((0x4010, 0x1011))
if t is not None and len(t.value):
    r = t.value[0][0x4010, 0x1037].value[0]
    out.update(threats=len(t.value), polygon=[float(x) for x in r[0x4010, 0x101d].value], refers=str(r[0x0008, 0x1140].value[0].ReferencedSOPInstanceUID))
print(json.dumps(out))
`

// TestPydicom lets pydicom and dcmdump read what our writer writes: image and report.
func TestPydicom(t *testing.T) {
	peer.Need(t, peer.Pydicom)
	scan := Scan{Seed: 5, Rows: 40, Columns: 120, At: time.Unix(1_800_000_000, 0), OOI: "MSCU1234565",
		Threat: true, Dual: true}
	for _, o := range scan.Objects() {
		var b bytes.Buffer
		if err := o.Write(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), o.Name)
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(peer.Python, "-c", script, path).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v %s", o.Name, err, out)
		}
		var got struct {
			Class, Instance, Syntax, OOI, Pixels, Refers string
			Rows, Columns, Threats                       int
			Polygon                                      []float64
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got.Class != o.Class || got.Instance != o.Instance || got.Syntax != dicom.ExplicitLE || got.OOI != scan.OOI {
			t.Errorf("%s: pydicom reads %s", o.Name, out)
		}
		if o.Class == ClassReport {
			l, top, r, bottom := scan.hidden()
			if want := fmt.Sprint([]float64{float64(l), float64(top), 0, float64(r), float64(bottom),
				0}); got.Threats != 1 || fmt.Sprint(got.Polygon) != want || got.Refers != scan.instance(1) {
				t.Errorf("%s: pydicom reads %s, want %s", o.Name, out, want)
			}
		} else {
			var pixels bytes.Buffer
			if _, err := dicom.Read(bytes.NewReader(b.Bytes()), dicom.DefaultLimits, &pixels); err != nil {
				t.Fatal(err)
			}
			if got.Rows != 40 || got.Columns != 120 || got.Pixels != fmt.Sprintf("%x", sha256.Sum256(pixels.Bytes())) {
				t.Errorf("%s: pydicom reads %s", o.Name, out)
			}
		}
		if peer.Dcmtk.Check() == nil {
			if out, err := exec.Command("dcmdump", "-q", path).CombinedOutput(); err != nil ||
				bytes.Contains(out, []byte("W: ")) || bytes.Contains(out, []byte("E: ")) {
				t.Errorf("%s: dcmdump: %v %s", o.Name, err, out)
			}
		}
	}
}
