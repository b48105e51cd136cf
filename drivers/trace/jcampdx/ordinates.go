package jcampdx

import (
	"bytes"
	"math"
)

// ordinates reads the lines of an even table. A line is an abscissa and ordinates; in the compressed forms letters
// carry sign and first digit, so that no delimiter is needed:
//
//	AFFN     599.860 0 0 0 0 2 4 4 4 7
//	PAC      599.860+0+0+0+0+2+4+4+4+7
//	SQZ      599.860@@@@BDDDG
//	DIF      599.860@%%%KK%%L
//	DIFDUP   599.860@VKT%TL
//
// After a line that ends with a difference the next begins with the last ordinate once more, as a check.
type ordinates struct {
	p                *parser
	t                *Table
	y                []float64
	xFactor, yFactor float64
	first, step      float64 // NaN for not known; then first is learnt from the first line
	learnt           float64 // step, by the abscissas of the lines
	expected         int     // points; -1 for not known
	steps            float64 // how far an abscissa may be off, in steps
	roundedFirst     float64 // half a unit of the last digit of FIRSTX
	wrapped          bool    // a line may go on without an abscissa
	miss             *mismatch
	lines            int
	lastX            float64 // abscissa of the last line
	lastIndex        int     // and the point that it belongs to

	last    float64 // unscaled
	diff    float64
	wasDiff bool // the last ordinate was a difference: the next line begins with its check
	check   bool // the next ordinate is that check, and no point
	known   bool // last is a value
}

// read reads lines up to the next record.
func (r *ordinates) read() {
	p := r.p
	for !p.atRecord() && !p.end() {
		switch c := chars[p.data[p.pos]]; {
		case c.class == charEnd:
			p.newLine()
		case c.class == charComment:
			p.nextLine()
		case p.pos >= p.lastLine:
			r.unended()
			return
		default:
			if !r.line() {
				return
			}
		}
	}
}

// unended reads a line at the end of the file that has no line end: all of it when that makes the table whole, else
// nothing, for its last number may be half of one.
func (r *ordinates) unended() {
	p, at, before, faults := r.p, r.p.pos, *r, len(r.p.file.Faults)
	if r.line() && len(r.y) == r.expected {
		return
	}
	*r = before
	p.pos, p.file.Faults = at, p.file.Faults[:faults]
	p.cutOff(r.t, len(r.y), r.expected)
}

// line reads one line: an abscissa, and ordinates. It returns false when a fault ended the table.
func (r *ordinates) line() bool {
	p := r.p
	at := p.here()
	x, end, ok := number(p.data, p.pos, false)
	if !ok {
		p.broken(r.t, at, "jcampdx.line-table-does-not", "a line of the table does not begin with a number")
		return false
	}
	if r.abscissa(x, at, end) || !r.wrapped {
		p.pos = end
	}
	r.lines++
	r.check, r.wasDiff = r.wasDiff, false
	return r.values()
}

// values reads the ordinates of a line from p.pos on, and passes over its end. It returns false when a fault ended the
// table. Plain numbers (AFFN, PAC) and compressed ones (SQZ, DIF, DUP) may stand in one line.
func (r *ordinates) values() bool {
	p, data := r.p, r.p.data
	i, ok := p.pos, false
	for i < len(data) {
		c := chars[data[i]]
		var v float64
		switch c.class {
		case charBlank, charComma:
			i++
			continue
		case charEnd:
			p.pos = i
			p.newLine()
			return true
		case charSQZ, charDIF, charDUP:
			begin := i
			if v, i, ok = r.squeezed(begin, c.digit); !ok {
				return false
			}
			if c.class == charDUP {
				if !r.repeat(int(min(v, MaxPoints+1)), begin) {
					return false
				}
				continue
			}
			if r.wasDiff = c.class == charDIF; r.wasDiff {
				if !r.known {
					return r.fail(begin, "jcampdx.difference-without-value-before",
						"a difference without a value before it")
				}
				r.diff = v
				v += r.last
			}
		case charDigit, charSign:
			begin := i
			if v, i, ok = number(data, i, false); !ok {
				return r.fail(begin, "jcampdx.no-number", "%s is no number", excerpt(word(data[begin:])))
			}
			r.wasDiff = false
		case charNone:
			i++
			if !r.addMissing(i) {
				return false
			}
			continue
		case charComment:
			if i+1 < len(data) && data[i+1] == '$' {
				p.pos = i
				p.nextLine()
				return true
			}
			fallthrough
		default:
			return r.fail(i, "jcampdx.no-ordinate", "%s is no ordinate", excerpt(word(data[i:])))
		}
		if !r.add(v, i) {
			return false
		}
	}
	p.pos = i
	return true
}

