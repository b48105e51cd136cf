package jcampdx

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// tableForm is a table's form, taken apart. One without symbols is not known.
type tableForm struct {
	even, tuples bool
	symbols      []string
}

// parseForm reads (X++(Y..Y)), (XY..XY) or (XYA), upper case without blanks, whatever follows.
func parseForm(form string) (f tableForm) {
	inner, ok := strings.CutPrefix(form, "(")
	if !ok {
		return f
	}
	if x, rest, ok := strings.Cut(inner, "++("); ok {
		y, rest, ok := strings.Cut(rest, "..")
		if ok && strings.HasPrefix(rest, y+"))") && symbol(x) && symbol(y) {
			return tableForm{even: true, symbols: []string{x, y}}
		}
		return f
	}
	inner, _, ok = strings.Cut(inner, ")")
	if !ok {
		return f
	}
	if first, second, ok := strings.Cut(inner, ".."); ok {
		if first == second && symbol(first) {
			return tableForm{tuples: true, symbols: strings.Split(first, "")}
		}
		return f
	}
	if inner = strings.ReplaceAll(inner, ",", ""); symbol(inner) {
		f.symbols = strings.Split(inner, "")
	}
	return f
}

// symbol reports whether s is a letter, with letters and digits behind it.
func symbol(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// table reads a data table: the form on the record's own line, the numbers on those that follow.
func (p *parser) table(s *scope, at place, label string, kind Kind) {
	s.gather()
	formAt := p.here()
	text, comment := p.textLine()
	s.Records = append(s.Records, Record{Label: label, Value: text, Comment: comment, Line: at.line})
	if p.count.tables++; p.count.tables > maxTables {
		p.fault(at, "more than %d tables", maxTables)
		p.full = true
		return
	}
	t := &Table{Kind: kind, Line: at.line, Form: text, Page: s.page}
	s.Tables = append(s.Tables, t)
	form := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	switch f := parseForm(form); {
	case f.even:
		p.even(s, t, f.symbols[0], f.symbols[1])
	case f.tuples:
		if Key(label) == "DATATABLE" {
			t.Kind = XYPoints
			if strings.Contains(form, "PEAK") {
				t.Kind = PeakTable
			}
		}
		p.tuples(s, t, f.symbols)
	case f.symbols != nil:
		if t.Kind == XYData {
			t.Kind = PeakAssignments
		}
		p.groups(s, t, f.symbols)
	default:
		p.fault(formAt, "form %s of the table is not known", excerpt([]byte(text)))
		t.Partial = true
		p.skipTable()
	}
}

// skipTable passes over the rest of a table.
func (p *parser) skipTable() {
	if p.pos != p.lineAt {
		p.nextLine()
	}
	for !p.end() && !p.atRecord() {
		p.nextLine()
	}
}

// broken reports a fault in a table, which ends there.
func (p *parser) broken(t *Table, at place, format string, args ...any) {
	p.fault(at, format, args...)
	t.Partial = true
	p.skipTable()
}

// columns makes a table's columns. Symbols beyond the second are other variables of each point.
func (s *scope) columns(t *Table, symbols []string) {
	for i, symbol := range symbols {
		c := Column{Symbol: symbol}
		if v, ok := s.variable(symbol); ok {
			c.Units = v.Units
		} else if i == 0 {
			c.Units = s.axis.xUnits
		} else if i == 1 {
			c.Units = s.axis.yUnits
		}
		t.Columns = append(t.Columns, c)
	}
}

// cutOff reports a table that the file ends in. expected is -1 for not known.
func (p *parser) cutOff(t *Table, points, expected int) {
	of := ""
	if expected >= 0 {
		of = fmt.Sprintf(" of %d", expected)
	}
	p.broken(t, p.here(), "file ends without ##END= in the table that begins in line %d, after %d%s points: it is cut off", t.Line, points, of)
}

// checkPoints holds what a table gave against what was said of it.
func (p *parser) checkPoints(s *scope, t *Table, n int, at place) {
	if n >= 0 && t.Points() < n && !t.Partial && p.end() {
		p.cutOff(t, t.Points(), n)
	}
	if n >= 0 && t.Points() != n && !t.Partial {
		p.fault(at, "NPOINTS is %d, and the table that begins in line %d has %d", n, t.Line, t.Points())
		t.Partial = true
	}
}

// even reads ordinates at even steps, in any compressed form: (X++(Y..Y)).
func (p *parser) even(s *scope, t *Table, x, y string) {
	s.columns(t, []string{x, y})
	a := s.axis
	dim := -1
	if v, ok := s.variable(x); ok {
		if !math.IsNaN(v.First) {
			a.first = v.First
		}
		if !math.IsNaN(v.Last) {
			a.last = v.Last
		}
		if !math.IsNaN(v.Factor) {
			a.xFactor = v.Factor
		}
		if dim = v.Dim; dim == 0 {
			dim = -1
		}
		a.delta = missing
	}
	if v, ok := s.variable(y); ok && !math.IsNaN(v.Factor) {
		a.yFactor = v.Factor
	}
	expected := dim
	if expected < 0 {
		expected = a.points
	}
	step := a.delta
	if expected > 1 && !math.IsNaN(a.first) && !math.IsNaN(a.last) {
		step = (a.last - a.first) / float64(expected-1)
		if math.Abs(step-a.delta) > 0.005*math.Abs(a.delta) { // DELTAX is rounded at most: NPOINTS is wrong
			step = a.delta
		}
	}
	r := ordinates{p: p, t: t, xFactor: a.xFactor, yFactor: a.yFactor, first: a.first, step: step, expected: expected}
	r.y = make([]float64, 0, max(0, min(expected, p.points, len(p.data)-p.pos)))
	r.read()
	p.points -= len(r.y)
	if math.IsNaN(r.first) {
		r.first = 0
	}
	if math.IsNaN(r.step) {
		if r.step = r.learnt; r.step == 0 && len(r.y) > 1 && !t.Partial {
			p.fault(place{t.Line, 1, p.base}, "neither DELTAX nor LASTX and NPOINTS say the step of the abscissas")
			t.Partial = true
		}
	}
	xs := make([]float64, len(r.y))
	spread(xs, r.first, r.step)
	t.Columns[0].Values, t.Columns[1].Values = xs, r.y
	if a.points >= 0 {
		p.checkPoints(s, t, a.points, a.pointsAt)
	} else if dim >= 0 && len(r.y) != dim && !t.Partial {
		p.fault(p.here(), "VAR_DIM says %d points, and the table that begins in line %d has %d", dim, t.Line, len(r.y))
		t.Partial = true
	}
}

// ordinates reads the lines of an even table.
type ordinates struct {
	p                *parser
	t                *Table
	y                []float64
	xFactor, yFactor float64
	first, step      float64 // NaN for not known; then first is learnt from the first line
	learnt           float64 // step, by the abscissas of the lines
	expected         int     // points; -1 for not known

	last    float64 // unscaled
	diff    float64
	wasDiff bool // the last ordinate was a difference: the next line begins with its check
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

// unended reads a line at the end of the file that has no line end: all of it when that makes the table whole, else nothing, for its last
// number may be half of one.
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
		p.broken(r.t, at, "a line of the table does not begin with a number")
		return false
	}
	p.pos = end
	if !r.abscissa(x, at) {
		return false
	}
	check := r.wasDiff
	r.wasDiff = false
	data, i := p.data, p.pos
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
			first := int64(c.digit)
			if first < 0 {
				first = -first
			}
			if v, i, ok = tail(data, i+1, first); !ok {
				if v, i, ok = r.long(begin, first); !ok {
					return false
				}
			}
			if c.digit < 0 {
				v = -v
			}
			switch c.class {
			case charDIF:
				if !r.known {
					return r.fail(begin, "a difference without a value before it")
				}
				r.diff = v
				v += r.last
				r.wasDiff = true
			case charDUP:
				if !r.repeat(int(min(v, MaxPoints+1)), begin) {
					return false
				}
				continue
			default:
				r.wasDiff = false
			}
		case charDigit, charSign:
			begin := i
			if v, i, ok = number(data, i, false); !ok {
				return r.fail(begin, "%s is no number", excerpt(word(data[begin:])))
			}
			r.wasDiff = false
		case charNone:
			i++
			if len(r.y) >= p.points {
				return r.full(i)
			}
			r.y, r.known, r.wasDiff, check = append(r.y, missing), false, false, false
			continue
		case charComment:
			if i+1 < len(data) && data[i+1] == '$' {
				p.pos = i
				p.nextLine()
				return true
			}
			fallthrough
		default:
			return r.fail(i, "%s is no ordinate", excerpt(word(data[i:])))
		}
		if check {
			check = false
			if v != r.last {
				return r.fail(p.pos, "check ordinate is %v, and the line before ended with %v", v, r.last)
			}
			continue
		}
		if len(r.y) >= p.points {
			return r.full(i)
		}
		r.last, r.known = v, true
		r.y = append(r.y, v*r.yFactor)
	}
	p.pos = i
	return true
}

