// Package jcampdx reads and writes JCAMP-DX files, the text form of spectra: bytes go in, blocks of labelled records
// and tables of numbers come out, with every fault by line and column. Sources: McDonald and Wilks, Appl. Spectrosc.
// 42 (1988) 151 (4.24); Lampen et al. 48 (1994) 1545 (5.00, NTUPLES); Baumbach et al., Pure Appl. Chem. 73 (2001)
// 1765 (ion mobility).
package jcampdx

import (
	"fmt"
	"iter"
	"maps"
	"math"
)

// Bounds on what a file may cost. Larger ones are refused.
const (
	MaxBytes   = 32 << 20 // of a file
	MaxPoints  = 3 << 19  // numbers in all tables of a file, 12 MB an axis
	maxRecords = 100_000  // labelled records in a file
	maxDepth   = 16       // of LINK blocks
	maxTables  = 10_000   // pages and tables in a file
	maxColumns = 16       // variables of a table
	maxFaults  = 100      // reported; a file with more is read no further
)

// File is a decoded JCAMP-DX file. A small one:
//
//	##TITLE= swab 17            begins a block
//	##JCAMP-DX= 4.24            labelled records; $$ begins a comment
//	##DATA TYPE= ION MOBILITY SPECTRUM
//	##FIRSTX= 0
//	##LASTX= 0.3
//	##NPOINTS= 4
//	##XYDATA= (X++(Y..Y))       a table: an abscissa, then ordinates, on each line
//	0 A00J0K0L0                 100, and differences of 10, 20, 30
//	##END=                      ends the block
type File struct {
	Blocks []*Block
	// Faults lists the violations of the format, in the order of the lines. The tables in which they stand hold the
	// whole points before.
	Faults []*Fault
}

// Fault is one thing wrong with a file.
type Fault struct {
	Line, Column int // from 1; columns are bytes
	Offset       int // of the fault in the file, bytes from 0
	Reason       error
	// Warning reports that nothing is missing because of it.
	Warning bool
}

// Error returns where the fault is, and what.
func (f *Fault) Error() string {
	return fmt.Sprintf("line %d, column %d: %v", f.Line, f.Column, f.Reason)
}

// MessageCode returns the code of the catalogue.
func (f *Fault) MessageCode() string { return "jcampdx.at" }

// MessageArgs returns line, column and reason, as the catalogue names them.
func (f *Fault) MessageArgs() iter.Seq2[string, any] {
	return maps.All(map[string]any{"line": fmt.Sprint(f.Line), "column": fmt.Sprint(f.Column), "reason": f.Reason})
}

// Block is one data set, from ##TITLE= to ##END=, or a LINK block that holds others.
type Block struct {
	Line      int // of its ##TITLE=
	Records   []Record
	Variables []Variable // of NTUPLES
	Tables    []*Table
	Blocks    []*Block // nested
	Ended     bool     // ##END= was there
}

// Record is one labelled record, as it came. A table's is here too, with its form as value. Its texts are bytes of
// the file, in whatever encoding that has.
type Record struct {
	Label   string // without ## and =
	Value   string // lines joined by "\n", comments taken out
	Comment string // what stood behind $$ on the record's first line
	Line    int
}

// Key returns a label as it compares: upper case, without blanks, '-', '/' and '_'. "##Data-Type=" and "##DATA
// TYPE=" are the same record.
func Key(label string) string {
	var short [64]byte
	key, same := short[:0], true
	for i := range len(label) {
		c := label[i]
		switch {
		case c == ' ' || c == '-' || c == '/' || c == '_' || c == '\t':
			same = false
			continue
		case 'a' <= c && c <= 'z':
			c, same = c-'a'+'A', false
		}
		key = append(key, c)
	}
	if same {
		return label
	}
	return string(key)
}

// Lookup returns the value of the first record with this label, compared by Key.
func (b *Block) Lookup(label string) (string, bool) {
	key := Key(label)
	for i := range b.Records {
		if Key(b.Records[i].Label) == key {
			return b.Records[i].Value, true
		}
	}
	return "", false
}

// Get returns the value of a record, "" when there is none.
func (b *Block) Get(label string) string {
	v, _ := b.Lookup(label)
	return v
}

// Walk calls f with the block and all that it holds, outermost first, to a depth of maxDepth.
func (b *Block) Walk(f func(*Block)) {
	f(b)
	for _, c := range b.Blocks {
		c.Walk(f)
	}
}

// Walk calls f with all blocks.
func (f *File) Walk(each func(*Block)) {
	for _, b := range f.Blocks {
		b.Walk(each)
	}
}

// Variable is one of an NTUPLES block's.
type Variable struct {
	Name, Symbol, Type, Form, Units string
	Dim                             int     // 0 for none given
	First, Last, Factor             float64 // NaN for none given
}

// Kind is the kind of a table, by the label of its record.
type Kind int

// The kinds of table.
const (
	XYData          Kind = iota // ordinates at even steps: (X++(Y..Y))
	XYPoints                    // pairs, or tuples, that are points of a curve
	PeakTable                   // pairs, or tuples, that are peaks
	PeakAssignments             // peaks with what they are
)

// String returns the name of the label that such a table stands behind: ##XYDATA=.
func (k Kind) String() string {
	return [...]string{"XYDATA", "XYPOINTS", "PEAK TABLE", "PEAK ASSIGNMENTS"}[k]
}

// Table is a block's spectrum, one page of an NTUPLES block, or a list of peaks. All columns have the same length.
type Table struct {
	Kind    Kind
	Line    int // of its record
	Form    string
	Page    string // of an NTUPLES block: "T=272"
	Columns []Column
	Text    []string // of PeakAssignments, one a point
	Partial bool     // a fault cut it: points are missing
}

// Column is the values of one variable, with factors applied; NaN where the file has '?', or nothing.
type Column struct {
	Symbol string
	Units  string
	Values []float64
}

// X returns the abscissas, in the units of the first column.
func (t *Table) X() []float64 { return t.column(0) }

// Y returns the ordinates, NaN where the file has none.
func (t *Table) Y() []float64 { return t.column(1) }

func (t *Table) column(i int) []float64 {
	if i >= len(t.Columns) {
		return nil
	}
	return t.Columns[i].Values
}

// Points returns the number of points.
func (t *Table) Points() int { return len(t.Y()) }

// Regular returns n abscissas from first to last at even steps, as the reader makes them of FIRSTX, LASTX and NPOINTS.
func Regular(first, last float64, n int) []float64 {
	x := make([]float64, n)
	step := 0.0
	if n > 1 {
		step = (last - first) / float64(n-1)
	}
	spread(x, first, step)
	return x
}

// spread fills x with first, first+step, ... The last one may differ from the LASTX that step was made of by rounding.
func spread(x []float64, first, step float64) {
	for i := range x {
		x[i] = first + float64(i)*step
	}
}

var missing = math.NaN()
