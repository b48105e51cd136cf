package scale

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"lanewarden/drivers/message"
)

// Frame is one frame of the continuous output. Kg is gross, or net when Net is set, and negative when Negative is;
// both weights are converted to kg and rounded to grams.
type Frame struct {
	Kg, TareKg                        float64 // gross, or net when Net is set
	Net, Negative, OutOfRange, Motion bool
}

const (
	stx        = 0x02
	cr         = 0x0d
	frameBytes = 17 // without checksum
)

// Decode reads a frame. Source: Mettler Toledo IND780 technical manual, appendix D. Parity bits are dropped:
//
//	0   STX
//	1   SWA  bits 0-2 the decimal point (0: x100, 1: x10, 2: units, 3: 0.1, 4: 0.01, ...); bit 5 is 1
//	2   SWB  bit 0 net, 1 negative, 2 out of range, 3 motion, 4 kg (else lb); bit 5 is 1
//	3   SWC  bit 5 is 1
//	4   weight, 6 digits, blanks in front
//	10  tare, 6 digits
//	16  CR, and perhaps a checksum, which Decode does not look at
func Decode(b []byte) (f Frame, err error) {
	if len(b) < frameBytes || b[0] != stx || b[16] != cr {
		return f, message.Errorf("scale.frame", message.Count("n", len(b)))
	}
	swa, swb, swc := b[1]&0x7f, b[2]&0x7f, b[3]&0x7f
	if swa&0x20 == 0 || swb&0x20 == 0 || swc&0x20 == 0 {
		return f, message.Errorf("scale.status-words",
			message.String("words", hexByte(swa)+" "+hexByte(swb)+" "+hexByte(swc)))
	}
	scale := math.Pow(10, 2-float64(swa&7)) // 0: hundreds, 2: units, 5: thousandths
	if swb&0x10 == 0 {
		scale *= poundKg
	}
	f.Net, f.Negative, f.OutOfRange, f.Motion = swb&1 != 0, swb&2 != 0, swb&4 != 0, swb&8 != 0
	if f.Kg, err = digits(b[4:10], scale); err != nil {
		return f, message.Wrap(err, "scale.weight-unread")
	}
	if f.TareKg, err = digits(b[10:16], scale); err != nil {
		return f, message.Wrap(err, "scale.tare-unread")
	}
	if f.Negative {
		f.Kg = -f.Kg
	}
	return f, nil
}

// digits reads a number of the frame; blanks alone are 0.
func digits(b []byte, scale float64) (float64, error) {
	text := make([]byte, len(b))
	for i, c := range b {
		text[i] = c & 0x7f
	}
	s := strings.TrimLeft(string(text), " ")
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, message.Errorf("scale.no-number", message.Quoted("text", text))
	}
	return math.Round(float64(n)*scale*1000) / 1000, nil
}

// hexByte writes a byte as the manuals do: 0x1f.
func hexByte(b byte) string { return fmt.Sprintf("%#02x", b) }

// checksum returns the byte that makes the 7-bit sum of a frame zero, from STX to CR.
func checksum(b []byte) byte {
	sum := byte(0)
	for _, c := range b {
		sum += c & 0x7f
	}
	return -sum & 0x7f
}

// Encode makes a frame, for simulators: kg without decimals, with checksum when asked.
func Encode(f Frame, withChecksum bool) []byte {
	swb := byte(0x30)
	for bit, on := range []bool{f.Net, f.Kg < 0, f.OutOfRange, f.Motion} {
		if on {
			swb |= 1 << bit
		}
	}
	b := []byte(fmt.Sprintf("\x02%c%c%c%6.0f%6.0f\r", 0x22, swb, 0x20, math.Abs(f.Kg), f.TareKg))
	if withChecksum {
		b = append(b, checksum(b))
	}
	return b
}

// reading returns the frame as a reading. A scale in continuous output always tells its tare, and whether it is in
// motion.
func (f Frame) reading() reading {
	r := reading{kg: f.Kg, weighed: true, tareKg: f.TareKg, tareKnown: true, said: stable}
	if f.Motion {
		r.said = motion
	}
	if f.Net {
		r.said |= net
	}
	if f.OutOfRange && !f.Negative {
		r.said |= overload
	}
	if f.OutOfRange && f.Negative {
		r.said |= underload
	}
	return r
}
