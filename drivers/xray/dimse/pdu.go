package dimse

import (
	"bytes"
	"encoding/binary"
	"io"
	"iter"
	"maps"
	"strings"

	"lanewarden/drivers/observation/coded"
)

// PDU types (PS3.8, 9.3). Each PDU is
//
//	type      1
//	reserved  1
//	length    4  big-endian, of what follows
//	body      length
const (
	pduAssociateRQ = 0x01
	pduAssociateAC = 0x02
	pduAssociateRJ = 0x03
	pduData        = 0x04
	pduReleaseRQ   = 0x05
	pduReleaseRP   = 0x06
	pduAbort       = 0x07
)

const (
	// maxData is the largest P-DATA-TF PDU that we say we take, in bytes.
	maxData = 128 << 10
	// maxAssociate bounds an association request, in bytes: 128 contexts with a dozen syntaxes each.
	maxAssociate = 256 << 10
	aeLength     = 16
)

// readHeader reads a PDU's type and length, in bytes, and refuses a length that its type cannot have: 4 at most for
// a rejection, a release and an abort, maxData and maxAssociate for the others. So a caller may allocate length
// bytes. io.EOF means that the connection ended between two PDUs.
func readHeader(r io.Reader) (kind byte, length uint32, err error) {
	var h [6]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, 0, err
	}
	kind, length = h[0], binary.BigEndian.Uint32(h[2:])
	limit := uint32(4)
	switch kind {
	case pduAssociateRQ, pduAssociateAC:
		limit = maxAssociate
	case pduData:
		limit = maxData
	case pduAssociateRJ, pduReleaseRQ, pduReleaseRP, pduAbort:
	default:
		return 0, 0, protocolError("dimse.pdu-type-unknown", "PDU of type %02x is unknown", kind)
	}
	if length > limit {
		return 0, 0, protocolError("dimse.pdu-type-bytes-more",
			"PDU of type %02x has %d bytes, more than %d", kind, length, limit)
	}
	return kind, length, nil
}

// ProtocolError is a peer's breach of the protocol; the association is aborted.
type ProtocolError struct{ Reason error }

// Error returns the reason, and that it is the DICOM upper layer that was breached.
func (e *ProtocolError) Error() string { return "DICOM upper layer: " + e.Reason.Error() }

// MessageCode returns the code of the catalogue.
func (e *ProtocolError) MessageCode() string { return "dimse.protocol" }

// MessageArgs returns the reason, as the catalogue names it.
func (e *ProtocolError) MessageArgs() iter.Seq2[string, any] {
	return maps.All(map[string]any{"reason": e.Reason})
}

func protocolError(code, format string, args ...any) error {
	return &ProtocolError{coded.Errorf(code, format, args...)}
}

// writePDU sends a PDU whose body is the parts one after the other, in one write, so that it goes as one segment
// where it fits.
func writePDU(w io.Writer, kind byte, parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b := binary.BigEndian.AppendUint32([]byte{kind, 0}, uint32(n))
	for _, p := range parts {
		b = append(b, p...)
	}
	_, err := w.Write(b)
	return err
}

// request is an association request (A-ASSOCIATE-RQ; PS3.8, 9.3.2). Its body:
//
//	0   version           2  bit 0 is version 1, the only one
//	2   reserved          2
//	4   called AE title  16  padded with blanks
//	20  calling AE title 16
//	36  reserved         32
//	68  items: application context, presentation contexts, user information
type request struct {
	version          uint16
	called, calling  string
	contexts         []context
	maxLength        uint32 // of the P-DATA-TF PDUs that the peer takes; 0 for no limit
	fixed            []byte // the fixed part, which the answer repeats
	implementation   string // name of the peer's software
	applicationKnown bool   // the application context is DICOM's
}

// context is a presentation context: a class, and the transfer syntaxes offered for it, in the peer's order of
// preference.
type context struct {
	id       byte // odd, 1 to 255; the peer's choice
	class    string
	syntaxes []string

	result byte   // of the negotiation, 0 for accepted
	syntax string // that was chosen
}

// Item types of association PDUs (PS3.8, 9.3.2 and 9.3.3; 52 and 55: PS3.7, D.3.3.2).
const (
	itemApplication = 0x10
	itemContextRQ   = 0x20
	itemContextAC   = 0x21
	itemAbstract    = 0x30
	itemTransfer    = 0x40
	itemUser        = 0x50
	itemMaxLength   = 0x51
	itemClassUID    = 0x52
	itemVersionName = 0x55
)

const (
	// fixedLength is the bytes before the first item.
	fixedLength = 68
	// application is the DICOM application context name (PS3.7, A.2.1).
	application = "1.2.840.10008.3.1.1.1"
	// maxContexts are all odd ids of a byte.
	maxContexts = 128
	// maxSyntaxes of one context: there are some 50 transfer syntaxes.
	maxSyntaxes = 64
)

