package drivertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// repeats is the number of times that a recording is played: what depends on the order of a map comes out otherwise in
// one of so many.
const repeats = 50

// repeat plays the recorded input through fresh drivers, and requires the very same observations of each: times,
// keys, and bytes.
func (s Stream) repeat(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	records := recording(s.Input)
	Repeat(t, func() []*observation.Observation {
		d, err := s.Spec.New(s.Settings("192.0.2.1:1"), driver.Env{Device: "device",
			Links: transport.NewPlayback(slices.Clone(records), func() {})})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		sink := NewSink()
		if err := d.Run(ctx, sink); err == nil || ctx.Err() != nil {
			t.Fatalf("the recording ended, and Run returned %v", err)
		}
		return sink.Observations()
	})
}

// recording is one connection on which a device says this, in pieces of some bytes.
func recording(input []byte) []transport.Record {
	const piece = 61 // bytes; cuts frames at other places again and again
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	out := []transport.Record{{At: at, Kind: transport.RecordOpen, Data: []byte("192.0.2.1:1")}}
	for part := range slices.Chunk(input, piece) {
		at = at.Add(20 * time.Millisecond)
		out = append(out, transport.Record{At: at, Kind: transport.RecordIn, Data: part})
	}
	return append(out, transport.Record{At: at.Add(time.Minute), Kind: transport.RecordClose})
}

// repeat gives the document to fresh drivers, and requires the very same bodies of each. The time of what a
// document does not date is that of its arrival.
func (d Documents) repeat(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	Repeat(t, func() []*observation.Observation {
		begin := time.Now().Add(-time.Second)
		out := d.once(t)
		for _, o := range out {
			if o.Time().After(begin) {
				o.TimeNs = 0
				o.Key, _, _ = strings.Cut(o.Key, "@")
			}
		}
		return out
	})
}

// once gives the document to a fresh driver, and returns what it observed.
func (d Documents) once(t *testing.T) []*observation.Observation {
	if d.NoFolder {
		r, url := d.httpRunning(t)
		defer r.end()
		if code, text, err := d.post(url, d.Good); err != nil || code != 200 {
			t.Fatalf("%d %q %v", code, text, err)
		}
		return d.all(r)
	}
	r, folder := d.folderRunning(t)
	write(t, filepath.Join(folder, d.Name), d.Good)
	waitFor(t, "the file to move to done/", func() bool { return exists(filepath.Join(folder, "done", d.Name)) })
	out := d.all(r)
	r.end()
	os.RemoveAll(folder)
	return out
}

// all returns what a document gave, in the order of kinds: what a driver does beside each other ends in any order.
func (d Documents) all(r *running) []*observation.Observation {
	r.wait("all observations of the document", func() bool { return len(r.sink.Observations()) >= d.Observations })
	out := r.sink.Observations()
	if d.Timed != nil {
		out = slices.DeleteFunc(out, d.Timed)
	}
	slices.SortStableFunc(out, func(a, b *observation.Observation) int { return int(a.Body.Kind()) - int(b.Body.Kind()) })
	return out
}

// Repeat runs something again and again, and compares what it observed, byte by byte. It is for the decoders of
// devices that are asked, which neither Stream nor Documents can play.
func Repeat(t *testing.T, run func() []*observation.Observation) {
	t.Helper()
	var want []*observation.Observation
	for i := range repeats {
		got := run()
		if i == 0 {
			want = got
			continue
		}
		if diff := firstDifference(want, got); diff != "" {
			t.Fatalf("run %d observed other things than the first: %s", i+1, diff)
		}
	}
	if len(want) == 0 {
		t.Error("nothing was observed")
	}
}

func firstDifference(want, got []*observation.Observation) string {
	encode := func(o *observation.Observation) []byte {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(o)
		if err != nil {
			return []byte(err.Error())
		}
		return b
	}
	for i := range min(len(want), len(got)) {
		if !slices.Equal(encode(want[i]), encode(got[i])) {
			return fmt.Sprintf("number %d was\n%v\nand is\n%v", i+1, want[i], got[i])
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("%d observations, and %d", len(want), len(got))
	}
	return ""
}