func (r *ordinates) fail(at int, format string, args ...any) bool {
	r.p.pos = at
	r.p.broken(r.t, r.p.here(), format, args...)
	return false
}

func (r *ordinates) full(at int) bool { return r.fail(at, "more than %d points", MaxPoints) }

// long reads a compressed number of many digits, or with a decimal point.
func (r *ordinates) long(begin int, first int64) (float64, int, bool) {
	data := r.p.data
	text := append([]byte{byte('0' + first)}, data[begin+1:min(len(data), begin+64)]...)
	v, n, ok := number(text, 0, false)
	if !ok || n >= 63 {
		return 0, begin, r.fail(begin, "%s is no number", excerpt(word(data[begin:])))
	}
	return v, begin + n, true
}

// repeat repeats the last ordinate, or the last difference, so that it stands there n times.
func (r *ordinates) repeat(n, at int) bool {
	switch {
	case !r.known:
		return r.fail(at, "a repetition without a value before it")
	case n < 1:
		return r.fail(at, "a repetition of 0 times")
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

// abscissa checks that a line begins where the points before it end: lines lost or doubled are found.
func (r *ordinates) abscissa(x float64, at place) bool {
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
	// Writers round abscissas, and differ in whether a line that begins with a check says the place of the check or the next.
	index := float64(r.index(n))
	slack := 1.5*math.Abs(r.step) + 1e-6*math.Abs(scaled)
	if want := r.first + index*r.step; math.Abs(scaled-want) > slack && math.Abs(x-want) > slack {
		r.p.broken(r.t, at, "line begins at x = %v, and %d points before it end at %v: points are missing or doubled, or NPOINTS is wrong", scaled, n, want)
		return false
	}
	return true
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
