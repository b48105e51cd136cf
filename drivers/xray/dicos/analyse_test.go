package dicos

import (
	"bytes"
	"context"
	"image/jpeg"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicos/sim"
)

// portal takes scans one by one, as the driver does, and looks at each.
type portal struct {
	t    *testing.T
	s    *system
	sink *drivertest.Sink
	n    int
}

func newPortal(t *testing.T, q *Quality) *portal {
	c := settings("", "")
	c.Quality = q
	p := &portal{t: t, s: newSystem(*c, driver.Env{}, time.UTC), sink: drivertest.NewSink()}
	p.s.analyst = newAnalyst(p.s)
	return p
}

// scan delivers a scan and returns what was observed of it.
func (p *portal) scan(change func(*sim.Scan)) []*observation.Observation {
	p.t.Helper()
	p.n++
	scan := sim.Scan{Seed: 3, Rows: 120, Columns: 300, At: time.Unix(1_800_000_000+int64(p.n), 0), OOI: "MSCU1234565"}
	change(&scan)
	before := len(p.sink.Observations())
	for _, o := range scan.Objects() {
		var b bytes.Buffer
		if err := o.Write(&b); err != nil {
			p.t.Fatal(err)
		}
		if err := p.s.handleObject(context.Background(), p.sink, &b, o.Name, "test"); err != nil {
			p.t.Fatal(err)
		}
		select {
		case t := <-p.s.analyst.queue:
			if err := p.s.analyst.process(context.Background(), p.sink, t); err != nil {
				p.t.Fatal(err)
			}
		default:
		}
	}
	return p.sink.Observations()[before:]
}

func of[T any](list []*observation.Observation) (out []T) {
	for _, o := range list {
		if b, ok := o.Body.Typed().(T); ok {
			out = append(out, b)
		}
	}
	return out
}

func TestPreviewWithColourAndOutline(t *testing.T) {
	p := newPortal(t, nil)
	got := p.scan(func(s *sim.Scan) { s.Dual, s.Threat = true, true })
	previews := of[*observation.XrayPreview](got)
	if len(previews) != 2 || previews[0].PseudoColour || !previews[1].PseudoColour || previews[0].Outlines != 1 ||
		previews[1].Outlines != 1 || previews[0].Width != 300 {
		t.Fatalf("%v", previews)
	}
	for _, o := range got {
		if o.Body.GetXrayPreview() == nil {
			continue
		}
		data := p.sink.Artifact(o.Body.Artifacts[0].Sha256)
		if i, err := jpeg.Decode(bytes.NewReader(data)); err != nil || i.Bounds().Dx() != 300 ||
			len(data) > 20<<10 || o.Class != observation.Class_CLASS_EVENT {
			t.Errorf("preview of %d bytes: %v", len(data), err)
		}
	}
	quality := of[*observation.XrayQuality](got)
	if len(quality) != 2 || len(quality[1].Energies) != 2 || quality[0].AirLevel < 55000 || quality[0].AirNoise > 0.02 {
		t.Errorf("%v", quality)
	}
}

// Faults begin once and end once, however many scans show them.
func TestQualityFaults(t *testing.T) {
	p := newPortal(t, &Quality{Detectors: "rows", AirMin: 40000, NoiseMax: 0.03, DriftMax: 0.1, SaturatedMax: 0.05})
	step := func(name string, change func(*sim.Scan), want ...string) {
		t.Helper()
		var got []string
		for _, f := range of[*observation.XrayFault](p.scan(change)) {
			s := f.Measure
			if f.Cleared {
				s += " cleared"
			}
			got = append(got, s)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", name, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%s: %v, want %v", name, got, want)
			}
		}
	}
	well := func(*sim.Scan) {}
	for range minTrend + 1 {
		step("well", well)
	}
	dead := func(s *sim.Scan) { s.Dead = []int{17} }
	step("a dead detector", dead, "detectors")
	step("still", dead)
	step("mended", well, "detectors cleared")
	step("drift", func(s *sim.Scan) { s.Air = 50000 }, "air_drift")
	step("weak", func(s *sim.Scan) { s.Air = 35000 }, "air_level")
	step("well again", well, "air_level cleared", "air_drift cleared")
}

// JPEG 2000 is kept and said not to be rendered.
func TestNotRendered(t *testing.T) {
	p := newPortal(t, nil)
	var b bytes.Buffer
	if err := (sim.Scan{Seed: 1, Rows: 20, Columns: 30, At: time.Unix(1_800_000_000, 0)}).WriteImage(&b); err != nil {
		t.Fatal(err)
	}
	// The pixel data becomes two fragments: an empty offset table, and something that is no picture.
	raw := bytes.Replace(b.Bytes(), []byte("1.2.840.10008.1.2.1\x00"), []byte("1.2.840.10008.1.2.4.90"), 1)
	raw = bytes.Replace(raw, []byte("\x02\x00\x10\x00UI\x14\x00"), []byte("\x02\x00\x10\x00UI\x16\x00"), 1)
	raw[140] += 2 // the meta group is longer
	at := bytes.Index(raw, []byte("\xe0\x7f\x10\x00OW"))
	raw = append(raw[:at:at],
		"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00abcd\xfe\xff\xdd\xe0\x00\x00\x00\x00"...)
	if err := p.s.handleObject(context.Background(), p.sink, bytes.NewReader(raw), "x", "test"); err != nil {
		t.Fatal(err)
	}
	if err := p.s.analyst.process(context.Background(), p.sink, <-p.s.analyst.queue); err != nil {
		t.Fatal(err)
	}
	got := of[*observation.XrayPreview](p.sink.Observations())
	if len(got) != 1 || got[0].NotRendered != "not rendered: JPEG 2000 lossless" {
		t.Errorf("%v", got)
	}
}
