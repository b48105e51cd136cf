package jcampdx

import (
	"bytes"
	"io"
	"strings"
	"unsafe"

	"lanewarden/drivers/observation/coded"
)

// Read reads a file whole. The error says why nothing could be made of it: no JCAMP-DX, too large, or the reader's
// own error. What is wrong in a file that is one is in File.Faults.
func Read(r io.Reader) (*File, error) {
	data, err := readAll(r)
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// readAll reads up to one byte more than the bound. It asks the reader for its size, for a slice that grows costs
// three times what it holds.
func readAll(r io.Reader) ([]byte, error) {
	size := int64(64 << 10)
	if s, ok := r.(io.Seeker); ok {
		at, err := s.Seek(0, io.SeekCurrent)
		end, err2 := s.Seek(0, io.SeekEnd)
		if err == nil && err2 == nil {
			size = end - at
		}
		if _, err := s.Seek(at, io.SeekStart); err != nil {
			return nil, err
		}
	}
	b := bytes.NewBuffer(make([]byte, 0, min(size, MaxBytes)+bytes.MinRead))
	_, err := b.ReadFrom(io.LimitReader(r, MaxBytes+1))
	return b.Bytes(), err
}

// Parse is Read for bytes in memory. They must not change as long as the File lives: its records are parts of them.
// It takes at most MaxBytes.
func Parse(data []byte) (*File, error) {
	if len(data) > MaxBytes {
		return nil, coded.Errorf("jcampdx.file-larger-than-bytes", "file is larger than %d bytes", MaxBytes)
	}
	if !Recognise(data[:min(len(data), 4<<10)]) {
		return nil, coded.Errorf("jcampdx.not-jcamp-dx-file", "not a JCAMP-DX file: no ##TITLE= at its beginning")
	}
	p := &parser{data: bytes.TrimPrefix(data, bom), line: 1, file: &File{}, points: MaxPoints}
	p.base = len(data) - len(p.data)
	ended := p.trimEnd()
	p.lastLine = len(p.data)
	if !ended {
		p.lastLine = bytes.LastIndexAny(p.data, "\r\n") + 1
	}
	p.copy = unsafe.String(unsafe.SliceData(p.data), len(p.data))
	p.run()
	return p.file, nil
}

// dosEnd is Ctrl-Z, which ends a text file of DOS; what follows it is the rest of a disk's block.
const dosEnd = 0x1a

// trimEnd cuts the file at DOS's end of file, and zeros behind it. It returns true when the file says so where it
// ends: nothing is cut off then.
func (p *parser) trimEnd() bool {
	end := len(p.data)
	for i := 0; i < len(p.data); i++ {
		n := bytes.IndexByte(p.data[i:], dosEnd)
		if n < 0 {
			break
		}
		i += n
		rest := bytes.Trim(p.data[i:], "\x1a\x00 \t\r\n")
		if i == 0 || p.data[i-1] == '\n' || p.data[i-1] == '\r' || len(rest) == 0 {
			p.data = p.data[:i]
			return true
		}
	}
	p.data = bytes.TrimRight(p.data, "\x00")
	return len(p.data) < end
}

var bom = []byte("\xef\xbb\xbf")

// Recognise reports whether a file that begins with head is JCAMP-DX: whether its first record is ##TITLE=. Comments
// and a byte order mark may stand before it.
func Recognise(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \t\r\n")
	for bytes.HasPrefix(head, []byte("$$")) { // comments may come first
		i := bytes.IndexAny(head, "\r\n")
		if i < 0 {
			return false
		}
		head = bytes.TrimLeft(head[i:], " \t\r\n")
	}
	if !bytes.HasPrefix(head, []byte("##")) {
		return false
	}
	label, _, ok := bytes.Cut(head[2:], []byte("="))
	return ok && Key(string(label[:min(len(label), 20)])) == "TITLE"
}

// parser reads a file in one pass. Its cursor is pos; line and lineAt say where that is.
type parser struct {
	data   []byte
	copy   string // the same bytes: what records say is cut from it
	owned  bool   // data is the parser's own to change
	base   int    // of data in the file
	pos    int
	line   int
	lineAt int // pos of the line's beginning

	lastLine int // where a last line begins that has no line end; the data's length when it has one

	file   *File
	open   []*scope // blocks under way, outermost first
	points int      // that may still come
	count  struct{ records, tables int }
	full   bool // a bound was reached: no more is read
}

// scope is a block under way, with what its records said so far. Records count for the tables behind them.
type scope struct {
	*Block
	axis   axis // of XYDATA
	page   string
	link   bool                // it may hold other blocks
	comma  bool                // numbers have a comma for their point
	blocks int                 // ##BLOCKS=; -1 for none given
	rows   map[string][]string // of NTUPLES, by key: VARNAME, SYMBOL, ...
	stale  bool                // Variables lack what came in rows since
}

// axis holds the records of a table's axes: FIRSTX, LASTX, DELTAX, NPOINTS, XFACTOR, YFACTOR; NaN or -1 for none.
type axis struct {
	first, last, delta float64 // NaN for not given
	// One unit of the last digit of each.
	firstDigit, lastDigit, deltaDigit float64
	xFactor, yFactor                  float64
	points                            int // -1 for not given
	pointsAt                          place
	xUnits, yUnits                    string
	hasPage                           bool
}

// place is somewhere in the file.
type place struct{ line, column, offset int }

func newScope(b *Block) *scope {
	return &scope{Block: b, axis: axis{first: missing, last: missing, delta: missing, xFactor: 1, yFactor: 1,
		points: -1}, blocks: -1}
}

// here returns the place of the next byte.
func (p *parser) here() place { return place{p.line, p.pos - p.lineAt + 1, p.base + p.pos} }

// fault reports what is wrong at a place. After maxFaults of them the file is read no further.
func (p *parser) fault(at place, code, format string, args ...any) {
	if len(p.file.Faults) >= maxFaults {
		p.full = true
		return
	}
	p.file.Faults = append(p.file.Faults, &Fault{Line: at.line, Column: at.column, Offset: at.offset,
		Reason: coded.Errorf(code, format, args...)})
}

// warn reports what is wrong and costs nothing.
func (p *parser) warn(at place, code, format string, args ...any) {
	p.fault(at, code, format, args...)
	if !p.full {
		p.file.Faults[len(p.file.Faults)-1].Warning = true
	}
}

func (p *parser) end() bool { return p.pos >= len(p.data) }

// nextLine moves behind the end of the line: LF, CR LF or CR.
func (p *parser) nextLine() {
	for ; p.pos < len(p.data); p.pos++ {
		if c := p.data[p.pos]; c == '\n' || c == '\r' {
			p.newLine()
			return
		}
	}
}

// newLine takes the line end at pos.
func (p *parser) newLine() {
	if p.data[p.pos] == '\r' && p.pos+1 < len(p.data) && p.data[p.pos+1] == '\n' {
		p.pos++
	}
	p.pos++
	p.line++
	p.lineAt = p.pos
}

// atRecord skips blanks at the beginning of a line and reports whether a record begins there.
func (p *parser) atRecord() bool {
	for !p.end() && (p.data[p.pos] == ' ' || p.data[p.pos] == '\t') {
		p.pos++
	}
	return p.pos+1 < len(p.data) && p.data[p.pos] == '#' && p.data[p.pos+1] == '#'
}

// run reads all records, and ends the blocks that the file leaves open.
func (p *parser) run() {
	for !p.end() && !p.full {
		if !p.atRecord() {
			p.stray()
			continue
		}
		if p.count.records++; p.count.records > maxRecords {
			p.fault(p.here(), "jcampdx.more-than-records", "more than %d records", maxRecords)
			return
		}
		p.record()
	}
	for n := len(p.open); n > 0; n = len(p.open) {
		p.open[n-1].gather()
		p.cut(p.open[n-1])
		p.open = p.open[:n-1]
	}
}

// stray passes over a line that belongs to no record: blank, or a comment between blocks.
func (p *parser) stray() {
	rest := p.data[p.pos:]
	if i := bytes.IndexAny(rest[:min(len(rest), 4096)], "\r\n"); i >= 0 {
		rest = rest[:i]
	}
	if len(bytes.TrimSpace(rest)) > 0 && !bytes.HasPrefix(rest, []byte("$$")) {
		p.fault(p.here(), "jcampdx.line-outside-any-record", "a line outside of any record: %s", excerpt(rest))
	}
	p.nextLine()
}

// cut reports a block that has no ##END=, unless what it holds shows that nothing is missing.
func (p *parser) cut(s *scope) {
	if len(s.Tables) > 0 && s.axis.points >= 0 && len(s.Blocks) == 0 {
		if last := s.Tables[len(s.Tables)-1]; last.Partial || last.Points() == s.axis.points {
			return // faults have been reported, or it is whole
		}
	}
	if len(s.Tables) > 0 {
		s.Tables[len(s.Tables)-1].Partial = true
	}
	p.fault(p.here(), "jcampdx.file-ends-without-end",
		"file ends without ##END= for the block that begins in line %d: it may be cut off", s.Line)
}

// maxLabel is the longest label, bytes.
const maxLabel = 256

// label reads ##LABEL= at pos.
func (p *parser) label() (string, bool) {
	at := p.here()
	p.pos += 2
	rest := p.copy[p.pos:min(len(p.copy), p.pos+maxLabel)]
	n := 0
	for n < len(rest) && rest[n] != '=' && rest[n] != '\r' && rest[n] != '\n' {
		n++
	}
	label := strings.TrimSpace(rest[:n])
	switch {
	case n < len(rest) && rest[n] == '=':
		p.pos += n + 1
		return label, true
	case Key(label) == "END": // seen in the field without '='
		p.pos += n
		return "END", true
	}
	p.fault(at, "jcampdx.record-without", "a record without '='")
	p.nextLine()
	return "", false
}

// record reads one record. What stands before the first ##TITLE=, or behind the last ##END=, is a fault.
func (p *parser) record() {
	at := p.here()
	label, ok := p.label()
	if !ok {
		return
	}
	if label == "" { // ##=: a comment record
		p.text()
		return
	}
	key := Key(label)
	switch {
	case key == "TITLE":
		p.begin(at, label)
		return
	case len(p.open) == 0:
		p.fault(at, "jcampdx.before-first-title-or",
			"##%s= before the first ##TITLE=, or behind the last ##END=", label)
		p.text()
		return
	case key == "END":
		p.finish()
		return
	}
	s := p.open[len(p.open)-1]
	if kind, ok := tableKinds[key]; ok {
		p.table(s, at, label, kind)
		return
	}
	valueAt := p.here()
	value, comment := p.text()
	s.Records = append(s.Records, Record{Label: label, Value: value, Comment: comment, Line: at.line})
	p.note(s, key, value, valueAt)
}

var tableKinds = map[string]Kind{
	"XYDATA": XYData, "XYPOINTS": XYPoints, "PEAKTABLE": PeakTable, "PEAKASSIGNMENTS": PeakAssignments,
	"DATATABLE": XYData, "XYASSIGNMENTS": PeakAssignments,
}

// usualRecords is the number of records for which room is made first.
const usualRecords = 16

// begin begins a block.
func (p *parser) begin(at place, label string) {
	value, comment := p.text()
	b := &Block{Line: at.line, Records: append(make([]Record, 0, usualRecords), Record{Label: label, Value: value,
		Comment: comment, Line: at.line})}
	// A title within a block that is no LINK begins the next one: the ##END= before it is missing.
	for n := len(p.open); n > 0 && !p.open[n-1].link; n = len(p.open) {
		s := p.open[n-1]
		p.fault(at, "jcampdx.title-before-end-block",
			"##TITLE= before the ##END= of the block that begins in line %d", s.Line)
		p.open = p.open[:n-1]
	}
	if len(p.open) >= maxDepth {
		p.fault(at, "jcampdx.blocks-nested-more-than", "blocks are nested more than %d deep", maxDepth)
		p.full = true
		return
	}
	if n := len(p.open); n > 0 {
		p.open[n-1].Blocks = append(p.open[n-1].Blocks, b)
	} else {
		p.file.Blocks = append(p.file.Blocks, b)
	}
	p.open = append(p.open, newScope(b))
}

// finish ends the innermost block, at its ##END=.
func (p *parser) finish() {
	at := p.here()
	p.nextLine()
	s := p.open[len(p.open)-1]
	s.Ended = true
	s.gather()
	p.open = p.open[:len(p.open)-1]
	if n := s.blocks; n >= 0 && n != len(s.Blocks) && n != len(s.Blocks)+1 { // some count the LINK itself
		p.fault(at, "jcampdx.blocks-says-there", "##BLOCKS= says %d, and there are %d", n, len(s.Blocks))
	}
}

// maxRecordBytes is the longest value of a record that is kept.
const maxRecordBytes = 1 << 20

// text reads a record's value: to the next record, comments taken out. What is longer than the bound is passed over,
// with a fault.
func (p *parser) text() (value, comment string) {
	at := p.here()
	value, comment = p.textLine()
	var more strings.Builder
	for !p.end() && !p.atRecord() {
		line, _ := p.textLine()
		if more.Len()+len(value)+len(line) < maxRecordBytes {
			more.WriteByte('\n')
			more.WriteString(line)
			continue
		}
		p.fault(at, "jcampdx.record-longer-than-bytes",
			"a record is longer than %d bytes: the rest of it is left out", maxRecordBytes)
		p.skipRecord()
	}
	if len(value) > maxRecordBytes {
		p.fault(at, "jcampdx.record-longer-than-bytes",
			"a record is longer than %d bytes: the rest of it is left out", maxRecordBytes)
		value = value[:maxRecordBytes]
	}
	if more.Len() > 0 {
		value = strings.TrimRight(value+more.String(), "\n")
	}
	return value, comment
}

// skipRecord passes over the lines up to the next record.
func (p *parser) skipRecord() {
	for !p.end() && !p.atRecord() {
		p.nextLine()
	}
}

// textLine reads the rest of a line: what stands before $$, and behind.
func (p *parser) textLine() (text, comment string) {
	begin := p.pos
	p.nextLine()
	line, comment, _ := strings.Cut(p.copy[begin:p.pos], "$$")
	return strings.TrimSpace(line), strings.TrimSpace(comment)
}
