package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/xray/dicom"
)

// scene is an image with what decoders stumble over: flat areas, edges, noise, full range.
func scene(rows, columns, bits int, seed uint64) []uint16 {
	rng := rand.New(rand.NewPCG(seed, 1))
	top := float64(int(1)<<bits - 1)
	out := make([]uint16, rows*columns)
	for y := range rows {
		for x := range columns {
			v := top * 0.9
			switch {
			case y > rows/3 && x > columns/4 && x < columns/2:
				v = top*0.2 + top*0.01*rng.NormFloat64()
			case y > rows/2:
				v = top * (0.5 + 0.4*math.Sin(float64(x)/17)*math.Cos(float64(y)/5))
			case y < 4:
				v = top * rng.Float64()
			case x%29 == 0:
				v = 0
			}
			out[y*columns+x] = uint16(max(0, min(top, v)))
		}
	}
	return out
}

// file makes a DICOS image of pixels, frames one after the other.
func file(t testing.TB, syntax string, rows, columns, bits, frames int, signed bool, pixels []uint16) []byte {
	s, ok := dicom.SyntaxOf(syntax)
	if !ok {
		t.Fatal(syntax)
	}
	var raw []byte
	allocated := uint32(16)
	if bits <= 8 {
		allocated = 8
		for _, v := range pixels {
			raw = append(raw, byte(v))
		}
		if len(raw)%2 != 0 {
			raw = append(raw, 0)
		}
	} else {
		for _, v := range pixels {
			raw = binary.LittleEndian.AppendUint16(raw, v)
		}
	}
	representation := uint32(0)
	if signed {
		representation = 1
	}
	vr := dicom.VR("OW")
	f := &dicom.File{Syntax: s, Dataset: dicom.Dataset{
		dicom.Text(dicom.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.501.2.1"),
		dicom.Text(dicom.SOPInstanceUID, "UI", "1.2.3.4"),
		dicom.Text(0x00080060, "CS", "DX"), dicom.Uints(tagSamples, "US", 1),
		dicom.Text(tagPhotometric, "CS", "MONOCHROME2"),
		dicom.Text(tagFrames, "IS", fmt.Sprint(frames)), dicom.Uints(tagRows, "US", uint32(rows)),
		dicom.Uints(tagColumns, "US", uint32(columns)),
		dicom.Uints(tagAllocated, "US", allocated), dicom.Uints(tagStored, "US", uint32(bits)),
		dicom.Uints(tagHighBit, "US", uint32(bits-1)),
		dicom.Uints(tagSigned, "US", representation), {Tag: dicom.PixelData, VR: vr, Length: int64(len(raw))},
	}}
	var b bytes.Buffer
	if err := dicom.Write(&b, f, bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// decode reads a frame of a file.
func decode(data []byte, frame int) ([]uint16, *Image, error) {
	i, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, err
	}
	rows, err := i.Frame(frame)
	if err != nil {
		return nil, i, err
	}
	var out []uint16
	row := make([]uint16, i.Columns)
	for range i.Rows {
		if err := rows.Next(row); err != nil {
			return out, i, err
		}
		out = append(out, row...)
	}
	return out, i, nil
}

func TestUncompressed(t *testing.T) {
	for _, syntax := range []string{dicom.ImplicitLE, dicom.ExplicitLE, dicom.DeflatedLE} {
		for _, bits := range []int{8, 12, 16} {
			pixels := append(scene(31, 45, bits, 1), scene(31, 45, bits, 2)...)
			data := file(t, syntax, 31, 45, bits, 2, false, pixels)
			for frame := range 2 {
				got, _, err := decode(data, frame)
				if err != nil || !slices.Equal(got, pixels[frame*31*45:][:31*45]) {
					t.Errorf("%s, %d bits, frame %d: differs (%v)", syntax, bits, frame, err)
				}
			}
		}
	}
}

// TestBigEndianPixels: GE's private syntax turns the bytes of pixels around and nothing else.
func TestBigEndianPixels(t *testing.T) {
	turned := []uint16{0x0100, 0x3412, 0xff0f}
	got, _, err := decode(file(t, dicom.GEPrivate, 1, 3, 16, 1, false, turned), 0)
	if want := []uint16{0x0001, 0x1234, 0x0fff}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%04x, %v; want %04x", got, err, want)
	}
}

func TestSignedValuesAreRaised(t *testing.T) {
	stored := []uint16{0x0800, 0x0fff, 0, 0x07ff} // -2048, -1, 0, 2047 in 12 bits
	got, i, err := decode(file(t, dicom.ExplicitLE, 1, 4, 12, 1, true, stored), 0)
	if err != nil || !slices.Equal(got, []uint16{0, 2047, 2048, 4095}) || i.Offset != -2048 {
		t.Errorf("%v, offset %d, %v", got, i.Offset, err)
	}
}

// compressors are dcmtk's, which we did not write, with the transfer syntaxes that they make.
var compressors = []struct {
	name string
	args []string
	bits []int // that the program takes
	near bool  // not lossless: dcmdjpls tells what it is to be
}{
	{"dcmcrle", nil, []int{8, 12, 16}, false},
	{"dcmcjpls", nil, []int{8, 10, 12, 16}, false},
	{"dcmcjpls", []string{"+en", "+md", "2"}, []int{8, 12, 16}, true},
	{"dcmcjpeg", []string{"+e1"}, []int{8, 12, 16}, false},
	{"dcmcjpeg", []string{"+el", "+sv", "1"}, []int{8, 12, 16}, false},
	{"dcmcjpeg", []string{"+el", "+sv", "2"}, []int{12, 16}, false},
	{"dcmcjpeg", []string{"+el", "+sv", "3"}, []int{12, 16}, false},
	{"dcmcjpeg", []string{"+el", "+sv", "4"}, []int{12, 16}, false},
	{"dcmcjpeg", []string{"+el", "+sv", "5"}, []int{12, 16}, false},
	{"dcmcjpeg", []string{"+el", "+sv", "6"}, []int{12, 16}, false},
	{"dcmcjpeg", []string{"+el", "+sv", "7"}, []int{8, 12, 16}, false},
}

// TestAgainstDcmtk decodes what dcmtk compressed: bit by bit what went in, or what dcmtk itself makes of it.
func TestAgainstDcmtk(t *testing.T) {
	for _, c := range compressors {
		peer.Need(t, peer.Dcmtk)
		for _, bits := range c.bits {
			for _, size := range [][2]int{{64, 128}, {97, 53}, {1, 1}, {3, 700}} {
				if c.near && size[0]*size[1] == 1 {
					continue // dcmcjpls of Debian 12 crashes on a single pixel
				}
				t.Run(fmt.Sprintf("%s %v %d bits %dx%d", c.name, c.args, bits, size[1], size[0]), func(t *testing.T) {
					pixels := scene(size[0], size[1], bits, uint64(bits))
					packed := compress(t, file(t, dicom.ExplicitLE, size[0], size[1], bits, 1, false, pixels),
						c.name, c.args...)
					if c.near {
						pixels, _, _ = decode(run(t, "dcmdjpls", packed), 0)
					}
					got, i, err := decode(packed, 0)
					if err != nil || !i.File.Syntax.Encapsulated {
						t.Fatal(err)
					}
					for x := range got {
						if got[x] != pixels[x] {
							t.Fatalf("pixel %d,%d is %d, not %d", x%size[1], x/size[1], got[x], pixels[x])
						}
					}
				})
			}
		}
	}
}

func TestFramesOfCompressedImages(t *testing.T) {
	peer.Need(t, peer.Dcmtk)
	pixels := append(append(scene(20, 30, 12, 1), scene(20, 30, 12, 2)...), scene(20, 30, 12, 3)...)
	packed := compress(t, file(t, dicom.ExplicitLE, 20, 30, 12, 3, false, pixels), "dcmcjpls")
	for frame := range 3 {
		if got, _, err := decode(packed, frame); err != nil || !slices.Equal(got, pixels[frame*600:][:600]) {
			t.Errorf("frame %d differs (%v)", frame, err)
		}
	}
}

// Cut-off data is an error wherever it is cut, never a picture.
func TestCutOff(t *testing.T) {
	packs := map[string][]byte{"native": file(t, dicom.ExplicitLE, 20, 30, 16, 1, false, scene(20, 30, 16, 1))}
	if peer.Dcmtk.Check() == nil {
		packs["JPEG-LS"], packs["RLE"] = compress(t, packs["native"], "dcmcjpls"),
			compress(t, packs["native"], "dcmcrle")
		packs["JPEG lossless"] = compress(t, packs["native"], "dcmcjpeg", "+e1")
	}
	for name, data := range packs {
		for n := range len(data) {
			_, _, err := decode(data[:n], 0)
			var bad *dicom.FormatError
			if err == nil || !errors.As(err, &bad) && !errors.Is(err, ErrNoImage) {
				t.Fatalf("%s cut at %d of %d: %v", name, n, len(data), err)
			}
		}
	}
}

// A deflated image that is cut off tells so with the frame, wherever it is cut.
func TestCutOffDeflated(t *testing.T) {
	pixels := append(scene(20, 30, 16, 1), scene(20, 30, 16, 2)...)
	data := file(t, dicom.DeflatedLE, 20, 30, 16, 2, false, pixels)
	for _, share := range []int{2, 3, 5} {
		cut := data[:len(data)-len(data)/share]
		_, _, err := decode(cut, 1)
		var bad *dicom.FormatError
		if !errors.As(err, &bad) {
			t.Errorf("cut at %d of %d: %v", len(cut), len(data), err)
		}
	}
}

func TestHostileDimensions(t *testing.T) {
	data := file(t, dicom.ExplicitLE, 2, 2, 16, 1, false, []uint16{1, 2, 3, 4})
	for _, tag := range []byte{0x10, 0x11} { // rows, columns
		big := bytes.Clone(data)
		at := bytes.Index(big, []byte{0x28, 0, tag, 0, 'U', 'S'})
		big[at+8], big[at+9] = 0xff, 0xff
		if _, _, err := decode(big, 0); err == nil {
			t.Errorf("65535 x 2 pixels in 8 bytes: no error")
		}
	}
	f, err := dicom.ReadHeader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for k, e := range f.Dataset { // more than US can say: as IS
		if e.Tag == tagRows || e.Tag == tagColumns {
			f.Dataset[k] = dicom.Text(e.Tag, "IS", "100000")
		}
	}
	var bad *dicom.FormatError
	if _, err := New(f, bytes.NewReader(data), int64(len(data))); !errors.As(err, &bad) ||
		!strings.Contains(err.Error(), "100000 x 100000") {
		t.Errorf("100000 x 100000 pixels: %v", err)
	}
}

func run(t testing.TB, name string, data []byte, args ...string) []byte {
	in, out := filepath.Join(t.TempDir(), "in.dcm"), filepath.Join(t.TempDir(), "out.dcm")
	if err := os.WriteFile(in, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(name, append(args, in, out)...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func compress(t testing.TB, data []byte, name string, args ...string) []byte {
	return run(t, name, data, args...)
}

// FuzzPixels holds every decoder to: no panic, no end without an end, memory by the image's size.
func FuzzPixels(f *testing.F) {
	plain := file(f, dicom.ExplicitLE, 12, 17, 12, 1, false, scene(12, 17, 12, 1))
	f.Add(plain)
	f.Add(encapsulated(f, dicom.JPEGBaseline, 16, 16, 8, jpegOf(f, smooth(16, 16))))
	f.Add(encapsulated(f, dicom.JPEGExtended, 16, 16, 8, jpegOf(f, smooth(16, 16))[:200]))
	if peer.Dcmtk.Check() == nil {
		f.Add(compress(f, plain, "dcmcjpls"))
		f.Add(compress(f, plain, "dcmcjpls", "+en", "+md", "2"))
		f.Add(compress(f, plain, "dcmcrle"))
		f.Add(compress(f, plain, "dcmcjpeg", "+e1"))
		f.Add(compress(f, plain, "dcmcjpeg", "+el", "+sv", "7"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil || i.Rows*i.Columns > 1<<20 {
			return
		}
		rows, err := i.Frame(0)
		if err != nil {
			return
		}
		row := make([]uint16, i.Columns)
		for range i.Rows {
			if rows.Next(row) != nil {
				return
			}
		}
		if err := rows.Next(row); err == nil && i.File.Syntax.UID == dicom.ExplicitLE && !errors.Is(err, io.EOF) {
			t.Errorf("a row after the last")
		}
	})
}
