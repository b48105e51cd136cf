package dicom

import (
	"fmt"
	"slices"
)

// Tag is a data element's tag: group in the upper half, element in the lower. So tags sort as the standard orders
// them, and 0x40101031 is the (4010,1031) of the tables.
type Tag uint32

// Tags that the codec itself knows.
const (
	TransferSyntaxUID    Tag = 0x00020010
	FileMetaLength       Tag = 0x00020000
	SpecificCharacter    Tag = 0x00080005
	SOPClassUID          Tag = 0x00080016
	SOPInstanceUID       Tag = 0x00080018
	PixelData            Tag = 0x7fe00010
	item                 Tag = 0xfffee000
	itemDelimitation     Tag = 0xfffee00d
	sequenceDelimitation Tag = 0xfffee0dd
)

// Group returns the tag's group.
func (t Tag) Group() uint16 { return uint16(t >> 16) }

// Element returns the tag's element number.
func (t Tag) Element() uint16 { return uint16(t) }

// Private reports whether the tag is of an odd, and so a private, group (PS3.5, 7.8): its meaning is the vendor's,
// and it is in no dictionary.
func (t Tag) Private() bool { return t.Group()&1 == 1 }

// String returns the tag as the standard writes it: (4010,1031).
func (t Tag) String() string { return fmt.Sprintf("(%04x,%04x)", t.Group(), t.Element()) }

// entry is a line of the data dictionary, made of dcmtk's by gentags. vr is upper case; beside those of the standard
// it has dcmtk's names for tags with a choice, PX (OB or OW) and XS (US or SS), and NA for delimiters, which have
// none.
type entry struct {
	tag  Tag
	vr   string
	name string
}

// lookup finds a tag in the dictionary, which is sorted by tag.
func lookup(t Tag) (entry, bool) {
	i, ok := slices.BinarySearchFunc(dictionary, t, func(e entry, t Tag) int {
		switch {
		case e.tag < t:
			return -1
		case e.tag > t:
			return 1
		}
		return 0
	})
	if !ok {
		return entry{}, false
	}
	return dictionary[i], true
}

// Name returns the keyword of the tag, "AlarmDecision"; "" for one that this package does not know.
func (t Tag) Name() string {
	e, _ := lookup(t)
	return e.name
}

// vrOf returns the value representation of a tag in implicit VR, where the file does not say it. Where the standard
// leaves a choice, it is the one of implicit VR: OW for pixel data (PS3.5, A.1), US for values that follow the
// pixels' sign. Unknown tags are UN; as String takes UN for text, private texts can still be read.
func vrOf(t Tag) VR {
	switch e, ok := lookup(t); {
	case t.Element() == 0:
		return "UL" // group length
	case t.Private() && t.Element() >= 0x10 && t.Element() <= 0xff:
		return "LO" // private creator
	case !ok:
		return "UN"
	case e.vr == "OX" || e.vr == "PX":
		return "OW"
	case e.vr == "XS":
		return "US"
	case e.vr == "LT" || len(e.vr) == 2:
		return VR(e.vr)
	}
	return "UN"
}

// VR is a value representation, two capital letters.
type VR string

// long reports whether explicit VR writes the length of this VR with 32 bits, behind two reserved bytes (PS3.5,
// 7.1.2). So do VRs that the standard does not know yet: it promises that new ones have this form.
func (v VR) long() bool {
	switch v {
	case "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM",
		"UI", "UL", "US":
		return false
	}
	return true
}

// validVR reports whether two bytes can be a VR. Any two capital letters can, so that a VR newer than this package
// is read over instead of refused.
func validVR(a, b byte) bool { return a >= 'A' && a <= 'Z' && b >= 'A' && b <= 'Z' }

// text reports whether values of the VR are characters (PS3.5, table 6.2-1), numbers and dates in text included.
func (v VR) text() bool {
	switch v {
	case "AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT":
		return true
	}
	return false
}
