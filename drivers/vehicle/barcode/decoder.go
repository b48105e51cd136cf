package barcode

import (
	"bytes"
	"fmt"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Bytes that end or begin a code, or stand in it.
const (
	stx = 0x02
	etx = 0x03
	eot = 0x04 // ends a message of ISO/IEC 15434
	fs  = 0x1c // with GS and RS, separates the fields of one
	rs  = 0x1e
)

// maxCode is the longest code; a PDF417 of a licence has some hundred characters.
const maxCode = 2048

// decoder makes observations of a scanner's bytes: codes end with CR, LF or ETX.
type decoder struct {
	Config
	faults  *driver.Faults
	buf     []byte
	offset  int64
	sound   uint64
	long    bool // what comes belongs to a code that was too long
	last    string
	lastAt  time.Time
	licence licence
	partial partial
	failed  uint64 // reads without code
}

// Sound implements driver.Decoder.
func (d *decoder) Sound() uint64 { return d.sound }

// Idle implements driver.Decoder.
func (d *decoder) Idle() bool { return len(d.buf) == 0 && !d.licence.open && d.partial.text == "" }

// Break implements driver.Decoder: half a code is none.
func (d *decoder) Break(at time.Time) []*observation.Observation {
	if len(d.buf) > 0 {
		d.fault(at, message.New("barcode.cut"), d.buf)
	}
	d.offset += int64(len(d.buf))
	d.buf, d.long = d.buf[:0], false
	return append(d.release(), d.licence.end()...)
}

// Feed implements driver.Decoder.
func (d *decoder) Feed(at time.Time, data []byte) (out []*observation.Observation) {
	out = d.licence.expire(at)
	if d.partial.over(at) {
		out = append(out, d.release()...)
	}
	d.buf = append(d.buf, data...)
	for {
		n := bytes.IndexAny(d.buf, "\r\n\x03")
		if n < 0 {
			break
		}
		if d.long {
			d.long = false
		} else {
			out = append(out, d.line(at, d.buf[:n])...)
		}
		d.offset += int64(n + 1)
		d.buf = append(d.buf[:0], d.buf[n+1:]...)
	}
	if len(d.buf) > maxCode {
		if !d.long {
			d.fault(at, message.New("barcode.long", message.Count("n", maxCode)), d.buf)
		}
		d.long = true
		d.offset += int64(len(d.buf))
		d.buf = d.buf[:0]
	}
	return out
}

// fault reports what could not be understood. A driving licence is never part of the report: that goes to the centre.
func (d *decoder) fault(at time.Time, reason message.Message, frame []byte) {
	if d.licence.open || identifier.HasLicence(string(frame)) {
		reason, frame = message.Join("; ", reason, message.New("barcode.withheld")), nil
	}
	d.faults.Add(at, reason, d.offset, frame)
}

// line makes observations of a code without its end.
func (d *decoder) line(at time.Time, raw []byte) []*observation.Observation {
	out, taken := d.licence.feed(at, string(raw))
	if taken {
		d.sound++
		return out
	}
	code := bytes.Trim(raw, "\x02\x03")
	if len(code) == 0 {
		return out
	}
	if i := bytes.IndexFunc(code, func(r rune) bool { return !printable(r) }); i >= 0 {
		d.fault(at, message.New("barcode.character", message.Int("place", i+1),
			message.String("character", fmt.Sprintf("%#02x", code[i]))), code)
		return out
	}
	d.sound++
	if d.isNoCode(string(bytes.TrimSpace(code))) {
		d.failed++
		return out
	}
	return append(out, d.joined(at, string(code))...)
}

// printable reports whether a character can stand in a code: printable ASCII, tab, the separators of GS1 and ISO/IEC
// 15434.
func printable(r rune) bool {
	return r == '\t' || r == eot || r >= fs && r <= rs || r >= 0x20 && r < 0x7f
}

// scan makes an observation of a code, unless it is the last one again.
func (d *decoder) scan(at time.Time, text string) []*observation.Observation {
	again := text == d.last && at.Sub(d.lastAt) <= d.Repeat
	d.last, d.lastAt = text, at
	c := Classify(text, d.Prefixes)
	if c.Text == "" {
		d.last = "" // of a person: not even kept in memory
	}
	if again {
		return nil
	}
	return []*observation.Observation{observe(at, c)}
}

func observe(at time.Time, c *observation.VehicleCode) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, at, c)
	driver.SetKey(o, fmt.Sprintf("code@%d", at.UnixNano()))
	return o
}
