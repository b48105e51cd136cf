package scenario

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage"
)

// BenchmarkOutage commits days of the busy lane (-days, 30 by default) to a journal without a hub, each observation by
// itself as devices report it, with passages being followed. MB is the journal's size at the end, MB-30-days what that
// comes to in 30 days; size-of-payload and written-of-payload are the journal's size and what was written to the disk, over
// the bytes of the observations. There are no images.
func BenchmarkOutage(b *testing.B) {
	n := 30
	if *ndays > 0 {
		n = *ndays
	}
	for range b.N {
		s, dir := load(b, "busy-lane"), b.TempDir()
		before := writtenBytes(b)
		rows, payload := outage(b, s, dir, n)
		size, written := sizeOf(b, dir), writtenBytes(b)-before
		b.ReportMetric(float64(size)/1e6, "MB")
		b.ReportMetric(float64(size)/1e6*30/float64(n), "MB-30-days")
		b.ReportMetric(float64(rows), "rows")
		b.ReportMetric(float64(size)/float64(payload), "size-of-payload")
		b.ReportMetric(float64(written)/float64(payload), "written-of-payload")
	}
}

// outage commits n days to a new journal in dir and returns its rows and their bytes.
func outage(b *testing.B, s *Scenario, dir string, n int) (rows, payload int64) {
	j, err := journal.Open(dir, journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	ctx, cancel := context.WithCancel(b.Context())
	f, done := passage.NewFollower(j, s.Lanes(), slog.New(slog.DiscardHandler)), make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	for day := range n {
		for _, told := range Make(s, uint64(day+1)).Told {
			o := proto.CloneOf(told.Obs)
			if o.Key != "" { // the days repeat their keys
				o.Key = fmt.Sprintf("%d-%s", day, o.Key)
			}
			if _, err := j.Commit(ctx, o); err != nil {
				b.Fatal(err)
			}
		}
		f.Passages(ctx) // it answers when it has caught up
	}
	cancel()
	<-done
	return j.Size(), payloadBytes(b, j)
}

// payloadBytes adds up what the rows of a journal hold: bodies, device ids and times of 8 bytes.
func payloadBytes(b *testing.B, j *journal.Journal) (total int64) {
	const some = 4096
	for from := int64(0); from < j.Size(); {
		rows, err := j.Read(from, some)
		if err != nil || len(rows) == 0 {
			b.Fatal(len(rows), err)
		}
		for _, r := range rows {
			total += int64(len(r.Body) + len(r.Device) + 8)
		}
		from = rows[len(rows)-1].Idx + 1
	}
	return total
}

// sizeOf adds up the files below a directory, bytes.
func sizeOf(b *testing.B, dir string) (total int64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return total
}

// writtenBytes returns what this process has had written to disks so far, as the kernel counts it.
func writtenBytes(b *testing.B) (n int64) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip("the kernel does not count what is written here: ", err)
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "write_bytes: %d", &n); err == nil {
			return n
		}
	}
	b.Skip("the kernel does not say what is written")
	return 0
}