// decodeRequest decodes the body of an A-ASSOCIATE-RQ. Whatever is cut off, or more than the bounds above, is a
// *ProtocolError. It judges neither version nor titles: negotiate does, as it can say why in the rejection.
func decodeRequest(b []byte) (*request, error) {
	if len(b) < fixedLength {
		return nil, protocolError("dimse.association-request-shorter-than",
			"association request of %v, shorter than %d",
			coded.CountOf(len(b), "byte"), fixedLength)
	}
	r := &request{version: binary.BigEndian.Uint16(b), called: ae(b[4:20]), calling: ae(b[20:36]),
		fixed: bytes.Clone(b[:fixedLength])}
	err := items(b[fixedLength:], func(kind byte, body []byte) error {
		switch kind {
		case itemApplication:
			r.applicationKnown = uid(body) == application
		case itemContextRQ:
			if len(r.contexts) == maxContexts {
				return protocolError("dimse.more-than-presentation-contexts",
					"more than %d presentation contexts", maxContexts)
			}
			c, err := decodeContext(body)
			r.contexts = append(r.contexts, c)
			return err
		case itemUser:
			return items(body, r.user)
		}
		return nil // others are for later versions (PS3.8, 9.3.1)
	})
	return r, err
}

// user takes over a sub-item of the user information. Those of extended or asynchronous negotiation are passed over,
// which says no to them (PS3.7, D.3.3).
func (r *request) user(kind byte, body []byte) error {
	switch kind {
	case itemMaxLength:
		if len(body) != 4 {
			return protocolError("dimse.maximum-length", "maximum length of %v", coded.CountOf(len(body), "byte"))
		}
		r.maxLength = binary.BigEndian.Uint32(body)
	case itemVersionName:
		r.implementation = uid(body)
	}
	return nil
}

// decodeContext decodes a presentation context: id, 3 reserved bytes, then one item of the class and one for each
// transfer syntax (PS3.8, 9.3.2.2).
func decodeContext(b []byte) (c context, err error) {
	if len(b) < 4 {
		return c, protocolError("dimse.presentation-context",
			"presentation context of %v", coded.CountOf(len(b), "byte"))
	}
	c.id = b[0]
	return c, items(b[4:], func(kind byte, body []byte) error {
		switch kind {
		case itemAbstract:
			c.class = uid(body)
		case itemTransfer:
			if len(c.syntaxes) == maxSyntaxes {
				return protocolError("dimse.more-than-transfer-syntaxes", "more than %d transfer syntaxes", maxSyntaxes)
			}
			c.syntaxes = append(c.syntaxes, uid(body))
		}
		return nil
	})
}

// items calls f with each item of an association PDU: type (1 byte), reserved (1 byte), length of the value (2 bytes,
// big-endian), value (PS3.8, 9.3.2). An item that is longer than the bytes that are left is a protocol error.
func items(b []byte, f func(kind byte, body []byte) error) error {
	for len(b) > 0 {
		if len(b) < 4 {
			return protocolError("dimse.item-cut-off", "item is cut off")
		}
		kind, n := b[0], int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b)-4 {
			return protocolError("dimse.item-which-came",
				"item of %v, of which %d came", coded.CountOf(n, "byte"), len(b)-4)
		}
		if err := f(kind, b[4:4+n]); err != nil {
			return err
		}
		b = b[4+n:]
	}
	return nil
}

// maxText bounds what of a peer's texts is kept, in bytes: the longest UID, and the longest LO.
const maxText = 64

// uid returns a text of the protocol without padding. What is no UTF-8 becomes "?", for such texts end up in the
// log.
func uid(b []byte) string {
	return strings.ToValidUTF8(strings.TrimRight(string(b[:min(len(b), maxText)]), " \x00"), "?")
}

func ae(b []byte) string { return strings.TrimSpace(uid(b)) }

// appendItem appends an item as items reads it; body is of less than 64 KiB.
func appendItem(dst []byte, kind byte, body ...byte) []byte {
	dst = append(dst, kind, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(body)))
	return append(dst, body...)
}

// accept encodes the body of the A-ASSOCIATE-AC that answers the request. Each context is answered with its id, the
// result in the third byte, and one transfer syntax, which a rejected one must have too but which is not looked at
// (PS3.8, 9.3.3.2).
func (r *request) accept() []byte {
	b := bytes.Clone(r.fixed)
	binary.BigEndian.PutUint16(b, 1)
	b = appendItem(b, itemApplication, []byte(application)...)
	for _, c := range r.contexts {
		body := []byte{c.id, 0, c.result, 0}
		body = appendItem(body, itemTransfer, []byte(c.syntax)...)
		b = appendItem(b, itemContextAC, body...)
	}
	return appendItem(b, itemUser, userItems()...)
}

// userItems returns the user information of an association: maximum PDU length, implementation class UID and version
// name (PS3.8, 9.3.2.3).
func userItems() []byte {
	user := appendItem(nil, itemMaxLength, binary.BigEndian.AppendUint32(nil, maxData)...)
	user = appendItem(user, itemClassUID, []byte(implementationUID)...)
	return appendItem(user, itemVersionName, []byte(implementationName)...)
}
