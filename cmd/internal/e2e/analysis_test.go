package e2e

import (
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	drv "lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/trace/ionscan/sim"
	"lanewarden/drivers/trace/plasmagram"
	firmwareconfig "lanewarden/firmware-config"
)

// TestKillDuringAnalyses kills the agent while an ion scanner drops its files: each file that moved to done/ is one analysis in the
// ledger, and quality control goes on where it was.
func TestKillDuringAnalyses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	var lib drv.Ref[plasmagram.Library]
	if err := firmwareconfig.LoadDocument(&lib, firmwareconfig.Substances, "open-literature"); err != nil {
		t.Fatal(err)
	}
	scanner := sim.NewScanner(1, lib.Value)
	folder, done := w.path("trace"), filepath.Join(w.path("trace"), "done")
	w.waitFor("the drop folder", 60*time.Second, func() bool { _, err := os.Stat(done); return err == nil })
	const swabs = 40
	begin := time.Now()
	for i := range swabs {
		swab := scanner.Random(begin.Add(time.Duration(i)*time.Second), 0.3)
		r, err := scanner.Run(swab)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Drop(folder); err != nil {
			t.Fatal(err)
		}
		if i%4 == 3 {
			time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond) // a random moment is what is tested
			w.agent.end(syscall.SIGKILL)
			w.agent.start()
		}
	}
	w.waitFor("all files to be taken", 3*time.Minute, func() bool {
		names, _ := filepath.Glob(filepath.Join(done, "*.jdx"))
		return len(names) == swabs
	})
	w.waitFor("the hub to have everything", 3*time.Minute, w.drained)
	w.stop()
	files := map[[32]byte]int{}
	samples := uint32(0)
	w.bodies(func(b *observation.Body) {
		if b.GetTraceAnalysis() != nil {
			files[[32]byte(b.Artifacts[0].Sha256)]++
		}
		if q := b.GetTraceQuality(); q != nil {
			samples = max(samples, q.Samples)
		}
	})
	names, _ := filepath.Glob(filepath.Join(done, "*.jdx"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := files[sha256.Sum256(data)]; n != 1 {
			t.Errorf("%s is %d times in the ledger", filepath.Base(name), n)
		}
	}
	if samples != swabs {
		t.Errorf("quality control counted %d samples of %d", samples, swabs)
	}
	w.checkCopies()
}
