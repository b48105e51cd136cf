package line

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
)

// Row is one line within a message; Name is that of its Line in the profile.
type Row struct {
	Name   string
	Values []profile.Value
}

// Reading is one message, read and owned by whoever got it.
type Reading struct {
	At      time.Time // when its last line arrived
	Message string
	Kind    string
	Values  []profile.Value // of the first and the last line
	Rows    []Row           // lines between
	Alarm   message.Message // what the rule that held says; zero for none
	Raw     []byte          // its lines as they came
	Partial bool            // it broke off, or had too many lines
}

// Get returns a value by name.
func (r *Reading) Get(name string) (profile.Value, bool) { return get(r.Values, name) }

// Get returns a value by name.
func (r *Row) Get(name string) (profile.Value, bool) { return get(r.Values, name) }

func get(values []profile.Value, name string) (profile.Value, bool) {
	for _, v := range values {
		if v.Name == name {
			return v, true
		}
	}
	return profile.Value{}, false
}

// Event is one result of a Reader: either a reading, or a fault with its place and up to faultExcerpt bytes.
type Event struct {
	At      time.Time
	Reading *Reading
	Fault   message.Message
	Offset  int64  // of the faulty line, bytes since the beginning
	Frame   []byte // the faulty line
}

const (
	maxRows     = 4096    // lines of one message
	maxRawBytes = 1 << 20 // of one message
)

// Reader reads a stream by a profile. It has no clock and does no I/O; its memory is a line, and the message under
// way. Not for concurrent use.
type Reader struct {
	m       *machine
	buf     []byte
	offset  int64 // of buf
	skip    bool  // what comes up to the next end belongs to a line that was too long
	pending *pendingMessage
}

// pendingMessage is a message whose first line was read.
type pendingMessage struct {
	message *compiledMessage
	reading *Reading
}

// NewReader returns a reader for a profile that was checked; errors are those of Profile.Check.
func NewReader(p *Profile) (*Reader, error) {
	m, err := compile(p)
	if err != nil {
		return nil, err
	}
	return &Reader{m: m}, nil
}

// Idle reports whether nothing is under way.
func (r *Reader) Idle() bool { return len(r.buf) == 0 && r.pending == nil && !r.skip }

// Break ends what is under way because the input broke off: a message becomes a partial reading, half a line is
// forgotten.
func (r *Reader) Break(at time.Time, emit func(Event)) {
	r.offset += int64(len(r.buf))
	r.buf, r.skip = r.buf[:0], false
	r.close(at, true, emit)
}

// Flush ends the input: a last line without its end is read, a message under way is closed.
func (r *Reader) Flush(at time.Time, emit func(Event)) {
	if len(bytes.TrimSpace(r.buf)) > 0 && !r.skip {
		r.handleLine(at, bytes.TrimRight(r.buf, "\r\n"), emit)
	}
	partial := r.pending != nil && r.pending.message.end != nil
	r.buf = r.buf[:0]
	r.close(at, partial, emit)
}

// Feed reads bytes that arrived at a moment, and emits the readings and faults that their lines complete. Where the
// stream is cut does not matter. A line longer than framing.max_bytes is one fault, and is passed over up to its end.
func (r *Reader) Feed(at time.Time, data []byte, emit func(Event)) {
	end := []byte(r.m.Framing.End)
	r.buf = append(r.buf, data...)
	rest := r.buf // cut from the front; moving what is left for each line would take the square of the time
	for {
		n := bytes.Index(rest, end)
		if n < 0 {
			break
		}
		frame := rest[:n]
		if r.skip {
			r.skip = false
		} else if n > r.m.Framing.MaxBytes {
			r.tooLong(at, frame, emit)
		} else {
			r.handleLine(at, frame, emit)
		}
		r.offset += int64(n + len(end))
		rest = rest[n+len(end):]
	}
	if len(rest) > r.m.Framing.MaxBytes+len(end) {
		if !r.skip {
			r.tooLong(at, rest, emit)
		}
		drop := len(rest) - len(end) + 1 // the end itself may be cut in two
		r.offset += int64(drop)
		rest, r.skip = rest[drop:], true
	}
	r.buf = append(r.buf[:0], rest...)
}

// tooLong emits the fault of a line without end in sight; "the end" in it is a hint that framing.end may be wrong.
func (r *Reader) tooLong(at time.Time, frame []byte, emit func(Event)) {
	r.fault(at, r.offset, frame, emit, message.New("line.long", message.Count("n", r.m.Framing.MaxBytes),
		message.Quoted("end", r.m.Framing.End)))
}

