package driver

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// aspect is the header of an ASPECT spectrum of n channels.
func aspect(n uint16) []byte {
	h := make([]byte, 512+4*int(n))
	copy(h, "ADC-1")
	copy(h[0x38:], []byte{7, 3, 26, 14, 30, 59})
	binary.LittleEndian.PutUint32(h[0x3e:], 299_000)
	binary.LittleEndian.PutUint32(h[0x42:], 300_000)
	binary.LittleEndian.PutUint16(h[0x46:], n)
	binary.LittleEndian.PutUint16(h[0x52:], n-1)
	return h
}

func chn() []byte {
	h := make([]byte, 64)
	h[0], h[1] = 0xff, 0xff
	copy(h[14:], "0005JAN2711430")
	return h
}

func ortec() []byte {
	h := make([]byte, 512)
	copy(h, []byte{1, 0, 5, 0, 0, 0, 0, 0, 2, 0})
	return h
}

func pcf(version string) []byte {
	h := make([]byte, 512)
	h[0] = 17
	copy(h[2:], version)
	return h
}

// packed returns a document as the packers of the standard library write it.
func packed(t *testing.T, pack func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var out bytes.Buffer
	w := pack(&out)
	if _, err := w.Write([]byte(`{"plateNumber":"ABC 123"}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What is compressed is named, and text is not taken for it.
func TestUnreadCompressed(t *testing.T) {
	for want, head := range map[string][]byte{
		"gzip":    packed(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
		"deflate": packed(t, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }),
		"zstd":    []byte("\x28\xb5\x2f\xfd\x04\x00"), "zip": []byte("PK\x03\x04\x14\x00"), "bzip2": []byte("BZh91AY&SY"),
		"xz": []byte("\xfd7zXZ\x00\x00"), "7-Zip": []byte("7z\xbc\xaf\x27\x1c\x00\x04"),
	} {
		if got := Unread(head).English(); !strings.Contains(got, want) || !strings.Contains(got, "without compression") {
			t.Errorf("%s: %q", want, got)
		}
	}
	for _, text := range []string{"x^ is a text", "x\x01", "x", "PKW", "7z", "BZ"} {
		if got := Unread([]byte(text)).English(); got != "" {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// Pictures and printouts, which many devices put beside their documents, are named, and text is not taken for one.
func TestUnreadPictures(t *testing.T) {
	for want, heads := range map[string][]string{
		"JPEG": {"\xff\xd8\xff\xe0\x00\x10JFIF", "\xff\xd8\xff\xe1\x00\x10Exif"},
		"PNG":  {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"},
		"TIFF": {"II*\x00\x08\x00\x00\x00", "MM\x00*\x00\x00\x00\x08"},
		"BMP":  {"BM\x36\x00\x0c\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00"},
		"GIF":  {"GIF89a", "GIF87a"},
		"PDF":  {"%PDF-1.7\n"},
		"":     {"BM, a text of some length", "II*", "\xff\xd8", "GIF", "PNG"},
	} {
		for _, head := range heads {
			got := Unread([]byte(head)).English()
			if (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("%q: %q, want %q", head, got, want)
			}
		}
	}
}

func TestUnread(t *testing.T) {
	for want, heads := range map[string][][]byte{
		"ASPECT":    {aspect(1024), aspect(16)},
		"RadiaCode": {[]byte("<?xml version=\"1.0\"?>\n<ResultDataFile><FormatVersion>120920</FormatVersion>"), []byte("\xef\xbb\xbf<ResultDataList>")},
		"SPE":       {[]byte("$SPEC_ID:\r\nNo sample\r\n$DATE_MEA:\r\n"), []byte("$DATA:\n0 1023\n")},
		"LSRM":      {[]byte("SHIFR=1\nTLIVE=100\n")},
		"CHN":       {chn()},
		"binary":    {ortec()},
		"PCF":       {pcf("DHS"), append(make([]byte, 256), append([]byte("DeviationPairsInFile"), make([]byte, 256)...)...)},
		"Amptek":    {[]byte("<<PMCA SPECTRUM>>\n")},
		"IAEA's":    {[]byte("SpectrumName        x\nDetectorType NaI\nLiveTime 10\n")},
		"":          {nil, []byte("hello"), make([]byte, 4096), bytes.Repeat([]byte{0xff}, 4096), []byte("<html>"), []byte("$5: a price"), pcf("   "), aspect(1024)[:500]},
	} {
		for _, head := range heads {
			got := Unread(head).English()
			if want == "" && got != "" || want != "" && (!strings.Contains(got, want) || !strings.Contains(got, "InterSpec")) {
				t.Errorf("%.40q: %q, want %q", head, got, want)
			}
		}
	}
}
