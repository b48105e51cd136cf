package dicom

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// charsets are the defined terms of Specific Character Set (PS3.3, C.12.1.1.2); the terms with code extensions begin with
// "ISO 2022" and name the same sets.
var charsets = map[string]encoding.Encoding{
	"ISO_IR 100": charmap.ISO8859_1, "ISO_IR 101": charmap.ISO8859_2, "ISO_IR 109": charmap.ISO8859_3, "ISO_IR 110": charmap.ISO8859_4,
	"ISO_IR 144": charmap.ISO8859_5, "ISO_IR 127": charmap.ISO8859_6, "ISO_IR 126": charmap.ISO8859_7, "ISO_IR 138": charmap.ISO8859_8,
	"ISO_IR 148": charmap.ISO8859_9, "ISO_IR 203": charmap.ISO8859_15, "ISO_IR 166": charmap.Windows874, "ISO_IR 13": japanese.ShiftJIS,
	"ISO_IR 87": japanese.ISO2022JP, "ISO_IR 159": japanese.ISO2022JP, "ISO_IR 149": korean.EUCKR,
	"GB18030": simplifiedchinese.GB18030, "GBK": simplifiedchinese.GBK, "ISO_IR 58": simplifiedchinese.GBK,
}

// Charset returns the character set of a data set's texts: that of the last value of (0008,0005) that is known. Texts of none
// are taken as UTF-8, of which the default repertoire is a part.
func (d Dataset) Charset() encoding.Encoding {
	values := d.find(SpecificCharacter).Strings()
	for i := len(values) - 1; i >= 0; i-- {
		if c := charsets[strings.Replace(values[i], "ISO 2022 IR ", "ISO_IR ", 1)]; c != nil {
			return c
		}
	}
	return encoding.Nop
}

// Decode returns a text element's value as UTF-8; bytes that are no text of the character set become U+FFFD.
func (e *Element) Decode(c encoding.Encoding) string {
	s, err := c.NewDecoder().String(e.String())
	if err != nil {
		s = e.String()
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