// faultExcerpt bounds what a fault keeps of its line.
const faultExcerpt = 256

// fault emits a fault; offset is in bytes since the beginning of the input.
func (r *Reader) fault(at time.Time, offset int64, frame []byte, emit func(Event), reason message.Message) {
	emit(Event{At: at, Offset: offset, Frame: bytes.Clone(frame[:min(len(frame), faultExcerpt)]),
		Fault: message.New("fault.byte", message.Int("offset", offset), message.Nested("cause", reason))})
}

// handleLine reads one line without its end: start, checksum and characters are checked before any pattern is tried.
// Empty lines are passed over. Bytes before the start are a fault of their own.
func (r *Reader) handleLine(at time.Time, frame []byte, emit func(Event)) {
	offset := r.offset
	body := frame
	if r.m.Framing.End == "\n" {
		body = bytes.TrimSuffix(body, []byte("\r"))
	}
	if start := r.m.Framing.Start; start != "" {
		i := bytes.LastIndex(body, []byte(start)) // a line that was cut is followed by the next one's start
		if i < 0 {
			if len(bytes.TrimSpace(body)) > 0 {
				r.fault(at, offset, frame, emit, message.New("line.begin", message.Quoted("start", start)))
			}
			return
		}
		if i > 0 && len(bytes.TrimSpace(body[:i])) > 0 {
			r.fault(at, offset, body[:i], emit, message.New("line.before", message.Quoted("start", start)))
		}
		body = body[i+len(start):]
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return
	}
	body, err := r.m.Checksum.strip(body, r.m.Framing.Start)
	if err != nil {
		r.fault(at, offset, frame, emit, message.Of(err))
		return
	}
	text, err := decodeText(r.m.Charset, body)
	if err != nil {
		r.fault(at, offset, frame, emit, message.Of(err))
		return
	}
	if err := r.handleText(at, text, frame, emit); err != nil {
		r.fault(at, offset, frame, emit, message.Of(err))
	}
}

// decodeText turns bytes of a character set to UTF-8. In ASCII, control characters (but tabs) and bytes over 7E hex
// are an error, with their place: noise on a serial line looks so. In UTF-8, what is none becomes U+FFFD.
func decodeText(charset string, body []byte) (string, error) {
	var table *charmap.Charmap
	switch charset {
	case "latin1":
		table = charmap.ISO8859_1
	case "windows-1252":
		table = charmap.Windows1252
	case "cp437":
		table = charmap.CodePage437
	case "utf-8":
		return strings.ToValidUTF8(string(body), "\uFFFD"), nil
	default:
		for i, c := range body {
			if c == '\n' || c == '\r' {
				return "", message.Errorf("line.other-end", message.Int("place", i+1),
					message.String("character", strconv.QuoteRune(rune(c))))
			}
			if c > 0x7e || c < 0x20 && c != '\t' {
				return "", message.Errorf("line.no-ascii", message.Int("place", i+1),
					message.String("character", fmt.Sprintf("%#02x", c)))
			}
		}
		return string(body), nil
	}
	out, err := table.NewDecoder().Bytes(body)
	return string(out), err
}

// handleText puts a line's text into the message under way, or begins a new one with the first message whose pattern
// fits. frame is the line as it came, for Raw.
func (r *Reader) handleText(at time.Time, text string, frame []byte, emit func(Event)) error {
	if p := r.pending; p != nil {
		handled, err := r.handleWithin(p, at, text, frame, emit)
		if handled || err != nil {
			return err
		}
	}
	for i := range r.m.messages {
		msg := &r.m.messages[i]
		found := msg.pattern.re.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		values, err := r.m.values(msg, msg.pattern, found)
		if err != nil {
			return message.Wrap(err, "line.of-message", message.String("message", msg.Name))
		}
		reading := &Reading{At: at, Message: msg.Name, Kind: msg.Kind, Values: values,
			Raw: append(bytes.Clone(frame), '\n')}
		if len(msg.lines) > 0 || msg.end != nil {
			r.pending = &pendingMessage{msg, reading}
			return nil
		}
		r.emitReading(msg, reading, emit)
		return nil
	}
	if r.m.Unmatched == "ignore" {
		return nil
	}
	return message.Errorf("line.unmatched", message.String("profile", r.m.Name),
		message.Quoted("line", text))
}

