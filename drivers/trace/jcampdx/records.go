package jcampdx

import (
	"math"
	"strconv"
	"strings"
)

// note takes over what a record says of the tables that follow; key is Key of its label. Records of other labels are
// kept as they came.
func (p *parser) note(s *scope, key, value string, at place) {
	a := &s.axis
	switch key {
	case "DATATYPE":
		s.link = s.link || Key(value) == "LINK"
	case "BLOCKS":
		s.link = true
		if n, err := strconv.Atoi(value); err == nil {
			s.blocks = n
		}
	case "XUNITS":
		a.xUnits = value
	case "YUNITS":
		a.yUnits = value
	case "PAGE":
		s.page = value
		a.points, a.hasPage = -1, true
	case "FIRSTX":
		a.firstDigit = p.numeric(&a.first, value, at)
	case "LASTX":
		a.lastDigit = p.numeric(&a.last, value, at)
	case "DELTAX":
		a.deltaDigit = p.numeric(&a.delta, value, at)
	case "XFACTOR":
		p.factor(&a.xFactor, value, at)
	case "YFACTOR":
		p.factor(&a.yFactor, value, at)
	case "NPOINTS":
		n := missing
		switch p.numeric(&n, ungrouped(value), at); {
		case math.IsNaN(n):
		case n != math.Trunc(n) || n < 0 || n > MaxPoints:
			p.fault(at, "jcampdx.npoints-whole-number-at",
				"NPOINTS is %s: a whole number of at most %d is expected", excerpt([]byte(value)), MaxPoints)
		default:
			a.points, a.pointsAt = int(n), at
		}
	default:
		if isVariableRecord(key) && !a.hasPage {
			if s.rows == nil {
				s.rows = map[string][]string{}
			}
			s.rows[key] = fields(value)
			s.stale = true
		}
	}
}

// numeric reads a record's value that is a number, and returns one unit of its last digit. None, or '?', is no value.
// A comma may stand for the point, a D for the E of Fortran, and a unit behind the number.
func (p *parser) numeric(into *float64, value string, at place) (digit float64) {
	value = strings.TrimSpace(value)
	if value == "" || value == "?" {
		return 0
	}
	text, unit, _ := strings.Cut(value, " ")
	comma := strings.Count(text, ",") == 1 && !strings.Contains(text, ".")
	text = strings.NewReplacer(",", ".", "D", "E", "d", "e").Replace(text)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		p.fault(at, "jcampdx.no-number", "%s is no number", excerpt([]byte(value)))
		return 0
	}
	if unit != "" {
		p.warn(at, "jcampdx.read-as", "%s is read as %v", excerpt([]byte(value)), v)
	}
	if n := len(p.open); comma && n > 0 {
		p.open[n-1].comma = true
	}
	*into = v
	return lastDigit([]byte(text))
}

// factor reads a factor. One of 0 would make nothing of all values: it is taken as 1.
func (p *parser) factor(into *float64, value string, at place) {
	before := *into
	if p.numeric(into, value, at); *into == 0 {
		p.warn(at, "jcampdx.factor-0-taken-as", "a factor of 0 is taken as %v", before)
		*into = before
	}
}

// ungrouped takes out the commas that set groups of three digits apart: 56,417.
func ungrouped(value string) string {
	parts := strings.Split(strings.TrimSpace(value), ",")
	for i, part := range parts {
		if i > 0 && len(part) != 3 || i == 0 && len(part) > 3 && len(parts) > 1 {
			return value
		}
	}
	return strings.Join(parts, "")
}

// fields cuts a row of an NTUPLES record at its commas, to at most maxColumns values.
func fields(value string) []string {
	out := strings.Split(value, ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out[:min(len(out), maxColumns)]
}

// gather brings Variables up to date with the rows of the block's NTUPLES records.
func (s *scope) gather() {
	if s.stale {
		s.Variables, s.stale = s.columnsOfRows(), false
	}
}

// columnsOfRows returns the variables of an NTUPLES block: the rows name a property each, the columns are the
// variables.
func (s *scope) columnsOfRows() []Variable {
	var out []Variable
	for _, row := range s.rows {
		for len(out) < len(row) {
			out = append(out, Variable{First: missing, Last: missing, Factor: missing})
		}
	}
	for _, r := range variableRecords {
		for i, text := range s.rows[Key(r.label)] {
			r.set(&out[i], text)
		}
	}
	for len(out) > 0 && out[len(out)-1].Symbol == "" && out[len(out)-1].Name == "" {
		out = out[:len(out)-1] // a comma at the end of the row
	}
	return out
}

// variable returns the variable with a symbol; without one, values that are not given are NaN.
func (b *Block) variable(symbol string) (Variable, bool) {
	for _, v := range b.Variables {
		if v.Symbol == symbol {
			return v, true
		}
	}
	return Variable{First: missing, Last: missing, Factor: missing}, false
}

// excerpt quotes a little of what stands in a file.
func excerpt(b []byte) string {
	const most = 40
	if len(b) > most {
		return strconv.QuoteToASCII(string(b[:most])) + "…"
	}
	return strconv.QuoteToASCII(string(b))
}
