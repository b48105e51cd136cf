package jcampdx

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize/english"
)

// Form is a way to write ordinates; all of them may be mixed in what is read (docs/protocols/ionscan.md).
type Form int

// The forms of ordinates. All but AFFN take whole multiples of the factor only.
const (
	AFFN   Form = iota // plain numbers, as many digits as they need
	PAC                // whole numbers, set apart by their signs
	SQZ                // first digit carries sign and delimiter
	DIF                // differences
	DIFDUP             // differences, repetitions counted
)

// String returns the form's name in the standard.
func (f Form) String() string { return [...]string{"AFFN", "PAC", "SQZ", "DIF", "DIFDUP"}[f] }

// lineMax is the longest line that the standard allows.
const lineMax = 80

// Options describes how tables are written. The zero value writes plain numbers.
type Options struct {
	Form   Form
	Factor float64 // ordinates are written as multiples of it; 0 for 1
}

// Write writes a block, and all that it holds, with CR LF at the end of lines. Records that say where a table's axis
// begins and how it is scaled are made from the table; the block's own are left out. A table with a page is written
// as an NTUPLES page. Text holds no line ends but those of Write. What was written reads back to the same numbers:
// ordinates that are no multiple of the factor, in the forms that need one, are an error.
func Write(w io.Writer, b *Block, o Options) error {
	if o.Factor == 0 {
		o.Factor = 1
	}
	out := &writer{w: bufio.NewWriter(w), Options: o}
	if err := out.block(b); err != nil {
		return err
	}
	return out.w.Flush()
}

// writer writes one file. Errors of w come at the end, by bufio.
type writer struct {
	w *bufio.Writer
	Options
}

// made are the records that Write makes itself, beside those of variables.
var made = []string{"FIRSTX", "LASTX", "DELTAX", "NPOINTS", "XFACTOR", "YFACTOR", "BLOCKS", "END", "PAGE"}

func (w *writer) record(label, value string) {
	fmt.Fprintf(w.w, "##%s=%s\r\n", label, pad(value)) // bufio keeps the error for Flush
}

// pad puts the blank before a value that is customary behind '='.
func pad(value string) string {
	if value == "" {
		return ""
	}
	return " " + value
}

func (w *writer) block(b *Block) error {
	for _, r := range b.Records {
		key := Key(r.Label)
		if _, table := tableKinds[key]; table || slices.Contains(made, key) || isVariableRecord(key) {
			continue
		}
		value := strings.ReplaceAll(r.Value, "\n", "\r\n")
		if r.Comment != "" {
			value = strings.TrimSpace(value + " $$ " + r.Comment)
		}
		w.record(r.Label, value)
	}
	if len(b.Blocks) > 0 {
		w.record("BLOCKS", strconv.Itoa(len(b.Blocks)))
	}
	w.variables(b.Variables)
	for i, t := range b.Tables {
		if err := w.table(b, t); err != nil {
			return fmt.Errorf("table %d: %w", i+1, err)
		}
	}
	for _, c := range b.Blocks {
		if err := w.block(c); err != nil {
			return err
		}
	}
	w.record("END", "")
	return nil
}

// variables writes the rows of an NTUPLES block.
func (w *writer) variables(vs []Variable) {
	if len(vs) == 0 {
		return
	}
	for _, r := range variableRecords {
		cells := make([]string, len(vs))
		given := false
		for i := range vs {
			cells[i] = r.text(&vs[i])
			given = given || cells[i] != ""
		}
		if given {
			w.record(r.label, strings.Join(cells, ", "))
		}
	}
}

// known writes a number, "" for NaN: what is not known is left out of a row.
func known(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return text(v)
}

// text writes a number so that it is read back exactly. An exponent has a sign, as plain numbers in tables need it.
func text(v float64) string {
	if math.IsNaN(v) {
		return "?"
	}
	if a := math.Abs(v); a >= 1e-4 && a < 1e15 || a == 0 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.ToUpper(strconv.FormatFloat(v, 'e', -1, 64))
}

func (w *writer) table(b *Block, t *Table) error {
	if len(t.Columns) < 2 {
		return fmt.Errorf("has %d %s", len(t.Columns), english.PluralWord(len(t.Columns), "column", ""))
	}
	if t.Page != "" {
		w.record("PAGE", t.Page)
	}
	w.record("NPOINTS", strconv.Itoa(t.Points()))
	if t.Kind == XYData {
		return w.even(b, t)
	}
	label := t.Kind.String()
	var symbols strings.Builder
	for _, c := range t.Columns {
		symbols.WriteString(c.Symbol)
	}
	form := fmt.Sprintf("(%s..%s)", &symbols, &symbols)
	if t.Kind == PeakAssignments {
		form = fmt.Sprintf("(%sA)", &symbols)
	}
	if t.Page != "" {
		label = "DATA TABLE"
		if t.Kind == PeakTable {
			form += ", PEAKS"
		}
	}
	w.record(label, form)
	for i := range t.Points() {
		cells := make([]string, len(t.Columns))
		for k, c := range t.Columns {
			cells[k] = text(c.Values[i])
		}
		line := strings.Join(cells, ", ")
		if t.Kind == PeakAssignments {
			line = fmt.Sprintf("(%s, <%s>)", line, strings.NewReplacer(">", ")", "<", "(", "\n", " ", "\r", " ").
				Replace(t.Text[i]))
		}
		fmt.Fprintf(w.w, "%s\r\n", line)
	}
	return nil
}

