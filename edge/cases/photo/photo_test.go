package photo

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
)

func encoded(t *testing.T, f func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRead: JPEG and PNG are taken as they are, byte for byte; what is neither, broken off, altered, or too large is not.
func TestRead(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 64, 48))
	asJPEG := encoded(t, func(w io.Writer) error { return jpeg.Encode(w, picture, nil) })
	asPNG := encoded(t, func(w io.Writer) error { return png.Encode(w, picture) })
	asGIF := encoded(t, func(w io.Writer) error { return gif.Encode(w, picture, nil) })
	altered := bytes.Clone(asPNG)
	altered[len(altered)-20] ^= 1
	wide := bytes.Clone(asJPEG)
	if i := bytes.Index(wide, []byte{0xff, 0xc0}); i > 0 { // the frame's height and width
		copy(wide[i+5:], []byte{0xff, 0xff, 0xff, 0xff})
	}
	for name, c := range map[string]struct {
		data []byte
		want string // the media type, or what the error says
	}{
		"a JPEG":                    {asJPEG, "image/jpeg"},
		"a PNG":                     {asPNG, "image/png"},
		"a telephone's JPEG":        {append(bytes.Clone(asJPEG), "a second picture"...), "image/jpeg"},
		"nothing":                   {nil, "neither"},
		"a page":                    {[]byte("<html><script>alert(1)</script></html>"), "neither"},
		"a GIF":                     {asGIF, "neither"},
		"a JPEG that is broken off": {asJPEG[:len(asJPEG)-2], "broken off"},
		"a PNG that is broken off":  {asPNG[:len(asPNG)-12], "broken off"},
		"a PNG that was altered":    {altered, "broken off"},
		"65,535 pixels square":      {wide, "65,535"},
		"too large":                 {append(bytes.Clone(asJPEG), make([]byte, MaxBytes)...), "8"},
	} {
		data, media, err := Read(bytes.NewReader(c.data))
		switch {
		case strings.HasPrefix(c.want, "image/"):
			if err != nil || media != c.want || !bytes.Equal(data, c.data) {
				t.Errorf("%s: %q, %v", name, media, err)
			}
		case err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, expected %q", name, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	picture := image.NewGray(image.Rect(0, 0, 8, 8))
	var a, b bytes.Buffer
	if err := jpeg.Encode(&a, picture, nil); err != nil {
		f.Fatal(err)
	}
	if err := png.Encode(&b, picture); err != nil {
		f.Fatal(err)
	}
	f.Add(a.Bytes())
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, media, err := Read(bytes.NewReader(data)); err == nil && (media == "" || len(got) != len(data)) {
			t.Errorf("%q, %d bytes of %d", media, len(got), len(data))
		}
	})
}
