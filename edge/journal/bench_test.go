package journal

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/observation"
)

// BenchmarkCommit64 commits 300-byte observations from 64 producers, one each, and writes as many bytes in groups
// of the same mean size with write and fdatasync. The two take turns, for the disk's mood changes. The metric
// "of-raw" is the ratio of the two rates: 0.5 or more.
func BenchmarkCommit64(b *testing.B) {
	const producers, bodySize, rounds = 64, 300, 8
	j, err := Open(b.TempDir(), Options{Site: "bench", Agent: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	file, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	obs := sized(bodySize)
	each := max(b.N, 20_000) / rounds
	var took, raw time.Duration
	for range rounds {
		took += commitAll(b, j, obs, each, producers)
		s := j.Stats()
		raw += rawAppend(b, file, each, int((s.Rows+s.Groups/2)/s.Groups), bodySize)
	}
	s, total := j.Stats(), float64(each*rounds)
	b.ReportMetric(total/took.Seconds(), "rows/s")
	b.ReportMetric(float64(s.Rows)/float64(s.Groups), "rows/group")
	b.ReportMetric(total/raw.Seconds(), "raw-rows/s")
	b.ReportMetric(raw.Seconds()/took.Seconds(), "of-raw")
}

// commitAll commits obs so many times from so many producers at once, and returns how long that took.
func commitAll(b *testing.B, j *Journal, obs *observation.Observation, times, producers int) time.Duration {
	start := time.Now()
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := p; i < times; i += producers {
				if _, err := j.Commit(context.Background(), obs); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// BenchmarkCommitPersonal commits reads of plates from 64 producers, by turns with their personal fields and with
// the same texts in fields that are not personal. The metric "more-percent" is by how much the first take longer,
// the median of the rounds: under 10.
func BenchmarkCommitPersonal(b *testing.B) {
	const producers, rounds = 64, 40
	j, err := Open(b.TempDir(), Options{Site: "bench", Agent: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	var took [2]time.Duration
	var more []float64
	each := max(b.N, 20_000) / rounds
	for round := range 2 * rounds {
		obs := plateOf300(round%2 == 0)
		took[round%2] = commitAll(b, j, obs, each, producers)
		if round%2 == 1 {
			more = append(more, 100*(took[0].Seconds()/took[1].Seconds()-1))
		}
	}
	slices.Sort(more)
	b.ReportMetric(float64(each)/took[0].Seconds(), "rows/s")
	b.ReportMetric(more[len(more)/2], "more-percent")
}

// plateOf300 makes a read of a plate with three texts of a plate and a body of about 300 bytes. Without personal
// fields the texts stand elsewhere.
func plateOf300(withPersonal bool) *observation.Observation {
	plate := &observation.VehiclePlate{Camera: "camera-north-lane-1", VehicleType: string(make([]byte, 220)), Vendor: "vendor"}
	if withPersonal {
		plate.Plate, plate.Normal, plate.Skeleton = "ABC 1234", "ABC1234", "A8C1234"
	} else {
		plate.Region, plate.Direction, plate.Camera = "ABC 1234", "ABC1234", "A8C1234camera-north-lane-1"
	}
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), plate)
	o.Device = "lpr-1"
	return o
}

// sized makes an observation whose encoded body has n bytes.
func sized(n int) *observation.Observation {
	o := observation.New(observation.Class_CLASS_TELEMETRY, time.Now(), &observation.DeviceState{Reason: string(make([]byte, n-7))})
	o.Device = "rpm-1"
	return o
}

// rawAppend appends rows of bodySize to a file, with fdatasync after every group.
func rawAppend(b *testing.B, f *os.File, rows, group, bodySize int) time.Duration {
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
