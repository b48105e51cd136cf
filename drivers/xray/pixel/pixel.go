// Package pixel reads the pixels of DICOM images. A file goes in; rows of 16-bit values come out, one after the
// other, whatever the transfer syntax, so that memory does not grow with the image. RLE, JPEG-LS and JPEG lossless
// are decoded here, bit-exactly; JPEG baseline by the standard library, which holds a frame whole.
package pixel

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/xray/dicom"
)

// ErrNotRendered means that the pixels are of a kind that is kept and passed on, but not shown: JPEG 2000, colour.
// The wrapping error says which. It is no fault of the file or of the system that made it.
var ErrNotRendered = coded.Errorf("pixel.not-rendered", "not rendered")

// Bounds on an image. A header of a few bytes can claim any size; these are checked before a row is allocated.
const (
	maxSide    = 1 << 16 // rows and columns, which are 16 bits in the file
	maxPixels  = 1 << 28 // of a frame: 512 MB uncompressed
	maxFrames  = 1 << 16 // slices of a CT volume are some thousands
	maxInflate = 1 << 30 // bytes of deflated pixel data that are passed over to reach a frame
)

// Rows reads a frame from its first row on. It is for one goroutine, and the frame is decoded as it is read: closing
// is not needed.
type Rows interface {
	// Next fills row, which is Columns long, with the next row: 0 is the lowest value that Bits and sign allow. It
	// may be called Rows times. A *dicom.FormatError says that the data is corrupt or cut off; row is then
	// undefined, and the rows before it hold.
	Next(row []uint16) error
}

// Image is an image and where its pixels are. It does not change after Open; frames may be read at the same time
// where the io.ReaderAt allows it.
type Image struct {
	File          *dicom.File
	Rows, Columns int
	// Frames is 1 at least: slices of a volume, or views.
	Frames int
	Bits   int // stored in a pixel
	// Offset is to be added to a value to have the stored number: signed ones are raised, so that rows are not
	// negative.
	Offset int

	allocated, high int  // bits that a pixel takes in the file, 8 or 16; the highest that holds its value
	signed          bool // two's complement
	r               io.ReaderAt
	size            int64 // bytes of the file
	data            *dicom.Element
	fragments       []dicom.Fragment // of encapsulated pixel data, without the offset table
	offsets         []uint32         // the offset table: of each frame, bytes from the first fragment's header
}

// Tags of the image pixel module (PS3.3, C.7.6.3).
const (
	tagSamples     dicom.Tag = 0x00280002
	tagPhotometric dicom.Tag = 0x00280004
	tagFrames      dicom.Tag = 0x00280008
	tagRows        dicom.Tag = 0x00280010
	tagColumns     dicom.Tag = 0x00280011
	tagAllocated   dicom.Tag = 0x00280100
	tagStored      dicom.Tag = 0x00280101
	tagHighBit     dicom.Tag = 0x00280102
	tagSigned      dicom.Tag = 0x00280103
)

// ErrNoImage means that an object has no pixel data.
var ErrNoImage = coded.Errorf("pixel.object-no-pixel-data", "object has no pixel data")