// handleWithin puts a line into the message under way. handled is false when it is none of its lines: the message is
// over then, complete, or, when its End got lost, partial.
func (r *Reader) handleWithin(p *pendingMessage, at time.Time, text string, frame []byte, emit func(Event)) (handled bool,
	err error) {
	add := func(pattern *pattern) ([]profile.Value, bool, error) {
		found := pattern.re.FindStringSubmatch(text)
		if found == nil {
			return nil, false, nil
		}
		values, err := r.m.values(p.message, pattern, found)
		p.reading.Raw = append(append(p.reading.Raw, frame...), '\n')
		p.reading.At = at
		return values, true, err
	}
	if p.message.end != nil {
		values, ok, err := add(p.message.end)
		if ok {
			p.reading.Values = append(p.reading.Values, values...)
			r.close(at, false, emit)
			return true, err
		}
	}
	if len(p.reading.Rows) >= maxRows || len(p.reading.Raw) > maxRawBytes {
		r.close(at, true, emit)
		return false, message.Errorf("line.too-many", message.String("message", p.message.Name),
			message.Int("lines", maxRows), message.Int("bytes", maxRawBytes))
	}
	for i, pattern := range p.message.lines {
		values, ok, err := add(pattern)
		if !ok {
			continue
		}
		p.reading.Rows = append(p.reading.Rows, Row{p.message.Lines[i].Name, values})
		return true, err
	}
	if p.message.end == nil {
		r.close(at, false, emit)
		return false, nil
	}
	for _, m := range r.m.messages { // the end got lost: another message begins
		if m.pattern.re.MatchString(text) {
			r.close(at, true, emit)
			return false, nil
		}
	}
	return true, message.Errorf("line.unmatched-within", message.String("message", p.message.Name),
		message.Quoted("line", text))
}

// close ends the message under way, if there is one, and emits its reading; a partial one is a fault besides.
func (r *Reader) close(at time.Time, partial bool, emit func(Event)) {
	p := r.pending
	if p == nil {
		return
	}
	r.pending = nil
	p.reading.Partial = partial
	if partial {
		r.fault(at, r.offset, p.reading.Raw, emit, message.New("line.broke-off",
			message.String("message", p.message.Name), message.Count("n", len(p.reading.Rows)+1)))
	}
	r.emitReading(p.message, p.reading, emit)
}

// emitReading emits a reading with its alarm.
func (r *Reader) emitReading(m *compiledMessage, reading *Reading, emit func(Event)) {
	reading.Alarm = m.alarm(reading)
	emit(Event{At: reading.At, Reading: reading})
}

// alarm returns what the rule that holds says, the zero Message when none does.
func (m *compiledMessage) alarm(reading *Reading) message.Message {
	all := slices.Clone(reading.Values)
	for _, row := range reading.Rows {
		all = append(all, row.Values...)
	}
	return profile.Holds(m.Message.Alarm, all)
}

// values decodes the fields of a line that matched a pattern; found are its groups. Numbers are multiplied with the
// field's factor, texts translated. A hexadecimal number or time that cannot be read is an error; an int or float that
// says "no value" (?, -, *) is a profile.Value without number.
func (m *machine) values(msg *compiledMessage, p *pattern, found []string) ([]profile.Value, error) {
	out := make([]profile.Value, len(p.fields))
	for i, f := range p.fields {
		v := profile.Value{Name: f.name, Text: strings.TrimSpace(found[i+1])}
		var more profile.Field
		if k := slices.IndexFunc(msg.Fields, func(x profile.Field) bool { return x.Name == f.name }); k >= 0 {
			more = msg.Fields[k]
		} else {
			more.Factor = 1
		}
		v.Unit = more.Unit
		switch f.kind {
		case "int", "float":
			if n, err := strconv.ParseFloat(v.Text, 64); err == nil {
				v.Number, v.IsNum = n*more.Factor, true
			}
		case "hex":
			n, err := strconv.ParseUint(v.Text, 16, 53)
			if err != nil {
				return nil, message.Errorf("line.no-hex", message.String("field", f.name),
					message.Quoted("text", v.Text))
			}
			v.Number, v.IsNum = float64(n)*more.Factor, true
		case "time":
			t, err := m.parseTime(v.Text)
			if err != nil {
				return nil, message.Wrap(err, "line.field", message.String("field", f.name))
			}
			v.Time = t
		}
		v.Text = more.Translate(v.Text)
		out[i] = v
	}
	return out, nil
}

// parseTime reads a time in the first form that fits, as UTC.
func (m *machine) parseTime(text string) (time.Time, error) {
	for _, l := range m.layouts {
		if t, err := time.ParseInLocation(l, text, m.zone); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, message.Errorf("line.no-time", message.Quoted("text", text),
		message.String("forms", strings.Join(m.Time.Formats, ", ")))
}
