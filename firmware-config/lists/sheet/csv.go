package sheet

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
)

// delimiters are those that spreadsheets write, the most frequent first.
var delimiters = []rune{';', '\t', ','}

// errLong is a row that does not end.
var errLong = message.Errorf("lists.row-long", message.Int("most", maxRecord))

// guard ends the reading of a row that is too long, before memory is full of it.
type guard struct {
	in         io.Reader
	read, used int64
}

// Read implements io.Reader.
func (g *guard) Read(b []byte) (int, error) {
	if g.read-g.used > maxRecord+headBytes { // what the reader behind has read ahead is not of the row
		return 0, errLong
	}
	n, err := g.in.Read(b)
	g.read += int64(n)
	return n, err
}

// readCSV reads a header and rows.
func (s *reading) readCSV(body *bufio.Reader) error {
	skipped := skipSeparatorLine(body)
	delimiter := s.delimiter(body)
	s.report.Delimiter = delimiter
	g := &guard{in: body}
	in := csv.NewReader(g)
	in.Comma, in.FieldsPerRecord, in.ReuseRecord = delimiter, -1, true
	var columns []int // of the form, by those of the file
	last := skipped   // line of the record before
	for {
		record, err := in.Read()
		g.used = in.InputOffset()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if err := s.badRecord(err, last, skipped); err != nil {
				return err
			}
			continue
		}
		line, _ := in.FieldPos(0)
		line += skipped
		last = line
		switch {
		case blank(record):
		case columns == nil:
			if columns, err = s.header(line, record); err != nil {
				return err
			}
		default:
			if err := s.record(line, record, columns); err != nil {
				return err
			}
		}
	}
	if columns == nil {
		return s.stop(0, 0, message.New("lists.empty-file"))
	}
	return nil
}

// badRecord refuses a row that is no CSV. After a row without end nothing more can be read.
func (s *reading) badRecord(err error, last, skipped int) error {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, errLong):
		return s.stop(last+1, 0, message.Of(errLong))
	case errors.As(err, &parse):
		s.report.Refused++
		s.report.Refuse(Refusal{Line: parse.StartLine + skipped, Why: message.New("lists.quotes")})
		return nil
	default:
		return err
	}
}

// skipSeparatorLine skips the line "sep=;" that some spreadsheets write and returns how many lines that were.
func skipSeparatorLine(body *bufio.Reader) int {
	head, _ := body.Peek(7)
	if len(head) < 5 || !strings.EqualFold(string(head[:4]), "sep=") {
		return 0
	}
	if _, err := body.ReadString('\n'); err != nil {
		return 0
	}
	return 1
}

// delimiter finds the one at which the header falls into most columns that the list has.
func (s *reading) delimiter(body *bufio.Reader) rune {
	head, _ := body.Peek(headBytes)
	line, _, _ := strings.Cut(strings.TrimLeft(string(head), "\r\n"), "\n")
	best, most := delimiters[0], -1
	for _, d := range delimiters {
		known := 0
		for name := range strings.SplitSeq(line, string(d)) {
			if slices.Contains(s.names, headerName(name)) {
				known++
			}
		}
		if known > most {
			best, most = d, known
		}
	}
	return best
}

// headerName is a column's name as it is compared.
func headerName(text string) string { return strings.ToLower(strings.Trim(text, " \t\r\"\u00a0")) }

func blank(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

// header reads which column is which. What is wrong with it ends the reading: every row would be wrong.
func (s *reading) header(line int, record []string) ([]int, error) {
	before := s.report.Count()
	columns := make([]int, len(record))
	if len(record) > maxColumns {
		return nil, s.stop(line, 0, message.New("lists.many-columns", message.Int("columns", len(record))))
	}
	for i, cell := range record {
		name := headerName(cell)
		columns[i] = slices.Index(s.names, name)
		var why message.Message
		switch {
		case name == "":
			why = message.New("lists.column-unnamed")
		case columns[i] < 0:
			why = s.unknownColumn(strings.TrimSpace(cell))
		case slices.Contains(columns[:i], columns[i]):
			why = message.New("lists.column-twice", message.String("name", name))
		default:
			continue
		}
		s.report.Refuse(Refusal{Line: line, Column: i + 1, Header: strings.TrimSpace(cell), Why: why})
	}
	for i, name := range s.names {
		if s.form.needed(i) && !slices.Contains(columns, i) {
			s.report.Refuse(Refusal{Line: line, Why: message.New("lists.column-missing", message.String("name", name))})
		}
	}
	if s.report.Count() > before {
		return nil, errStop
	}
	return columns, nil
}

// record reads one row.
func (s *reading) record(line int, record []string, columns []int) error {
	if len(record) < len(columns) || !blank(record[len(columns):]) {
		s.report.Refused++
		s.report.Refuse(Refusal{Line: line, Why: message.New("lists.cells", message.Int("cells", len(record)),
			message.Int("columns", len(columns)))})
		return nil
	}
	cells, places := make([]string, len(s.names)), make([]place, len(s.names))
	for i, column := range columns {
		cells[column], places[column] = record[i], place{line, i + 1}
	}
	return s.row(line, cells, places)
}

// closest returns the name that differs least from what was written, "" when none is near.
func closest(got string, names []string) (best string) {
	least := max(2, len(got)/3) + 1
	if len(got) > 64 {
		return ""
	}
	for _, name := range names {
		if d := identifier.Distance(got, name); d < least {
			best, least = name, d
		}
	}
	return best
}
