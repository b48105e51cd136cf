package lists

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
)

// Values of rows are fields one behind the other, each in one way of writing only: whole numbers as unsigned varints,
// texts and bytes behind their length, codes, times and weights as the methods of pack have them. A list has millions of
// rows: each byte of a row is 5 MB on the lane's flash.

// pack appends fields.
type pack struct{ b []byte }

func (p *pack) number(n uint64) { p.b = binary.AppendUvarint(p.b, n) }
func (p *pack) text(s string)   { p.number(uint64(len(s))); p.b = append(p.b, s...) }
func (p *pack) bytes(b []byte)  { p.number(uint64(len(b))); p.b = append(p.b, b...) }

func (p *pack) texts(all []string) {
	p.number(uint64(len(all)))
	for _, s := range all {
		p.text(s)
	}
}

// weight appends twice the kilograms when they are whole, else twice the grams plus 1.
func (p *pack) weight(kg float64) {
	grams := uint64(math.Round(kg * 1000))
	if grams%1000 == 0 {
		p.number(grams / 1000 * 2)
	} else {
		p.number(grams*2 + 1)
	}
}

// The units in which spans are counted, and the longest one, to the end of the year 9999; seconds.
const daySeconds, minuteSeconds, maxSpan = 24 * 60 * 60, 60, 253_402_300_799

// counted returns three times the days of a span plus 1, else three times the minutes plus 2, else three times the
// seconds plus 3: of days, which most times in lists are, two or three bytes.
func counted(seconds int64) uint64 {
	switch s := uint64(seconds); {
	case s%daySeconds == 0:
		return s/daySeconds*3 + 1
	case s%minuteSeconds == 0:
		return s/minuteSeconds*3 + 2
	default:
		return s*3 + 3
	}
}

// uncounted returns the seconds of what counted returns.
func uncounted(n uint64) (seconds int64, ok bool) {
	unit := [3]uint64{1, daySeconds, minuteSeconds}[n%3]
	n = (n - 1) / 3
	if n > maxSpan/unit {
		return 0, false
	}
	return int64(n * unit), true
}

// time appends how long a time is after the beginning of 1970, 0 for none.
func (p *pack) time(t time.Time) {
	if t.IsZero() {
		p.number(0)
		return
	}
	p.number(counted(t.Unix()))
}

// period appends the beginning, and 0 for no end, twice the span to an end that is not before the beginning, or twice
// the time of another end plus 1.
func (p *pack) period(v Period) {
	p.time(v.From)
	switch {
	case v.To.IsZero():
		p.number(0)
	case v.From.IsZero() || v.To.Before(v.From):
		p.number(counted(v.To.Unix())<<1 | 1)
	default:
		p.number(counted(v.To.Unix()-v.From.Unix()) << 1)
	}
}

// A code as most are, some letters and then digits, is a byte with the numbers of both, the letters, and the digits as
// one number, big endian. Another one is plainCode and its text.
const (
	maxLetters, maxDigits = 6, 19
	digitBits             = 5
	plainCode             = 0xff
)

// code appends a code.
func (p *pack) code(s string) {
	letters := 0
	for letters < len(s) && s[letters] >= 'A' && s[letters] <= 'Z' {
		letters++
	}
	digits := s[letters:]
	if letters > maxLetters || len(digits) > maxDigits || strings.Trim(digits, "0123456789") != "" {
		p.b = append(p.b, plainCode)
		p.text(s)
		return
	}
	p.b = append(p.b, byte(letters<<digitBits|len(digits)))
	p.b = append(p.b, s[:letters]...)
	value, _ := strconv.ParseUint(digits, 10, 64)
	for i := digitBytes(len(digits)) - 1; i >= 0; i-- {
		p.b = append(p.b, byte(value>>(8*i)))
	}
}

// digitBytes is how many bytes so many digits take as a number: log2(10) is 3.322.
func digitBytes(digits int) int { return (digits*3322 + 7999) / 8000 }

func (p *pack) codes(all []string) {
	p.number(uint64(len(all)))
	for _, s := range all {
		p.code(s)
	}
}

// like appends a code that often begins as another one does: how many bytes it shares with it, and its rest.
func (p *pack) like(other, s string) {
	shared := 0
	for shared < min(len(other), len(s)) && other[shared] == s[shared] {
		shared++
	}
	p.number(uint64(shared))
	p.code(s[shared:])
}

