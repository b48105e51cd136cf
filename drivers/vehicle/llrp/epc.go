package llrp

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// scheme is one binary encoding of an EPC. Source: GS1 EPC Tag Data Standard (TDS) 1.13, section 14 and tables 14-1
// to 14-25.
type scheme struct {
	header byte
	name   string // "sgtin-96"
	kind   string // as the pure identity URI has it
	bits   int    // of the whole EPC; of schemes of variable length, the least
	fields []epcField
}

// epcField is a part of an EPC behind the header: its form and size.
type epcField struct {
	form epcForm
	bits int // of fCompany, those of company prefix and reference together
	// digits are those of company prefix and reference together, 0 where the reference has no fixed number; of
	// fPadded, its own.
	digits int
}

type epcForm uint8

const (
	fSkip     epcForm = iota // a filter, or reserved bits: no part of the identity
	fCompany                 // partition of 3 bits, company prefix, reference
	fCompanyS                // the same, and the reference is a string of 7-bit characters
	fCompanyV                // the same, and the reference is a string of 6-bit characters ended by 0
	fInt                     // a number without leading zeros
	fPadded                  // a number with a fixed count of digits
	fDigits                  // digits that may begin with 0: a 1 stands before them
	fString7                 // 7-bit characters, filled up with 0
	fString6                 // 6-bit characters, ended by 0
	fCAGE6                   // six 6-bit characters, the first blank for a CAGE code
	fCAGE8                   // six characters of a byte, likewise
)

// schemes are all of TDS 1.13. SGTIN+ and the other schemes of TDS 2 with their own headers stay raw.
var schemes = []scheme{
	{0x2c, "gdti-96", "gdti", 96, []epcField{{fSkip, 3, 0}, {fCompany, 41, 12}, {fInt, 41, 0}}},
	{0x2d, "gsrn-96", "gsrn", 96, []epcField{{fSkip, 3, 0}, {fCompany, 58, 17}, {fSkip, 24, 0}}},
	{0x2e, "gsrnp-96", "gsrnp", 96, []epcField{{fSkip, 3, 0}, {fCompany, 58, 17}, {fSkip, 24, 0}}},
	{0x2f, "usdod-96", "usdod", 96, []epcField{{fSkip, 4, 0}, {fCAGE8, 48, 0}, {fInt, 36, 0}}},
	{0x30, "sgtin-96", "sgtin", 96, []epcField{{fSkip, 3, 0}, {fCompany, 44, 13}, {fInt, 38, 0}}},
	{0x31, "sscc-96", "sscc", 96, []epcField{{fSkip, 3, 0}, {fCompany, 58, 17}, {fSkip, 24, 0}}},
	{0x32, "sgln-96", "sgln", 96, []epcField{{fSkip, 3, 0}, {fCompany, 41, 12}, {fInt, 41, 0}}},
	{0x33, "grai-96", "grai", 96, []epcField{{fSkip, 3, 0}, {fCompany, 44, 12}, {fInt, 38, 0}}},
	{0x34, "giai-96", "giai", 96, []epcField{{fSkip, 3, 0}, {fCompany, 82, 0}}},
	{0x35, "gid-96", "gid", 96, []epcField{{fInt, 28, 0}, {fInt, 24, 0}, {fInt, 36, 0}}},
	{0x36, "sgtin-198", "sgtin", 198, []epcField{{fSkip, 3, 0}, {fCompany, 44, 13}, {fString7, 140, 0}}},
	{0x37, "grai-170", "grai", 170, []epcField{{fSkip, 3, 0}, {fCompany, 44, 12}, {fString7, 112, 0}}},
	{0x38, "giai-202", "giai", 202, []epcField{{fSkip, 3, 0}, {fCompanyS, 188, 0}}},
	{0x39, "sgln-195", "sgln", 195, []epcField{{fSkip, 3, 0}, {fCompany, 41, 12}, {fString7, 140, 0}}},
	{0x3a, "gdti-113", "gdti", 113, []epcField{{fSkip, 3, 0}, {fCompany, 41, 12}, {fDigits, 58, 0}}},
	{0x3b, "adi-var", "adi", 62, []epcField{{fSkip, 6, 0}, {fCAGE6, 36, 0}, {fString6, 0, 0}, {fString6, 0, 0}}},
	{0x3c, "cpi-96", "cpi", 96, []epcField{{fSkip, 3, 0}, {fCompany, 51, 0}, {fInt, 31, 0}}},
	{0x3d, "cpi-var", "cpi", 86, []epcField{{fSkip, 3, 0}, {fCompanyV, 0, 0}, {fInt, 40, 0}}},
	{0x3e, "gdti-174", "gdti", 174, []epcField{{fSkip, 3, 0}, {fCompany, 41, 12}, {fString7, 119, 0}}},
	{0x3f, "sgcn-96", "sgcn", 96, []epcField{{fSkip, 3, 0}, {fCompany, 41, 12}, {fDigits, 41, 0}}},
	{0x40, "itip-110", "itip", 110, []epcField{{fSkip, 3, 0}, {fCompany, 44, 13}, {fPadded, 7, 2}, {fPadded, 7, 2},
		{fInt, 38, 0}}},
	{0x41, "itip-212", "itip", 212, []epcField{{fSkip, 3, 0}, {fCompany, 44, 13}, {fPadded, 7, 2}, {fPadded, 7, 2},
		{fString7, 140, 0}}},
}

