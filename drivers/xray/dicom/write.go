package dicom

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize/english"
)

// implementation identifies the writer in meta groups (PS3.7, D.3.3.2): a UID derived from a UUID (PS3.5, B.2), and
// a name of at most 16 characters.
const (
	implementationUID  = "2.25.109874563214569874123698547412563"
	implementationName = "LANEWARDEN"
)

// Write writes a file: preamble, meta group, and the data set in the file's transfer syntax. The meta group is made
// anew from the data set's SOP class and instance; f.Meta is not looked at. Sequences are written with undefined
// length. pixels is the pixel data of an element PixelData without Value, which is Length bytes; nil when there is
// none.
//
// Elements out of order, of odd length, or longer than their VR allows are errors, and so are pixels that end early.
// What was written before an error stays.
func Write(w io.Writer, f *File, pixels io.Reader) error {
	buffered := bufio.NewWriter(w)
	e := &encoder{w: buffered, pixels: pixels}
	if _, err := buffered.Write(append(make([]byte, preamble), "DICM"...)); err != nil {
		return err
	}
	if err := e.meta(f.Dataset.find(SOPClassUID).String(), f.Dataset.find(SOPInstanceUID).String(),
		f.Syntax); err != nil {
		return err
	}
	return e.body(f, buffered)
}

// WriteDataset writes the data set alone, as it goes over the network, where the presentation context says the
// transfer syntax. Errors are those of Write.
func WriteDataset(w io.Writer, f *File, pixels io.Reader) error {
	buffered := bufio.NewWriter(w)
	return (&encoder{w: buffered, pixels: pixels}).body(f, buffered)
}

// body writes the data set, deflated when the transfer syntax says so.
func (e *encoder) body(f *File, buffered *bufio.Writer) error {
	e.implicit = f.Syntax.implicit
	if !f.Syntax.deflated {
		return errors.Join(e.dataset(f.Dataset), buffered.Flush())
	}
	z, err := flate.NewWriter(buffered, flate.DefaultCompression)
	if err != nil {
		return err
	}
	inner := bufio.NewWriter(z)
	e.w = inner
	return errors.Join(e.dataset(f.Dataset), inner.Flush(), z.Close(), buffered.Flush())
}

// encoder writes one data set. pixels is read once, at the data set's PixelData element.
type encoder struct {
	w        *bufio.Writer
	pixels   io.Reader
	implicit bool
}

// WriteMeta writes preamble and meta group: what comes before a data set that arrived over the network, to make a
// file of it. class and instance are UIDs of the C-STORE command, syntax that of its presentation context.
func WriteMeta(w io.Writer, class, instance string, syntax Syntax) error {
	buffered := bufio.NewWriter(w)
	if _, err := buffered.Write(append(make([]byte, preamble), "DICM"...)); err != nil {
		return err
	}
	return errors.Join((&encoder{w: buffered}).meta(class, instance, syntax), buffered.Flush())
}

// meta writes group 0002 (PS3.10, table 7.1-1), explicit VR, its length first. The version, (0002,0001), is 00 01.
func (e *encoder) meta(class, instance string, syntax Syntax) error {
	list := Dataset{
		{Tag: 0x00020001, VR: "OB", Value: []byte{0, 1}},
		Text(0x00020002, "UI", class),
		Text(0x00020003, "UI", instance),
		Text(TransferSyntaxUID, "UI", syntax.UID),
		Text(0x00020012, "UI", implementationUID),
		Text(0x00020013, "SH", implementationName),
	}
	var length uint32
	for _, el := range list {
		length += uint32(len(el.Value)) + 8
		if el.VR.long() {
			length += 4
		}
	}
	return e.dataset(append(Dataset{Uints(FileMetaLength, "UL", length)}, list...))
}

// dataset writes elements, whose tags must rise (PS3.5, 7.1). Errors name the tag, those of a sequence the path to
// it.
func (e *encoder) dataset(d Dataset) error {
	last := Tag(0)
	for _, el := range d {
		if el.Tag <= last && last != 0 {
			return fmt.Errorf("%s: elements must rise, but it follows %s", el.Tag, last)
		}
		last = el.Tag
		if err := e.element(el); err != nil {
			return fmt.Errorf("%s: %w", el.Tag, err)
		}
	}
	return nil
}

// element writes one element. Values have an even number of bytes (PS3.5, 7.1.1): the caller pads them.
func (e *encoder) element(el *Element) error {
	switch {
	case el.VR == "SQ":
		return e.sequence(el)
	case el.Tag == PixelData && el.Value == nil:
		return e.pixelData(el)
	case len(el.Value)%2 != 0:
		return errors.New("a value must have an even number of bytes")
	}
	if err := e.header(el.Tag, el.VR, uint32(len(el.Value))); err != nil {
		return err
	}
	_, err := e.w.Write(el.Value)
	return err
}

