package jcampdx

import (
	"bytes"
	"math"
	"strings"

	"lanewarden/drivers/observation/coded"
)

// tuples reads pairs, or longer tuples: (XY..XY), (XYW..XYW). Tuples are set apart by blanks or ';', their numbers by
// blanks or ','.
func (p *parser) tuples(s *scope, t *Table, symbols []string) {
	if len(symbols) < 2 || len(symbols) > maxColumns {
		p.broken(t, p.here(), "jcampdx.tuples", "tuples of %v", coded.CountOf(len(symbols), "variable"))
		return
	}
	s.columns(t, symbols)
	// a number and its delimiter are 2 bytes
	if n := min(s.axis.points, p.points/len(symbols), (len(p.data)-p.pos)/(2*len(symbols))); n > 0 {
		for i := range t.Columns {
			t.Columns[i].Values = make([]float64, 0, n)
		}
	}
	r := &tuples{p: p, t: t, factors: s.factors(symbols), expected: s.axis.points,
		tuple: make([]float64, 0, len(symbols))}
	if r.read() {
		p.checkPoints(s, t, s.axis.points, s.axis.pointsAt)
	}
}

// tuples reads the numbers of a table of tuples.
type tuples struct {
	p        *parser
	t        *Table
	factors  []float64 // of each number of a tuple
	expected int       // tuples, by NPOINTS; -1 for not known
	tuple    []float64 // the one under way
	began    place     // and its beginning
}

// read reads tuples up to the next record or the file's end. It returns false when a fault ended the table.
func (r *tuples) read() bool {
	p := r.p
	for (p.pos != p.lineAt || !p.atRecord()) && !p.end() {
		switch chars[p.data[p.pos]].class {
		case charBlank:
			p.pos++
		case charComma:
			if p.data[p.pos] == ';' && !r.whole() {
				return false
			}
			p.pos++
		case charEnd:
			if !r.whole() {
				return false
			}
			p.newLine()
		case charComment:
			if !r.whole() {
				return false
			}
			p.nextLine()
		default:
			v, ok := r.number()
			if !ok || !r.add(v) {
				return false
			}
		}
	}
	return r.whole()
}

// whole reports whether no tuple is under way where none can go on: at ';', a comment and the end of a line. It
// reports the fault.
func (r *tuples) whole() bool {
	if len(r.tuple) == 0 {
		return true
	}
	r.p.broken(r.t, r.began, "jcampdx.tuple-instead", "a tuple of %v instead of %d",
		coded.CountOf(len(r.tuple), "number"), len(r.factors))
	return false
}

// number reads a number of a tuple; '?' is NaN. It returns false, and reports the fault, when it is none.
func (r *tuples) number() (float64, bool) {
	p := r.p
	at := p.here()
	if len(r.tuple) == 0 {
		r.began = at
	}
	if chars[p.data[p.pos]].class == charNone {
		p.pos++
		return missing, true
	}
	v, end, ok := number(p.data, p.pos, true)
	if !ok || !delimited(p.data, end) {
		p.broken(r.t, at, "jcampdx.no-number", "%s is no number", excerpt(word(p.data[p.pos:])))
		return 0, false
	}
	p.pos = end
	return v, true
}

// add adds a number to the tuple under way, and the tuple to the table when it is its last. A number at the file's end
// may be half of one: it counts only when it makes the table whole. It returns false when a fault ended the table.
func (r *tuples) add(v float64) bool {
	p := r.p
	r.tuple = append(r.tuple, v*r.factors[len(r.tuple)])
	if p.end() && r.t.Points()+1 != r.expected {
		p.pos = r.began.offset - p.base
		p.cutOff(r.t, r.t.Points(), r.expected)
		return false
	}
	if len(r.tuple) < len(r.factors) {
		return true
	}
	if p.points -= len(r.tuple); p.points < 0 {
		p.broken(r.t, r.began, "jcampdx.more-than-points", "more than %d points", MaxPoints)
		return false
	}
	for i, v := range r.tuple {
		r.t.Columns[i].Values = append(r.t.Columns[i].Values, v)
	}
	r.tuple = r.tuple[:0]
	return true
}

// factors returns what each number of a tuple is multiplied with.
func (s *scope) factors(symbols []string) []float64 {
	out := make([]float64, len(symbols))
	for i, symbol := range symbols {
		out[i] = 1
		if v, ok := s.variable(symbol); ok {
			if !math.IsNaN(v.Factor) {
				out[i] = v.Factor
			}
			continue
		}
		if i == 0 {
			out[i] = s.axis.xFactor
		} else if i == 1 {
			out[i] = s.axis.yFactor
		}
	}
	return out
}

