package lists

import (
	"encoding/binary"
	"math"
	"time"

	"lanewarden/drivers/message"
)

// Values of rows are fields one behind the other, each in one way of writing only: whole numbers as unsigned varints,
// texts and bytes behind their length, times as pack.time has them. docs/lists.md has the fields of each list.

// pack appends fields.
type pack struct{ b []byte }

func (p *pack) number(n uint64)  { p.b = binary.AppendUvarint(p.b, n) }
func (p *pack) text(s string)    { p.number(uint64(len(s))); p.b = append(p.b, s...) }
func (p *pack) bytes(b []byte)   { p.number(uint64(len(b))); p.b = append(p.b, b...) }
func (p *pack) period(v Period)  { p.time(v.From); p.time(v.To) }
func (p *pack) grams(kg float64) { p.number(uint64(math.Round(kg * 1000))) }

func (p *pack) texts(all []string) {
	p.number(uint64(len(all)))
	for _, s := range all {
		p.text(s)
	}
}

const daySeconds = 24 * 60 * 60

// time appends 0 for none; for the beginning of a day twice its number since 1970, plus 1; for others twice the seconds
// since 1970, plus 2. Most times in lists are days, which take three bytes.
func (p *pack) time(t time.Time) {
	switch s := t.Unix(); {
	case t.IsZero():
		p.number(0)
	case s%daySeconds == 0:
		p.number(uint64(s/daySeconds)*2 + 1)
	default:
		p.number(uint64(s)*2 + 2)
	}
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

func (u *unpack) text() string   { return string(u.take()) }
func (u *unpack) bytes() []byte  { return append([]byte(nil), u.take()...) }
func (u *unpack) period() Period { return Period{From: u.time(), To: u.time()} }
func (u *unpack) grams() float64 { return float64(u.number()) / 1000 }

func (u *unpack) texts() (all []string) {
	for n := u.number(); n > 0 && u.err == nil; n-- {
		all = append(all, u.text())
	}
	return all
}

func (u *unpack) time() time.Time {
	switch n := u.number(); {
	case n == 0:
		return time.Time{}
	case n > math.MaxInt64/daySeconds:
		u.b, u.err = nil, errRow
		return time.Time{}
	case n%2 == 1:
		return time.Unix(int64(n/2)*daySeconds, 0).UTC()
	default:
		return time.Unix(int64(n/2)-1, 0).UTC()
	}
}

// done returns an error when a field was wrong or something is left.
func (u *unpack) done() error {
	if u.err == nil && len(u.b) > 0 {
		u.err = errRow
	}
	return u.err
}