// header writes tag, VR and length; delimiters and items ("") have no VR. Short VRs have a length of 16 bits (PS3.5,
// 7.1.2).
func (e *encoder) header(tag Tag, vr VR, length uint32) error {
	b := binary.LittleEndian.AppendUint16(make([]byte, 0, 12), tag.Group())
	b = binary.LittleEndian.AppendUint16(b, tag.Element())
	switch {
	case e.implicit || vr == "":
		b = binary.LittleEndian.AppendUint32(b, length)
	case vr.long():
		b = binary.LittleEndian.AppendUint32(append(b, vr[0], vr[1], 0, 0), length)
	case length > math.MaxUint16:
		return fmt.Errorf("a value of type %s has at most %d bytes, not %d", vr, math.MaxUint16, length)
	default:
		b = binary.LittleEndian.AppendUint16(append(b, vr[0], vr[1]), uint16(length))
	}
	_, err := e.w.Write(b)
	return err
}

// undefined is the length of sequences and items that end with a delimiter (PS3.5, 7.5).
const undefined = math.MaxUint32

// sequence writes items, of undefined length each (PS3.5, 7.5), so that nothing needs to be counted before.
func (e *encoder) sequence(el *Element) error {
	if err := e.header(el.Tag, "SQ", undefined); err != nil {
		return err
	}
	for _, it := range el.Items {
		if err := errors.Join(e.header(item, "", undefined), e.dataset(it),
			e.header(itemDelimitation, "", 0)); err != nil {
			return err
		}
	}
	return e.header(sequenceDelimitation, "", 0)
}

// pixelData copies el.Length bytes from the pixels that Write was given. Uncompressed only: a length of ffffffff hex
// would mean fragments, so 4 GiB - 2 is the most (PS3.5, A.4).
func (e *encoder) pixelData(el *Element) error {
	if e.pixels == nil {
		return errors.New("pixel data is missing")
	}
	if el.Length < 0 || el.Length >= undefined || el.Length%2 != 0 {
		return fmt.Errorf("pixel data of %d %s: an even number below 4 GiB is written",
			el.Length, english.PluralWord(int(el.Length), "byte", ""))
	}
	if err := e.header(el.Tag, el.VR, uint32(el.Length)); err != nil {
		return err
	}
	_, err := io.CopyN(e.w, e.pixels, el.Length)
	return err
}

// Text makes an element of a text VR, several values with backslashes between them, padded to an even length with a
// blank, UIDs with a zero (PS3.5, 6.2). The values are taken as bytes of the data set's character set; whether they
// fit the VR is for the caller to know.
func Text(tag Tag, vr VR, values ...string) *Element {
	v := []byte(strings.Join(values, `\`))
	if len(v)%2 != 0 {
		pad := byte(' ')
		if vr == "UI" {
			pad = 0
		}
		v = append(v, pad)
	}
	return &Element{Tag: tag, VR: vr, Value: v, Length: int64(len(v))}
}

// Uints makes an element of a binary integer VR: US, of which the lower 16 bits of each value are taken, or UL.
func Uints(tag Tag, vr VR, values ...uint32) *Element {
	var v []byte
	for _, n := range values {
		if vr == "US" {
			v = binary.LittleEndian.AppendUint16(v, uint16(n))
		} else {
			v = binary.LittleEndian.AppendUint32(v, n)
		}
	}
	return &Element{Tag: tag, VR: vr, Value: v, Length: int64(len(v))}
}

// Floats32 makes an element of VR FL: IEEE 754 single precision, little endian, as DICOS gives polygons and
// probabilities.
func Floats32(tag Tag, values ...float32) *Element {
	var v []byte
	for _, x := range values {
		v = binary.LittleEndian.AppendUint32(v, math.Float32bits(x))
	}
	return &Element{Tag: tag, VR: "FL", Value: v, Length: int64(len(v))}
}

// Decimals makes an element of VR DS, with 10 digits: a value has at most 16 characters (PS3.5, 6.2).
func Decimals(tag Tag, values ...float64) *Element {
	s := make([]string, len(values))
	for i, x := range values {
		s[i] = strconv.FormatFloat(x, 'g', 10, 64)
	}
	return Text(tag, "DS", s...)
}

// Sequence makes an element of VR SQ; without items it is an empty sequence, which is legal (PS3.5, 7.5).
func Sequence(tag Tag, items ...Dataset) *Element {
	return &Element{Tag: tag, VR: "SQ", Items: items, Length: undefinedLength}
}
