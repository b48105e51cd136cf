package picture

import (
	"bytes"
	"image"
	"slices"
	"testing"

	"lanewarden/drivers/xray/dicom"
)

// Values that are written come back as they were: of the whole image, of a region, and as means.
func TestValues(t *testing.T) {
	i := images(t)[0]
	for _, one := range []struct {
		region        image.Rectangle
		side          int
		width, height int
	}{
		{width: 1500, height: 300},
		{region: image.Rect(700, 120, 1000, 220), width: 300, height: 100},
		{side: 500, width: 500, height: 100},
		{region: image.Rect(3, 5, 4, 6), width: 1, height: 1},
	} {
		var b bytes.Buffer
		begun := 0
		if err := WriteValues(&b, i, one.region, one.side, func() { begun = b.Len() + 1 }); err != nil {
			t.Fatal(err)
		}
		s, got, err := ReadValues(&b)
		if err != nil {
			t.Fatal(err)
		}
		if s.Width != one.width || s.Height != one.height || s.Columns != 1500 || s.Rows != 300 || begun != 1 {
			t.Errorf("%v: %+v", one, s)
		}
		if one.side > 0 {
			p, err := Reduce(i, one.region, one.side, nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range p.Values {
				if d := v - float32(got[k]); d > 0.6 || d < -0.6 {
					t.Fatalf("mean %d is %d, want %v", k, got[k], v)
				}
			}
			continue
		}
		want, err := Exact(i, one.region)
		if err != nil {
			t.Fatal(err)
		}
		for k := range got {
			if v := uint16(want.Pix[2*k])<<8 | uint16(want.Pix[2*k+1]); v != got[k] {
				t.Fatalf("%v: value %d is %d, want %d", one, k, got[k], v)
			}
		}
	}
	if err := WriteValues(&bytes.Buffer{}, i, image.Rect(0, 0, 1501, 2), 0, nil); err == nil {
		t.Error("a region outside the image was written")
	}
	if _, _, err := ReadValues(bytes.NewReader(make([]byte, 20))); err == nil {
		t.Error("zeros were read")
	}
}

// The scale says which energy, what materials look like, and how far pixels are apart, if the file does.
func TestScale(t *testing.T) {
	both := images(t)
	high, low := scaleOf(both[0]), scaleOf(both[1])
	if high.Energy != "high" || low.Energy != "low" || high.Instance == low.Instance || high.Window != nil {
		t.Errorf("%+v\n%+v", high, low)
	}
	if m := high.Materials; len(m) != len(huesMV) || m[0].Name != "heavy" || m[len(m)-1].Name != "organic" {
		t.Errorf("materials %v", high.Materials)
	}
	f := both[0].File
	f.Dataset = slices.DeleteFunc(slices.Clone(f.Dataset), func(e *dicom.Element) bool { return e.Tag == tagImagerSpacing })
	if s := scaleOf(both[0]); s.Spacing != nil {
		t.Errorf("spacing %v of nothing", s.Spacing)
	}
	for _, one := range []struct {
		tag  dicom.Tag
		at   string
		want *[2]float64
		mm   []float64
	}{
		{0x00181164, "detector", &[2]float64{5, 4}, []float64{4, 5}},
		{0x00280030, "object", &[2]float64{3, 2}, []float64{2, 3}},
	} {
		f.Dataset = append(f.Dataset, dicom.Decimals(one.tag, one.mm...))
		if s := scaleOf(both[0]); s.Spacing == nil || *s.Spacing != *one.want || s.SpacingAt != one.at {
			t.Errorf("spacing %v at %q", s.Spacing, s.SpacingAt)
		}
	}
	if usableSpacing(0) || usableSpacing(-1) || usableSpacing(1e9) {
		t.Error("a distance that is none counts as one")
	}
}
