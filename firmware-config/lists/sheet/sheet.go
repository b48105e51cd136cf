// Package sheet reads lists from the CSV and JSON files of those who keep them. A file goes in; rows come out, each cell
// checked and normalised, and refusals with line, column and reason. It knows what spreadsheets do to codes, numbers and
// dates, and guesses nothing: what can be two things is refused. Memory is bounded, however large the file.
// docs/lists.md has the formats and columns.
package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
)

// Bounds of a file.
const (
	DefaultMaxBytes = 4 << 30  // of a file: 5 million announced shipments are some 700 MB
	MaxRefusals     = 1000     // that are kept; the others are counted
	maxRecord       = 64 << 10 // bytes of a row: a quote that is never closed makes one of a whole file
	maxColumns      = 100
	headBytes       = 64 << 10
)

// Refusal is one thing that is wrong in a file.
type Refusal struct {
	Line   int    // from 1; 0 for the file as a whole
	Column int    // from 1: of a CSV file the cell's number in its row, of a JSON file the character in its line; 0 for the row
	Header string // the column's name; empty for the row
	Why    message.Message
}

// Message says where and why.
func (r Refusal) Message() message.Message {
	switch {
	case r.Line == 0:
		return r.Why
	case r.Column == 0:
		return message.New("lists.refused-row", message.Int("line", r.Line), message.Nested("why", r.Why))
	case r.Header == "":
		return message.New("lists.refused-place", message.Int("line", r.Line), message.Int("column", r.Column),
			message.Nested("why", r.Why))
	default:
		return message.New("lists.refused-cell", message.Int("line", r.Line), message.Int("column", r.Column),
			message.String("name", r.Header), message.Nested("why", r.Why))
	}
}

// Report is what was found in a file.
type Report struct {
	Format    string // CSV or JSON
	Encoding  string // UTF-8 or Windows-1252
	Delimiter rune   // of a CSV file
	Rows      int64  // that were handed on
	Refused   int64  // rows that were not
	Refusals  []Refusal
	More      int64 // refusals that were not kept
}

// Refuse adds a refusal.
func (r *Report) Refuse(one Refusal) {
	if len(r.Refusals) >= MaxRefusals {
		r.More++
		return
	}
	r.Refusals = append(r.Refusals, one)
}

// Count is the number of all refusals.
func (r *Report) Count() int64 { return int64(len(r.Refusals)) + r.More }

// errStop ends the reading of a file after a refusal of the whole.
var errStop = message.Errorf("lists.file-refused")

// Read reads a list from a CSV or JSON file of at most maxBytes and calls f with the line and the canonical form of each
// row that is in order. What is not is in the report. An error is of reading the file or of f.
func Read(kind lists.Kind, in io.Reader, maxBytes int64, f func(line int, r lists.Row) error) (*Report, error) {
	form := forms[kind]
	if form == nil {
		return nil, message.Errorf("lists.no-kind", message.Quoted("kind", string(kind)))
	}
	report := &Report{}
	s := &reading{form: form, report: report, emit: f}
	in = &limited{in: in, left: maxBytes, most: maxBytes}
	err := s.read(bufio.NewReaderSize(in, headBytes))
	var long *message.Error
	switch {
	case errors.Is(err, errStop):
		err = nil
	case errors.As(err, &long) && long.Message.Is("lists.too-long"):
		report.Refuse(Refusal{Why: long.Message})
		err = nil
	}
	return report, err
}

// limited refuses a file that is too large.
type limited struct {
	in         io.Reader
	left, most int64
}

// Read implements io.Reader.
func (l *limited) Read(b []byte) (int, error) {
	n, err := l.in.Read(b)
	if l.left -= int64(n); l.left < 0 {
		return 0, message.Errorf("lists.too-long", message.Quantity("most", float64(l.most)/1e6, 1, "MB"))
	}
	return n, err
}

// reading is one file being read.
type reading struct {
	form   form
	report *Report
	emit   func(line int, r lists.Row) error
	names  []string // of the form's columns
}

// stop refuses the whole file.
func (s *reading) stop(line, column int, why message.Message) error {
	s.report.Refuse(Refusal{Line: line, Column: column, Why: why})
	return errStop
}

// read finds out what the file is by its beginning.
func (s *reading) read(in *bufio.Reader) error {
	s.names = s.form.columns()
	head, err := in.Peek(4)
	if len(head) == 0 && err != nil {
		if errors.Is(err, io.EOF) {
			return s.stop(0, 0, message.New("lists.empty-file"))
		}
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK")) || bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return s.stop(0, 0, message.New("lists.workbook"))
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) || bytes.IndexByte(head, 0) >= 0:
		return s.stop(0, 0, message.New("lists.utf-16"))
	}
	text := newDecoding(in)
	defer func() { s.report.Encoding = text.name() }()
	body := bufio.NewReaderSize(text, headBytes)
	if isJSON(body) {
		s.report.Format = "JSON"
		return s.readJSON(body)
	}
	s.report.Format = "CSV"
	return s.readCSV(body)
}

// isJSON reports whether a file begins as JSON does.
func isJSON(in *bufio.Reader) bool {
	for n := 1; n <= headBytes; n++ {
		head, err := in.Peek(n)
		if err != nil {
			return false
		}
		if c := head[n-1]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c == '[' || c == '{'
		}
	}
	return false
}

// place is where a cell stands.
type place struct{ line, column int }

// row hands a row on, or refuses each of its cells that is wrong. cells are by the form's columns; places too.
func (s *reading) row(line int, cells []string, places []place) error {
	r, wrong := s.form.row(cells)
	if len(wrong) == 0 {
		s.report.Rows++
		return s.emit(line, r)
	}
	s.report.Refused++
	for _, w := range wrong {
		if len(s.report.Refusals) >= MaxRefusals {
			s.report.More++
			continue
		}
		at := place{line: line}
		name := ""
		if w.column >= 0 {
			at, name = places[w.column], s.names[w.column]
		}
		if at.line == 0 {
			at = place{line: line}
		}
		s.report.Refuse(Refusal{Line: at.line, Column: at.column, Header: name, Why: message.Of(w.err)})
	}
	return nil
}

// unknownColumn says that a list has no such column, and which was probably meant.
func (s *reading) unknownColumn(name string) message.Message {
	shown := message.Quoted("name", name)
	if meant := closest(strings.ToLower(name), s.names); meant != "" {
		return message.New("lists.no-column-meant", shown, message.String("meant", meant))
	}
	return message.New("lists.no-column", shown, message.Names("known", s.names))
}
