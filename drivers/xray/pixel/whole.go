package pixel

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/xray/dicom"
)

// CheckLength reports uncompressed pixel data that has fewer bytes than rows, columns, samples, bits and frames
// need, as a *dicom.FormatError. It looks at the header only (PS3.5, 8.1.1). More bytes than needed are accepted:
// data is padded to an even length, and some writers pad more. It holds for images that are not rendered, too.
func CheckLength(f *dicom.File) error {
	e := f.Dataset.Find(dicom.PixelData)
	if e == nil || f.Syntax.Encapsulated || e.Length < 0 {
		return nil
	}
	number := func(tag dicom.Tag, none int64) float64 {
		if n := f.Dataset.Find(tag).Ints(); len(n) > 0 {
			return float64(n[0])
		}
		return float64(none)
	}
	frames, samples := number(tagFrames, 1), number(tagSamples, 1)
	// colour of half the resolution: YBR_FULL_422, _420
	if strings.Contains(f.Dataset.Find(tagPhotometric).String(), "42") {
		samples = 1
	}
	need := number(tagRows, 0) * number(tagColumns, 0) * samples * number(tagAllocated, 16) * frames / 8
	if float64(e.Length) >= math.Floor(need) {
		return nil
	}
	return &dicom.FormatError{Offset: e.Offset, Path: dicom.PixelData.String(),
		Reason: coded.Errorf("pixel.image-not-whole-pixel",
			"the image is not whole: %v of pixel data; frames: %.0f, of %.0f x %.0f, need %.0f",
			coded.CountOf(e.Length, "byte"),
			frames, number(tagColumns, 0), number(tagRows, 0), math.Ceil(need))}
}

// CheckWhole reports pixel data that is cut off, as a *dicom.FormatError: bytes beyond size, or fragments without
// their delimiter. It reads the headers of fragments only, of any transfer syntax; deflated data it cannot tell from
// outside.
func CheckWhole(f *dicom.File, r io.ReaderAt, size int64) error {
	e := f.Dataset.Find(dicom.PixelData)
	switch {
	case e == nil || f.Syntax.Deflated():
		return nil
	case f.Syntax.Encapsulated && e.Length < 0:
		_, err := Fragments(e, r, size)
		return err
	case e.Offset+e.Length > size:
		return &dicom.FormatError{Offset: size, Path: e.Tag.String(),
			Reason: coded.Errorf("pixel.pixel-data-cut-off", "pixel data is cut off: %d of %v came",
				size-e.Offset, coded.CountOf(e.Length, "byte"))}
	}
	return nil
}

const (
	// maxFragments of an image: twice maxFrames, as most writers make one or two of a frame.
	maxFragments = 1 << 17
	itemTag      = 0xe000fffe // as four little endian bytes
	delimiterTag = 0xe0ddfffe
)

// Fragments finds the fragments of encapsulated pixel data e in a file of size bytes, the offset table first, which
// is there always but may be empty (PS3.5, A.4). A fragment that reaches beyond the file, a missing delimiter and
// more than maxFragments are a *dicom.FormatError.
func Fragments(e *dicom.Element, r io.ReaderAt, size int64) ([]dicom.Fragment, error) {
	at := e.Offset
	bad := func(code, format string, args ...any) ([]dicom.Fragment, error) {
		return nil, &dicom.FormatError{Offset: at, Path: e.Tag.String(), Reason: coded.Errorf(code, format, args...)}
	}
	if e.Length >= 0 {
		return bad("pixel.compressed-pixel-data-length",
			"compressed pixel data has a length of %d; it stands in fragments", e.Length)
	}
	var out []dicom.Fragment
	var head [8]byte
	for {
		if _, err := r.ReadAt(head[:], at); err != nil {
			if errors.Is(err, io.EOF) {
				return bad("pixel.pixel-data-cut-off-after",
					"pixel data is cut off after %v", coded.CountOf(len(out), "fragment"))
			}
			return nil, err
		}
		tag, length := binary.LittleEndian.Uint32(head[:]), int64(binary.LittleEndian.Uint32(head[4:]))
		at += 8
		switch {
		case tag == delimiterTag && len(out) > 0:
			return out, nil
		case tag != itemTag:
			return bad("pixel.bytes-stand-where-fragment", "bytes %x stand where a fragment should", head[:4])
		case at+length > size:
			return bad("pixel.pixel-data-cut-off-fragment", "pixel data is cut off: fragment of %v, of which %d came",
				coded.CountOf(length, "byte"), size-at)
		case len(out) == maxFragments:
			return bad("pixel.more-than-fragments", "more than %d fragments", maxFragments)
		}
		out = append(out, dicom.Fragment{Offset: at, Length: length})
		at += length
	}
}