// importerAccount stands between the nine digits of a business and the four of its account in an importer's number.
const importerAccount, businessDigits, accountDigits = "RM", 9, 4

// business appends the number of an importer: its 13 digits as a number, plus 1; 0 and a code for what is of another form.
func (p *pack) business(s string) {
	if len(s) == businessDigits+len(importerAccount)+accountDigits && s[businessDigits:][:len(importerAccount)] == importerAccount {
		digits := s[:businessDigits] + s[businessDigits+len(importerAccount):]
		if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
			p.number(n + 1)
			return
		}
	}
	p.number(0)
	p.code(s)
}

// errRow is a row's value that is not as its list has it.
var errRow = message.Errorf("lists.field")

// unpack takes fields off. After the first that is wrong all are zero, and err says so.
type unpack struct {
	b   []byte
	err error
}

func (u *unpack) number() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.b, u.err = nil, errRow
		return 0
	}
	u.b = u.b[size:]
	return n
}

// take returns the next bytes behind their length; they are of the row.
func (u *unpack) take() []byte {
	n := u.number()
	if n > uint64(len(u.b)) {
		u.b, u.err = nil, errRow
		return nil
	}
	out := u.b[:n]
	u.b = u.b[n:]
	return out
}

func (u *unpack) text() string  { return string(u.take()) }
func (u *unpack) bytes() []byte { return append([]byte(nil), u.take()...) }

func (u *unpack) texts() (all []string) { return several(u, u.text) }
func (u *unpack) codes() (all []string) { return several(u, u.code) }

// several takes as many fields of a kind as the number before them says.
func several(u *unpack, field func() string) (all []string) {
	for n := u.number(); n > 0 && u.err == nil; n-- {
		all = append(all, field())
	}
	return all
}

// fail makes all that follows zero.
func (u *unpack) fail() { u.b, u.err = nil, errRow }

func (u *unpack) weight() float64 {
	n := u.number()
	if n%2 == 0 {
		return float64(n / 2)
	}
	return float64(n/2) / 1000
}

// span takes what counted returned, shifted; ok is false for 0, which is no span.
func (u *unpack) span(n uint64) (s int64, ok bool) {
	if n == 0 {
		return 0, false
	}
	if s, ok = uncounted(n); !ok {
		u.fail()
	}
	return s, ok
}

func (u *unpack) time() time.Time {
	s, ok := u.span(u.number())
	if !ok {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

func (u *unpack) period() (v Period) {
	v.From = u.time()
	n := u.number()
	s, ok := u.span(n >> 1)
	if !ok {
		return v
	}
	if n&1 == 0 {
		s += v.From.Unix()
	}
	v.To = time.Unix(s, 0).UTC()
	return v
}

// next takes n bytes.
func (u *unpack) next(n int) []byte {
	if n > len(u.b) {
		u.fail()
		return nil
	}
	out := u.b[:n]
	u.b = u.b[n:]
	return out
}

func (u *unpack) code() string {
	head := u.next(1)
	if head == nil {
		return ""
	}
	if head[0] == plainCode {
		return u.text()
	}
	letters, digits := int(head[0]>>digitBits), int(head[0]&(1<<digitBits-1))
	s := append(make([]byte, 0, letters+digits), u.next(letters)...)
	value := uint64(0)
	for _, b := range u.next(digitBytes(digits)) {
		value = value<<8 | uint64(b)
	}
	if u.err != nil || digits > maxDigits {
		u.fail()
		return ""
	}
	s = s[:letters+digits]
	for i := len(s) - 1; i >= letters; i-- {
		s[i] = byte('0' + value%10)
		value /= 10
	}
	return string(s)
}

func (u *unpack) like(other string) string {
	shared := u.number()
	if shared > uint64(len(other)) {
		u.fail()
		return ""
	}
	return other[:shared] + u.code()
}

func (u *unpack) business() string {
	n := u.number()
	if n == 0 {
		return u.code()
	}
	digits := fmt.Sprintf("%0*d", businessDigits+accountDigits, n-1)
	return digits[:businessDigits] + importerAccount + digits[businessDigits:]
}

// done returns an error when a field was wrong or something is left.
func (u *unpack) done() error {
	if u.err == nil && len(u.b) > 0 {
		u.err = errRow
	}
	return u.err
}
