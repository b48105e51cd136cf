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

	"github.com/dustin/go-humanize/english"
)

// bufferSize of the reader: a header is read in a few of these.
const bufferSize = 4 << 10

// ReadHeader reads a file up to its pixel data, which becomes an element without value.
func ReadHeader(r io.Reader) (*File, error) { return Read(r, DefaultLimits, nil) }

// Read reads a file. When pixels is nil it stops at the pixel data; else it copies that there, fragments one after
// the other without their headers, and goes on to the end.
func Read(r io.Reader, limits Limits, pixels io.Writer) (*File, error) {
	d := newDecoder(r, limits, pixels)
	return d.file()
}

// OpenPixels reads a header and returns what follows it: the pixel data, without that of compressed images being
// taken apart.
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
type decoder struct {
	in       *bufio.Reader
	off      int64 // of the next byte
	limits   Limits
	pixels   io.Writer
	implicit bool
	elements int
	memory   int64
	path     []string
	buf      [12]byte
}

// fail returns a FormatError at the next byte and the element that is being read.
func (d *decoder) fail(format string, args ...any) error {
	return &FormatError{Offset: d.off, Path: strings.Join(d.path, "."), Reason: fmt.Sprintf(format, args...)}
}

// read fills p; what is cut off is a FormatError.
func (d *decoder) read(p []byte) error {
	n, err := io.ReadFull(d.in, p)
	d.off += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return d.fail("file is cut off: %d of %d %s came", n, len(p), english.PluralWord(len(p), "byte", ""))
	}
	return d.wrap(err)
}

// wrap makes a FormatError of corrupt deflated data; other errors are those of the reader and stay.
func (d *decoder) wrap(err error) error {
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) {
		return d.fail("deflated data is corrupt")
	}
	return err
}

// preamble is the number of bytes before "DICM" (PS3.10, 7.1).
const preamble = 128

// begin reads preamble and meta group, where the file has them, and finds out the transfer syntax.
func (d *decoder) begin(f *File) error {
	head, err := d.in.Peek(preamble + 4)
	switch {
	case len(head) == preamble+4 && string(head[preamble:]) == "DICM":
		d.skip(preamble + 4)
	case len(head) >= 4 && string(head[:4]) == "DICM":
		d.skip(4)
	case len(head) < 8:
		return errors.Join(d.fail("file of %d %s is no DICOM file",
			len(head), english.PluralWord(len(head), "byte", "")), notEOF(err))
	}
	if f.Meta, err = d.meta(); err != nil {
		return err
	}
	if e := f.Meta.find(TransferSyntaxUID); e != nil {
		uid := e.String()
		if uid == bigEndian {
			return d.fail("transfer syntax %q, big endian, is not read: it was retired in 2006; dcmconv +te "+
				"converts it", uid)
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

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (d *decoder) skip(n int) {
	n, _ = d.in.Discard(n)
	d.off += int64(n)
}

// meta reads the elements of group 0002, which are explicit VR whatever comes after.
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

// guess tells implicit from explicit VR by the first element, and DICOM from something else.
func (d *decoder) guess(f *File) error {
	head, err := d.in.Peek(6)
	if err != nil {
		return errors.Join(d.fail("no data set"), notEOF(err))
	}
	if group := binary.LittleEndian.Uint16(head); group != 8 || binary.LittleEndian.Uint16(head[2:]) > 0x2000 {
		return d.fail("not a DICOM file: it begins neither with a preamble nor with an element of group 0008")
	}
	f.Syntax, _ = SyntaxOf(ImplicitLE)
	if validVR(head[4], head[5]) {
		f.Syntax, _ = SyntaxOf(ExplicitLE)
	}
	return nil
}

// dataset reads the elements of a data set or item of a length. The outermost ends with the file.
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
				return out, d.fail("item delimiter outside a sequence")
			}
			return out, nil
		}
	}
	if length != undefinedLength && d.off != end {
		return out, d.fail("an element reaches %d %s beyond its item",
			d.off-end, english.PluralWord(int(d.off-end), "byte", ""))
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
		return nil, d.fail("more than %d elements", d.limits.Elements)
	}
	d.path = append(d.path, e.Tag.String())
	err = d.value(e, depth)
	if err == nil {
		d.path = d.path[:len(d.path)-1]
	}
	return e, err
}