// wordBits is the unit in which tags keep an EPC: shorter ones are filled up with zeros.
const wordBits = 16

// EPCURI describes what an EPC is: its scheme, and its pure identity URI (TDS 1.13, section 6). What is of no scheme
// that is known, or against its rules, is raw. 3034257BF400B7800004CB2F is
//
//	sgtin-96  urn:epc:id:sgtin:0614141.000734.314159
func EPCURI(epc []byte) (name, uri string) {
	if len(epc) > 0 {
		for i := range schemes {
			if s := &schemes[i]; s.header == epc[0] {
				if uri, ok := s.uri(epc); ok {
					return s.name, uri
				}
			}
		}
	}
	return "raw", fmt.Sprintf("urn:epc:raw:%d.x%s", 8*len(epc), strings.ToUpper(hex.EncodeToString(epc)))
}

// variable reports whether EPCs of the scheme are as long as what they hold.
func (s *scheme) variable() bool { return strings.HasSuffix(s.name, "-var") }

// uri returns an EPC's URI; false when it is against the rules of the scheme: a company prefix of too many digits, a
// character that may not be, bits behind the end that are not 0.
func (s *scheme) uri(epc []byte) (string, bool) {
	have := 8 * len(epc)
	if have < s.bits || !s.variable() && have-s.bits >= wordBits {
		return "", false
	}
	b := bitReader{data: epc, at: 8}
	var parts []string
	for _, f := range s.fields {
		parts = append(parts, b.field(f)...)
	}
	if b.bad || !b.zeros(wordBits) {
		return "", false
	}
	return "urn:epc:id:" + s.kind + ":" + strings.Join(parts, "."), true
}

// bitReader reads an EPC from its top bit down. Once something was against the rules it is bad, and stays so.
type bitReader struct {
	data []byte
	at   int // bit that is next
	bad  bool
}

// uint reads a number of up to 64 bits.
func (b *bitReader) uint(bits int) (v uint64) {
	if b.at+bits > 8*len(b.data) {
		b.bad = true
		return 0
	}
	for range bits {
		v = v<<1 | uint64(b.data[b.at/8]>>(7-b.at%8)&1)
		b.at++
	}
	return v
}

// zeros reports whether nothing but zeros is left, and less than most bits of them.
func (b *bitReader) zeros(most int) bool {
	left := 8*len(b.data) - b.at
	for n := left; n > 0; n -= 32 {
		if b.uint(min(n, 32)) != 0 {
			return false
		}
	}
	return left < most
}

// field reads a field and returns its parts of the URI, none for what is no part of the identity.
func (b *bitReader) field(f epcField) []string {
	switch f.form {
	case fSkip:
		b.uint(f.bits)
		return nil
	case fCompany, fCompanyS, fCompanyV:
		return b.company(f)
	case fInt:
		return []string{strconv.FormatUint(b.uint(f.bits), 10)}
	case fPadded:
		return []string{b.padded(f.bits, f.digits)}
	case fDigits:
		text, ok := strings.CutPrefix(strconv.FormatUint(b.uint(f.bits), 10), "1")
		b.bad = b.bad || !ok
		return []string{text}
	case fString7:
		return []string{b.string7(f.bits)}
	case fString6:
		return []string{b.string6()}
	case fCAGE6:
		return []string{b.cage(6, f.bits)}
	}
	return []string{b.cage(8, f.bits)}
}

