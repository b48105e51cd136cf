package doctor

import (
	"bytes"
	"fmt"
	"math/bits"

	"lanewarden/drivers/message"
)

// signs are properties of received bytes that betray a wrong device, wrong settings or a bad line.
type signs struct {
	banner message.Message // what speaks so, when it is something known that is no device of a lane
	parity message.Message // characters of 7 bits with a parity bit, taken for 8 bits
	noise  bool            // no text
	share  float64         // of bytes that are no text
}

// noisyShare is the share of bytes that are no text from which a line of text counts as damaged.
const noisyShare = 0.005

// banners are the first bytes of services that are often found at a wrong port. They are also
// looked for after a line end, as a tape may begin in the middle.
var banners = []struct {
	prefix string
	name   message.Message
}{
	{"SSH-", message.New("banner.ssh")},
	{"HTTP/", message.New("banner.web")},
	{"<!DOCTYPE", message.New("banner.web")},
	{"<html", message.New("banner.web")},
	{"220 ", message.New("banner.ftp")},
	{"\x16\x03", message.New("banner.tls")},
	{"\x15\x03", message.New("banner.tls-alert")},
	{"\xff\xfb", message.New("banner.telnet")},
	{"\xff\xfd", message.New("banner.telnet")},
	{"RFB ", message.New("banner.vnc")},
	{"* OK", message.New("banner.mail")},
	{"\x05\x00", message.New("banner.proxy")},
	{"{\"class\":\"VERSION\"", message.New("banner.gpsd")},
	{"$GP", message.New("banner.gps")},
	{"$GN", message.New("banner.gps")},
	{"!AIVD", message.New("banner.ais")},
	{"\x00\x00\x00\x00\x00", message.New("banner.binary")},
	{"\x04\x3f", message.New("banner.llrp")},
	{"\x08\x3f", message.New("banner.llrp-1.1")},
	{"login:", message.New("banner.console")},
}

// diagnose examines bytes that came. It knows the alphabet of a kind of line, not any device's
// format, so that it can say something of a device that nobody has seen. Parity: with 7 data bits
// read as 8, the eighth bit makes the number of ones of every byte even, or odd, or is always set
// (mark).
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
	// A few damaged characters do not hide the rule.
	most := func(k int) bool { return float64(k) > 0.97*float64(n) }
	switch {
	case high > n/10 && most(text7) && most(even):
		s.parity = message.New("parity.even")
	case high > n/10 && most(text7) && most(odd):
		s.parity = message.New("parity.odd")
	case high > n/3 && most(text7):
		s.parity = message.New("parity.mark")
	default:
		s.noise = s.share > 0.2
	}
	return s
}

// isText reports whether a byte is one that instruments' text has: printable ASCII, line ends, tab,
// SOH to ACK.
func isText(b byte) bool {
	return b >= 0x20 && b < 0x7f || b == '\r' || b == '\n' || b == '\t' || b >= 1 && b <= 6
}

// excerptBytes bounds the quoted bytes to a line of the report.
const excerptBytes = 48

// excerpt returns the end of what a device said, quoted, as evidence.
func excerpt(in []byte) message.Message {
	if len(in) > excerptBytes {
		in = in[len(in)-excerptBytes:]
	}
	return message.New("seen.bytes", message.String("bytes", fmt.Sprintf("%q", in)))
}
