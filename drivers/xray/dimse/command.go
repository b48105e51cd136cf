package dimse

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/dustin/go-humanize/english"
)

// Command fields (PS3.7, E.1).
const (
	cmdStoreRQ = 0x0001
	cmdEchoRQ  = 0x0030
	cmdReply   = 0x8000
	noDataSet  = 0x0101
)

// maxCommand bounds a command set; C-STORE's has some 200 bytes.
const maxCommand = 16 << 10

// Status is the answer to a C-STORE (PS3.4, B.2.3).
type Status uint16

// The statuses that are given.
const (
	Success          Status = 0x0000
	NotSupported     Status = 0x0122 // the class was not negotiated on this context
	OutOfResources   Status = 0xa700 // not stored: try again
	CannotUnderstand Status = 0xc000 // not stored: the object is bad
	Unrecognised     Status = 0x0211 // the operation is not one of ours
)

// command is the part of a command set that receiver and sender need.
type command struct {
	class, instance string
	field, message  uint16
	dataSet         bool
	status          Status // of an answer
	comment         string
}

// decodeCommand decodes a command set: implicit VR little endian, group 0000.
func decodeCommand(b []byte) (c command, err error) {
	set := uint16(noDataSet)
	for len(b) > 0 {
		if len(b) < 8 {
			return c, protocolError("command element is cut off")
		}
		group, element, n := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]),
			binary.LittleEndian.Uint32(b[4:])
		if group != 0 || uint64(n) > uint64(len(b)-8) {
			return c, protocolError("command element (%04x,%04x) of %d %s, of which %d came",
				group, element, n, english.PluralWord(int(n), "byte", ""), len(b)-8)
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

// reply encodes the answer to a command, with a comment for people when it is not a success.
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

// field is an element of a command set.
type field struct {
	element uint16
	value   []byte
}

func u16(n uint16) []byte { return binary.LittleEndian.AppendUint16(nil, n) }

// commandSet encodes a command set with its length.
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
