package dicom

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Charset decodes the texts of a data set: one character set, or several between which escape sequences of ISO 2022
// switch (PS3.5, 6.1.2; PS3.3, C.12.1.1.2). The zero Charset is the default repertoire, ASCII, of which UTF-8 is
// taken as an extension, since writers that say nothing and write UTF-8 are common.
//
// A Japanese name, (0008,0005) being `\ISO 2022 IR 87`, in bytes (PS3.5, H.3):
//
//	Yamada^Tarou=ESC $ B ;3ED ESC ( B ^ESC $ B B@O: ESC ( B =...
//
// ESC $ B switches bytes below 80 hex to kanji of two bytes, ESC ( B back to ASCII.
type Charset struct {
	whole    encoding.Encoding // of texts without escape sequences: UTF-8, GB18030, GBK; nil for none
	low      graphic           // of bytes below 80 hex, at the beginning and behind each delimiter
	high     graphic           // of the others
	switched bool              // low or high are not those of the default repertoire
}

// graphic is a set of graphic characters that can be in use: a set of 94 or 96 characters or of their pairs, which
// ISO 2022 maps to the lower (GL) or the upper half (GR) of the bytes.
type graphic struct {
	decode encoding.Encoding // nil for ASCII
	width  int               // bytes of a character
	raise  bool              // the bytes are brought to 80 hex and up for the decoder
	prefix string            // that the decoder needs before each character: 8F hex, for JIS X 0212 in EUC
}

// Graphic sets. Those of two bytes are decoded as EUC, whose upper halves they are: romaji and katakana are JIS X
// 0201, kanji JIS X 0208, kanji2 JIS X 0212, hangul KS X 1001, hanzi GB 2312.
var (
	romaji   = graphic{decode: japanese.ShiftJIS, width: 1}
	katakana = graphic{decode: japanese.ShiftJIS, width: 1} // half-width; byte for byte the same as in Shift-JIS
	kanji    = graphic{decode: japanese.EUCJP, width: 2, raise: true}
	kanji2   = graphic{decode: japanese.EUCJP, width: 2, raise: true, prefix: "\x8f"}
	hangul   = graphic{decode: korean.EUCKR, width: 2}
	hanzi    = graphic{decode: simplifiedchinese.GBK, width: 2}
)

// single returns a set of one byte for each character.
func single(e encoding.Encoding) graphic { return graphic{decode: e, width: 1} }

// repertoire holds the initial character sets of a defined term: the sets in use at the beginning.
type repertoire struct{ low, high graphic }

// repertoires are the defined terms by their number in ISO's register: `ISO_IR 100` and `ISO 2022 IR 100` are 100.
// The terms of single-byte sets come first (PS3.3, tables C.12-2 and C.12-3); those of several bytes (table C.12-4)
// are always switched to, and an entry here gives the set that careless writers use without switching. 13 is JIS X
// 0201, 166 is TIS 620-2533, of which Windows874 is a superset.
var repertoires = map[string]repertoire{
	"6": {}, "100": {high: single(charmap.ISO8859_1)}, "101": {high: single(charmap.ISO8859_2)},
	"109": {high: single(charmap.ISO8859_3)},
	"110": {high: single(charmap.ISO8859_4)}, "144": {high: single(charmap.ISO8859_5)},
	"127": {high: single(charmap.ISO8859_6)},
	"126": {high: single(charmap.ISO8859_7)}, "138": {high: single(charmap.ISO8859_8)},
	"148": {high: single(charmap.ISO8859_9)},
	"203": {high: single(charmap.ISO8859_15)}, "166": {high: single(charmap.Windows874)}, "13": {low: romaji,
		high: katakana},
	"87": {}, "159": {}, "149": {high: hangul}, "58": {high: hanzi},
}

// wholeSets are the terms without code extensions (PS3.3, table C.12-5), and names that are seen for them though the
// standard has none such. UTF-8 needs no decoder, so encoding.Nop stands for it.
var wholeSets = map[string]encoding.Encoding{
	"ISO_IR 192": encoding.Nop, "UTF-8": encoding.Nop, "UTF8": encoding.Nop, "GB18030": simplifiedchinese.GB18030,
	"GBK":    simplifiedchinese.GBK,
	"GB2312": simplifiedchinese.GBK, "SHIFT_JIS": japanese.ShiftJIS, "WINDOWS-1252": charmap.Windows1252,
}

// escapes are the sequences behind ESC (PS3.3, tables C.12-3 and C.12-4), and what each switches: high is true for
// the bytes of 80 hex and up (GR), false for those below (GL). "(" names a set of 94 characters for GL, ")" one for
// GR, "-" one of 96 for GR, and a "$" before them one of two bytes.
var escapes = []struct {
	code string
	high bool
	set  graphic
}{
	{"(B", false, graphic{}}, {"(J", false, romaji}, {"$B", false, kanji}, {"$@", false, kanji}, {"$(D", false, kanji2},
	{")I", true, katakana},
	{"$)C", true, hangul}, {"$)A", true, hanzi},
	{"-A", true, single(charmap.ISO8859_1)}, {"-B", true, single(charmap.ISO8859_2)}, {"-C", true,
		single(charmap.ISO8859_3)},
	{"-D", true, single(charmap.ISO8859_4)}, {"-F", true, single(charmap.ISO8859_7)}, {"-G", true,
		single(charmap.ISO8859_6)},
	{"-H", true, single(charmap.ISO8859_8)}, {"-L", true, single(charmap.ISO8859_5)}, {"-M", true,
		single(charmap.ISO8859_9)},
	{"-T", true, single(charmap.Windows874)}, {"-b", true, single(charmap.ISO8859_15)},
}

