package dicom

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"lanewarden/drivers/observation/coded"
)

// bufferSize of the reader, in bytes: a header of a few kilobytes is read in a few of these, and the pixels behind it
// are not fetched from a slow disk for nothing.
const bufferSize = 4 << 10

// ReadHeader reads a file up to its pixel data, within DefaultLimits. The pixel data becomes the last element, with its
// length but without value; what stands behind it (padding, digital signatures) is not read. A file without pixel
// data, such as a threat report, is read to its end.
func ReadHeader(r io.Reader) (*File, error) { return Read(r, DefaultLimits, nil) }

// Read reads a file. When pixels is nil it stops at the pixel data; else it copies that there, fragments one after
// the other without their headers and without the offset table, and goes on to the end. What it wrote to pixels
// before an error is not taken back. With an error the file is returned as far as it was read, or is nil when even its
// transfer syntax is not known.
func Read(r io.Reader, limits Limits, pixels io.Writer) (*File, error) {
	d := newDecoder(r, limits, pixels)
	return d.file()
}

// OpenPixels reads a header and returns a reader of the pixel data. Uncompressed, it ends with the pixel data. Of
// compressed images the caller gets the stream behind the header and takes the fragments apart itself: items of
// (fffe,e000) and a length of 32 bits, the first being the offset table, up to (fffe,e0dd). r must not be read
// elsewhere meanwhile. Deflated files are inflated on the way.
func OpenPixels(r io.Reader) (*File, io.Reader, error) {
	d := newDecoder(r, DefaultLimits, nil)
	f, err := d.file()
	if err != nil {
		return nil, nil, err
	}
	e := f.Dataset.find(PixelData)
	if e == nil || e.Length < 0 {
		return f, d.in, nil
	}
	return f, io.LimitReader(d.in, e.Length), nil
}

// newDecoder returns a decoder at the first byte of r; it may read ahead by bufferSize.
func newDecoder(r io.Reader, limits Limits, pixels io.Writer) *decoder {
	return &decoder{in: bufio.NewReaderSize(r, bufferSize), limits: limits, pixels: pixels}
}

// file reads everything up to the pixel data, or to the end when pixels are wanted.
func (d *decoder) file() (*File, error) {
	f := &File{}
	if err := d.begin(f); err != nil {
		return nil, err
	}
	d.implicit = f.Syntax.implicit
	if f.Syntax.deflated {
		d.in = bufio.NewReaderSize(flate.NewReader(d.in), bufferSize)
	}
	var err error
	f.Dataset, err = d.dataset(undefinedLength, 0)
	if errors.Is(err, errPixels) {
		err = nil
	}
	return f, err
}

// errPixels ends the reading at the pixel data.
var errPixels = errors.New("pixel data")

// decoder reads one file or data set. It counts elements and bytes of values against its limits before it allocates.
// It is for one file and one goroutine.
type decoder struct {
	in       *bufio.Reader
	off      int64 // of the next byte
	limits   Limits
	pixels   io.Writer // nil to stop at the pixel data
	implicit bool      // the data set or item being read has no VRs
	elements int       // so far, against Limits.Elements
	memory   int64     // bytes of values so far, against Limits.Memory
	path     []string  // of the element being read, for FormatError.Path
	buf      [12]byte  // of headers, so that they cost no allocation
}

// errorf returns a FormatError at the next byte and the element that is being read.
func (d *decoder) errorf(code, format string, args ...any) error {
	return &FormatError{Offset: d.off, Path: strings.Join(d.path, "."), Reason: coded.Errorf(code, format, args...)}
}

// read fills p; what is cut off is a FormatError.
func (d *decoder) read(p []byte) error {
	n, err := io.ReadFull(d.in, p)
	d.off += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return d.errorf("dicom.file-cut-off-came", "file is cut off: %d of %v came", n, coded.CountOf(len(p), "byte"))
	}
	return d.wrap(err)
}

// wrap makes a FormatError of corrupt deflated data; other errors are those of the reader and stay.
func (d *decoder) wrap(err error) error {
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) {
		return d.errorf("dicom.deflated-data-corrupt", "deflated data is corrupt")
	}
	return err
}

// preamble is the number of bytes before "DICM" (PS3.10, 7.1).
const preamble = 128

