package dicos

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dicos/sim"
)

// The simulated scan must be what a portal delivers: air is bright, the truck is not, and the threat is darker than
// the same cargo without it, right where the report says.
func TestSimulatedScan(t *testing.T) {
	scan := sim.Scan{Seed: 7, Rows: 200, Columns: 500, At: time.Unix(1_800_000_000, 0).UTC(),
		OOI: "MSCU1234565", Threat: true}
	s := newSystem(*settings("", ""), driver.Env{}, time.UTC)
	sink := drivertest.NewSink()
	var img, tdr, innocent bytes.Buffer
	clean := scan
	clean.Threat = false
	for _, err := range []error{scan.WriteImage(&img), scan.WriteReport(&tdr), clean.WriteImage(&innocent)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, raw := range [][]byte{tdr.Bytes(), img.Bytes()} {
		if err := s.handleObject(context.Background(), sink, bytes.NewReader(raw), "x", "test"); err != nil {
			t.Fatal(err)
		}
	}
	got := sink.Observations()
	if len(got) != 2 || got[0].Class != observation.Class_CLASS_ALARM || !got[1].Time().Equal(scan.At) {
		t.Fatalf("%v", got)
	}
	r, i := got[0].Body.GetXrayThreatReport(), got[1].Body.GetXrayImage()
	if r.ImageInstances[0] != i.SopInstance || r.ScanInstance != i.ScanInstance || r.OoiId != i.OoiId ||
		i.Rows != 200 || i.Aborted || i.Test || i.LowEnergy {
		t.Errorf("report %v\nimage %v", r, i)
	}
	p := r.Objects[0].Regions[0].Polygon
	level := func(file []byte, x, y int) float64 {
		var pixels bytes.Buffer
		if _, err := dicom.Read(bytes.NewReader(file), dicom.DefaultLimits, &pixels); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				sum += float64(binary.LittleEndian.Uint16(pixels.Bytes()[2*((y+dy)*500+x+dx):]))
			}
		}
		return sum / 25
	}
	x, y := int(p[0]+p[3])/2, int(p[1]+p[4])/2
	air, with, without := level(img.Bytes(), 250, 10), level(img.Bytes(), x, y), level(innocent.Bytes(), x, y)
	if air < 55000 || with > without/4 || without > air {
		t.Errorf("air %.0f, cargo with threat %.0f, without %.0f", air, with, without)
	}
	var report bytes.Buffer
	if err := clean.WriteReport(&report); err != nil {
		t.Fatal(err)
	}
	f, err := dicom.ReadHeader(&report)
	if err != nil || !newObject(f, time.UTC).report().Clear {
		t.Errorf("the innocent scan is not clear: %v", err)
	}
}
