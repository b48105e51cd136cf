package dicom

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lanewarden/drivers/driver/drivertest/peer"
)

// threat is a threat detection report with nested sequences.
func threat(uid string) *File {
	syntax, _ := SyntaxOf(uid)
	return &File{Syntax: syntax, Dataset: Dataset{
		Text(SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.501.3"),
		Text(SOPInstanceUID, "UI", "1.2.826.0.1.3680043.10.2.1"),
		Text(0x00080060, "CS", "TDR"),
		{Tag: 0x00091001, VR: "UN", Value: []byte{1, 2, 3, 4}, Length: 4},
		Decimals(0x00180060, 6000),
		Sequence(0x40101011, Dataset{
			Uints(0x40101010, "US", 1),
			Sequence(0x40101037, Dataset{Floats32(0x4010101d, 1, 2, 0, 30, 2, 0, 30, 20, 0)}),
			Sequence(0x40101038, Dataset{Text(0x40101012, "CS", "CONTRABAND"), Floats32(0x40101016, 0.91)}, Dataset{}),
		}),
		Text(0x40101031, "CS", "ALARM"),
	}}
}

// plain removes from elements what depends on how they were written.
func plain(d Dataset) (out []string) {
	for _, e := range d {
		if e.VR == "SQ" {
			for i, it := range e.Items {
				for _, line := range plain(it) {
					out = append(out, fmt.Sprintf("%s[%d].%s", e.Tag, i, line))
				}
			}
			out = append(out, fmt.Sprintf("%s %d items", e.Tag, len(e.Items)))
			continue
		}
		out = append(out, fmt.Sprintf("%s %x", e.Tag, e.Value))
	}
	return out
}

func encode(t testing.TB, f *File, pixels []byte) []byte {
	var b bytes.Buffer
	if err := Write(&b, f, bytes.NewReader(pixels)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, uid := range []string{ImplicitLE, ExplicitLE, DeflatedLE} {
		f := threat(uid)
		got, err := ReadHeader(bytes.NewReader(encode(t, f, nil)))
		if err != nil {
			t.Fatalf("%s: %v", uid, err)
		}
		if d := cmp.Diff(plain(f.Dataset), plain(got.Dataset)); d != "" || got.Syntax.UID != uid || got.Guessed {
			t.Errorf("%s: %s", uid, d)
		}
		if p := got.Dataset.Find(0x40101011, 0x40101038, 0x40101016).Floats(); len(p) != 1 ||
			p[0] < 0.909 || p[0] > 0.911 {
			t.Errorf("%s: probability %v", uid, p)
		}
		if got.Dataset.Find(0x40101011, 0x40101010).Ints()[0] != 1 || got.Dataset.Find(0x40101011, 0x40101099) != nil {
			t.Errorf("%s: Find", uid)
		}
		if !got.Syntax.deflated {
			body := encode(t, f, nil)[preamble+4:]
			if _, err := ReadHeader(bytes.NewReader(body)); err != nil {
				t.Errorf("%s without preamble: %v", uid, err)
			}
			meta := int(binary.LittleEndian.Uint32(body[8:])) + 12
			bare, err := ReadHeader(bytes.NewReader(body[meta:]))
			if err != nil || !bare.Guessed || bare.Syntax.UID != uid ||
				cmp.Diff(plain(f.Dataset), plain(bare.Dataset)) != "" {
				t.Errorf("%s without meta group: %v", uid, err)
			}
		}
	}
}

func TestRoundTripOfAnything(t *testing.T) {
	var drawSet func(t *rapid.T, depth int) Dataset
	drawSet = func(t *rapid.T, depth int) (out Dataset) {
		tag := Tag(0x00080000 + rapid.Uint32Range(2, 0x30).Draw(t, "first"))
		for range rapid.IntRange(0, 5).Draw(t, "elements") {
			tag += Tag(rapid.Uint32Range(1, 0x3000).Draw(t, "step")) << 8
			switch {
			case depth < 3 && rapid.Bool().Draw(t, "sequence"):
				e := Sequence(tag)
				for range rapid.IntRange(0, 3).Draw(t, "items") {
					e.Items = append(e.Items, drawSet(t, depth+1))
				}
				out = append(out, e)
			default:
				v := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "value")
				v = v[:len(v)/2*2]
				out = append(out,
					&Element{Tag: tag,
						VR:    VR(rapid.SampledFrom([]string{"LO", "UN", "US", "OB", "UT", "ZZ"}).Draw(t, "VR")),
						Value: v, Length: int64(len(v))})
			}
		}
		return out
	}
	rapid.Check(t, func(rt *rapid.T) {
		syntax, _ := SyntaxOf(rapid.SampledFrom([]string{ExplicitLE, DeflatedLE}).Draw(rt, "syntax"))
		f := &File{Syntax: syntax, Dataset: drawSet(rt, 0)}
		got, err := ReadHeader(bytes.NewReader(encode(t, f, nil)))
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(plain(f.Dataset), plain(got.Dataset)); d != "" {
			rt.Fatal(d)
		}
	})
}

func image(rows, columns int) (*File, []byte) {
	syntax, _ := SyntaxOf(ExplicitLE)
	pixels := make([]byte, rows*columns*2)
	for i := range pixels {
		pixels[i] = byte(i)
	}
	return &File{Syntax: syntax, Dataset: Dataset{
		Text(SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.501.2.1"), Text(SOPInstanceUID, "UI", "1.2.3"),
		Uints(0x00280010, "US", uint32(rows)), Uints(0x00280011, "US", uint32(columns)),
		{Tag: PixelData, VR: "OW", Length: int64(len(pixels))},
	}}, pixels
}

func TestPixelsAreReadOnlyWhenAskedFor(t *testing.T) {
	f, pixels := image(64, 128)
	raw := encode(t, f, pixels)
	r := &counter{r: bytes.NewReader(raw)}
	got, err := ReadHeader(r)
	if err != nil {
		t.Fatal(err)
	}
	p := got.Dataset.Find(PixelData)
	if p == nil || p.Length != int64(len(pixels)) || p.Value != nil ||
		!bytes.Equal(raw[p.Offset:p.Offset+4], pixels[:4]) {
		t.Errorf("pixel data %+v", p)
	}
	if r.n > 2*bufferSize {
		t.Errorf("reading the header read %d bytes", r.n)
	}
	var out bytes.Buffer
	if _, err := Read(bytes.NewReader(raw), DefaultLimits, &out); err != nil || !bytes.Equal(out.Bytes(), pixels) {
		t.Errorf("%d bytes of pixels, %v", out.Len(), err)
	}
}

type counter struct {
	r *bytes.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// explicit makes an explicit VR file of raw elements after a sound beginning.
func explicit(parts ...any) []byte {
	b := bytes.NewBuffer(append(make([]byte, preamble), "DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"...))
	for _, p := range parts {
		if s, ok := p.(string); ok {
			b.WriteString(s)
			continue
		}
		binary.Write(b, binary.LittleEndian, p)
	}
	return b.Bytes()
}

func TestHostileFiles(t *testing.T) {
	const sq = "\x10\x40\x11\x10SQ\x00\x00"
	const it = "\xfe\xff\x00\xe0"
	bomb := func() []byte {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, 9)
		for range 64 {
			w.Write([]byte("\x08\x00\x18\x00UT\x00\x00"))
			binary.Write(w, binary.LittleEndian, uint32(1<<20))
			w.Write(make([]byte, 1<<20))
		}
		w.Close()
		head := bytes.Replace(explicit(), []byte("UI\x14\x001.2.840.10008.1.2.1\x00"),
			[]byte("UI\x16\x001.2.840.10008.1.2.1.99"), 1)
		return append(head, b.Bytes()...)
	}
	for name, raw := range map[string][]byte{
		"empty":                     {},
		"garbage":                   bytes.Repeat([]byte{0xa5, 0x17}, 2000),
		"text":                      []byte(strings.Repeat("hello ", 100)),
		"value of 4 GB":             explicit("\x08\x00\x18\x00UT\x00\x00", uint32(0xfffffff0)),
		"value cut off":             explicit("\x08\x00\x18\x00UI", uint16(64), "1.2"),
		"value of undefined length": explicit("\x08\x00\x18\x00OB\x00\x00", uint32(undefined)),
		"header cut off":            explicit("\x08\x00\x18"),
		"no VR":                     explicit("\x08\x00\x18\x00\x01\x02\x03\x04"),
		"sequences 1000 deep":       explicit(strings.Repeat(sq+"\xff\xff\xff\xff"+it+"\xff\xff\xff\xff", 1000)),
		"item longer than sequence": explicit(sq, uint32(16), it, uint32(100), "\x08\x00\x60\x00CS", uint16(2), "DX"),
		"element longer than item":  explicit(sq, uint32(20), it, uint32(10), "\x08\x00\x60\x00CS", uint16(4), "DX  "),
		"not an item":               explicit(sq, uint32(undefined), "\x08\x00\x60\x00\x00\x00\x00\x00"),
		"delimiter outside":         explicit("\xfe\xff\x0d\xe0\x00\x00\x00\x00"),
		"item outside":              explicit("\xfe\xff\x00\xe0\x00\x00\x00\x00"),
		"big endian": bytes.Replace(explicit("\x00\x08\x00\x18UI\x00\x00"),
			[]byte("1.2.840.10008.1.2.1\x00"), []byte("1.2.840.10008.1.2.2\x00"), 1),
		"unknown and big endian": bytes.Replace(explicit("\x00\x08\x00\x18UI\x00\x00"),
			[]byte("1.2.840.10008.1.2.1\x00"), []byte("1.2.840.10008.1.2.9\x00"), 1),
		"deflated bomb": bomb(),
		"deflated garbage": append(bytes.Replace(explicit(), []byte("UI\x14\x001.2.840.10008.1.2.1\x00"),
			[]byte("UI\x16\x001.2.840.10008.1.2.1.99"), 1), "\xff\xff\xff\xff\xff"...),
		"a million elements":  explicit(strings.Repeat("\x08\x00\x18\x00UI\x00\x00", 1_000_000)),
		"a million items":     explicit(sq, uint32(undefined), strings.Repeat(it+"\x00\x00\x00\x00", 1_000_000)),
		"unfinished sequence": explicit(sq, uint32(undefined), it, uint32(0)),
		"unfinished item":     explicit(sq, uint32(undefined), it, uint32(undefined)),
		"values over the memory cap": explicit(strings.Repeat("\x08\x00\x18\x00UT\x00\x00\x00\x00\x10\x00"+
			strings.Repeat("x", 1<<20), 18)),
	} {
		_, err := ReadHeader(bytes.NewReader(raw))
		var fe *FormatError
		if !errors.As(err, &fe) || fe.Reason == nil || len(err.Error()) > 600 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLargeValuesArePassedOver(t *testing.T) {
	raw := explicit("\x08\x00\x18\x00UT\x00\x00", uint32(3<<20), strings.Repeat("x", 3<<20),
		"\x08\x00\x60\x00CS", uint16(2), "DX")
	f, err := ReadHeader(bytes.NewReader(raw))
	if err != nil || f.Dataset[0].Value != nil || f.Dataset[0].Length != 3<<20 ||
		f.Dataset.Find(0x00080060).String() != "DX" {
		t.Errorf("%v, %v", f, err)
	}
}

// TestEncapsulatedIcon: systems that compress their images often compress the icon in them too, and neither the image's
// own pixels nor what stands between may be lost over it.
func TestEncapsulatedIcon(t *testing.T) {
	const it = "\xfe\xff\x00\xe0"
	const itemEnd, sequenceEnd = "\xfe\xff\x0d\xe0\x00\x00\x00\x00", "\xfe\xff\xdd\xe0\x00\x00\x00\x00"
	const encapsulated = "\xe0\x7f\x10\x00OB\x00\x00"
	raw := explicit("\x08\x00\x60\x00CS", uint16(2), "DX",
		"\x88\x00\x00\x02SQ\x00\x00", uint32(undefined), it, uint32(undefined),
		encapsulated, uint32(undefined), it, uint32(0), it, uint32(4), "icon", sequenceEnd, itemEnd, sequenceEnd,
		"\x10\x40\x31\x10CS", uint16(6), "CLEAR ",
		encapsulated, uint32(undefined), it, uint32(0), it, uint32(6), "pixels", sequenceEnd)
	var pixels bytes.Buffer
	f, err := Read(bytes.NewReader(raw), DefaultLimits, &pixels)
	if err != nil {
		t.Fatal(err)
	}
	icon := f.Dataset.Find(0x00880200, PixelData)
	if icon == nil || icon.Value != nil || len(icon.Fragments) != 2 || icon.Fragments[1].Length != 4 ||
		string(raw[icon.Fragments[1].Offset:][:4]) != "icon" {
		t.Errorf("icon %+v", icon)
	}
	if got := f.Dataset.Find(0x40101031).String(); got != "CLEAR" || pixels.String() != "pixels" {
		t.Errorf("decision %q, pixels %q", got, &pixels)
	}
}

func TestUnknownVRsAndPrivateSequences(t *testing.T) {
	// A private sequence of VR UN and undefined length stands in implicit VR (PS3.5, 6.2.2).
	raw := explicit("\x08\x00\x18\x00ZZ\x00\x00", uint32(2), "ab", "\x09\x00\x10\x10UN\x00\x00", uint32(undefined),
		"\xfe\xff\x00\xe0", uint32(undefined), "\x10\x40\x31\x10", uint32(6), "ALARM ", "\xfe\xff\x0d\xe0",
		uint32(0), "\xfe\xff\xdd\xe0", uint32(0),
		"\x10\x40\x31\x10CS", uint16(6), "CLEAR ")
	f, err := ReadHeader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if string(f.Dataset[0].Value) != "ab" || f.Dataset.Find(0x00091010, 0x40101031).String() != "ALARM" ||
		f.Dataset.Find(0x40101031).String() != "CLEAR" {
		t.Errorf("%v", plain(f.Dataset))
	}
}

func TestNames(t *testing.T) {
	for tag, want := range map[Tag]string{0x40101031: "AlarmDecision", 0x40101011: "ThreatSequence",
		0x00280010: "Rows", 0x00091001: ""} {
		if got := tag.Name(); got != want {
			t.Errorf("%s is %q, not %q", tag, got, want)
		}
	}
	for i := 1; i < len(dictionary); i++ {
		if dictionary[i-1].tag >= dictionary[i].tag {
			t.Fatalf("dictionary is not sorted at %s", dictionary[i].tag)
		}
	}
}

// TestDcmtk holds reader and writer against dcmtk's, which others wrote.
func TestDcmtk(t *testing.T) {
	peer.Need(t, peer.Dcmtk)
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	for _, uid := range []string{ImplicitLE, ExplicitLE, DeflatedLE} {
		path := filepath.Join(dir, uid)
		if err := os.WriteFile(path, encode(t, threat(uid), nil), 0o600); err != nil {
			t.Fatal(err)
		}
		out := run("dcmdump", "-q", path)
		for _, want := range []string{"AlarmDecision", "[CONTRABAND]", `1\2\0\30\2\0\30\20\0`, "LANEWARDEN"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: dcmdump does not show %s:\n%s", uid, want, out)
			}
		}
	}
	f, pixels := image(64, 128)
	f.Dataset = append(f.Dataset[:2], append(Dataset{
		Uints(0x00280002, "US", 1), Text(0x00280004, "CS", "MONOCHROME2"), f.Dataset[2], f.Dataset[3],
		Uints(0x00280100, "US", 16), Uints(0x00280101, "US", 16), Uints(0x00280102, "US", 15),
		Uints(0x00280103, "US", 0)}, f.Dataset[4])...)
	if err := os.WriteFile(filepath.Join(dir, "dx.dcs"), encode(t, f, pixels), 0o600); err != nil {
		t.Fatal(err)
	}
	for tool, uid := range map[string]string{"dcmcjpls": "1.2.840.10008.1.2.4.80", "dcmcrle": "1.2.840.10008.1.2.5",
		"dcmcjpeg": "1.2.840.10008.1.2.4.70"} {
		run(tool, "dx.dcs", tool+".dcs")
		raw, err := os.ReadFile(filepath.Join(dir, tool+".dcs"))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		got, err := Read(bytes.NewReader(raw), DefaultLimits, &out)
		if err != nil || got.Syntax.UID != uid || !got.Syntax.Encapsulated {
			t.Fatalf("%s: %+v, %v", tool, got.Syntax, err)
		}
		p := got.Dataset.Find(PixelData)
		if len(p.Fragments) != 2 || p.Fragments[1].Length != int64(out.Len()) ||
			got.Dataset.Find(0x00280010).Ints()[0] != 64 {
			t.Errorf("%s: %+v, %d bytes", tool, p, out.Len())
		}
	}
	run("dcmconv", "+te", "+e", "dx.dcs", "explicit-lengths.dcs")
	for _, name := range []string{"explicit-lengths.dcs", "dx.dcs"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadHeader(bytes.NewReader(raw)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, uid := range []string{ImplicitLE, ExplicitLE, DeflatedLE} {
		f.Add(encode(f, threat(uid), nil))
	}
	img, pixels := image(4, 4)
	f.Add(encode(f, img, pixels))
	f.Add(explicit("\xe0\x7f\x10\x00OB\x00\x00", uint32(undefined), "\xfe\xff\x00\xe0", uint32(0),
		"\xfe\xff\x00\xe0", uint32(2), "ab", "\xfe\xff\xdd\xe0", uint32(0)))
	f.Add(explicit("\x08\x00\x05\x00CS", uint16(30), "ISO 2022 IR 13\\ISO 2022 IR 87 ", "\x08\x00\x80\x00PN",
		uint16(18), "\xd4\xcf^\x1b$B;3ED\x1b(J=\x1b-A\xe9"))
	f.Add(bytes.Replace(explicit("\x08\x00\x18\x00UI\x00\x00"), []byte("1.2.840.10008.1.2.1\x00"),
		[]byte("1.3.46.670589.33.1.4"), 1))
	f.Fuzz(func(t *testing.T, in []byte) {
		limits := Limits{Depth: 8, Elements: 1000, Value: 1 << 12, Memory: 1 << 16}
		var out bytes.Buffer
		file, err := Read(bytes.NewReader(in), limits, &out)
		if err != nil {
			return
		}
		var walk func(Dataset)
		walk = func(d Dataset) {
			for _, e := range d {
				e.Ints()
				e.Floats()
				e.Decode(d.Charset())
				for _, it := range e.Items {
					walk(it)
				}
			}
		}
		walk(file.Dataset)
	})
}

// BenchmarkHeader reads the header of a 60 MB file from disk: to be under 1 ms and under 64 KB.
func BenchmarkHeader(b *testing.B) {
	f, pixels := image(5000, 6000)
	path := filepath.Join(b.TempDir(), "x.dcs")
	if err := os.WriteFile(path, encode(b, f, pixels), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		in, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ReadHeader(in); err != nil {
			b.Fatal(err)
		}
		in.Close()
	}
}