// begin reads preamble and meta group, where the file has them, and finds out the transfer syntax. Seen in the field
// and read: "DICM" without preamble, and data sets with neither preamble nor meta group. An unknown transfer syntax is
// not refused: its name is kept and its form is guessed, so that an object of a private compression can be stored.
func (d *decoder) begin(f *File) error {
	head, err := d.in.Peek(preamble + 4)
	switch {
	case len(head) == preamble+4 && string(head[preamble:]) == "DICM":
		d.skip(preamble + 4)
	case len(head) >= 4 && string(head[:4]) == "DICM":
		d.skip(4)
	case len(head) < 8:
		return errors.Join(d.errorf("dicom.file-no-dicom-file", "file of %v is no DICOM file",
			coded.CountOf(len(head), "byte")), notEOF(err))
	}
	if f.Meta, err = d.meta(); err != nil {
		return err
	}
	if e := f.Meta.find(TransferSyntaxUID); e != nil {
		uid := e.String()
		if uid == bigEndian {
			return d.errorf("dicom.transfer-syntax-big-endian",
				"transfer syntax %q, big endian, is not read: it was retired in 2006; dcmconv +te converts it", uid)
		}
		syntax, known := SyntaxOf(uid)
		f.Syntax = syntax
		if known {
			return nil
		}
		if err := d.guess(f); err != nil {
			return err
		}
		f.Syntax = unknown(uid, f.Syntax.implicit)
		return nil
	}
	f.Guessed = true
	return d.guess(f)
}

// notEOF drops io.EOF, which a caller has reported in words of its own or takes for a regular end.
func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// skip passes over bytes that Peek has seen, so that it cannot fail.
func (d *decoder) skip(n int) {
	n, _ = d.in.Discard(n)
	d.off += int64(n)
}

