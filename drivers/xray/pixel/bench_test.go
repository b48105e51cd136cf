package pixel

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/xray/dicom"
)

// BenchmarkJPEGLS decodes an image of 4000 x 2000 pixels of 16 bits; of-dcmdjpls is the speed against dcmtk's
// program, which also starts and writes its output, on the same file in the same run.
func BenchmarkJPEGLS(b *testing.B) {
	peer.Need(b, peer.Dcmtk)
	packed := compress(b, file(b, dicom.ExplicitLE, 2000, 4000, 16, 1, false, scene(2000, 4000, 16, 1)), "dcmcjpls")
	in, out := filepath.Join(b.TempDir(), "in"), "/dev/shm/lanewarden-bench.dcm"
	if err := os.WriteFile(in, packed, 0o600); err != nil {
		b.Fatal(err)
	}
	defer os.Remove(out)
	var ours, theirs time.Duration
	for b.Loop() {
		begin := time.Now()
		if _, _, err := decode(packed, 0); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(begin)
		begin = time.Now()
		if err := exec.Command("dcmdjpls", in, out).Run(); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(begin)
	}
	b.ReportMetric(float64(theirs)/float64(ours), "of-dcmdjpls")
	b.ReportMetric(8e6*float64(b.N)/ours.Seconds()/1e6, "Mpixel/s")
}
