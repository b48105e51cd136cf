package pixel

import (
	"bufio"
	"encoding/binary"
	"io"

	"lanewarden/drivers/observation/coded"
)

// Markers of JPEG (T.81, table B.1) and JPEG-LS (T.87, C.1.1): the byte behind ff. But for RST, SOI and EOI, a
// length of 2 bytes follows, big-endian, which counts itself.
const (
	markSOF3  = 0xc3 // lossless, Huffman
	markDHT   = 0xc4
	markRST0  = 0xd0
	markSOI   = 0xd8
	markEOI   = 0xd9
	markSOS   = 0xda
	markDRI   = 0xdd
	markSOF55 = 0xf7 // JPEG-LS
	markLSE   = 0xf8
)

// streamBuffer is the number of bytes that are read from the file at once.
const streamBuffer = 64 << 10

// markers reads a JPEG stream up to its scan, one segment after the other:
//
//	ff d8                        SOI, start
//	ff c3 length frame header    SOF: bits, rows, columns, components
//	ff c4 length tables          DHT, in JPEG; ff f8 LSE, in JPEG-LS
//	ff da length scan header     SOS, and behind it the coded data
//	ff d9                        EOI, end
type markers struct {
	r             *bufio.Reader
	rows, columns int  // that the image is to have
	bits          int  // of a sample, once the frame header was read
	component     byte // id that the frame header gives its component
}

// newMarkers reads the start. rows and columns are the image's, as its DICOM header says them.
func newMarkers(r io.Reader, rows, columns int) (*markers, error) {
	m := &markers{r: bufio.NewReaderSize(r, streamBuffer), rows: rows, columns: columns}
	if b, err := m.r.Peek(2); err != nil || b[0] != 0xff || b[1] != markSOI {
		return nil, corrupt("pixel.compressed-data-no-jpeg", "compressed data is no JPEG: it begins with %x", b)
	}
	m.r.Discard(2)
	return m, nil
}

// segment reads the next marker and what belongs to it: body is behind the length, of at most 64 KiB. Markers
// without a segment have no place before a scan and are corrupt. All errors are codingErrors.
func (m *markers) segment() (mark byte, body []byte, err error) {
	mark, err = m.r.ReadByte()
	if err == nil && mark != 0xff {
		return 0, nil, corrupt("pixel.byte-stands-where-jpeg", "byte %02x stands where a JPEG marker should", mark)
	}
	for err == nil && mark == 0xff { // fill bytes may come before it
		mark, err = m.r.ReadByte()
	}
	if err != nil {
		return 0, nil, corrupt("pixel.jpeg-data-ends-before-its", "JPEG data ends before its scan")
	}
	if mark == markSOI || mark == markEOI || mark >= markRST0 && mark < markRST0+8 {
		return 0, nil, corrupt("pixel.jpeg-marker-before-scan", "JPEG marker %02x before the scan", mark)
	}
	head, err := m.r.Peek(2)
	if err != nil {
		return 0, nil, corrupt("pixel.jpeg-marker-cut-off", "JPEG marker %02x is cut off", mark)
	}
	n := int(binary.BigEndian.Uint16(head))
	if n < 2 {
		return 0, nil, corrupt("pixel.jpeg-marker-length", "JPEG marker %02x has a length of %d", mark, n)
	}
	whole := make([]byte, n)
	if _, err := io.ReadFull(m.r, whole); err != nil {
		return 0, nil, corrupt("pixel.jpeg-marker-cut-off", "JPEG marker %02x is cut off", mark)
	}
	return mark, whole[2:], nil
}

// frame reads a frame header (T.81, B.2.2), which must be of one component and of the image's size:
//
//	0  bits of a sample  1
//	1  rows              2
//	3  columns           2
//	5  components        1
//	6  id                1  of the first; then its sampling factors and quantisation table
func (m *markers) frame(body []byte) error {
	if len(body) < 9 || body[5] != 1 {
		return corrupt("pixel.jpeg-frame-header-one", "JPEG frame header of %v: one component is read",
			coded.CountOf(len(body), "byte"))
	}
	m.bits, m.component = int(body[0]), body[6]
	rows, columns := int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	if rows != m.rows || columns != m.columns {
		return corrupt("pixel.jpeg-frame-x-image",
			"JPEG frame of %d x %d in an image of %d x %d", columns, rows, m.columns, m.rows)
	}
	if m.bits < 2 || m.bits > 16 {
		return corrupt("pixel.jpeg-samples", "JPEG samples of %v", coded.CountOf(m.bits, "bit"))
	}
	return nil
}

// scan reads a scan header (T.81, B.2.3; T.87, C.2.3) and returns its three parameters: predictor, or near;
// interleave, or end; point transform. It must be of the frame's component, and behind it.
//
//	0  components  1
//	1  id, tables  2  of the first
//	3  parameters  3
func (m *markers) scan(body []byte) (p [3]byte, err error) {
	if m.bits == 0 {
		return p, corrupt("pixel.jpeg-scan-before-its", "JPEG scan before its frame")
	}
	if len(body) < 6 || body[0] != 1 || body[1] != m.component {
		return p, corrupt("pixel.jpeg-scan-not-frame", "JPEG scan of %v is not of the frame's component",
			coded.CountOf(len(body), "byte"))
	}
	return [3]byte(body[3:6]), nil
}
