package sheet

import (
	"bufio"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// decoding reads text in UTF-8, with or without a byte order mark, or in Windows-1252, and returns UTF-8. Which it is
// is decided by the first character beyond ASCII and holds for the whole file: what does not fit then becomes U+FFFD,
// which the cells' checks refuse, and is not guessed again.
type decoding struct {
	in      *bufio.Reader
	decided bool
	cp1252  bool
	begun   bool
}

func newDecoding(in *bufio.Reader) *decoding { return &decoding{in: in} }

// name is the encoding that was taken. ASCII is UTF-8.
func (d *decoding) name() string {
	if d.cp1252 {
		return "Windows-1252"
	}
	return "UTF-8"
}

// Read implements io.Reader.
func (d *decoding) Read(b []byte) (n int, err error) {
	if !d.begun {
		d.begun = true
		if mark, _ := d.in.Peek(3); string(mark) == "\xef\xbb\xbf" {
			d.decided = true
			d.in.Discard(len(mark)) // they were peeked
		}
	}
	for n+utf8.UTFMax <= len(b) {
		if n > 0 && d.in.Buffered() == 0 {
			return n, nil
		}
		r, err := d.next()
		if err != nil {
			return n, err
		}
		n += utf8.EncodeRune(b[n:], r)
	}
	if n == 0 && len(b) > 0 {
		return 0, io.ErrShortBuffer
	}
	return n, nil
}

// next returns the next character.
func (d *decoding) next() (rune, error) {
	c, err := d.in.ReadByte()
	if err != nil || c < utf8.RuneSelf {
		return rune(c), err
	}
	if d.cp1252 {
		return charmap.Windows1252.DecodeByte(c), nil
	}
	if err := d.in.UnreadByte(); err != nil {
		return 0, err
	}
	r, size, err := d.in.ReadRune()
	if err != nil || r != utf8.RuneError || size > 1 || d.decided {
		d.decided = true
		return r, err
	}
	d.decided, d.cp1252 = true, true
	return charmap.Windows1252.DecodeByte(c), nil
}