// Open reads the header of a file of size bytes. It costs the header, and for compressed pixels a few bytes a
// fragment. r must stay open as long as the image is used. Errors: ErrNoImage, ErrNotRendered, a *dicom.FormatError
// for a file that is corrupt or whose pixels are cut off, or that of r.
func Open(r io.ReaderAt, size int64) (*Image, error) {
	f, err := dicom.ReadHeader(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	return New(f, r, size)
}

// New is Open with the header read already: f must be the header of r, with its pixel data's offset.
func New(f *dicom.File, r io.ReaderAt, size int64) (*Image, error) {
	i := &Image{File: f, r: r, size: size, data: f.Dataset.Find(dicom.PixelData)}
	if i.data == nil {
		return nil, ErrNoImage
	}
	if err := i.describe(); err != nil {
		return nil, err
	}
	if !RendersSyntax(f.Syntax.UID) {
		return nil, coded.Errorf("pixel.because", "%w: %s", ErrNotRendered, f.Syntax.Name)
	}
	return i, i.locate()
}

// describe reads what the header says of the pixels (PS3.5, 8.1.1). A missing element has the commonest value: 16
// bits allocated, all of them stored, unsigned, one frame, one sample.
func (i *Image) describe() error {
	f := i.File
	number := func(tag dicom.Tag, none int) int {
		if n := f.Dataset.Find(tag).Ints(); len(n) > 0 {
			return int(max(min(n[0], 1<<31), -1))
		}
		return none
	}
	i.Rows, i.Columns, i.Frames = number(tagRows, 0), number(tagColumns, 0), number(tagFrames, 1)
	i.allocated, i.Bits = number(tagAllocated, 16), number(tagStored, 0)
	if i.Bits == 0 {
		i.Bits = i.allocated
	}
	i.high, i.signed = number(tagHighBit, i.Bits-1), number(tagSigned, 0) == 1
	if i.signed {
		i.Offset = -1 << (max(i.Bits, 1) - 1)
	}
	bad := func(code, format string, args ...any) error {
		return &dicom.FormatError{Offset: i.data.Offset, Path: dicom.PixelData.String(),
			Reason: coded.Errorf(code, format, args...)}
	}
	switch {
	case i.Rows < 1 || i.Columns < 1 || i.Rows > maxSide || i.Columns > maxSide || i.Rows*i.Columns > maxPixels:
		return bad("pixel.image-x-pixels-one",
			"image of %d x %d pixels; one has at least 1 and at most %d of them", i.Columns, i.Rows, maxPixels)
	case i.Frames < 1 || i.Frames > maxFrames:
		return bad("pixel.image-1", "%v; an image has 1 to %d", coded.CountOf(i.Frames, "frame"), maxFrames)
	case i.allocated != 8 && i.allocated != 16:
		return coded.Errorf("pixel.pixel-bits-allocated", "%w: a pixel of %v (bits allocated)",
			ErrNotRendered, coded.CountOf(i.allocated, "bit"))
	case i.Bits < 1 || i.Bits > i.allocated || i.high != i.Bits-1 && (i.high < i.Bits-1 || i.high >= i.allocated):
		return bad("pixel.bits-stored-high-bit",
			"bits stored are %d, the high bit is %d, bits allocated are %d", i.Bits, i.high, i.allocated)
	case number(tagSamples, 1) != 1:
		return coded.Errorf("pixel.samples-pixel", "%w: %d samples a pixel", ErrNotRendered, number(tagSamples, 1))
	}
	return nil
}

// Inverse reports whether low values are to be shown bright (MONOCHROME1; PS3.3, C.7.6.3.1.2). Rows are not
// inverted.
func (i *Image) Inverse() bool {
	return i.File.Dataset.Find(tagPhotometric).String() == "MONOCHROME1"
}

// locate checks that the pixel data is all there, and finds its fragments. An offset table that is missing is no
// error: it may be empty by the standard (PS3.5, A.4).
func (i *Image) locate() error {
	if !i.File.Syntax.Encapsulated {
		need := int64(i.Frames) * i.frameBytes()
		if i.data.Length < need {
			return &dicom.FormatError{Offset: i.data.Offset, Path: dicom.PixelData.String(),
				Reason: coded.Errorf("pixel.pixel-data-x-need", "%v of pixel data; %v of %d x %d need %d",
					coded.CountOf(i.data.Length, "byte"), coded.CountOf(i.Frames, "frame"), i.Columns,
					i.Rows, need)}
		}
		return CheckWhole(i.File, i.r, i.size)
	}
	fragments, err := Fragments(i.data, i.r, i.size)
	if err != nil {
		return err
	}
	if table := fragments[0]; table.Length >= 4 && table.Length <= 4*maxFrames {
		b := make([]byte, table.Length)
		if _, err := i.r.ReadAt(b, table.Offset); err != nil {
			return err
		}
		for ; len(b) >= 4; b = b[4:] {
			i.offsets = append(i.offsets, binary.LittleEndian.Uint32(b))
		}
	}
	i.fragments = fragments[1:]
	return nil
}

// frameBytes is the size of an uncompressed frame. Rows are not padded, and frames follow each other without a gap.
func (i *Image) frameBytes() int64 { return int64(i.Rows) * int64(i.Columns) * int64(i.allocated/8) }

// Frame opens a frame, the first being 0. It reads the headers of compressed data; JPEG baseline is decoded whole
// here. Errors are those of Open. Frames of deflated images cost more the further back they are, as all before must
// be inflated.
func (i *Image) Frame(n int) (Rows, error) {
	if n < 0 || n >= i.Frames {
		return nil, coded.Errorf("pixel.frame", "frame %d of %d", n, i.Frames)
	}
	if !i.File.Syntax.Encapsulated {
		data, err := i.native(n)
		return &nativeRows{Image: i, r: data}, err
	}
	parts, err := i.frameFragments(n)
	if err != nil {
		return nil, err
	}
	var rows Rows
	switch i.File.Syntax.UID {
	case dicom.RLE:
		rows, err = newRLE(i, parts)
	case dicom.JPEGLossless, dicom.JPEGLosslessP1:
		rows, err = newLossless(i.stream(parts), i.Rows, i.Columns)
	case dicom.JPEGLSLossless, dicom.JPEGLSNear:
		rows, err = newJPEGLS(i.stream(parts), i.Rows, i.Columns)
	case dicom.JPEGBaseline, dicom.JPEGExtended:
		rows, err = newBaseline(i.stream(parts), i.Rows, i.Columns)
	default:
		return nil, coded.Errorf("pixel.because", "%w: %s", ErrNotRendered, i.File.Syntax.Name)
	}
	if err != nil {
		return nil, i.wrap(err)
	}
	return &maskedRows{Image: i, rows: rows}, nil
}

// RendersSyntax reports whether pixels of a transfer syntax are decoded here: all uncompressed ones, and those of
// which Frame has a decoder.
func RendersSyntax(uid string) bool {
	switch uid {
	case dicom.RLE, dicom.JPEGLossless, dicom.JPEGLosslessP1, dicom.JPEGLSLossless, dicom.JPEGLSNear,
		dicom.JPEGBaseline,
		dicom.JPEGExtended:
		return true
	}
	s, known := dicom.SyntaxOf(uid)
	return known && !s.Encapsulated
}

// Renders reports by its header why there will be no picture of an image, as an ErrNotRendered or ErrNoImage; nil
// when there may be one. It does not look at the pixels.
func Renders(f *dicom.File) error {
	i := &Image{File: f, data: f.Dataset.Find(dicom.PixelData)}
	if i.data == nil {
		return coded.Errorf("pixel.because", "%w: %w", ErrNotRendered, ErrNoImage)
	}
	if err := i.describe(); errors.Is(err, ErrNotRendered) {
		return err
	}
	if !RendersSyntax(f.Syntax.UID) {
		return coded.Errorf("pixel.because", "%w: %s", ErrNotRendered, f.Syntax.Name)
	}
	if f.Syntax.UID == dicom.JPEGExtended && i.Bits > 8 {
		return coded.Errorf("pixel.jpeg-extended",
			"%w: JPEG extended of %v", ErrNotRendered, coded.CountOf(i.Bits, "bit"))
	}
	return nil
}

// native returns the bytes of an uncompressed frame. Of deflated images the reader goes on behind the frame.
func (i *Image) native(n int) (io.Reader, error) {
	skip := int64(n) * i.frameBytes()
	if !i.File.Syntax.Deflated() {
		return io.NewSectionReader(i.r, i.data.Offset+skip, i.frameBytes()), nil
	}
	if skip > maxInflate {
		return nil, coded.Errorf("pixel.frame-deflated-image", "%w: frame %d of a deflated image", ErrNotRendered, n)
	}
	_, pixels, err := dicom.OpenPixels(io.NewSectionReader(i.r, 0, i.size))
	if err != nil {
		return nil, err
	}
	if _, err = io.CopyN(io.Discard, pixels, skip); err != nil {
		return nil, &dicom.FormatError{Offset: i.data.Offset, Path: dicom.PixelData.String(),
			Reason: coded.Errorf("pixel.deflated-pixel-data-ends",
				"deflated pixel data ends before frame %d: %v", n, err)}
	}
	return pixels, nil
}

// frameFragments returns the fragments of a frame: all of a single one, one for each where their numbers agree, else
// those between two entries of the offset table, which point at fragments' headers.
func (i *Image) frameFragments(n int) ([]dicom.Fragment, error) {
	switch {
	case i.Frames == 1:
		return i.fragments, nil
	case len(i.fragments) == i.Frames:
		return i.fragments[n : n+1], nil
	case len(i.offsets) == i.Frames:
		first := i.fragments[0].Offset - 8
		begin, end := first+int64(i.offsets[n]), int64(1)<<62
		if n+1 < i.Frames {
			end = first + int64(i.offsets[n+1])
		}
		var out []dicom.Fragment
		for _, f := range i.fragments {
			if f.Offset-8 >= begin && f.Offset < end {
				out = append(out, f)
			}
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	return nil, &dicom.FormatError{Offset: i.data.Offset, Path: dicom.PixelData.String(),
		Reason: coded.Errorf("pixel.for-without-offset-table", "%v for %v, without an offset table",
			coded.CountOf(len(i.fragments), "fragment"), coded.CountOf(i.Frames, "frame"))}
}

// stream reads fragments as one: a frame may be cut anywhere (PS3.5, A.4).
func (i *Image) stream(parts []dicom.Fragment) io.Reader {
	var list []io.Reader
	for _, p := range parts {
		list = append(list, io.NewSectionReader(i.r, p.Offset, p.Length))
	}
	return io.MultiReader(list...)
}

// wrap makes a decoder's error one of the file, with the place of the pixel data. Others stay as they are.
func (i *Image) wrap(err error) error {
	var coding *codingError
	if errors.As(err, &coding) {
		return &dicom.FormatError{Offset: i.data.Offset, Path: dicom.PixelData.String(), Reason: coding.reason}
	}
	return err
}

// codingError describes what is wrong with compressed data. Decoders do not know where in the file they are; wrap
// adds it.
type codingError struct{ reason error }

func (e *codingError) Error() string { return e.reason.Error() }

func (e *codingError) Unwrap() error { return e.reason }

// corrupt returns a codingError.
func corrupt(code, format string, args ...any) error {
	return &codingError{coded.Errorf(code, format, args...)}
}

// nativeRows reads uncompressed pixels, of 8 or of 16 bits allocated, little endian (PS3.5, 8.1.1 and annex D).
type nativeRows struct {
	*Image
	r   io.Reader
	buf []byte
	row int
}

// Next implements Rows.
func (n *nativeRows) Next(row []uint16) error {
	if n.buf == nil {
		n.buf = make([]byte, n.Columns*n.allocated/8)
		n.r = bufio.NewReaderSize(n.r, 256<<10)
	}
	if _, err := io.ReadFull(n.r, n.buf); err != nil {
		return &dicom.FormatError{Offset: n.data.Offset, Path: dicom.PixelData.String(),
			Reason: coded.Errorf("pixel.pixel-data-ends-row",
				"pixel data ends in row %d of %d: %v", n.row, n.Rows, err)}
	}
	n.row++
	if n.allocated == 8 {
		for x, v := range n.buf {
			row[x] = uint16(v)
		}
	} else {
		b := n.buf
		for x := range row {
			row[x] = uint16(b[2*x]) | uint16(b[2*x+1])<<8
		}
		if n.File.Syntax.BigEndianPixels {
			for x, v := range row {
				row[x] = bits.ReverseBytes16(v)
			}
		}
	}
	n.fix(row)
	return nil
}

// fix brings values as they are stored to 0 and up: it drops bits above and below the stored ones (overlays stood
// there in old files) and flips the sign bit of signed ones, which raises them by half of the scale.
func (i *Image) fix(row []uint16) {
	if i.Bits == 16 && !i.signed {
		return
	}
	shift, mask, flip := i.high+1-i.Bits, uint16(1<<i.Bits-1), uint16(0)
	if i.signed {
		flip = 1 << (i.Bits - 1)
	}
	for x, v := range row {
		row[x] = (v>>shift)&mask ^ flip
	}
}

// maskedRows brings a decoder's values to 0 and up, and says the row in its errors.
type maskedRows struct {
	*Image
	rows Rows
	row  int
}

// Next implements Rows.
func (m *maskedRows) Next(row []uint16) error {
	if err := m.rows.Next(row); err != nil {
		return m.wrap(coded.Errorf("pixel.row", "row %d of %d: %w", m.row, m.Rows, err))
	}
	m.row++
	m.fix(row)
	return nil
}

// readAll reads fragments into memory, as long as they are no larger than an image of these dimensions can need: RLE
// at its worst is 1/128 larger than the image.
func (i *Image) readAll(parts []dicom.Fragment) ([]byte, error) {
	var size int64
	for _, p := range parts {
		size += p.Length
	}
	if limit := 2*i.frameBytes() + 1<<16; size > limit {
		return nil, corrupt("pixel.compressed-data-for-frame", "%v of compressed data for a frame of %d",
			coded.CountOf(size, "byte"), i.frameBytes())
	}
	var b bytes.Buffer
	_, err := io.Copy(&b, i.stream(parts))
	return b.Bytes(), err
}
