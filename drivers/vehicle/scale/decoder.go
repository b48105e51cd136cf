package scale

import (
	"bytes"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

const (
	etx     = 0x03
	eot     = 0x04
	lf      = 0x0a
	maxLine = 128 // bytes; the longest line of the table has some 50
)

// decoder cuts what a scale sends into frames and lines, and follows the platform. It has no clock and does no I/O.
// What it does not know is a fault, and costs that line only.
type decoder struct {
	Config
	platform
	faults *driver.Faults
	live   func(driver.Sample) // shows each weight on the strip chart, channel "weight" in kg
	buf    []byte
	offset int64    // of buf in the input
	sound  uint64   // readings
	last   *dialect // that was understood last; nil for none, or for frames of continuous output
	sum    int      // checksum of the frame before, which may follow it though the settings do not say so; -1 for none
	name   string   // of the dialect that was understood last
}

func newDecoder(c Config, faults *driver.Faults, live func(driver.Sample)) *decoder {
	d := &decoder{Config: c, faults: faults, live: live, sum: -1}
	d.platform.Config = &d.Config
	return d
}

// about describes what the scale speaks.
func (d *decoder) about() message.Message {
	return message.New("scale.dialect", message.String("dialect", d.name))
}

// Sound implements driver.Decoder.
func (d *decoder) Sound() uint64 { return d.sound }

// Idle implements driver.Decoder.
func (d *decoder) Idle() bool { return len(d.buf) == 0 && d.since.IsZero() }

// Break implements driver.Decoder: what is on the platform is reported as far as it is known.
func (d *decoder) Break(at time.Time) (out []*observation.Observation) {
	out = d.leave(at)
	d.tareKnown = false
	d.drop(len(d.buf))
	d.sum = -1
	return out
}

// drop removes bytes from the beginning of the buffer.
func (d *decoder) drop(n int) {
	d.offset += int64(n)
	d.buf = append(d.buf[:0], d.buf[n:]...)
}

// Feed implements driver.Decoder.
func (d *decoder) Feed(at time.Time, data []byte) []*observation.Observation {
	out := d.pause(at)
	d.buf = append(d.buf, data...)
	i := 0
	for i < len(d.buf) {
		n, obs := d.next(at, d.buf[i:], d.offset+int64(i))
		if n == 0 {
			break
		}
		out, i = append(out, obs...), i+n
	}
	d.drop(i)
	return out
}

// next deals with what stands at the beginning of b and returns its length; 0 when more bytes must come. Frames and
// lines may alternate: a printer's line may interrupt continuous output.
func (d *decoder) next(at time.Time, b []byte, offset int64) (int, []*observation.Observation) {
	sum := d.sum
	d.sum = -1
	switch c := b[0]; {
	case sum >= 0 && c != stx && int(c&0x7f) == sum, c == cr, c == lf, c == etx, c == eot, c == 0:
		return 1, nil
	case c == stx && d.continuous():
		n, r, err := d.decodeFrame(b)
		if n == 0 {
			return 0, nil
		}
		if r != nil || err != nil && !d.mayBeLine(b) {
			return n, d.handleReading(at, r, err, offset, b[:n])
		}
	}
	n := lineEnd(b)
	if n == 0 {
		return 0, nil
	}
	r, err := d.decodeText(b[:n])
	return n, d.handleReading(at, r, err, offset, b[:n])
}

// mayBeLine reports whether what has the length of a frame, and is none, is a line of text.
func (d *decoder) mayBeLine(b []byte) bool {
	r, err := d.decodeText(b[:lineEnd(b)])
	return r != nil && err == nil
}

// continuous reports whether frames of continuous output are looked for.
func (d *decoder) continuous() bool {
	return d.Dialect == "" || d.Dialect == "auto" || d.Dialect == "mettler"
}

// decodeFrame decodes a frame of continuous output. n is 0 when it is not whole yet; r is nil when it is none.
func (d *decoder) decodeFrame(b []byte) (n int, r *reading, err error) {
	end := bytes.IndexAny(b[1:min(len(b), frameBytes-1)], "\r\n\x02\x03")
	if end >= 0 {
		return 1, nil, nil // too short: a line
	}
	size := frameBytes
	if d.Checksum {
		size++
	}
	if len(b) < size {
		return 0, nil, nil
	}
	if b[frameBytes-1] != cr {
		return size, nil, nil
	}
	f, err := Decode(b[:size])
	if err != nil {
		return size, nil, err
	}
	if d.Checksum && b[size-1]&0x7f != checksum(b[:size-1]) {
		return size, nil, message.Errorf("scale.checksum", message.String("got", hexByte(b[size-1])),
			message.String("want", hexByte(checksum(b[:size-1]))))
	}
	if !d.Checksum {
		d.sum = int(checksum(b[:size])) // a scale may send it though the settings say no
	}
	one := f.reading()
	one.dialect = "mettler"
	return size, &one, nil
}

// lineEnd returns the length of a line, with the character that ends it unless that begins the next one; 0 when it
// is not whole yet, maxLine when none ends it.
func lineEnd(b []byte) int {
	from := 0
	if b[0] == stx {
		from = 1
	}
	i := bytes.IndexAny(b[from:min(len(b), maxLine)], "\r\n\x02\x03\x04")
	switch {
	case i < 0 && len(b) < maxLine:
		return 0
	case i < 0:
		return maxLine
	case b[from+i] == stx:
		return from + i
	}
	return from + i + 1
}

// decodeText decodes a line of text by the dialect of the settings, or by the first one that knows it; nil for an
// empty line. What no dialect knows is an error: a number of unknown meaning is never taken for a weight.
func (d *decoder) decodeText(b []byte) (*reading, error) {
	if d.Dialect == "mettler" {
		return nil, message.Errorf("scale.no-frame", message.Count("n", len(b)))
	}
	text, framed := plain(b)
	if text == "" {
		return nil, nil
	}
	if d.Dialect == "" || d.Dialect == "auto" || d.Dialect == "generic" || d.Dialect == "st" {
		if r, ok, err := d.decodeSeveral(text); ok {
			return &r, err
		}
	}
	if d.last != nil {
		if r, ok, err := d.decodeLine(d.last, text, framed); ok {
			return &r, err
		}
	}
	for _, one := range dialects {
		if d.Dialect != "" && d.Dialect != "auto" && d.Dialect != one.name {
			continue
		}
		if r, ok, err := d.decodeLine(one, text, framed); ok {
			d.last = one
			return &r, err
		}
	}
	if d.Dialect == "" || d.Dialect == "auto" {
		return nil, message.Errorf("scale.unknown-line", message.Quoted("line", text))
	}
	return nil, message.Errorf("scale.other-dialect", message.Quoted("line", text), message.String("dialect", d.Dialect))
}

// plain returns a line without the characters that frame it; framed says that it began with STX. The eighth bit is
// parity, or the lamps of a CAS.
func plain(b []byte) (text string, framed bool) {
	framed = b[0] == stx
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = c & 0x7f
	}
	return string(bytes.Trim(out, "\x00\x01\x02\x03\x04\r\n")), framed
}

// handleReading follows a reading, or reports what was none as a fault. A frame without either is passed over.
func (d *decoder) handleReading(at time.Time, r *reading, err error, offset int64,
	frame []byte) []*observation.Observation {
	if err != nil {
		d.faults.Add(at, message.Of(err), offset, frame)
		return nil
	}
	if r == nil {
		return nil
	}
	d.sound++
	d.name = r.dialect
	if r.weighed && !r.has(tare) {
		d.live(driver.Sample{At: at, Channel: "weight", Values: []float32{float32(r.kg)}})
	}
	return d.follow(at, *r)
}
