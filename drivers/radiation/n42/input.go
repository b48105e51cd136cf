package n42

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"lanewarden/drivers/observation/coded"
)

const (
	// maxTextBytes is the text of one element that is kept; what is longer (a photograph in MultimediaData) is passed
	// over. A spectrum of maxChannels takes 20 bytes a channel at most.
	maxTextBytes = 4 << 20
	// maxTagBytes bounds a tag with all its attributes: encoding/xml keeps 48 bytes and two strings for each of them.
	maxTagBytes = 128 << 10
	// maxMarkupBytes bounds a comment, CDATA section or declaration, which encoding/xml keeps whole.
	maxMarkupBytes = 4 << 20
	inputBuffer    = 32 << 10
)

// input is what the XML decoder reads: UTF-8 without characters that XML does not allow, in which no token is longer
// than the bounds. It is an io.ByteReader so that the decoder reads no further than the token at hand. References to
// control characters (&#x1C;) and control characters themselves become blanks: instruments write them into serial
// numbers and remarks.
type input struct {
	r        *bufio.Reader
	last     byte
	kind     tokenKind
	n        int // bytes of the token at hand
	cut      bool
	replaced int // characters

	store   [utf8.UTFMax]byte
	pending []byte // of store: what is left of a character
}

// tokenKind describes what the bytes since the last mark belong to, as far as the bounds need to know.
type tokenKind int

const (
	inText   tokenKind = iota
	inOpen             // behind '<'
	inTag              // of an element
	inMarkup           // comment, CDATA, declaration
)

// newInput begins to read a document and finds out its encoding: by its byte order mark, or by the zeros of UTF-16.
func newInput(r io.Reader) *input {
	in := &input{r: bufio.NewReaderSize(r, inputBuffer)}
	head, _ := in.r.Peek(64) // a short document is one too
	// A byte order mark says how the bytes are to be read, whatever the XML declaration claims.
	var decoded io.Reader = in.r
	switch {
	case len(head) > 3 && head[0] == '<' && head[1] == 0: // UTF-16 whose mark was forgotten
		decoded = transform.NewReader(in.r, utf16.UTF16(utf16.LittleEndian, utf16.IgnoreBOM).NewDecoder())
	case len(head) > 3 && head[0] == 0 && head[1] == '<':
		decoded = transform.NewReader(in.r, utf16.UTF16(utf16.BigEndian, utf16.IgnoreBOM).NewDecoder())
	default:
		decoded = transform.NewReader(in.r, utf16.BOMOverride(transform.Nop))
	}
	in.r = bufio.NewReaderSize(decoded, inputBuffer)
	if v, _ := in.r.Peek(128); bytes.Contains(v, []byte(`version="1.1"`)) ||
		bytes.Contains(v, []byte(`version='1.1'`)) {
		// encoding/xml refuses XML 1.1, which differs in the control characters that it allows.
		first := bytes.Replace(append([]byte(nil), v...), []byte("1.1"), []byte("1.0"), 1)
		in.r.Discard(len(v))
		in.r = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(first), in.r), inputBuffer)
	}
	return in
}

// charset is the decoder's CharsetReader: it goes on in the encoding that the XML declaration names. It is called
// once, right behind the declaration, before anything is read ahead.
func (in *input) charset(label string, _ io.Reader) (io.Reader, error) {
	if strings.HasPrefix(strings.ToLower(label), "utf-16") {
		return in, nil // decoded already, or UTF-8 that says so by mistake
	}
	decoded, err := charset.NewReaderLabel(label, in.r)
	if err != nil {
		return nil, coded.Errorf("n42.encoding-not-known", "encoding %.40q is not known", label)
	}
	in.r = bufio.NewReaderSize(decoded, inputBuffer)
	return in, nil
}

// mark says that a token is complete and the next begins. The decoder has read '<' already when the last token was
// text.
func (in *input) mark() {
	in.n, in.kind, in.cut = 0, inText, false
	if in.last == '<' {
		in.kind = inOpen
	}
}

// ReadByte implements io.ByteReader.
func (in *input) ReadByte() (byte, error) {
	b, err := in.next()
	for err == nil && in.kind == inText && in.n > maxTextBytes && b != '<' {
		in.cut = true
		b, err = in.next()
	}
	if err != nil {
		return 0, err
	}
	in.n++
	in.last = b
	switch {
	case in.kind == inText && b == '<':
		in.kind, in.n = inOpen, 0
	case in.kind == inOpen && (b == '!' || b == '?'):
		in.kind = inMarkup
	case in.kind == inOpen:
		in.kind = inTag
	case in.kind == inTag && in.n > maxTagBytes:
		return 0, coded.Errorf("n42.tag-longer-than-bytes", "a tag is longer than %d bytes", maxTagBytes)
	case in.kind == inMarkup && in.n > maxMarkupBytes:
		return 0, coded.Errorf("n42.comment-cdata-section-or",
			"a comment, CDATA section or declaration is longer than %d bytes", maxMarkupBytes)
	}
	return b, nil
}

// next reads a byte of what XML allows.
func (in *input) next() (byte, error) {
	if len(in.pending) > 0 {
		b := in.pending[0]
		in.pending = in.pending[1:]
		return b, nil
	}
	b, err := in.r.ReadByte()
	switch {
	case err != nil:
		return 0, err
	case b == '&':
		return in.reference(), nil
	case b >= utf8.RuneSelf:
		return in.wide(b), nil
	case !legal(rune(b)):
		in.replaced++
		return ' ', nil
	}
	return b, nil
}

// reference returns '&', or a blank for a whole reference to a character that XML does not allow.
func (in *input) reference() byte {
	ahead, _ := in.r.Peek(12) // at the end fewer
	end := bytes.IndexByte(ahead, ';')
	if end < 2 || ahead[0] != '#' {
		return '&'
	}
	digits, base := string(ahead[1:end]), 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	code, err := strconv.ParseUint(digits, base, 32)
	if err != nil || code <= unicode.MaxRune && legal(rune(code)) {
		return '&'
	}
	in.replaced++
	in.r.Discard(end + 1)
	return ' '
}

// wide returns the first byte of a character that takes several, and keeps the others for the next calls. A byte that
// is no UTF-8 is read as Windows-1252: a micro sign in a document that forgot to say so.
func (in *input) wide(b byte) byte {
	var whole [utf8.UTFMax]byte
	whole[0] = b
	ahead, _ := in.r.Peek(utf8.UTFMax - 1) // at the end fewer
	r, n := utf8.DecodeRune(whole[:1+copy(whole[1:], ahead)])
	switch {
	case r == utf8.RuneError && n == 1:
		r = charmap.Windows1252.DecodeByte(b)
		fallthrough
	case !legal(r):
		in.replaced++
		if !legal(r) {
			r = ' '
		}
		n = max(n, 1)
	}
	in.r.Discard(n - 1)
	in.pending = utf8.AppendRune(in.store[:0], r)
	b, in.pending = in.pending[0], in.pending[1:]
	return b
}

// legal reports whether a character may stand in XML 1.0 (2.2).
func legal(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return true
	case r < 0x20 || r >= 0xd800 && r <= 0xdfff:
		return false
	}
	return r != 0xfffe && r != 0xffff
}

// Read implements io.Reader, which encoding/xml asks for and does not use.
func (in *input) Read(p []byte) (int, error) {
	for n := range p {
		b, err := in.ReadByte()
		if err != nil {
			return n, err
		}
		p[n] = b
	}
	return len(p), nil
}
