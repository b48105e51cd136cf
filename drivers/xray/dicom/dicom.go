// Package dicom is a codec of DICOM Part 10 files (PS3.5, PS3.10), the form in which DICOS systems deliver images and
// reports. A stream goes in; a tree of data elements comes out, without the pixels: reading a header costs the header,
// whatever the file's size, and every length is held against bounds before memory is taken. And the other way round.
package dicom

import "fmt"

// File is a DICOM file, or a data set as it comes over the network.
type File struct {
	Syntax  Syntax
	Meta    Dataset // group 0002; empty when the file has none
	Dataset Dataset
	// Guessed reports that the file has no meta group, and that the transfer syntax was told from the first element.
	Guessed bool
}

// Dataset is data elements in the order in which they stand.
type Dataset []*Element

// Element is one data element.
type Element struct {
	Tag    Tag
	VR     VR
	Offset int64 // of the value in the stream; in that of a deflated file, after inflating
	Length int64 // bytes of the value; undefinedLength when the file says so
	// Value is the value's bytes as they stand; nil for sequences, for pixel data, and for values over the bound.
	Value []byte
	Items []Dataset // of a sequence
	// Fragments are the parts of encapsulated pixel data, when it was read; the first is the offset table.
	Fragments []Fragment
}

// undefinedLength is Element.Length of what ends with a delimiter.
const undefinedLength = -1

// Fragment is a part of encapsulated pixel data.
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

// Limits bound what reading a header may cost.
type Limits struct {
	Depth    int   // nested sequences
	Elements int   // in the whole file
	Value    int64 // bytes of one value; larger ones are passed over
	Memory   int64 // bytes of all values together
}

// DefaultLimits are far above what security images need.
var DefaultLimits = Limits{Depth: 32, Elements: 100_000, Value: 1 << 20, Memory: 16 << 20}

// FormatError describes what is wrong with a file, and where.
type FormatError struct {
	Offset int64  // in the stream
	Path   string // of the element, "(4010,1011)[0].(4010,1038)"
	Reason string
}

// Error returns the offset in bytes, the element if there is one, and the reason.
func (e *FormatError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("offset %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("offset %d, element %s: %s", e.Offset, e.Path, e.Reason)
}