// header reads tag, VR and length (PS3.5, 7.1).
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
		return nil, d.fail("element %s has no value representation, but bytes %02x %02x", e.Tag, b[4], b[5])
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
// pixel data within items (icons) is a value like any other.
func (d *decoder) value(e *Element, depth int) error {
	switch {
	case e.Tag == itemDelimitation:
		return nil
	case e.Tag.Group() == 0xfffe:
		return d.fail("%s stands where an element should", e.Tag)
	case e.Tag == PixelData && depth == 0:
		return d.pixelData(e)
	case e.VR == "SQ":
		return d.sequence(e, depth, d.implicit)
	case e.Length == undefinedLength && (e.VR == "UN" || d.implicit):
		e.VR = "SQ" // a sequence whose VR is not known stands in implicit VR (PS3.5, 6.2.2)
		return d.sequence(e, depth, true)
	case e.Length == undefinedLength:
		return d.fail("a value of type %s has no length", e.VR)
	case e.Length > d.limits.Value:
		return d.pass(e.Length, io.Discard)
	}
	if d.memory += e.Length; d.memory > d.limits.Memory {
		return d.fail("values take more than %d bytes", d.limits.Memory)
	}
	return d.keep(e)
}

// chunk is the most memory that is taken before bytes have proved that they are there.
const chunk = 64 << 10

// keep reads an element's value. A length over chunk is believed only as far as bytes come.
func (d *decoder) keep(e *Element) error {
	if e.Length <= chunk {
		e.Value = make([]byte, e.Length)
		return d.read(e.Value)
	}
	var b bytes.Buffer
	err := d.pass(e.Length, &b)
	e.Value = b.Bytes()
	return err
}

// pass copies n bytes to w. A file that ends before is a FormatError.
func (d *decoder) pass(n int64, w io.Writer) error {
	got, err := io.CopyN(w, d.in, n)
	d.off += got
	if errors.Is(err, io.EOF) {
		return d.fail("file is cut off: %d of %d %s came", got, n, english.PluralWord(int(n), "byte", ""))
	}
	return d.wrap(err)
}

// sequence reads the items of a sequence, of known length or up to its delimiter (PS3.5, 7.5). Its items are implicit
// VR when implicit is set.
func (d *decoder) sequence(e *Element, depth int, implicit bool) error {
	if depth >= d.limits.Depth {
		return d.fail("sequences nest deeper than %d", d.limits.Depth)
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
			return d.fail("%s stands where an item should", tag)
		}
		if d.elements++; d.elements > d.limits.Elements {
			return d.fail("more than %d elements", d.limits.Elements)
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
		return d.fail("an item reaches %d %s beyond its sequence",
			d.off-end, english.PluralWord(int(d.off-end), "byte", ""))
	}
	return nil
}

// itemHeader reads the tag and length of an item or delimiter.
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

// pixelData passes pixel data on, or ends the reading there.
func (d *decoder) pixelData(e *Element) error {
	if d.pixels == nil {
		return errPixels
	}
	if e.Length != undefinedLength {
		return d.pass(e.Length, d.pixels)
	}
	for {
		tag, length, err := d.itemHeader()
		switch {
		case err != nil:
			return err
		case tag == sequenceDelimitation:
			return nil
		case tag != item || length == undefinedLength:
			return d.fail("%s stands where a fragment of pixel data should", tag)
		}
		if d.elements++; d.elements > d.limits.Elements {
			return d.fail("more than %d fragments", d.limits.Elements)
		}
		e.Fragments = append(e.Fragments, Fragment{d.off, length})
		w := d.pixels
		if len(e.Fragments) == 1 {
			w = io.Discard // the offset table
		}
		if err := d.pass(length, w); err != nil {
			return err
		}
	}
}
