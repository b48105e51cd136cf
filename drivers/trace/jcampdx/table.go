package jcampdx

import (
	"bytes"
	"strings"

	"lanewarden/drivers/observation/coded"
)

// tableForm is a table's form, taken apart. One without symbols is not known.
type tableForm struct {
	even, tuples bool
	symbols      []string
}

// parseForm reads (X++(Y..Y)), (XY..XY) or (XYA), upper case without blanks, whatever follows. Brackets and points
// that were forgotten, or are too many, are common in the field and change nothing. What is none of them has no
// symbols.
func parseForm(form string) (f tableForm) {
	if !strings.HasPrefix(form, "(") && !strings.HasPrefix(form, "X++") {
		return f
	}
	for strings.Contains(form, "...") {
		form = strings.ReplaceAll(form, "...", "..")
	}
	if x, rest, ok := strings.Cut(form, "++"); ok {
		y, rest, ok := strings.Cut(strings.TrimLeft(rest, "("), "..")
		x = strings.TrimLeft(x, "(")
		if ok && strings.HasPrefix(strings.TrimLeft(rest, "("), y) && symbol(x) && symbol(y) {
			return tableForm{even: true, symbols: []string{x, y}}
		}
		return f
	}
	inner, _, _ := strings.Cut(strings.TrimLeft(form, "("), ")")
	if first, second, ok := strings.Cut(inner, ".."); ok {
		second, _, _ = strings.Cut(second, ",")
		if first == second && symbol(first) {
			return tableForm{tuples: true, symbols: strings.Split(first, "")}
		}
		return f
	}
	if !strings.Contains(form, ")") {
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

// table reads a data table: the form on the record's own line, the numbers on those that follow. The form decides
// what it is; kind, by the label, only what the form leaves open. A table with a fault keeps the points before it.
func (p *parser) table(s *scope, at place, label string, kind Kind) {
	s.gather()
	formAt := p.here()
	text, comment := p.textLine()
	s.Records = append(s.Records, Record{Label: label, Value: text, Comment: comment, Line: at.line})
	if p.count.tables++; p.count.tables > maxTables {
		p.fault(at, "jcampdx.more-than-tables", "more than %d tables", maxTables)
		p.full = true
		return
	}
	t := &Table{Kind: kind, Line: at.line, Form: text, Page: s.page}
	s.Tables = append(s.Tables, t)
	if s.comma {
		p.pointsForCommas()
	}
	form := strings.ToUpper(strings.Map(unblank, text))
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
		p.fault(formAt, "jcampdx.form-table-not-known", "form %s of the table is not known", excerpt([]byte(text)))
		t.Partial = true
		p.skipTable()
	}
}

// unblank drops blanks, for strings.Map.
func unblank(r rune) rune {
	if r == ' ' || r == '\t' {
		return -1
	}
	return r
}

// pointsForCommas makes a table whose numbers have a decimal comma, as those of its records do, one with points.
func (p *parser) pointsForCommas() {
	if !p.owned {
		p.data, p.owned = bytes.Clone(p.data), true
	}
	rest := p.data[p.pos:]
	for i := 0; i < len(rest); i++ {
		if rest[i] == '#' && i > 0 && (rest[i-1] == '\n' || rest[i-1] == '\r') {
			return
		}
		if rest[i] == ',' && i > 0 && i+1 < len(rest) && rest[i-1]-'0' <= 9 && rest[i+1]-'0' <= 9 {
			rest[i] = '.'
		}
	}
}

// skipTable passes over the rest of a table.
func (p *parser) skipTable() {
	if p.pos != p.lineAt {
		p.nextLine()
	}
	p.skipRecord()
}

// broken reports a fault in a table, which ends there.
func (p *parser) broken(t *Table, at place, code, format string, args ...any) {
	p.fault(at, code, format, args...)
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
	if expected >= 0 {
		p.broken(t, p.here(), "jcampdx.file-ends-without-end-table-of",
			"file ends without ##END= in the table that begins in line %d, after %d of %v: it is cut off",
			t.Line, points, coded.CountOf(expected, "point"))
		return
	}
	p.broken(t, p.here(), "jcampdx.file-ends-without-end-table",
		"file ends without ##END= in the table that begins in line %d, after %v: it is cut off", t.Line,
		coded.CountOf(points, "point"))
}

// checkPoints holds what a table gave against what was said of it.
func (p *parser) checkPoints(s *scope, t *Table, n int, at place) {
	if n >= 0 && t.Points() < n && !t.Partial && p.end() {
		p.cutOff(t, t.Points(), n)
	}
	switch {
	case n < 0 || t.Points() == n || t.Partial:
		return
	case t.Points() < n:
		p.fault(at, "jcampdx.npoints-table-that-begins", "NPOINTS is %d: the table that begins in line %d has %d of %v",
			n, t.Line, t.Points(), coded.CountOf(n, "point"))
	default:
		p.fault(at, "jcampdx.npoints-table-that-begins-line",
			"NPOINTS is %d, and the table that begins in line %d has %d", n, t.Line, t.Points())
	}
	t.Partial = true
}