// add appends an ordinate in the file's units, which ends at end, or holds it against the one before when it is a
// check: the first ordinate of a line behind one that ended with a difference. It returns false for a fault.
func (r *ordinates) add(v float64, end int) bool {
	if r.check {
		r.check = false
		if v != r.last {
			return r.fail(r.p.pos, "jcampdx.check-ordinate-line-before",
				"check ordinate is %v, and the line before ended with %v", v, r.last)
		}
		return true
	}
	if len(r.y) >= r.p.points {
		return r.full(end)
	}
	r.last, r.known = v, true
	r.y = append(r.y, v*r.yFactor)
	return true
}

// addMissing appends a point without value ('?', which ends at end). What follows it can be neither a difference nor a
// check.
func (r *ordinates) addMissing(end int) bool {
	if len(r.y) >= r.p.points {
		return r.full(end)
	}
	r.y, r.known, r.wasDiff, r.check = append(r.y, missing), false, false, false
	return true
}

// squeezed reads a number whose first digit, with its sign, is the letter at begin. It returns the number and where it
// ends; false, and the fault is reported, when it is none.
func (r *ordinates) squeezed(begin int, digit int8) (v float64, end int, ok bool) {
	first := int64(digit)
	if first < 0 {
		first = -first
	}
	if v, end, ok = tail(r.p.data, begin+1, first); !ok {
		if v, end, ok = r.long(begin, first); !ok {
			return 0, begin, false
		}
	}
	if digit < 0 {
		v = -v
	}
	return v, end, true
}

// fail reports a fault at a position, ends the table there, and returns false.
func (r *ordinates) fail(at int, code, format string, args ...any) bool {
	r.p.pos = at
	r.p.broken(r.t, r.p.here(), code, format, args...)
	return false
}

// full reports that the file has more points than MaxPoints.
func (r *ordinates) full(at int) bool {
	return r.fail(at, "jcampdx.more-than-points", "more than %d points", MaxPoints)
}

// long reads a compressed number of many digits, or with a decimal point.
func (r *ordinates) long(begin int, first int64) (float64, int, bool) {
	data := r.p.data
	text := append([]byte{byte('0' + first)}, data[begin+1:min(len(data), begin+64)]...)
	v, n, ok := number(text, 0, false)
	if !ok || n >= 63 {
		return 0, begin, r.fail(begin, "jcampdx.no-number", "%s is no number", excerpt(word(data[begin:])))
	}
	return v, begin + n, true
}

// repeat repeats the last ordinate, or the last difference, so that it stands there n times.
func (r *ordinates) repeat(n, at int) bool {
	switch {
	case !r.known:
		return r.fail(at, "jcampdx.repetition-without-value-before", "a repetition without a value before it")
	case n < 1:
		return r.fail(at, "jcampdx.repetition-0-times", "a repetition of 0 times")
	case n-1 > r.p.points-len(r.y):
		return r.full(at)
	}
	if !r.wasDiff {
		for range n - 1 {
			r.y = append(r.y, r.last*r.yFactor)
		}
		return true
	}
	for range n - 1 {
		r.last += r.diff
		r.y = append(r.y, r.last*r.yFactor)
	}
	return true
}

// mismatch is the first line whose abscissa is not where the points before it end.
type mismatch struct {
	at      place
	x, want float64
	points  int // before it
	faults  int // before it
}

// abscissa notes a line that does not begin where the points before it end: so lines lost or doubled are found, and
// axes that their records describe wrongly. It returns false for such a line. end is where the abscissa's digits end.
func (r *ordinates) abscissa(x float64, at place, end int) bool {
	scaled := x * r.xFactor
	if math.IsNaN(r.first) {
		r.first = scaled
	}
	n := len(r.y)
	if math.IsNaN(r.step) {
		if index := r.index(n); index > 0 {
			r.learnt = (scaled - r.first) / float64(index)
		}
		return true
	}
	// Writers round abscissas, and differ in whether a line that begins with a check says the place of the check or the
	// next.
	r.lastX, r.lastIndex = scaled, r.index(n)
	index := float64(r.lastIndex)
	slack := r.steps*math.Abs(r.step) + 1e-6*math.Abs(scaled)
	want := r.first + index*r.step
	off := min(math.Abs(scaled-want), math.Abs(x-want))
	if off <= slack {
		return true
	}
	digit := 0.51 * lastDigit(r.p.data[r.p.pos:end]) * max(1, math.Abs(r.xFactor))
	if off <= slack+digit+r.roundedFirst {
		return true
	}
	if r.miss == nil {
		r.miss = &mismatch{at, scaled, want, n, len(r.p.file.Faults)}
	}
	return false
}

// index returns which point the next line's abscissa belongs to.
func (r *ordinates) index(n int) int {
	if r.wasDiff {
		return n - 1
	}
	return n
}

// word returns the beginning of data up to a blank.
func word(data []byte) []byte {
	data = data[:min(len(data), 64)]
	if i := bytes.IndexAny(data, " \t\r\n,;"); i > 0 {
		return data[:i]
	}
	return data
}