// even writes (X++(Y..Y)). Its abscissas are those of Regular.
func (w *writer) even(b *Block, t *Table) error {
	x, y := t.X(), t.Y()
	first, last := 0.0, 0.0
	if len(x) > 0 {
		first, last = x[0], x[len(x)-1]
	}
	factor, symbols := w.Factor, [2]string{t.Columns[0].Symbol, t.Columns[1].Symbol}
	if v, ok := b.variable(symbols[1]); ok {
		if factor = v.Factor; math.IsNaN(factor) {
			factor = 1
		}
	} else {
		w.record("FIRSTX", text(first))
		w.record("LASTX", text(last))
		w.record("XFACTOR", "1")
		w.record("YFACTOR", text(factor))
	}
	if w.Form == AFFN {
		return w.plain(t, factor, symbols)
	}
	whole, err := multiples(y, factor)
	if err != nil {
		return err
	}
	w.form(t, symbols)
	(&packer{form: w.Form, x: x, y: y, whole: whole, out: w.w}).write()
	return nil
}

// form writes the record that begins an even table.
func (w *writer) form(t *Table, symbols [2]string) {
	form := fmt.Sprintf("(%s++(%s..%s))", symbols[0], symbols[1], symbols[1])
	if t.Page != "" {
		w.record("DATA TABLE", form+", XYDATA")
		return
	}
	w.record("XYDATA", form)
}

// plain writes ordinates as plain numbers: y/factor with as many digits as it takes to get y back.
func (w *writer) plain(t *Table, factor float64, symbols [2]string) error {
	x, y := t.X(), t.Y()
	w.form(t, symbols)
	for i := 0; i < len(y); {
		line := []byte(text(x[i]))
		for first := true; i < len(y); i++ {
			v := y[i] / factor
			if v*factor != y[i] && !math.IsNaN(v) {
				return fmt.Errorf("y of point %d, %v, is not exactly a number times the factor %v", i+1, y[i], factor)
			}
			cell := text(v)
			if !first && len(line)+1+len(cell) > lineMax {
				break
			}
			line = append(append(line, ' '), cell...)
			first = false
		}
		fmt.Fprintf(w.w, "%s\r\n", line)
	}
	return nil
}

// multiples returns y in units of factor. What is no whole multiple is an error.
func multiples(y []float64, factor float64) ([]int64, error) {
	out := make([]int64, len(y))
	for i, v := range y {
		if math.IsNaN(v) {
			continue
		}
		n := math.Round(v / factor)
		if math.Abs(n) > 1e12 || n*factor != v {
			return nil, fmt.Errorf("y of point %d, %v, is no whole multiple of the factor %v", i+1, v, factor)
		}
		out[i] = int64(n)
	}
	return out, nil
}

// packer writes whole ordinates in a compressed form.
type packer struct {
	form  Form
	x, y  []float64
	whole []int64
	out   *bufio.Writer

	line []byte
	// Of DIF: the line that begins repeats the last ordinate, as its check.
	check bool
}

// write writes all lines, each of at most lineMax characters but for one whose first cell is longer.
func (p *packer) write() {
	for i := 0; i < len(p.whole); {
		i = p.writeLine(i)
		p.out.Write(p.line)
		p.out.WriteString("\r\n")
	}
	if p.check { // the last differences are checked too
		last := len(p.whole) - 1
		fmt.Fprintf(p.out, "%s%s\r\n", text(p.x[last]), squeezed(p.whole[last], '@', 'A', 'a'))
	}
}

// writeLine fills line with ordinates from i on and returns the first that has no room.
func (p *packer) writeLine(i int) int {
	at := i
	if p.check {
		at = i - 1
	}
	p.line = append(p.line[:0], text(p.x[at])...)
	known := p.check
	if p.check {
		p.line = append(p.line, squeezed(p.whole[at], '@', 'A', 'a')...)
	}
	p.check = false
	for begin := i; i < len(p.whole); {
		cell, n, difference := p.cell(i, known)
		if i > begin && len(p.line)+len(cell) > lineMax {
			return i
		}
		p.line = append(p.line, cell...)
		p.check = difference
		known = !math.IsNaN(p.y[i])
		i += n
	}
	return i
}

// cell encodes the ordinate i, and says how many ordinates it stands for and whether it is a difference.
func (p *packer) cell(i int, known bool) (cell []byte, n int, difference bool) {
	if math.IsNaN(p.y[i]) {
		return []byte("?"), 1, false
	}
	v := p.whole[i]
	switch {
	case p.form == PAC:
		return fmt.Appendf(nil, "%+d", v), 1, false
	case p.form == SQZ || !known:
		return squeezed(v, '@', 'A', 'a'), 1, false
	}
	d := v - p.whole[i-1]
	cell, n = squeezed(d, '%', 'J', 'j'), 1
	if p.form == DIFDUP {
		for i+n < len(p.whole) && !math.IsNaN(p.y[i+n]) && p.whole[i+n]-p.whole[i+n-1] == d {
			n++
		}
		if n > 1 {
			cell = append(cell, repetitions(n)...)
		}
	}
	return cell, n, true
}

// squeezed writes v with its first digit as a letter: zero, or from plus or minus.
func squeezed(v int64, zero, plus, minus byte) []byte {
	if v == 0 {
		return []byte{zero}
	}
	letter := plus
	if v < 0 {
		letter, v = minus, -v
	}
	b := strconv.AppendInt(nil, v, 10)
	b[0] = letter + b[0] - '1'
	return b
}

// repetitions writes how many times the ordinate before stands, as DUP: its first digit as a letter, S to Z and s.
func repetitions(n int) []byte {
	b := strconv.AppendInt(nil, int64(n), 10)
	if b[0] == '9' {
		b[0] = 's'
	} else {
		b[0] = 'S' + b[0] - '1'
	}
	return b
}

// Bytes is Write into memory.
func Bytes(b *Block, o Options) ([]byte, error) {
	var buf bytes.Buffer
	err := Write(&buf, b, o)
	return buf.Bytes(), err
}