// delimited reports whether a number that ends at i ends there for its reader too.
func delimited(data []byte, i int) bool {
	if i >= len(data) {
		return true
	}
	switch chars[data[i]].class {
	case charBlank, charComma, charEnd, charComment:
		return true
	}
	return data[i] == ')'
}

// groups reads peak assignments: "(12.43, 1060, <cocaine>)", one a group in parentheses, which may go over lines.
// Symbols other than A are numbers.
func (p *parser) groups(s *scope, t *Table, symbols []string) {
	if len(symbols) < 2 || len(symbols) > maxColumns || symbols[len(symbols)-1] != "A" {
		p.broken(t, p.here(), "jcampdx.assignments-form-not-known",
			"assignments of the form %s are not known", excerpt([]byte(t.Form)))
		return
	}
	s.columns(t, symbols[:len(symbols)-1])
	factors := s.factors(symbols[:len(symbols)-1])
	for {
		p.blanks()
		if p.end() || p.pos+1 < len(p.data) && p.data[p.pos] == '#' && p.data[p.pos+1] == '#' {
			break
		}
		at := p.here()
		if p.data[p.pos] != '(' {
			p.broken(t, at, "jcampdx.assignment-begins-with-not",
				"an assignment begins with '(', not with %s", excerpt(word(p.data[p.pos:])))
			return
		}
		p.pos++
		if !p.group(t, at, factors) {
			return
		}
	}
	if len(t.Columns) == 1 { // (XA): peaks without height
		t.Columns = append(t.Columns, Column{Symbol: "Y", Values: Regular(missing, missing, len(t.Columns[0].Values))})
	}
	p.checkPoints(s, t, s.axis.points, s.axis.pointsAt)
}

// blanks passes over blanks, line ends and comments.
func (p *parser) blanks() {
	for !p.end() {
		switch chars[p.data[p.pos]].class {
		case charBlank:
			p.pos++
		case charEnd:
			p.newLine()
		case charComment:
			p.nextLine()
		default:
			return
		}
	}
}

// group reads one assignment behind its '('. Numbers that are left out, or '?', are NaN. It returns false when a
// fault ended the table.
func (p *parser) group(t *Table, at place, factors []float64) bool {
	values := make([]float64, len(factors))
	for i := range values {
		p.blanks()
		values[i] = missing
		if !p.end() && p.data[p.pos] == '?' {
			p.pos++
		} else if !p.end() && p.data[p.pos] != ',' && p.data[p.pos] != '<' {
			v, end, ok := number(p.data, p.pos, true)
			if !ok || !delimited(p.data, end) {
				p.broken(t, p.here(), "jcampdx.no-number", "%s is no number", excerpt(word(p.data[p.pos:])))
				return false
			}
			values[i], p.pos = v*factors[i], end
		}
		p.blanks()
		if !p.end() && p.data[p.pos] == ',' {
			p.pos++
		}
	}
	p.blanks()
	text, ok := p.assignment()
	p.blanks()
	if !ok || p.end() || p.data[p.pos] != ')' {
		p.broken(t, at, "jcampdx.assignment-does-not-end", "assignment does not end with <text>)")
		return false
	}
	p.pos++
	if p.points -= len(values) + assignmentCost; p.points < 0 {
		p.broken(t, at, "jcampdx.more-than-points-texts", "more than %d points and texts", MaxPoints)
		return false
	}
	for i, v := range values {
		t.Columns[i].Values = append(t.Columns[i].Values, v)
	}
	t.Text = append(t.Text, text)
	return true
}

// assignmentCost is the number of points that an assignment's text counts for, by the memory that it takes.
const assignmentCost = 5

// maxAssignment bounds the text of one assignment, in bytes.
const maxAssignment = 1 << 10

// assignment reads <text>, which must stand on one line.
func (p *parser) assignment() (string, bool) {
	if p.end() || p.data[p.pos] != '<' {
		return "", false
	}
	rest := p.data[p.pos+1:]
	n := bytes.IndexByte(rest[:min(len(rest), maxAssignment)], '>')
	if n < 0 || bytes.ContainsAny(rest[:n], "\r\n") {
		return "", false
	}
	p.pos += n + 2
	return strings.TrimSpace(string(rest[:n])), true
}
