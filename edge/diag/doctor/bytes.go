package doctor

import (
	"bytes"
	"fmt"
	"math/bits"
)

// signs are what bytes say of the line that they came on.
type signs struct {
	banner string  // what speaks so, when it is something known that is no device of a lane
	parity string  // characters of 7 bits with a parity bit, taken for 8 bits
	noise  bool    // no text
	share  float64 // of bytes that are no text
}

// noisyShare is from which share of bytes that are no text on a line of text counts as damaged.
const noisyShare = 0.005

// banners are how services begin that are found at a wrong port.
var banners = []struct{ prefix, name string }{
	{"SSH-", "a secure shell (ssh)"}, {"HTTP/", "a web server"}, {"<!DOCTYPE", "a web server"}, {"<html", "a web server"}, {"220 ", "an FTP or mail server"},
	{"\x16\x03", "TLS"}, {"\x15\x03", "TLS, which got what it did not expect"}, {"\xff\xfb", "a telnet console"}, {"\xff\xfd", "a telnet console"}, {"RFB ", "a screen (VNC)"},
	{"* OK", "a mail server"}, {"\x05\x00", "a proxy"}, {"{\"class\":\"VERSION\"", "gpsd"}, {"$GP", "a GPS receiver (NMEA)"}, {"$GN", "a GPS receiver (NMEA)"}, {"!AIVD", "an AIS receiver"},
	{"\x00\x00\x00\x00\x00", "a Modbus or other binary device"}, {"\x04\x3f", "an RFID reader (LLRP)"}, {"\x08\x3f", "an RFID reader (LLRP 1.1)"}, {"login:", "a console"},
}

// diagnose looks at what came: a kind of line by its own alphabet, not by any device's format.
func diagnose(in []byte) (s signs) {
	if len(in) == 0 {
		return s
	}
	for _, b := range banners {
		if bytes.HasPrefix(in, []byte(b.prefix)) || bytes.Contains(in, []byte("\n"+b.prefix)) {
			s.banner = b.name
			return s
		}
	}
	var high, text7, text8, even, odd int
	for _, b := range in {
		if isText(b) {
			text8++
		}
		if b >= 0x80 {
			high++
		}
		if isText(b & 0x7f) {
			text7++
		}
		if bits.OnesCount8(b)%2 == 0 {
			even++
		} else {
			odd++
		}
	}
	n := len(in)
	s.share = 1 - float64(text8)/float64(n)
	most := func(k int) bool { return float64(k) > 0.97*float64(n) }
	switch {
	case high > n/10 && most(text7) && most(even):
		s.parity = "7 data bits, even parity"
	case high > n/10 && most(text7) && most(odd):
		s.parity = "7 data bits, odd parity"
	case high > n/3 && most(text7):
		s.parity = "7 data bits and a mark bit"
	default:
		s.noise = s.share > 0.2
	}
	return s
}

// isText reports whether a byte is of the text that instruments send: printable ASCII, line ends, STX and the like.
func isText(b byte) bool {
	return b >= 0x20 && b < 0x7f || b == '\r' || b == '\n' || b == '\t' || b >= 1 && b <= 6
}

const excerptBytes = 48

func excerpt(in []byte) string {
	if len(in) > excerptBytes {
		in = in[len(in)-excerptBytes:]
	}
	return fmt.Sprintf("the last bytes are %q", in)
}
