package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/xray/dicom"
)

// encapsulated makes an image of a transfer syntax of one compressed frame, of bits bits a pixel.
func encapsulated(t testing.TB, syntax string, rows, columns, bits int, frame []byte) []byte {
	t.Helper()
	plain := file(t, dicom.ExplicitLE, rows, columns, bits, 1, false, make([]uint16, rows*columns))
	at := bytes.Index(plain, []byte("\xe0\x7f\x10\x00OW"))
	if len(frame)%2 == 1 {
		frame = append(frame, 0)
	}
	set := plain[bytes.Index(plain, []byte("\x08\x00\x16\x00UI")):at]
	var b bytes.Buffer
	if err := dicom.WriteMeta(&b, "1.2.840.10008.5.1.4.1.1.501.2.1", "1.2.3.4", dicom.Syntax{UID: syntax}); err != nil {
		t.Fatal(err)
	}
	b.Write(set)
	b.WriteString("\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0")
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(frame))))
	b.Write(frame)
	b.WriteString("\xfe\xff\xdd\xe0\x00\x00\x00\x00")
	return b.Bytes()
}

// smooth is an image that JPEG changes little.
func smooth(rows, columns int) *image.Gray {
	g := image.NewGray(image.Rect(0, 0, columns, rows))
	for y := range rows {
		for x := range columns {
			g.SetGray(x, y, color.Gray{Y: uint8(40 + 100*x/columns + 80*y/rows)})
		}
	}
	return g
}

func jpegOf(t testing.TB, i image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, i, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBaseline(t *testing.T) {
	for _, syntax := range []string{dicom.JPEGBaseline, dicom.JPEGExtended} {
		for _, size := range [][2]int{{16, 16}, {1, 1}, {97, 53}} {
			want := smooth(size[0], size[1])
			got, i, err := decode(encapsulated(t, syntax, size[0], size[1], 8, jpegOf(t, want)), 0)
			if err != nil || i.Bits != 8 {
				t.Fatalf("%s, %v: %v", syntax, size, err)
			}
			for at, v := range got {
				if d := int(v) - int(want.Pix[at]); d < -3 || d > 3 {
					t.Fatalf("%s, %v: pixel %d is %d, not %d", syntax, size, at, v, want.Pix[at])
				}
			}
		}
	}
}

// TestBaselineAgainstDcmtk decodes what dcmtk compressed, as dcmtk itself does but for rounding.
func TestBaselineAgainstDcmtk(t *testing.T) {
	peer.Need(t, peer.Dcmtk)
	for _, args := range [][]string{{"+eb"}, {"+ee"}} {
		packed := compress(t, file(t, dicom.ExplicitLE, 64, 96, 8, 1, false, scene(64, 96, 8, 3)), "dcmcjpeg", args...)
		want, _, err := decode(run(t, "dcmdjpeg", packed), 0)
		if err != nil {
			t.Fatal(err)
		}
		got, i, err := decode(packed, 0)
		if err != nil || !i.File.Syntax.Encapsulated {
			t.Fatalf("%v: %v", args, err)
		}
		for at := range got {
			if d := int(got[at]) - int(want[at]); d < -2 || d > 2 {
				t.Fatalf("%v: pixel %d is %d, not %d", args, at, got[at], want[at])
			}
		}
	}
	packed := compress(t, file(t, dicom.ExplicitLE, 64, 96, 12, 1, false, scene(64, 96, 12, 3)), "dcmcjpeg", "+ee")
	if _, i, err := decode(packed, 0); !errors.Is(err, ErrNotRendered) || i == nil ||
		!errors.Is(Renders(i.File), ErrNotRendered) {
		t.Errorf("12 bits: %v", err)
	}
}

// TestNotRendered: compressed pixels of other kinds are no fault; broken ones are.
func TestNotRendered(t *testing.T) {
	good := jpegOf(t, smooth(16, 16))
	colour := jpegOf(t, image.NewRGBA(image.Rect(0, 0, 16, 16)))
	sof := bytes.Index(good, []byte{0xff, markSOF0})
	changed := func(at int, b byte) []byte {
		out := bytes.Clone(good)
		out[at] = b
		return out
	}
	for _, c := range []struct {
		name, syntax string
		frame        []byte
		rendered     bool // false: ErrNotRendered; true: an error of the format
	}{
		{"JPEG 2000", "1.2.840.10008.1.2.4.90", good, false},
		{"MPEG", "1.2.840.10008.1.2.4.100", good, false},
		{"one of the future", "1.2.840.10008.1.2.4.999", good, false},
		{"private", "1.3.46.670589.33.1.4.1", good, false},
		{"12 bits", dicom.JPEGExtended, changed(sof+4, 12), false},
		{"progressive", dicom.JPEGBaseline, changed(sof+1, 0xc2), false},
		{"arithmetic", dicom.JPEGExtended, changed(sof+1, 0xc9), false},
		{"colour", dicom.JPEGBaseline, colour, true},
		{"another size", dicom.JPEGBaseline, jpegOf(t, smooth(32, 16)), true},
		{"cut off", dicom.JPEGBaseline, good[:len(good)-20], true},
		{"no JPEG", dicom.JPEGBaseline, []byte("hello, world"), true},
		{"nothing", dicom.JPEGBaseline, nil, true},
		{"a huge frame", dicom.JPEGBaseline, append(append(bytes.Clone(good[:sof+5]), 0xff, 0xff, 0xff, 0xff),
			good[sof+9:]...), true},
	} {
		_, _, err := decode(encapsulated(t, c.syntax, 16, 16, 8, c.frame), 0)
		var bad *dicom.FormatError
		if errors.Is(err, ErrNotRendered) == c.rendered || errors.As(err, &bad) != c.rendered {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestBaselineMemory: a frame is held whole, within the bound.
func TestBaselineMemory(t *testing.T) {
	const rows, columns = 4096, 8192
	raw := encapsulated(t, dicom.JPEGBaseline, rows, columns, 8, jpegOf(t, smooth(rows, columns)))
	cost := drivertest.Memory(t, func() {
		if _, _, err := decodeRows(raw); err != nil {
			t.Error(err)
		}
	})
	if cost > drivertest.MaxDocumentBytes {
		t.Errorf("costs %d MB", cost>>20)
	}
	big := encapsulated(t, dicom.JPEGBaseline, 8192, 8192, 8, nil)
	if _, _, err := decode(big, 0); !errors.Is(err, ErrNotRendered) {
		t.Errorf("a frame above the bound: %v", err)
	}
}

// decodeRows reads a frame row by row and keeps none.
func decodeRows(data []byte) (int, *Image, error) {
	i, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return 0, nil, err
	}
	rows, err := i.Frame(0)
	if err != nil {
		return 0, i, err
	}
	row := make([]uint16, i.Columns)
	for y := range i.Rows {
		if err := rows.Next(row); err != nil {
			return y, i, fmt.Errorf("row %d: %w", y, err)
		}
	}
	return i.Rows, i, nil
}
