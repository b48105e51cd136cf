package dicom

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func raw(vr VR, value string) *Element {
	return &Element{Tag: 0x00091001, VR: vr, Value: []byte(value), Length: int64(len(value))}
}

func TestInts(t *testing.T) {
	for _, c := range []struct {
		name string
		e    *Element
		want []int64
	}{
		{"no element", nil, nil},
		{"US, without sign", raw("US", "\xff\xff\x01\x00"), []int64{65535, 1}},
		{"OW, as US", raw("OW", "\xff\xff"), []int64{65535}},
		{"SS, with sign", raw("SS", "\xff\xff"), []int64{-1}},
		{"UL, without sign", raw("UL", "\xff\xff\xff\xff"), []int64{math.MaxUint32}},
		{"SL, with sign", raw("SL", "\xfe\xff\xff\xff"), []int64{-2}},
		{"AT", raw("AT", "\x10\x00\xe0\x7f"), []int64{0x7fe00010}},
		{"SV", raw("SV", "\xff\xff\xff\xff\xff\xff\xff\xff"), []int64{-1}},
		{"half a value at the end", raw("US", "\x01\x00\x02"), []int64{1}},
		{"IS, padded", raw("IS", ` 7\-12 `), []int64{7, -12}},
		{"IS, one that is no integer", raw("IS", `7\x\9`), []int64{7, 9}},
		{"IS, a fraction", raw("IS", "1.5 "), nil},
		{"text that is no number", raw("LO", "CARGO "), nil},
		{"bytes", raw("OB", "\x01\x02"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.e.Ints()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFloats(t *testing.T) {
	for _, c := range []struct {
		name string
		e    *Element
		want []float64
	}{
		{"no element", nil, nil},
		{"FL", Floats32(1, 0.5, -2), []float64{0.5, -2}},
		{"FL, no finite numbers", Floats32(1, float32(math.NaN()), 1, float32(math.Inf(1))), []float64{1}},
		{"FD", raw("FD", "\x00\x00\x00\x00\x00\x00\xf8\x3f"), []float64{1.5}},
		{"FD, cut off", raw("FD", "\x00\x00\x00\x00\x00\x00\xf8"), nil},
		{"DS", raw("DS", `1.5\ -2e3`), []float64{1.5, -2000}},
		{"DS, one that is no number", raw("DS", `1.5\?`), []float64{1.5}},
		{"DS, words for what is not finite", raw("DS", `NaN\Inf\-inf\2 `), []float64{2}},
		{"IS", raw("IS", `3\4 `), []float64{3, 4}},
		{"US", Uints(1, "US", 5, 6), []float64{5, 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.e.Floats()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStrings(t *testing.T) {
	for _, c := range []struct {
		name string
		e    *Element
		want []string
	}{
		{"no element", nil, nil},
		{"empty", raw("LO", ""), nil},
		{"only padding", raw("UI", "\x00\x00"), nil},
		{"UI, padded with a zero", raw("UI", "1.2.3\x00"), []string{"1.2.3"}},
		{"several, each with blanks", raw("CS", ` ALARM \CLEAR `), []string{"ALARM", "CLEAR"}},
		{"LT, in which a backslash is text (PS3.5, 6.2)", raw("LT", ` a\b `), []string{` a\b`}},
		{"UN, as text", raw("UN", "abc "), []string{"abc"}},
		{"a number's bytes", raw("US", "AB"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.e.Strings()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestConstructors: what Text, Uints, Floats32 and Decimals make has an even length, and is read back.
func TestConstructors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[A-Z0-9_]{1,16}`), 1, 4).Draw(t, "words")
		vr := rapid.SampledFrom([]VR{"CS", "LO", "UI", "SH"}).Draw(t, "vr")
		numbers := rapid.SliceOf(rapid.Uint32Range(0, math.MaxUint16)).Draw(t, "numbers")
		floats := rapid.SliceOf(rapid.Float32Range(-1e30, 1e30)).Draw(t, "floats")
		decimals := rapid.SliceOf(rapid.Float64Range(-1e9, 1e9)).Draw(t, "decimals")
		text, us, ul := Text(1, vr, words...), Uints(1, "US", numbers...), Uints(1, "UL", numbers...)
		fl, ds := Floats32(1, floats...), Decimals(1, decimals...)
		for _, e := range []*Element{text, us, ul, fl, ds} {
			if len(e.Value)%2 != 0 || e.Length != int64(len(e.Value)) {
				t.Fatalf("%s: %d bytes, length %d", e.VR, len(e.Value), e.Length)
			}
		}
		if diff := cmp.Diff(words, text.Strings()); diff != "" {
			t.Error(diff)
		}
		for _, e := range []*Element{us, ul} {
			for i, v := range e.Ints() {
				if v != int64(numbers[i]) {
					t.Fatalf("%s: %d became %d", e.VR, numbers[i], v)
				}
			}
		}
		for i, v := range fl.Floats() {
			if float32(v) != floats[i] {
				t.Fatalf("%v became %v", floats[i], v)
			}
		}
		// 10 digits: a DS value has at most 16 characters (PS3.5, 6.2)
		if diff := cmp.Diff(decimals, ds.Floats(), cmpopts.EquateApprox(1e-9, 0), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTags(t *testing.T) {
	for _, c := range []struct {
		name    string
		tag     Tag
		text    string
		private bool
		vr      VR
	}{
		{"pixel data is words in implicit VR", PixelData, "(7fe0,0010)", false, "OW"},
		{"a UID", SOPInstanceUID, "(0008,0018)", false, "UI"},
		{"the length of a group", 0x00080000, "(0008,0000)", false, "UL"},
		{"a private creator", 0x00090010, "(0009,0010)", true, "LO"},
		{"a private element", 0x00091001, "(0009,1001)", true, "UN"},
		{"one that no dictionary has", 0x00089999, "(0008,9999)", false, "UN"},
		{"DICOS", 0x40101031, "(4010,1031)", false, "CS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := vrOf(c.tag); c.tag.String() != c.text || c.tag.Private() != c.private || got != c.vr {
				t.Errorf("%s, private %v, %s", c.tag, c.tag.Private(), got)
			}
		})
	}
	if name := Tag(0x40101031).Name(); name != "AlarmDecision" {
		t.Errorf("(4010,1031) is %q", name)
	}
	if name := Tag(0x00091001).Name(); name != "" {
		t.Errorf("a private element is %q", name)
	}
}

func TestFind(t *testing.T) {
	d := threat(ExplicitLE).Dataset
	for _, c := range []struct {
		name string
		path []Tag
		want bool
	}{
		{"an element", []Tag{0x40101031}, true},
		{"within the first item of two sequences", []Tag{0x40101011, 0x40101038, 0x40101012}, true},
		{"not there", []Tag{0x40101032}, false},
		{"not in the item", []Tag{0x40101011, 0x40101031}, false},
		{"an element that has no items", []Tag{0x40101031, 0x40101012}, false},
		{"no path", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if e := d.Find(c.path...); (e != nil) != c.want || e != nil && e.Tag != c.path[len(c.path)-1] {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestNotWritten: data sets that would make a file that nobody reads are refused, with the element's tag.
func TestNotWritten(t *testing.T) {
	pixels := func(length int64) *Element { return &Element{Tag: PixelData, VR: "OW", Length: length} }
	for _, c := range []struct {
		name   string
		d      Dataset
		pixels io.Reader
		err    string
	}{
		{"elements that do not rise", Dataset{Text(0x00100020, "LO", "a"), Text(0x00100010, "PN", "b")}, nil,
			"(0010,0010): elements must rise, but it follows (0010,0020)"},
		{"an element twice", Dataset{Text(0x00100020, "LO", "a"), Text(0x00100020, "LO", "a")}, nil, "must rise"},
		{"a value of an odd length", Dataset{raw("OB", "abc")}, nil, "(0009,1001): a value must have an even number"},
		{"a value too long for its VR (PS3.5, 7.1.2)", Dataset{raw("LO", strings.Repeat("x", 1<<16))}, nil,
			"a value of type LO has at most 65535 bytes, not 65536"},
		{"in an item", Dataset{Sequence(0x40101011, Dataset{raw("OB", "abc")})}, nil, "(4010,1011): (0009,1001): a value"},
		{"no pixels", Dataset{pixels(4)}, nil, "pixel data is missing"},
		{"an odd number of pixel bytes", Dataset{pixels(3)}, strings.NewReader("abc"), "pixel data of 3 bytes"},
		{"pixels of 4 GiB", Dataset{pixels(1 << 32)}, strings.NewReader(""), "below 4 GiB"},
		{"fewer pixels than Length", Dataset{pixels(4)}, strings.NewReader("ab"), "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			syntax, _ := SyntaxOf(ExplicitLE)
			err := WriteDataset(io.Discard, &File{Syntax: syntax, Dataset: c.d}, c.pixels)
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestWriteMeta: a data set that came over the network is a file behind what WriteMeta writes.
func TestWriteMeta(t *testing.T) {
	for _, uid := range []string{ImplicitLE, ExplicitLE, DeflatedLE} {
		f := threat(uid)
		var b bytes.Buffer
		if err := WriteMeta(&b, "1.2.840.10008.5.1.4.1.1.501.3", "1.2.826.0.1.3680043.10.2.1", f.Syntax); err != nil {
			t.Fatal(err)
		}
		meta := b.Len()
		if err := WriteDataset(&b, f, nil); err != nil {
			t.Fatal(err)
		}
		got, err := ReadHeader(&b)
		if err != nil || got.Guessed || got.Syntax.UID != uid {
			t.Fatalf("%s: %v, guessed %v, read as %s", uid, err, got.Guessed, got.Syntax.UID)
		}
		if diff := cmp.Diff(plain(f.Dataset), plain(got.Dataset)); diff != "" {
			t.Errorf("%s: %s", uid, diff)
		}
		// group length: bytes of the group behind the element itself (PS3.10, 7.1)
		if n := got.Meta.Find(FileMetaLength).Ints(); len(n) != 1 || int(n[0]) != meta-preamble-len("DICM")-12 {
			t.Errorf("%s: the meta group says %v bytes, of %d", uid, n, meta)
		}
	}
}
