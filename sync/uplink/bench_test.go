package uplink

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
)

// benchRows is how many rows BenchmarkBatches reads in a round.
const benchRows = 100_000

// BenchmarkBatches is the agent's side of a drain without the network: rows of the journal become payloads. "of-bare"
// is its rate, by processor time, over that of the same database read by one query, a thousand rows of bytes compressed
// at a time.
func BenchmarkBatches(b *testing.B) {
	dir := b.TempDir()
	j, err := journal.Open(dir, journal.Options{Site: "bench", Agent: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	fillTelemetry(b, j, benchRows)
	codec, err := wire.NewCodec()
	if err != nil {
		b.Fatal(err)
	}
	defer codec.Close()
	ours, bare := time.Duration(0), time.Duration(0)
	for b.Loop() {
		begin := processorTime(b)
		batches(b, j, codec)
		middle := processorTime(b)
		bareBatches(b, filepath.Join(dir, journal.FileName))
		ours, bare = ours+middle-begin, bare+processorTime(b)-middle
	}
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N)/benchRows, "ns/row")
	b.ReportMetric(float64(bare.Nanoseconds())/float64(b.N)/benchRows, "bare-ns/row")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "of-bare")
	b.ReportMetric(0, "ns/op")
}

// processorTime is what this process has used, garbage collection included: other work on the machine changes it
// little.
func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fillTelemetry commits a portal's background, n times.
func fillTelemetry(b *testing.B, j *journal.Journal, n int) {
	for k := int32(0); k < int32(n); {
		group := make([]*observation.Observation, 1000)
		for i := range group {
			at := time.UnixMilli(1_800_000_000_000 + int64(k)*5000)
			group[i] = observation.New(observation.Class_CLASS_TELEMETRY, at, &observation.RadiationBackground{
				Gamma:   []int32{240 + k%17, 250 + k%13, 245 + k%11, 255 + k%19},
				Neutron: []int32{k % 3, k % 2, 1, k % 4},
			})
			group[i].Device = "rpm-1"
			k++
		}
		if _, err := j.Commit(context.Background(), group...); err != nil {
			b.Fatal(err)
		}
	}
}

// batches makes the payloads of all telemetry, as a session does on a fast link.
func batches(b *testing.B, j *journal.Journal, codec *wire.Codec) {
	s := &session{Uplink: &Uplink{journal: j, codec: codec}, id: j.Identity(), streams: map[observation.Class]*stream{},
		window: window{credit: 4 << 20, rate: 1e9, trip: 10 * time.Millisecond}, ratio: 20}
	st := &stream{sent: -1}
	s.streams[observation.Class_CLASS_TELEMETRY] = st
	for {
		batch, f, err := s.nextBatch(observation.Class_CLASS_TELEMETRY)
		if err != nil {
			b.Fatal(err)
		}
		if batch == nil {
			return
		}
		if _, err := codec.Encode(batch); err != nil {
			b.Fatal(err)
		}
		st.sent = f.last
	}
}

// bareBatches reads and compresses the same without any of our logic.
func bareBatches(b *testing.B, path string) {
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	defer enc.Close()
	raw, out := []byte(nil), []byte(nil)
	for last, n := int64(-1), 1; n > 0; out = enc.EncodeAll(raw, out[:0]) {
		n, raw = 0, raw[:0]
		err := db.Query("SELECT idx, t, device, kind, body FROM observation WHERE idx>? ORDER BY idx LIMIT 1024", func(c []driver.Value) error {
			last, n = sqlog.Int64(c[0]), n+1
			raw = binary.AppendVarint(binary.AppendVarint(raw, last), sqlog.Int64(c[1]))
			raw = append(raw, sqlog.Text(c[2])...)
			raw = append(binary.AppendVarint(raw, sqlog.Int64(c[3])), sqlog.Bytes(c[4])...)
			return nil
		}, last)
		if err != nil {
			b.Fatal(err)
		}
	}
}
