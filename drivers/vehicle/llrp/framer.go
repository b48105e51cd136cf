package llrp

import (
	"encoding/binary"

	"lanewarden/drivers/observation/coded"
)

// Framer cuts a stream into messages. It never gives up: what is no message is passed over byte by byte and
// reported. Its memory is one message of MaxMessageBytes. The zero Framer is ready; it is not for concurrent use.
type Framer struct {
	buf    []byte
	offset int64  // of buf in the stream
	lost   []byte // the beginning of what was passed over since
	skip   int64  // bytes passed over that were not reported
}

// Frame is a message's bytes, or, with Fault, what was passed over. Offset is in bytes since the start of the
// stream.
type Frame struct {
	Type    MessageType
	ID      uint32
	Payload []byte // valid until the next call
	Offset  int64
	Fault   error // not nil: no message; Payload is the beginning of what was passed over
}

// Feed cuts bytes and calls emit with every whole message; what is left waits for more. Where the stream is cut into
// chunks does not matter.
func (f *Framer) Feed(data []byte, emit func(Frame)) {
	f.buf = append(f.buf, data...)
	at := 0
	for len(f.buf)-at >= headerBytes {
		b := f.buf[at:]
		n := int(binary.BigEndian.Uint32(b[2:]))
		t := MessageType(binary.BigEndian.Uint16(b) & 0x3ff)
		if !plausible(b, t, n) {
			if len(f.lost) < 256 {
				f.lost = append(f.lost, b[0])
			}
			f.skip++
			at++
			continue
		}
		if len(b) < n {
			break
		}
		f.report(int64(at), emit)
		emit(Frame{Type: t, ID: binary.BigEndian.Uint32(b[6:]), Payload: b[headerBytes:n],
			Offset: f.offset + int64(at)})
		at += n
	}
	if f.skip >= 4096 {
		f.report(int64(at), emit)
	}
	f.offset += int64(at)
	f.buf = append(f.buf[:0], f.buf[at:]...)
}

// Reset forgets what is under way, because the stream broke off, and reports what was passed over.
func (f *Framer) Reset(emit func(Frame)) {
	f.report(0, emit)
	f.offset += int64(len(f.buf))
	f.buf = f.buf[:0]
}

// Idle reports whether nothing is under way.
func (f *Framer) Idle() bool { return len(f.buf) == 0 }

// Flush reports what was passed over so far, and goes on: for a stream that rests.
func (f *Framer) Flush(emit func(Frame)) { f.report(0, emit) }

// report emits a fault of what was passed over before at, if anything was.
func (f *Framer) report(at int64, emit func(Frame)) {
	if f.skip == 0 {
		return
	}
	emit(Frame{Offset: f.offset + at - f.skip, Payload: f.lost,
		Fault: coded.Errorf("llrp.no-message", "no LLRP message in %v: is this an LLRP port?",
			coded.CountOf(f.skip, "byte"))})
	f.skip, f.lost = 0, nil
}

// plausible reports whether a header can be one: reserved bits 0, version 1 or 2, a known type, a length that can be.
func plausible(b []byte, t MessageType, n int) bool {
	version := b[0] >> 2 & 7
	_, known := messages[t]
	return b[0]&0xe0 == 0 && (version == 1 || version == 2) && (known || t == 1023) && n >= headerBytes &&
		n <= MaxMessageBytes
}
