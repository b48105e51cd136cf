package dimse

import (
	"encoding/binary"
	"errors"
	"io"
	"time"

	"lanewarden/drivers/observation/coded"
)

// message reads one message of an association: its command set, and then its data set as an io.Reader. A P-DATA-TF
// PDU (PS3.8, 9.3.5) holds one or more fragments, all numbers big-endian:
//
//	length   4   of what follows: 2 and the data
//	context  1   presentation context id, odd
//	control  1   bit 0: command (else data set); bit 1: last fragment of it
//	data     length-2
//
// A fragment never goes over a PDU's end, but one PDU may hold the end of a message and the begin of the next: pdu
// is handed from message to message.
type message struct {
	a        *association
	patience time.Duration // for the next PDU
	context  byte          // id, that of the first fragment; the others must have the same
	started  bool          // a fragment has come: the connection's end is now an error

	pdu     uint32 // bytes left of the P-DATA-TF PDU at hand
	pdv     uint32 // bytes left of the fragment at hand
	control byte   // of the fragment at hand
	err     error  // io.EOF once the data set was read to its end
}

// errReleased means that the peer has released the association, and that it was answered.
var errReleased = coded.Errorf("dimse.released", "released")

// Bits of a fragment's control header (PS3.8, E.2).
const (
	controlCommand = 1
	controlLast    = 2
)

// fragment goes on to the next fragment: the one at hand must have been read. Errors: a *ProtocolError, errReleased,
// errAborted, or that of the connection, which is io.EOF only before the first fragment.
func (m *message) fragment() error {
	for m.pdu == 0 {
		if err := m.next(); err != nil {
			return err
		}
	}
	var h [6]byte
	if m.pdu < uint32(len(h)) {
		return protocolError("dimse.fragment-header-cut-off", "fragment header is cut off")
	}
	if _, err := io.ReadFull(m.a.r, h[:]); err != nil {
		return cut(err)
	}
	n := binary.BigEndian.Uint32(h[:])
	if n < 2 || n > m.pdu-4 {
		return protocolError("dimse.fragment-pdu-with-left", "fragment of %v in a PDU with %d left",
			coded.CountOf(n, "byte"), m.pdu-4)
	}
	if m.started && h[4] != m.context {
		return protocolError("dimse.fragment-context-inside-message",
			"fragment of context %d inside a message of context %d", h[4], m.context)
	}
	m.pdu -= n + 4
	m.pdv, m.context, m.control, m.started = n-2, h[4], h[5], true
	return nil
}

// next reads the header of the next PDU and handles those that are not data. A release is confirmed at once, as we
// never have anything left to send.
func (m *message) next() error {
	if err := m.a.conn.SetReadDeadline(time.Now().Add(m.patience)); err != nil {
		return err
	}
	kind, n, err := readHeader(m.a.r)
	if err != nil {
		if m.started {
			err = cut(err)
		}
		return err
	}
	m.patience = dataTimeout
	switch kind {
	case pduData:
		m.pdu = n
		return nil
	case pduReleaseRQ:
		if m.started {
			return protocolError("dimse.release-inside-message", "release inside a message")
		}
		if err := writePDU(m.a.conn, pduReleaseRP, make([]byte, 4)); err != nil {
			return err
		}
		return errReleased
	case pduAbort:
		return errAborted
	}
	return protocolError("dimse.pdu-type-inside-association", "PDU of type %02x inside an association", kind)
}

// cut says of a connection's error that it struck inside a message, so that nobody takes it for an orderly end.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return coded.Errorf("dimse.connection-broke-off-inside", "connection broke off inside a message: %w", err)
}

// command reads the command set, whatever fragments and PDUs it is spread over, and leaves the reader at the data
// set.
func (m *message) command() (command, error) {
	var set []byte
	for {
		if err := m.fragment(); err != nil {
			return command{}, err
		}
		if m.control&controlCommand == 0 {
			return command{}, protocolError("dimse.data-stands-where-command", "data stands where a command should")
		}
		if len(set)+int(m.pdv) > maxCommand {
			return command{}, protocolError("dimse.command-set-longer-than",
				"command set is longer than %d bytes", maxCommand)
		}
		part := make([]byte, m.pdv)
		if _, err := io.ReadFull(m.a.r, part); err != nil {
			return command{}, cut(err)
		}
		set, m.pdv = append(set, part...), 0
		if m.control&controlLast != 0 {
			m.control = 0
			return decodeCommand(set)
		}
	}
}

// Read implements io.Reader over the data set's fragments. io.EOF comes after the fragment that is marked as the
// last; a peer that stalls for dataTimeout, breaks off or errs gives another error, which stays.
func (m *message) Read(p []byte) (int, error) {
	for m.err == nil && m.pdv == 0 {
		switch {
		case m.control&controlLast != 0:
			m.err = io.EOF
		default:
			m.err = m.fragment()
			if m.err == nil && m.control&controlCommand != 0 {
				m.err = protocolError("dimse.command-inside-data-set", "a command inside a data set")
			}
		}
	}
	if m.err != nil || len(p) == 0 {
		return 0, m.err
	}
	if err := m.a.conn.SetReadDeadline(time.Now().Add(dataTimeout)); err != nil {
		return 0, err
	}
	n, err := m.a.r.Read(p[:min(len(p), int(m.pdv))])
	m.pdv -= uint32(n)
	if err != nil {
		m.err = cut(err)
		err = m.err
	}
	return n, err
}
