package journal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkStoreArtifact stores a file of 60 MB, hashed and durable; of-cp is the speed against cp and fsync (sync FILE) of the same
// file, which take turns with it.
func BenchmarkStoreArtifact(b *testing.B) {
	dir := b.TempDir()
	in := filepath.Join(dir, "in")
	rng := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 60<<20)
	for i := 0; i < len(data); i += 8 {
		v := rng.Uint64()
		for k := range 8 {
			data[i+k] = byte(v >> (8 * k))
		}
	}
	j, err := Open(filepath.Join(dir, "journal"), testOptions)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	var ours, theirs time.Duration
	n := byte(0)
	for b.Loop() {
		n++
		data[0] = n // another artifact
		if err := os.WriteFile(in, data, 0o600); err != nil {
			b.Fatal(err)
		}
		out := filepath.Join(dir, fmt.Sprint("out", n)) // a new file each time, as the artifact is: reused blocks are faster
		turns := []func(){
			func() {
				f, err := os.Open(in)
				if err != nil {
					b.Fatal(err)
				}
				defer f.Close()
				begin := time.Now()
				if _, err := j.StoreArtifact(b.Context(), f, "application/octet-stream", "in"); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(begin)
			},
			func() {
				begin := time.Now()
				if err := exec.Command("sh", "-c", "cp "+in+" "+out+" && sync "+out).Run(); err != nil {
					b.Fatal(err)
				}
				theirs += time.Since(begin)
			},
		}
		for k := range turns {
			exec.Command("sync").Run() // what was written before is not part of the question
			turns[(k+int(n))%2]()
		}
	}
	b.ReportMetric(float64(theirs)/float64(ours), "of-cp")
	b.ReportMetric(60*float64(b.N)/ours.Seconds(), "MB/s")
}