// meta reads the elements of group 0002, which are explicit VR whatever comes after (PS3.10, 7.1). It goes by the group
// of each element and not by (0002,0000), the length of the group, which some writers get wrong.
func (d *decoder) meta() (out Dataset, err error) {
	for {
		group, err := d.in.Peek(2)
		if err != nil || binary.LittleEndian.Uint16(group) != 2 {
			return out, notEOF(err)
		}
		e, err := d.element(0)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
}

// guess tells implicit from explicit VR by the first element, and DICOM from something else. That element is of group
// 0008 in every object there is; its bytes 4 and 5 are two capital letters in explicit VR, and in implicit VR the low
// half of a length, which would have to be over 16 kB to look like letters. The element numbers in use end at 2000 hex.
func (d *decoder) guess(f *File) error {
	head, err := d.in.Peek(6)
	if err != nil {
		return errors.Join(d.errorf("dicom.no-data-set", "no data set"), notEOF(err))
	}
	if group := binary.LittleEndian.Uint16(head); group != 8 || binary.LittleEndian.Uint16(head[2:]) > 0x2000 {
		return d.errorf("dicom.not-dicom-file-begins",
			"not a DICOM file: it begins neither with a preamble nor with an element of group 0008")
	}
	f.Syntax, _ = SyntaxOf(ImplicitLE)
	if validVR(head[4], head[5]) {
		f.Syntax, _ = SyntaxOf(ExplicitLE)
	}
	return nil
}

// dataset reads the elements of a data set (depth 0) or of an item. length is in bytes, undefinedLength for an item
// that ends with a delimiter. The outermost ends with the file, whose end between two elements is no error. The
// elements before an error are returned with it.
func (d *decoder) dataset(length int64, depth int) (out Dataset, err error) {
	end := d.off + length
	for length == undefinedLength || d.off < end {
		if depth == 0 {
			if _, err := d.in.Peek(1); err != nil {
				return out, d.wrap(notEOF(err))
			}
		}
		e, err := d.element(depth)
		if e != nil && e.Tag != itemDelimitation {
			out = append(out, e)
		}
		if err != nil {
			return out, err
		}
		if e.Tag == itemDelimitation {
			if depth == 0 {
				return out, d.errorf("dicom.item-delimiter-outside-sequence", "item delimiter outside a sequence")
			}
			return out, nil
		}
	}
	if length != undefinedLength && d.off != end {
		return out, d.errorf("dicom.element-reaches-beyond-its", "an element reaches %v beyond its item",
			coded.CountOf(d.off-end, "byte"))
	}
	return out, nil
}

// element reads one element with its value. With an error, the element is returned as far as it was read, and d.path
// keeps its place for the message.
func (d *decoder) element(depth int) (*Element, error) {
	e, err := d.header()
	if err != nil {
		return nil, err
	}
	if d.elements++; d.elements > d.limits.Elements {
		return nil, d.errorf("dicom.more-than-elements", "more than %d elements", d.limits.Elements)
	}
	d.path = append(d.path, e.Tag.String())
	err = d.value(e, depth)
	if err == nil {
		d.path = d.path[:len(d.path)-1]
	}
	return e, err
}

// header reads tag, VR and length (PS3.5, 7.1), little endian:
//
//	implicit VR            group 2, element 2, length 4
//	explicit VR, short     group 2, element 2, VR 2, length 2
//	explicit VR, long      group 2, element 2, VR 2, zero 2, length 4
//	item, delimiter        group 2 (fffe), element 2, length 4, whatever the syntax
//
// A length of ffffffff hex is undefined: the value ends with a delimiter.
func (d *decoder) header() (*Element, error) {
	b := d.buf[:8]
	if err := d.read(b); err != nil {
		return nil, err
	}
	e := &Element{Tag: Tag(binary.LittleEndian.Uint16(b))<<16 | Tag(binary.LittleEndian.Uint16(b[2:]))}
	length := binary.LittleEndian.Uint32(b[4:])
	switch {
	case e.Tag.Group() == 0xfffe: // delimiters and items have no VR
	case d.implicit:
		e.VR = vrOf(e.Tag)
	case !validVR(b[4], b[5]):
		return nil, d.errorf("dicom.element-no-value-representation",
			"element %s has no value representation, but bytes %02x %02x", e.Tag, b[4], b[5])
	default:
		e.VR = VR(b[4:6])
		length = uint32(binary.LittleEndian.Uint16(b[6:]))
		if e.VR.long() {
			if err := d.read(b[:4]); err != nil {
				return nil, err
			}
			length = binary.LittleEndian.Uint32(b)
		}
	}
	e.Offset, e.Length = d.off, int64(length)
	if length == 0xffffffff {
		e.Length = undefinedLength
	}
	return e, nil
}

// value reads the value of an element, or its items. A value over Limits.Value bytes is passed over and stays nil;
// pixel data within items (icons) is a value like any other, or, when it is encapsulated, passed over.
func (d *decoder) value(e *Element, depth int) error {
	switch {
	case e.Tag == itemDelimitation:
		return nil
	case e.Tag.Group() == 0xfffe:
		return d.errorf("dicom.stands-where-element-should", "%s stands where an element should", e.Tag)
	case e.Tag == PixelData && depth == 0:
		return d.pixelData(e)
	case e.Tag == PixelData && e.Length == undefinedLength:
		return d.fragments(e, io.Discard)
	case e.VR == "SQ":
		return d.sequence(e, depth, d.implicit)
	case e.Length == undefinedLength && (e.VR == "UN" || d.implicit):
		e.VR = "SQ" // a sequence whose VR is not known stands in implicit VR (PS3.5, 6.2.2)
		return d.sequence(e, depth, true)
	case e.Length == undefinedLength:
		return d.errorf("dicom.value-type-no-length", "a value of type %s has no length", e.VR)
	case e.Length > d.limits.Value:
		return d.copyTo(io.Discard, e.Length)
	}
	if d.memory += e.Length; d.memory > d.limits.Memory {
		return d.errorf("dicom.values-take-more-than", "values take more than %d bytes", d.limits.Memory)
	}
	return d.readValue(e)
}

// chunk is the most memory, in bytes, that is taken before bytes have proved that they are there: a file of 100
// bytes may claim a value of 1 MiB.
const chunk = 64 << 10

// readValue reads an element's value. A length over chunk is believed only as far as bytes come.
func (d *decoder) readValue(e *Element) error {
	if e.Length <= chunk {
		e.Value = make([]byte, e.Length)
		return d.read(e.Value)
	}
	var b bytes.Buffer
	err := d.copyTo(&b, e.Length)
	e.Value = b.Bytes()
	return err
}

// copyTo copies n bytes to w. A file that ends before is a FormatError; an error of w is returned as it is.
func (d *decoder) copyTo(w io.Writer, n int64) error {
	got, err := io.CopyN(w, d.in, n)
	d.off += got
	if errors.Is(err, io.EOF) {
		return d.errorf("dicom.file-cut-off-came", "file is cut off: %d of %v came", got, coded.CountOf(n, "byte"))
	}
	return d.wrap(err)
}

// sequence reads the items of a sequence, of known length or up to its delimiter (PS3.5, 7.5). Its items are implicit
// VR when implicit is set. The items before an error stay in e.
//
//	fffe e000  length 4   item: elements of that length, or, undefined, up to
//	fffe e00d  00000000   item delimitation
//	fffe e0dd  00000000   sequence delimitation, after the last item when the sequence's length is undefined
func (d *decoder) sequence(e *Element, depth int, implicit bool) error {
	if depth >= d.limits.Depth {
		return d.errorf("dicom.sequences-nest-deeper-than", "sequences nest deeper than %d", d.limits.Depth)
	}
	defer func(before bool) { d.implicit = before }(d.implicit)
	d.implicit = implicit
	end := e.Offset + e.Length
	for e.Length == undefinedLength || d.off < end {
		tag, length, err := d.itemHeader()
		if err != nil {
			return err
		}
		if tag == sequenceDelimitation && e.Length == undefinedLength {
			return nil
		}
		if tag != item {
			return d.errorf("dicom.stands-where-item-should", "%s stands where an item should", tag)
		}
		if d.elements++; d.elements > d.limits.Elements {
			return d.errorf("dicom.more-than-elements", "more than %d elements", d.limits.Elements)
		}
		name := d.path[len(d.path)-1]
		d.path[len(d.path)-1] = fmt.Sprintf("%s[%d]", e.Tag, len(e.Items))
		data, err := d.dataset(length, depth+1)
		e.Items = append(e.Items, data)
		if err != nil {
			return err
		}
		d.path[len(d.path)-1] = name
	}
	if d.off != end {
		return d.errorf("dicom.item-reaches-beyond-its", "an item reaches %v beyond its sequence",
			coded.CountOf(d.off-end, "byte"))
	}
	return nil
}

// itemHeader reads the tag and length of an item or delimiter: 8 bytes, without VR in any transfer syntax.
func (d *decoder) itemHeader() (Tag, int64, error) {
	b := d.buf[:8]
	if err := d.read(b); err != nil {
		return 0, 0, err
	}
	length := int64(binary.LittleEndian.Uint32(b[4:]))
	if length == 0xffffffff {
		length = undefinedLength
	}
	return Tag(binary.LittleEndian.Uint16(b))<<16 | Tag(binary.LittleEndian.Uint16(b[2:])), length, nil
}

// pixelData passes the data set's pixel data on, or ends the reading there with errPixels.
func (d *decoder) pixelData(e *Element) error {
	if d.pixels == nil {
		return errPixels
	}
	if e.Length != undefinedLength {
		return d.copyTo(d.pixels, e.Length)
	}
	return d.fragments(e, d.pixels)
}

// fragments reads encapsulated pixel data (PS3.5, A.4): items without elements, first the offset table, which may be
// empty, then the fragments, which go to pixels. Each counts as an element.
func (d *decoder) fragments(e *Element, pixels io.Writer) error {
	for {
		tag, length, err := d.itemHeader()
		switch {
		case err != nil:
			return err
		case tag == sequenceDelimitation:
			return nil
		case tag != item || length == undefinedLength:
			return d.errorf("dicom.stands-where-fragment-pixel", "%s stands where a fragment of pixel data should", tag)
		}
		if d.elements++; d.elements > d.limits.Elements {
			return d.errorf("dicom.more-than-fragments", "more than %d fragments", d.limits.Elements)
		}
		e.Fragments = append(e.Fragments, Fragment{d.off, length})
		w := pixels
		if len(e.Fragments) == 1 {
			w = io.Discard // the offset table
		}
		if err := d.copyTo(w, length); err != nil {
			return err
		}
	}
}