// Charset returns the character set of the data set's own texts, from (0008,0005). An item of a sequence that has
// one of its own overrides that of the data set about it (PS3.3, C.12.1.1.2): ask the item first. Terms that are not
// known are passed over, as a text that is half legible is better than none.
func (d Dataset) Charset() Charset {
	var c Charset
	for i, term := range d.find(SpecificCharacter).Strings() {
		term = strings.ToUpper(strings.TrimSpace(term))
		if w := wholeSets[term]; w != nil && i == 0 {
			return Charset{whole: w}
		}
		at := strings.LastIndex(term, "IR")
		if at < 0 {
			continue
		}
		r, known := repertoires[strings.Trim(term[at+2:], " _-")]
		if !known {
			continue
		}
		if i == 0 {
			c.low = r.low
		}
		if c.high.decode == nil { // the first term's; else a later one's, whose writers forget to switch
			c.high = r.high
		}
	}
	c.switched = c.low.decode != nil || c.high.decode != nil
	return c
}

const escape = 0x1b

// Decode returns a text element's value as UTF-8; bytes that are no text of the character set become U+FFFD. The
// result is valid UTF-8 always. It is "" for a VR that is no text, and for nil.
func (e *Element) Decode(c Charset) string {
	s := e.String()
	switch {
	case c.whole != nil:
		return decodeAs(c.whole, s)
	case !c.switched && !strings.Contains(s, string(rune(escape))):
		return strings.ToValidUTF8(s, "\uFFFD")
	case invariant(s):
		return s
	}
	return c.decode(s, e.VR)
}

// invariant reports whether a text is the same in every set: ASCII without "~", which is an overline in JIS X 0201.
// Most values are, and need no decoder.
func invariant(s string) bool {
	for i := range len(s) {
		if b := s[i]; b >= utf8.RuneSelf || b == escape || b == '~' {
			return false
		}
	}
	return true
}

// decodeAs decodes a text that one set covers whole; what the decoder refuses stays as it is, as far as it is UTF-8.
func decodeAs(set encoding.Encoding, s string) string {
	out, err := set.NewDecoder().String(s)
	if err != nil {
		out = s
	}
	return strings.ToValidUTF8(out, "\uFFFD")
}

// decode decodes a text between whose characters the sets change.
func (c Charset) decode(s string, vr VR) string {
	var out strings.Builder
	low, high := c.low, c.high
	for len(s) > 0 {
		if s[0] == escape {
			var n int
			low, high, n = switchSets(s[1:], low, high)
			s = s[1+n:]
			continue
		}
		set := low
		if s[0] >= utf8.RuneSelf {
			set = high
		}
		if low.width < 2 && ends(s[0], vr) {
			low, high = c.low, c.high
		}
		n := min(max(set.width, 1), len(s))
		if set.width == 2 && s[0] <= ' ' { // no character of two bytes: a blank, a line end
			n, set = 1, graphic{}
		}
		set.write(&out, s[:n])
		s = s[n:]
	}
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

// ends reports whether a character sets the sets back to those of the beginning (PS3.5, 6.1.2.5.3): line ends and
// tabs, the backslash between values, and in names (PN) the "^" between components and the "=" between groups.
func ends(b byte, vr VR) bool {
	switch b {
	case '\t', '\n', '\f', '\r':
		return true
	case '\\':
		return vr != "LT" && vr != "ST" && vr != "UT"
	case '^', '=':
		return vr == "PN"
	}
	return false
}

// switchSets carries out the escape sequence whose ESC stands before s. It returns the sets in use from there on and
// the sequence's length without ESC; one that is not known is passed over by its form (ISO 2022: bytes of 20 to 2F
// hex and a last one).
func switchSets(s string, low, high graphic) (graphic, graphic, int) {
	for _, e := range escapes {
		if !strings.HasPrefix(s, e.code) {
			continue
		}
		if e.high {
			return low, e.set, len(e.code)
		}
		return e.set, high, len(e.code)
	}
	n := 0
	for n < len(s) && s[n] >= 0x20 && s[n] <= 0x2f {
		n++
	}
	return low, high, min(n+1, len(s))
}

// write writes one character of the set as UTF-8; char is its width bytes, or fewer at the end of a cut text. What
// is no character of the set becomes U+FFFD.
func (g graphic) write(out *strings.Builder, char string) {
	if g.decode == nil {
		out.WriteString(char) // ASCII, or bytes of no set: part of UTF-8, perhaps
		return
	}
	if char == "~" && g.width == 1 && g == romaji {
		out.WriteRune('\u203e') // an overline in JIS X 0201
		return
	}
	raw := append([]byte(g.prefix), char...)
	if g.raise {
		for i := len(g.prefix); i < len(raw); i++ {
			raw[i] |= 0x80
		}
	}
	decoded, err := g.decode.NewDecoder().Bytes(raw)
	if err != nil || bytes.ContainsRune(decoded, utf8.RuneError) {
		out.WriteRune(utf8.RuneError)
		return
	}
	out.Write(decoded)
}
