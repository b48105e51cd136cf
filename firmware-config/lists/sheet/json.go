package sheet

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"lanewarden/drivers/message"
)

// positions notes where lines end in what is read, until they are passed.
type positions struct {
	in     io.Reader
	offset int64   // of what was read
	breaks []int64 // offsets of line ends that are not passed yet
	line   int     // lines passed
	start  int64   // where the line at hand begins
}

// Read implements io.Reader.
func (p *positions) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	for i, c := range b[:n] {
		if c == '\n' {
			p.breaks = append(p.breaks, p.offset+int64(i))
		}
	}
	p.offset += int64(n)
	return n, err
}

// at returns line and column of an offset; offsets must not go back.
func (p *positions) at(offset int64) place {
	passed := 0
	for passed < len(p.breaks) && p.breaks[passed] < offset {
		p.start = p.breaks[passed] + 1
		passed++
	}
	p.line += passed
	p.breaks = append(p.breaks[:0], p.breaks[passed:]...)
	return place{p.line + 1, int(max(offset-p.start, 1))}
}

// jsonFile reads objects out of a JSON file: an array of them, or one behind the other.
type jsonFile struct {
	*reading
	dec *json.Decoder
	g   *guard
	pos *positions
}

// readJSON reads a file of objects whose fields are named like the columns.
func (s *reading) readJSON(body *bufio.Reader) error {
	g := &guard{in: body}
	pos := &positions{in: g}
	j := &jsonFile{s, json.NewDecoder(pos), g, pos}
	j.dec.UseNumber()
	err := j.all()
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errLong):
		return s.stop(pos.at(j.dec.InputOffset()).line, 0, message.Of(errLong))
	case errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF):
		at := pos.at(j.dec.InputOffset())
		return s.stop(at.line, at.column, message.New("lists.json", message.CausedBy(err)))
	}
	return err
}

// token returns the next token and where it ends.
func (j *jsonFile) token() (json.Token, error) {
	t, err := j.dec.Token()
	j.g.used = j.dec.InputOffset()
	return t, err
}

// here is the place behind the last token.
func (j *jsonFile) here() place { return j.pos.at(j.dec.InputOffset()) }

// all reads the objects of the file.
func (j *jsonFile) all() error {
	array, seen := false, false
	for {
		t, err := j.token()
		switch {
		case errors.Is(err, io.EOF) && array:
			return io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case t == json.Delim('[') && !seen:
			array = true
		case t == json.Delim(']') && array:
			return j.end()
		case t == json.Delim('{'):
			if err := j.object(); err != nil {
				return err
			}
		default:
			return j.unexpected()
		}
		seen = true
	}
}

// end refuses what stands behind the array.
func (j *jsonFile) end() error {
	_, err := j.token()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	return j.unexpected()
}

func (j *jsonFile) unexpected() error {
	at := j.here()
	return j.stop(at.line, at.column, message.New("lists.json-shape"))
}

// object reads one row.
func (j *jsonFile) object() error {
	line := j.here().line
	cells, places := make([]string, len(j.names)), make([]place, len(j.names))
	before := j.report.Count()
	for {
		t, err := j.token()
		if err != nil {
			return unexpectedEnd(err)
		}
		if t == json.Delim('}') {
			break
		}
		name, _ := t.(string)
		column := slices.Index(j.names, name)
		at := j.here()
		switch {
		case column < 0:
			j.report.Refuse(Refusal{at.line, at.column, name, j.unknownColumn(name)})
		case places[column].line > 0:
			j.report.Refuse(Refusal{at.line, at.column, name, message.New("lists.column-twice", message.String("name", name))})
		}
		value, why, err := j.value(max(column, 0))
		if err != nil {
			return err
		}
		if at = j.here(); !why.IsZero() {
			j.report.Refuse(Refusal{at.line, at.column, name, why})
		}
		if column >= 0 {
			cells[column], places[column] = value, at
		}
	}
	if j.report.Count() > before {
		j.report.Refused++
		return nil
	}
	return j.row(line, cells, places)
}

// unexpectedEnd is the error of a file that ends inside an object.
func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// value reads a field's value as a cell would have it; why says that it is of the wrong type.
func (j *jsonFile) value(column int) (cell string, why message.Message, err error) {
	t, err := j.token()
	if err != nil {
		return "", why, unexpectedEnd(err)
	}
	switch v := t.(type) {
	case nil:
		return "", why, nil
	case string:
		return v, why, nil
	case bool:
		return fmt.Sprint(v), why, nil
	case json.Number:
		if !j.form.numeric(column) {
			return "", message.New("lists.json-number", message.Quoted("value", v.String())), nil
		}
		return v.String(), why, nil
	}
	if t != json.Delim('[') {
		return "", why, j.unexpected()
	}
	var all []string
	for {
		t, err := j.token()
		if err != nil {
			return "", why, unexpectedEnd(err)
		}
		if t == json.Delim(']') {
			return strings.Join(all, ";"), why, nil
		}
		text, is := t.(string)
		if !is {
			return "", why, j.unexpected()
		}
		all = append(all, text)
	}
}
