// Package dicom is a codec of DICOM Part 10 files (PS3.5, PS3.10), the form in which DICOS systems deliver images and
// reports. A stream goes in; a tree of data elements comes out, without the pixels: reading a header costs the header,
// whatever the file's size, and every length is held against bounds before memory is taken. And the other way round.
package dicom

import (
	"fmt"
	"iter"
	"maps"
)

// File is one DICOM object: a Part 10 file (PS3.10), or a bare data set as a C-STORE carries it (PS3.8).
//
// A Part 10 file in bytes, all numbers little endian:
//
//	128 bytes  preamble, any content
//	4 bytes    "DICM"
//	...        group 0002, always explicit VR: the transfer syntax is (0002,0010)
//	...        the data set, in that transfer syntax
type File struct {
	Syntax  Syntax
	Meta    Dataset // group 0002; empty when the file has none
	Dataset Dataset
	// Guessed reports that the file has no meta group, and that the transfer syntax was told from the first element.
	Guessed bool
}

// Dataset is data elements in the order in which they stand. The standard wants rising tags (PS3.5, 7.1). Reading does
// not insist on it, and Find returns the first of a repeated tag; writing does.
type Dataset []*Element

// Element is one data element (PS3.5, 7.1). Its accessors (String, Strings, Ints, Floats, Decode) may be called on the
// nil that Find returns for a missing tag: they give the zero value, so that a caller need not ask twice.
type Element struct {
	Tag Tag
	// VR as the file says it; in implicit VR, from the dictionary, "UN" for a tag that is not in it.
	VR     VR
	Offset int64 // of the value in the stream; in that of a deflated file, after inflating
	Length int64 // bytes of the value; -1 for one that ends with a delimiter
	// Value is the value's bytes as they stand, with their padding; empty, not nil, when the length is 0. It is nil for
	// sequences, for pixel data, and for values over Limits.Value.
	Value []byte
	Items []Dataset // of a sequence, in order; an empty item is an empty Dataset
	// Fragments are the parts of encapsulated pixel data, when it was read; the first is the offset table.
	Fragments []Fragment
}

// undefinedLength is Element.Length of what ends with a delimiter.
const undefinedLength = -1

// Fragment is the place of one part of encapsulated pixel data, without its 8 bytes of item header: Offset in bytes
// from the start of the stream. A frame may be spread over several fragments (PS3.5, A.4).
type Fragment struct{ Offset, Length int64 }

// Find returns the element with a tag, or nil. Further tags lead into the first item of each sequence.
func (d Dataset) Find(path ...Tag) *Element {
	for i, tag := range path {
		e := d.find(tag)
		if e == nil || i == len(path)-1 {
			return e
		}
		if len(e.Items) == 0 {
			return nil
		}
		d = e.Items[0]
	}
	return nil
}

func (d Dataset) find(tag Tag) *Element {
	for _, e := range d {
		if e.Tag == tag {
			return e
		}
	}
	return nil
}

// Limits bound what reading a header may cost. Whoever exceeds Depth, Elements or Memory gets a FormatError. A file
// comes from a device or from the network before anybody has vouched for it.
type Limits struct {
	Depth    int   // nested sequences
	Elements int   // in the whole file, items and fragments counted as elements
	Value    int64 // bytes of one value; larger ones are passed over
	Memory   int64 // bytes of all values together
}

// DefaultLimits are far above what security images need: threat reports, which nest deepest, nest a few levels. All
// values of one header together take 16 MiB at most.
var DefaultLimits = Limits{Depth: 32, Elements: 100_000, Value: 1 << 20, Memory: 16 << 20}

// FormatError describes what is wrong with a file, and where. It says that the content is at fault: another try will
// end the same way. Errors of the reader itself (a broken connection, a disk) are returned as they are.
type FormatError struct {
	// Offset counts the bytes read when the fault was met; in a deflated file, the bytes after inflating.
	Offset int64  // in the stream
	Path   string // of the element, "(4010,1011)[0].(4010,1038)"
	Reason error
}

// Error returns the offset in bytes, the element if there is one, and the reason.
func (e *FormatError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("offset %d: %v", e.Offset, e.Reason)
	}
	return fmt.Sprintf("offset %d, element %s: %v", e.Offset, e.Path, e.Reason)
}

// MessageCode returns the code of the catalogue.
func (e *FormatError) MessageCode() string {
	if e.Path == "" {
		return "dicom.format"
	}
	return "dicom.format-element"
}

// MessageArgs returns offset, element if there is one, and reason, as the catalogue names them.
func (e *FormatError) MessageArgs() iter.Seq2[string, any] {
	args := map[string]any{"offset": fmt.Sprint(e.Offset), "reason": e.Reason}
	if e.Path != "" {
		args["element"] = e.Path
	}
	return maps.All(args)
}
