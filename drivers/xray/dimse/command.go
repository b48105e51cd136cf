package dimse

import (
	"bytes"
	"encoding/binary"
	"strings"

	"lanewarden/drivers/observation/coded"
)

// Command fields (PS3.7, E.1), and the data set type that says that none follows; any other value says that one
// does.
const (
	cmdStoreRQ = 0x0001
	cmdEchoRQ  = 0x0030
	cmdReply   = 0x8000
	noDataSet  = 0x0101
)

// maxCommand bounds a command set, in bytes; C-STORE's has some 200.
const maxCommand = 16 << 10

// Status is the answer to a C-STORE (PS3.4, B.2.3).
type Status uint16

// The statuses that are given (PS3.7, C; PS3.4, table B.2-1). A peer gives others too: those of Axxx and Cxxx are
// failures, those of Bxxx warnings about an object that is stored.
const (
	Success          Status = 0x0000
	NotSupported     Status = 0x0122 // the class was not negotiated on this context
	OutOfResources   Status = 0xa700 // not stored: try again
	CannotUnderstand Status = 0xc000 // not stored: the object is bad
	Unrecognised     Status = 0x0211 // the operation is not one of ours
)

// command is the part of a command set that receiver and sender need.
//
//	(0000,0002) UI  class           (0000,0800) US  data set type: 0101 for none
//	(0000,0100) US  field           (0000,0900) US  status, of an answer
//	(0000,0110) US  message         (0000,0902) LO  comment, of an answer
//	(0000,0120) US  message, in an answer
//	(0000,1000) UI  instance
type command struct {
	class, instance string // UIDs, of at most maxText bytes
	field, message  uint16 // what is asked for (cmdStoreRQ, ...); the peer's number for it, repeated in the answer
	dataSet         bool   // one follows
	status          Status // of an answer
	comment         string // of an answer, for people
}

// decodeCommand decodes a command set: implicit VR little endian, group 0000, in any transfer syntax (PS3.7, 6.3.1).
// Elements that are not needed are passed over. Whatever reaches beyond b, or is of another group, is a
// *ProtocolError.
func decodeCommand(b []byte) (c command, err error) {
	set := uint16(noDataSet)
	for len(b) > 0 {
		if len(b) < 8 {
			return c, protocolError("dimse.command-element-cut-off", "command element is cut off")
		}
		group, element, n := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]),
			binary.LittleEndian.Uint32(b[4:])
		if group != 0 || uint64(n) > uint64(len(b)-8) {
			return c, protocolError("dimse.command-element-which-came",
				"command element (%04x,%04x) of %v, of which %d came",
				group, element, coded.CountOf(n, "byte"), len(b)-8)
		}
		v := b[8 : 8+n]
		b = b[8+n:]
		u16 := uint16(0)
		if len(v) >= 2 {
			u16 = binary.LittleEndian.Uint16(v)
		}
		switch element {
		case 0x0002:
			c.class = uid(v)
		case 0x0100:
			c.field = u16
		case 0x0110:
			c.message = u16
		case 0x0800:
			set = u16
		case 0x0900:
			c.status = Status(u16)
		case 0x0902:
			c.comment = uid(v)
		case 0x1000:
			c.instance = uid(v)
		}
	}
	c.dataSet = set != noDataSet
	return c, nil
}

// reply encodes the answer to a command, with a comment for people when it is not a success. The comment is cut to
// 64 bytes, the most that VR LO takes.
func (c command) reply(status Status, comment string) []byte {
	list := []field{
		{0x0002, []byte(c.class)}, {0x0100, u16(c.field | cmdReply)}, {0x0120, u16(c.message)},
		{0x0800, u16(noDataSet)}, {0x0900, u16(uint16(status))},
	}
	if comment = strings.ToValidUTF8(comment[:min(len(comment), maxText)], ""); status != Success && comment != "" {
		list = append(list, field{0x0902, append([]byte(comment), bytes.Repeat([]byte{' '}, len(comment)%2)...)})
	}
	if c.instance != "" {
		list = append(list, field{0x1000, []byte(c.instance)})
	}
	return commandSet(list...)
}

// field is an element of a command set, group 0000. A value of odd length is padded when it is encoded.
type field struct {
	element uint16
	value   []byte
}

func u16(n uint16) []byte { return binary.LittleEndian.AppendUint16(nil, n) }

// commandSet encodes a command set with its length, (0000,0000), first. The fields must be in the order of their
// element numbers. Values are padded with a zero, as UIDs are; a comment must come padded with a blank.
func commandSet(list ...field) []byte {
	var b bytes.Buffer
	for _, f := range list {
		v := f.value
		if len(v)%2 != 0 {
			v = append(v, 0)
		}
		b.Write(binary.LittleEndian.AppendUint16([]byte{0, 0}, f.element))
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(v))))
		b.Write(v)
	}
	length := binary.LittleEndian.AppendUint32([]byte{0, 0, 0, 0, 4, 0, 0, 0}, uint32(b.Len()))
	return append(length, b.Bytes()...)
}
