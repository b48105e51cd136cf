package line

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"lanewarden/drivers/message"
)

// strip returns a line without its checksum and separator, "12.5 kg*3F" as "12.5 kg"; a nil Checksum returns it as
// it is. It is an error when the line is too short, the checksum no hexadecimal number, or not that of the bytes.
func (c *Checksum) strip(body []byte, start string) ([]byte, error) {
	if c == nil {
		return body, nil
	}
	size := 1
	if strings.HasPrefix(c.Kind, "crc16") {
		size = 2
	}
	digits := size
	if c.Format == "hex" {
		digits = 2 * size
	}
	if len(body) < digits+len(c.Separator) {
		return nil, message.Errorf("line.short", message.Count("n", digits))
	}
	text, given := body[:len(body)-digits], body[len(body)-digits:]
	if c.Format == "hex" {
		raw, err := hex.DecodeString(string(given))
		if err != nil {
			return nil, message.Errorf("line.checksum-no-hex", message.Quoted("given", given))
		}
		given = raw
	}
	content, ok := bytes.CutSuffix(text, []byte(c.Separator))
	if !ok {
		return nil, message.Errorf("line.no-separator", message.Quoted("separator", c.Separator))
	}
	summed := content
	if c.WithSep {
		summed = text
	}
	if c.WithStart {
		summed = append([]byte(start), summed...)
	}
	if want := c.sum(summed); !bytes.Equal(want, given) {
		return nil, message.Errorf("line.checksum", message.String("given", fmt.Sprintf("%X", given)),
			message.String("want", fmt.Sprintf("%X", want)))
	}
	return content, nil
}

// Append appends a line's checksum, with its separator, as the instrument would.
func (c *Checksum) Append(content []byte, start string) []byte {
	if c == nil {
		return content
	}
	summed, out := content, append(slices.Clone(content), c.Separator...)
	if c.WithSep {
		summed = out
	}
	if c.WithStart {
		summed = append([]byte(start), summed...)
	}
	if sum := c.sum(summed); c.Format == "hex" {
		return append(out, strings.ToUpper(hex.EncodeToString(sum))...)
	} else {
		return append(out, sum...)
	}
}

// sum returns the checksum of bytes, the high byte first: 8 bits for xor, sum and negated-sum, 16 for the CRCs, whose
// register begins as FFFF (CRC-16/MODBUS with polynomial A001 reflected, CRC-16/CCITT-FALSE with 1021).
func (c *Checksum) sum(b []byte) []byte {
	switch c.Kind {
	case "crc16-modbus":
		v := crc16(b, 0xffff, 0xa001, true)
		return []byte{byte(v >> 8), byte(v)}
	case "crc16-ccitt":
		v := crc16(b, 0xffff, 0x1021, false)
		return []byte{byte(v >> 8), byte(v)}
	}
	var v byte
	for _, x := range b {
		if c.Kind == "xor" {
			v ^= x
		} else {
			v += x
		}
	}
	if c.Kind == "negated-sum" {
		v = -v
	}
	return []byte{v}
}

// crc16 is a CRC of 16 bits over b, whose register begins as v; reflected ones take the low bit of a byte first and
// shift right.
func crc16(b []byte, v, poly uint16, reflected bool) uint16 {
	for _, x := range b {
		if reflected {
			v ^= uint16(x)
		} else {
			v ^= uint16(x) << 8
		}
		for range 8 {
			switch {
			case reflected && v&1 != 0:
				v = v>>1 ^ poly
			case reflected:
				v >>= 1
			case v&0x8000 != 0:
				v = v<<1 ^ poly
			default:
				v <<= 1
			}
		}
	}
	return v
}
