package dicom

import "strings"

// Syntax is a transfer syntax (PS3.5, 10): how a data set stands in bytes, and how its pixels are compressed.
type Syntax struct {
	// UID as the file or the association says it, of at most 64 characters.
	UID      string
	Name     string // in words, for a person
	implicit bool   // elements have no VR; the dictionary says it
	deflated bool   // behind the meta group all is one raw DEFLATE stream (RFC 1951)
	// BigEndianPixels reports that pixel data of 16 bits has the upper byte first, though all else is little endian.
	BigEndianPixels bool
	// Encapsulated reports that pixel data stands in fragments (PS3.5, A.4), which are compressed. Icons within
	// items may be uncompressed nevertheless.
	Encapsulated bool
}

// Deflated reports whether the data set is compressed as a whole; offsets in it are then not those of the file.
func (s Syntax) Deflated() bool { return s.deflated }

// UIDs of the uncompressed transfer syntaxes, and of the one that is refused: big endian was retired in 2006.
const (
	ImplicitLE = "1.2.840.10008.1.2"
	ExplicitLE = "1.2.840.10008.1.2.1"
	DeflatedLE = "1.2.840.10008.1.2.1.99"
	bigEndian  = "1.2.840.10008.1.2.2"
	// GEPrivate is GE's "DLX" syntax, of older CT and angiography systems.
	GEPrivate = "1.2.840.113619.5.2"
)

// UIDs of compressed transfer syntaxes (PS3.6, A-1).
const (
	RLE            = "1.2.840.10008.1.2.5"
	JPEGBaseline   = "1.2.840.10008.1.2.4.50"
	JPEGExtended   = "1.2.840.10008.1.2.4.51"
	JPEGLossless   = "1.2.840.10008.1.2.4.57"
	JPEGLosslessP1 = "1.2.840.10008.1.2.4.70"
	JPEGLSLossless = "1.2.840.10008.1.2.4.80"
	JPEGLSNear     = "1.2.840.10008.1.2.4.81"
)

// jpegFamily is the root of the syntaxes that compress pixels as JPEG, JPEG 2000, JPEG XL, MPEG or HEVC do. All stand
// in explicit VR little endian, so that their headers can be read, those of the future too.
const jpegFamily = "1.2.840.10008.1.2.4."

// syntaxes are those whose form or name is known. Whether their pixels can be rendered is for the package pixel to
// say. A JPIP syntax has a URL where the pixel data would be, so it is not encapsulated.
var syntaxes = []Syntax{
	{UID: ImplicitLE, Name: "implicit VR little endian", implicit: true},
	{UID: ExplicitLE, Name: "explicit VR little endian"},
	{UID: DeflatedLE, Name: "deflated explicit VR little endian", deflated: true},
	{UID: RLE, Name: "RLE lossless", Encapsulated: true},
	{UID: JPEGBaseline, Name: "JPEG baseline", Encapsulated: true},
	{UID: JPEGExtended, Name: "JPEG extended", Encapsulated: true},
	{UID: jpegFamily + "53", Name: "JPEG spectral selection (retired)", Encapsulated: true},
	{UID: jpegFamily + "55", Name: "JPEG full progression (retired)", Encapsulated: true},
	{UID: JPEGLossless, Name: "JPEG lossless", Encapsulated: true},
	{UID: JPEGLosslessP1, Name: "JPEG lossless, first-order prediction", Encapsulated: true},
	{UID: JPEGLSLossless, Name: "JPEG-LS lossless", Encapsulated: true},
	{UID: JPEGLSNear, Name: "JPEG-LS near-lossless", Encapsulated: true},
	{UID: jpegFamily + "90", Name: "JPEG 2000 lossless", Encapsulated: true},
	{UID: jpegFamily + "91", Name: "JPEG 2000", Encapsulated: true},
	{UID: jpegFamily + "92", Name: "JPEG 2000 multi-component lossless", Encapsulated: true},
	{UID: jpegFamily + "93", Name: "JPEG 2000 multi-component", Encapsulated: true},
	{UID: jpegFamily + "94", Name: "JPIP referenced"},
	{UID: jpegFamily + "95", Name: "JPIP referenced, deflated", deflated: true},
	{UID: jpegFamily + "100", Name: "MPEG2 main profile", Encapsulated: true},
	{UID: jpegFamily + "101", Name: "MPEG2 main profile, high level", Encapsulated: true},
	{UID: jpegFamily + "102", Name: "MPEG-4 AVC/H.264", Encapsulated: true},
	{UID: jpegFamily + "103", Name: "MPEG-4 AVC/H.264, BD-compatible", Encapsulated: true},
	{UID: jpegFamily + "107", Name: "HEVC/H.265 main profile", Encapsulated: true},
	{UID: jpegFamily + "108", Name: "HEVC/H.265 main 10 profile", Encapsulated: true},
	{UID: jpegFamily + "110", Name: "JPEG XL lossless", Encapsulated: true},
	{UID: jpegFamily + "111", Name: "JPEG XL of JPEG", Encapsulated: true},
	{UID: jpegFamily + "112", Name: "JPEG XL", Encapsulated: true},
	{UID: jpegFamily + "201", Name: "high-throughput JPEG 2000 lossless", Encapsulated: true},
	{UID: jpegFamily + "202", Name: "high-throughput JPEG 2000 lossless, RPCL", Encapsulated: true},
	{UID: jpegFamily + "203", Name: "high-throughput JPEG 2000", Encapsulated: true},
	{UID: jpegFamily + "204", Name: "JPIP high-throughput JPEG 2000 referenced"},
	{UID: jpegFamily + "205", Name: "JPIP high-throughput JPEG 2000 referenced, deflated", deflated: true},
	{UID: "1.2.840.10008.1.2.8.1", Name: "deflated image frames", Encapsulated: true},
	{UID: GEPrivate, Name: "GE private implicit VR, pixels big endian", implicit: true, BigEndianPixels: true},
}

// SyntaxOf returns the transfer syntax of a UID, and whether its header can be read: true for all of the JPEG
// family, those of the future too. Big endian is not known on purpose. An acceptor asks it before it accepts a
// syntax.
func SyntaxOf(uid string) (Syntax, bool) {
	for _, s := range syntaxes {
		if s.UID == uid {
			return s, true
		}
	}
	if strings.HasPrefix(uid, jpegFamily) {
		return Syntax{UID: uid, Name: "compressed pixels of transfer syntax " + uid, Encapsulated: true}, true
	}
	return Syntax{}, false
}

// maxUID is the longest UID (PS3.5, 9.1).
const maxUID = 64

// unknown returns a transfer syntax that this package does not know: its data set is read as the first element says.
// Pixels of a private syntax are kept, whatever they are. A UID over maxUID bytes is cut, as it comes to a person.
func unknown(uid string, implicit bool) Syntax {
	if len(uid) > maxUID {
		uid = uid[:maxUID]
	}
	return Syntax{UID: uid, Name: "unknown transfer syntax " + uid, implicit: implicit, Encapsulated: true}
}
