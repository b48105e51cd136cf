package dicos

import (
	"bytes"
	"strings"
	"testing"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
)

// TestShortPixelData: an image that needs more pixels than its object holds is told as such and is no whole image.
func TestShortPixelData(t *testing.T) {
	d, pixels := sampleImage()
	d = d[:len(d)-1]
	full := dicom.Element{Tag: dicom.PixelData, VR: "OW", Length: int64(len(pixels))}
	short := full
	short.Length = int64(len(pixels) / 2)
	for _, c := range []struct {
		name  string
		raw   []byte
		whole bool
	}{
		{"whole", encode(t, append(d[:len(d):len(d)], &full), pixels), true},
		{"half", encode(t, append(d[:len(d):len(d)], &short), pixels[:short.Length]), false},
	} {
		s, err := describe(bytes.NewReader(c.raw), "x")
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(message.Join("\n", s.Text()...).English(), "2,048 bytes of pixel data"); said == c.whole {
			t.Errorf("%s: %q", c.name, s.Text())
		}
		sink, err := takenAs(t, c.raw)
		if (err == nil) != c.whole || len(sink.Of(observation.Kind_KIND_DEVICE_FAULT)) == 1 == c.whole {
			t.Errorf("%s: %v, %v", c.name, err, sink.Observations())
		}
	}
}
