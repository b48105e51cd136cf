package transport

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// request is the last request, with which an answer is compared: its unit, and its PDU of function, address, and
// value or count.
type request struct {
	unit byte
	pdu  []byte
}

const (
	exceptionBit = 0x80
	anyUnit      = 0xff // gateways use it for exceptions of their own
)

// isAnswer reports whether a PDU of a unit can be the answer to the request: unit, function, and what of the request
// comes back in it. Functions 1 to 4 read, 5, 6, 15 and 16 write; an exception is the function with its top bit set,
// and a code.
func (r *request) isAnswer(unit byte, pdu []byte) bool {
	if len(pdu) < 2 || len(r.pdu) < 5 {
		return false
	}
	if pdu[0] == r.pdu[0]|exceptionBit {
		return len(pdu) == 2 && (unit == r.unit || unit == anyUnit)
	}
	if unit != r.unit || pdu[0] != r.pdu[0] {
		return false
	}
	count := int(binary.BigEndian.Uint16(r.pdu[3:]))
	switch r.pdu[0] {
	case 1, 2:
		return int(pdu[1]) == (count+7)/8 && len(pdu) == 2+int(pdu[1])
	case 3, 4:
		return int(pdu[1]) == 2*count && len(pdu) == 2+int(pdu[1])
	}
	return len(pdu) == 5 && bytes.Equal(pdu[1:5], r.pdu[1:5]) // writes come back: address, and value or count
}

// answerBytes is the length of the answer whose first bytes stand in b, without its checksum; 0 when b can be no
// beginning of it.
func (r *request) answerBytes(b []byte) int {
	switch {
	case b[1] == r.pdu[0]|exceptionBit:
		return 3
	case b[1] != r.pdu[0]:
		return 0
	case b[1] <= 4:
		return 3 + int(b[2])
	}
	return 6
}

// tcpFraming is Modbus TCP: a transaction id says which request an answer is to.
type tcpFraming struct {
	request
	id      uint16
	before  uint16 // requests before, whose answers may come late
	foreign []uint16
	raw     []byte // what is no Modbus TCP
	other   *Error // an answer with our transaction id that is to something else
}

// wrap implements modbusFraming; each request has the next transaction id.
func (f *tcpFraming) wrap(unit byte, pdu []byte) []byte {
	f.request = request{unit, bytes.Clone(pdu)}
	f.before = min(f.before+1, 1000)
	f.id++
	f.foreign, f.raw, f.other = nil, nil, nil
	return mbap(f.id, unit, pdu)
}

// find implements modbusFraming. Late answers to requests before are passed over; ids that were never ours are kept
// for strange.
func (f *tcpFraming) find(buf *[]byte) ([]byte, error) {
	for {
		n, id, unit, pdu, err := parseMBAP(*buf)
		if err != nil {
			f.raw = bytes.Clone(*buf)
			return nil, f.strange(nil)
		}
		if n == 0 {
			return nil, nil
		}
		*buf = (*buf)[n:]
		late := f.id-id > 0 && f.id-id < f.before
		switch {
		case id != f.id && !late && len(f.foreign) < 8:
			f.foreign = append(f.foreign, id)
		case id == f.id && f.isAnswer(unit, pdu):
			return bytes.Clone(pdu), nil
		case id == f.id:
			f.other = newError("modbus.other-answer", f.answered(unit, pdu[0], len(pdu)-1)...)
		}
	}
}

func (f *tcpFraming) strange([]byte) *Error {
	switch {
	case f.raw != nil && (&rtuFraming{request: f.request}).anyFrame(f.raw) != nil:
		return newError("modbus.rtu-on-tcp")
	case f.raw != nil:
		return newError("modbus.no-tcp", arg("bytes", hexBytes(f.raw)))
	case f.other != nil:
		return newError("modbus.mixed-up", arg("answer", f.other))
	case f.foreign != nil:
		return newError("modbus.foreign-id", arg("got", fmt.Sprintf("%#04x", f.foreign[0])),
			arg("want", fmt.Sprintf("%#04x", f.id)))
	}
	return nil
}

// rtuFraming is Modbus RTU: unit, PDU and a checksum. Nothing says which request an answer is to but what is in it.
type rtuFraming struct{ request }

// wrap implements modbusFraming: unit, PDU, and the CRC, its low byte first.
func (f *rtuFraming) wrap(unit byte, pdu []byte) []byte {
	f.request = request{unit, bytes.Clone(pdu)}
	out := append([]byte{unit}, pdu...)
	return binary.LittleEndian.AppendUint16(out, ModbusCRC(out))
}

// find implements modbusFraming. It looks for the answer at every place: noise may stand before it.
func (f *rtuFraming) find(buf *[]byte) ([]byte, error) {
	b := *buf
	for i := 0; i+5 <= len(b); i++ {
		n := f.answerBytes(b[i:])
		if n == 0 || i+n+2 > len(b) || !f.isAnswer(b[i], b[i+1:i+n]) {
			continue
		}
		if binary.LittleEndian.Uint16(b[i+n:]) == ModbusCRC(b[i:i+n]) {
			answer := bytes.Clone(b[i+1 : i+n])
			*buf = b[i+n+2:]
			return answer, nil
		}
	}
	return nil, nil
}

func (f *rtuFraming) strange(rest []byte) *Error {
	if len(rest) == 0 {
		return nil
	}
	if frame := f.anyFrame(rest); frame != nil {
		return newError("modbus.other-frame", arg("answer", frame))
	}
	return newError("modbus.no-frame", arg("n", len(rest)), arg("bytes", hexBytes(rest)))
}

// anyFrame describes the first frame in b that has a right checksum, nil when there is none.
func (f *rtuFraming) anyFrame(b []byte) *Error {
	for i := 0; i+5 <= len(b); i++ {
		r := request{pdu: []byte{b[i+1] &^ exceptionBit}}
		n := r.answerBytes(b[i:])
		if n > 0 && i+n+2 <= len(b) && binary.LittleEndian.Uint16(b[i+n:]) == ModbusCRC(b[i:i+n]) {
			return newError("modbus.frame", f.answered(b[i], b[i+1], n-2)...)
		}
	}
	return nil
}

// answered are the values of an error about an answer that is not to what was asked.
func (r *request) answered(unit, function byte, bytes int) []Arg {
	return []Arg{
		arg("unit", int(unit)), arg("function", int(function)), arg("n", bytes),
		arg("askedUnit", int(r.unit)), arg("askedFunction", int(r.pdu[0])),
	}
}

// hexBytes shows the first bytes of an answer.
func hexBytes(b []byte) string { return fmt.Sprintf("%.16x", b) }

// ModbusCRC is the checksum of a Modbus RTU frame; it goes out low byte first. Source: Modbus over Serial Line 1.02,
// 6.2.2.
func ModbusCRC(b []byte) uint16 {
	crc := uint16(0xffff)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xa001
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