// The partition tables: bits and digits of the company prefix. The reference has what is left.
var (
	companyBits   = [7]int{40, 37, 34, 30, 27, 24, 20}
	companyDigits = [7]int{12, 11, 10, 9, 8, 7, 6}
)

// company reads partition, company prefix and reference. The partition, 0 to 6, says how the bits are divided
// between the two (TDS 1.13, section 14).
func (b *bitReader) company(f epcField) []string {
	partition := b.uint(3)
	if partition > 6 {
		b.bad = true
		return nil
	}
	bits, digits := companyBits[partition], companyDigits[partition]
	company := b.padded(bits, digits)
	switch {
	case f.form == fCompanyS:
		return []string{company, b.string7(f.bits - bits)}
	case f.form == fCompanyV:
		return []string{company, b.string6()}
	case f.digits == 0:
		return []string{company, strconv.FormatUint(b.uint(f.bits-bits), 10)}
	}
	return []string{company, b.padded(f.bits-bits, f.digits-digits)}
}

// padded reads a number that has so many digits, zeros in front; of no digits it must be 0.
func (b *bitReader) padded(bits, digits int) string {
	v := b.uint(bits)
	if digits == 0 {
		b.bad = b.bad || v != 0
		return ""
	}
	s := strconv.FormatUint(v, 10)
	b.bad = b.bad || len(s) > digits
	return strings.Repeat("0", max(0, digits-len(s))) + s
}

// string7 reads 7-bit characters; behind the first 0 there is nothing else. Bits that make no whole character are 0.
func (b *bitReader) string7(bits int) string {
	var out strings.Builder
	ended := false
	for ; bits >= 7; bits -= 7 {
		c := byte(b.uint(7))
		b.bad = b.bad || ended && c != 0
		if ended = ended || c == 0; !ended {
			b.escape(&out, c, charset82)
		}
	}
	b.bad = b.bad || b.uint(bits) != 0 || out.Len() == 0
	return out.String()
}

// string6 reads 6-bit characters up to the 0 that ends them.
func (b *bitReader) string6() string {
	var out strings.Builder
	for !b.bad {
		c := byte(b.uint(6))
		if c == 0 {
			break
		}
		b.escape(&out, char6(c), charset6)
	}
	b.bad = b.bad || out.Len() == 0
	return out.String()
}

// cage reads a CAGE code of five characters, filled with a blank in front, or a DoDAAC of six.
func (b *bitReader) cage(charBits, bits int) string {
	var out []byte
	for range bits / charBits {
		c := byte(b.uint(charBits))
		if charBits == 6 {
			c = char6(c)
		}
		out = append(out, c)
	}
	text := strings.TrimPrefix(string(out), " ")
	b.bad = b.bad || strings.Trim(text, charsetCAGE) != ""
	return text
}

// char6 returns a 6-bit character as ASCII: TDS table G-1 drops the seventh bit.
func char6(c byte) byte {
	if c < 0x20 {
		return c + 0x40
	}
	return c
}

// The characters that identifiers may have: GS1 General Specifications table 7.11-1, TDS tables A-1 and G-1.
const (
	upper       = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	decimals    = "0123456789"
	charset82   = upper + "abcdefghijklmnopqrstuvwxyz" + decimals + "!\"%&'()*+,-./:;<=>?_"
	charset6    = upper + decimals + "#-/"
	charsetCAGE = upper + decimals
	escaped     = "\"%&/<>?#" // in a URI
)

// escape writes a character as a URI has it; one that is not allowed is against the rules.
func (b *bitReader) escape(out *strings.Builder, c byte, allowed string) {
	b.bad = b.bad || strings.IndexByte(allowed, c) < 0
	if strings.IndexByte(escaped, c) >= 0 {
		fmt.Fprintf(out, "%%%02X", c)
		return
	}
	out.WriteByte(c)
}
