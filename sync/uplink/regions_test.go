package uplink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"lanewarden/drivers/xray/dicos/sim"
	"lanewarden/drivers/xray/picture"
	"lanewarden/sync/wire"
)

// scan returns an X-ray image of 1200 x 400 pixels as a file.
func scan(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (sim.Scan{Seed: 1, At: time.Unix(1_800_000_000, 0), Rows: 400, Columns: 1200}).WriteImage(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCutRegion: on a link of 8 kB/s a region is as fine as passes in time, each pixel where that is asked for, and refused
// where it would take too long.
func TestCutRegion(t *testing.T) {
	file := scan(t)
	for name, c := range map[string]struct {
		want    *wire.Region
		refused wire.RegionRefusal
		width   int // of the values; 0: fewer than the region has
		seconds float64
	}{
		"all of it":               {want: &wire.Region{WithinMs: 1000}, seconds: 1},
		"all of it, in no time":   {want: &wire.Region{WithinMs: 1}, seconds: 1},
		"small":                   {want: &wire.Region{X: 1, Y: 2, Width: 64, Height: 48, WithinMs: 1000}, width: 64, seconds: 1},
		"each pixel":              {want: &wire.Region{X: 900, Width: 300, Height: 200, Exact: true}, width: 300, seconds: 30},
		"each pixel, too many":    {want: &wire.Region{Exact: true}, refused: wire.RegionRefusal_REGION_TOO_LARGE, seconds: 200},
		"each pixel, a few more":  {want: &wire.Region{Width: 500, Height: 380, Exact: true}, refused: wire.RegionRefusal_REGION_TOO_LARGE, seconds: 60},
		"of a size":               {want: &wire.Region{Exact: true, MaxSide: 100}, width: 100, seconds: 1},
		"no finer than asked for": {want: &wire.Region{Width: 640, Height: 400, WithinMs: 20_000, MaxSide: 70}, width: 64, seconds: 20},
		"outside":                 {want: &wire.Region{X: 1100, Width: 101, Height: 10}, refused: wire.RegionRefusal_REGION_OUTSIDE},
		"of no height":            {want: &wire.Region{Width: 10}, refused: wire.RegionRefusal_REGION_OUTSIDE},
		"beyond what numbers are": {want: &wire.Region{X: 1 << 31, Y: 1 << 31, Width: 1 << 31, Height: 1 << 31}, refused: wire.RegionRefusal_REGION_OUTSIDE},
	} {
		t.Run(name, func(t *testing.T) {
			data, refused, takes, err := cutRegion(bytes.NewReader(file), int64(len(file)), c.want, 8000)
			if err != nil || refused != c.refused {
				t.Fatalf("%v, %v", refused, err)
			}
			if refused != 0 {
				if len(data) > 0 || (takes > regionPatience) != (c.seconds > 0) || takes.Seconds() > c.seconds {
					t.Errorf("%d bytes, %s", len(data), takes)
				}
				return
			}
			s, values, err := picture.ReadValues(bytes.NewReader(data))
			if err != nil || len(values) != s.Width*s.Height || float64(len(data)) > 8000*c.seconds {
				t.Fatalf("%d values in %d bytes, %v", len(values), len(data), err)
			}
			if c.width > 0 && s.Width != c.width || c.width == 0 && (s.Width >= s.Region[2] || s.Width < regionSide) {
				t.Errorf("%d values across %d pixels", s.Width, s.Region[2])
			}
		})
	}
	if _, _, _, err := cutRegion(bytes.NewReader([]byte("%PDF")), 4, &wire.Region{}, 8000); err == nil {
		t.Error("a document is cut")
	}
}

// TestFinestRegion: a fast link has the most values of an answer, and no more.
func TestFinestRegion(t *testing.T) {
	var b bytes.Buffer
	if err := (sim.Scan{Seed: 1, At: time.Unix(1_800_000_000, 0), Rows: 1500, Columns: 3000}).WriteImage(&b); err != nil {
		t.Fatal(err)
	}
	data, _, _, err := cutRegion(bytes.NewReader(b.Bytes()), int64(b.Len()), &wire.Region{WithinMs: 1000}, 1e9)
	if err != nil {
		t.Fatal(err)
	}
	if s, values, err := picture.ReadValues(bytes.NewReader(data)); err != nil || len(values) > regionPixels || s.Width != 1000 || len(data) > wire.MaxRegion {
		t.Errorf("%d x %d values in %d bytes, %v", s.Width, s.Height, len(data), err)
	}
	if data, refused, _, _ := cutRegion(bytes.NewReader(b.Bytes()), int64(b.Len()), &wire.Region{Exact: true}, 1e9); refused != wire.RegionRefusal_REGION_TOO_LARGE {
		t.Errorf("%d bytes, %v", len(data), refused)
	}
}

// withImage returns a session whose journal has an image that is on its way, and its hash.
func withImage(t *testing.T) (*rig, []byte) {
	r := newRig(t)
	t.Cleanup(r.endRegions)
	file, err := r.j.StoreArtifact(t.Context(), bytes.NewReader(scan(t)), "application/dicom", "scan")
	if err != nil {
		t.Fatal(err)
	}
	r.commit(event, 1, file)
	r.greet(&wire.Cursor{Class: event, Idx: 0})
	return r, file.Sha256
}

// cutAll lets the session cut what is asked for.
func (r *rig) cutAll() {
	r.t.Helper()
	for r.cutNext(context.Background()); r.regions.cutting != nil; r.cutNext(context.Background()) {
		r.onRegionCut(<-r.regions.cut)
	}
}

// answers plays the hub until nothing more comes of regions, and returns what came of each. None may come after an artifact.
func (r *rig) answers() (whole map[uint64][]byte, refused map[uint64]wire.RegionRefusal) {
	r.t.Helper()
	whole, refused = map[uint64][]byte{}, map[uint64]wire.RegionRefusal{}
	for after := false; ; {
		said := false
		for _, m := range r.act(300 * time.Millisecond) {
			if m.leaf != wire.LeafChunk {
				continue
			}
			c := decode(r, &wire.Chunk{}, m)
			if err := c.Validate(); err != nil {
				r.t.Fatal(err)
			}
			if c.Region == nil {
				after = true
				continue
			}
			if after {
				r.t.Error("a region comes after an artifact")
			}
			said = true
			tag := c.Region.Tag
			whole[tag], refused[tag] = append(whole[tag], c.Data...), c.Region.Refused
			r.ack(&wire.Ack{Artifacts: []*wire.Held{{Region: tag, Bytes: c.Offset + int64(len(c.Data))}}})
		}
		if !said {
			return whole, refused
		}
	}
}

// TestRegionsGoBeforeArtifacts: what somebody looks at now comes before the image that it is of, once; and the image then.
func TestRegionsGoBeforeArtifacts(t *testing.T) {
	r, sum := withImage(t)
	r.ack(&wire.Ack{Regions: []*wire.Region{{Tag: 7, Sha256: sum, Width: 100, Height: 50, Exact: true}, {Tag: 8, Sha256: sum, WithinMs: 500}}})
	r.cutAll()
	whole, _ := r.answers()
	for tag, width := range map[uint64]int{7: 100, 8: 0} {
		s, _, err := picture.ReadValues(bytes.NewReader(whole[tag]))
		if err != nil || width > 0 && s.Width != width {
			t.Errorf("%d: %d bytes, %v", tag, len(whole[tag]), err)
		}
	}
	if len(r.regions.ready) != 0 || r.regions.open() != 0 {
		t.Errorf("%d are open", r.regions.open())
	}
	if out := r.act(time.Second); len(out) == 0 && len(r.artifacts.open) == 0 {
		t.Error("the image does not go on")
	}
}

// TestRegionsThatAreRefused: what is not there, no image, one too many, and what nobody waits for any more.
func TestRegionsThatAreRefused(t *testing.T) {
	r, sum := withImage(t)
	text, err := r.j.StoreArtifact(t.Context(), bytes.NewReader([]byte("a document")), "text/plain", "")
	if err != nil {
		t.Fatal(err)
	}
	r.commit(event, 1, text)
	all := []*wire.Region{{Tag: 1, Sha256: bytes.Repeat([]byte{1}, 32)}, {Tag: 2, Sha256: text.Sha256}, {Tag: 3, Sha256: sum, X: 9999, Width: 1, Height: 1}, {Tag: 4, Sha256: sum, WithinMs: 100}}
	for tag := uint64(5); tag < 9; tag++ {
		all = append(all, &wire.Region{Tag: tag, Sha256: sum})
	}
	r.ack(&wire.Ack{Regions: append(all, &wire.Region{Tag: 4, Cancel: true})})
	r.cutAll()
	whole, refused := r.answers()
	want := map[uint64]wire.RegionRefusal{
		1: wire.RegionRefusal_REGION_GONE, 2: wire.RegionRefusal_REGION_UNREADABLE, 3: wire.RegionRefusal_REGION_OUTSIDE, 5: wire.RegionRefusal_REGION_BUSY,
	}
	if fmt.Sprint(refused) != fmt.Sprint(want) {
		t.Errorf("%v, expected %v", refused, want)
	}
	for tag, data := range whole {
		if len(data) > 0 {
			t.Errorf("%d has %d bytes", tag, len(data))
		}
	}
	r.held.Pulled = true
	r.askRegions([]*wire.Region{{Tag: 20, Sha256: sum}})
	if r.regions.ready[0].refused != wire.RegionRefusal_REGION_HELD {
		t.Error("sent on a path that has carried what it may")
	}
}

// TestRegionsEndWithTheirHello: after another hello nothing of what was asked before is sent, and nothing of it counts as on its
// way.
func TestRegionsEndWithTheirHello(t *testing.T) {
	r, sum := withImage(t)
	ask := func(tag uint64) { r.ack(&wire.Ack{Regions: []*wire.Region{{Tag: tag, Sha256: sum, WithinMs: 1000}}}) }
	ask(1)
	r.cutAll()
	r.act(0)
	ask(2)
	r.cutNext(context.Background())
	r.greet(&wire.Cursor{Class: event, Idx: 0})
	r.onRegionCut(<-r.regions.cut)
	if r.regions.open() != 0 || r.window.inFlight != 0 {
		t.Errorf("%d open, %d bytes in flight", r.regions.open(), r.window.inFlight)
	}
	ask(3)
	r.cutAll()
	if whole, _ := r.answers(); len(whole) != 1 || len(whole[3]) == 0 {
		t.Errorf("%d answers", len(whole))
	}
}

// TestReadsUntil: what nobody waits for any more is not read to its end.
func TestReadsUntil(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src := readsUntil{ctx, bytes.NewReader(scan(t))}
	cancel()
	if _, _, _, err := cutRegion(src, 1<<20, &wire.Region{}, 8000); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestArtifactsGoOnceTheirRowIsThere: a preview does not wait for the next look at the queue when the hub has got its row.
func TestArtifactsGoOnceTheirRowIsThere(t *testing.T) {
	r := newRig(t)
	r.greet()
	file, err := r.j.StoreArtifact(t.Context(), bytes.NewReader([]byte("a preview")), "image/jpeg", "")
	if err != nil {
		t.Fatal(err)
	}
	r.commit(event, 1, file)
	if got := fmt.Sprint(leaves(r.act(0))); got != "[e]" {
		t.Fatalf("sent %s", got)
	}
	r.ack(&wire.Ack{Cursors: []*wire.Cursor{{Class: event, Idx: 0, Epoch: r.streams[event].epoch}}})
	if got := fmt.Sprint(leaves(r.act(time.Millisecond))); got != "[x]" {
		t.Errorf("sent %s after the acknowledgement", got)
	}
}
