package journal

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/observation"
)

// BenchmarkCommit64 commits 300-byte observations from 64 producers, one each, and then writes as many bytes in groups
// of the same mean size with write and fdatasync. The metric "of-raw" is the ratio of the two rates: 0.5 or more.
func BenchmarkCommit64(b *testing.B) {
	const producers, bodySize = 64, 300
	j, err := Open(b.TempDir(), Options{Site: "bench", Agent: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	obs := sized(bodySize)
	total := max(b.N, 20_000)
	b.ResetTimer()
	start := time.Now()
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := p; i < total; i += producers {
				if _, err := j.Commit(context.Background(), obs); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	s := j.Stats()
	group := float64(s.Rows) / float64(s.Groups)
	raw := rawAppend(b, total, int(group+0.5), bodySize)
	b.ReportMetric(float64(total)/took.Seconds(), "rows/s")
	b.ReportMetric(group, "rows/group")
	b.ReportMetric(float64(total)/raw.Seconds(), "raw-rows/s")
	b.ReportMetric(raw.Seconds()/took.Seconds(), "of-raw")
}

// sized makes an observation whose encoded body has n bytes.
func sized(n int) *observation.Observation {
	o := observation.New(observation.Class_CLASS_TELEMETRY, time.Now(), &observation.DeviceState{Reason: string(make([]byte, n-7))})
	o.Device = "rpm-1"
	return o
}

// rawAppend appends rows of bodySize to a file, with fdatasync after every group.
func rawAppend(b *testing.B, rows, group, bodySize int) time.Duration {
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, group*bodySize)
	start := time.Now()
	for n := 0; n < rows; n += group {
		if _, err := f.Write(buf); err != nil {
			b.Fatal(err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// BenchmarkCommitAlone is the time that a lone observation waits.
func BenchmarkCommitAlone(b *testing.B) {
	j, err := Open(b.TempDir(), Options{Site: "bench", Agent: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	obs := sized(300)
	for b.Loop() {
		if _, err := j.Commit(context.Background(), obs); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is the time from opening a journal of 100,000 rows to having it ready.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	j, err := Open(dir, Options{Site: "bench", Agent: "a"})
	if err != nil {
		b.Fatal(err)
	}
	many := make([]*observation.Observation, 1000)
	for i := range many {
		many[i] = sized(100)
	}
	for range 100 {
		if _, err := j.Commit(context.Background(), many...); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		j, err := Open(dir, Options{Site: "bench", Agent: "a"})
		if err != nil {
			b.Fatal(err)
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
