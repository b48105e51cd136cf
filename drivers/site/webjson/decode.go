package webjson

import (
	"errors"
	"math"
	"time"

	"github.com/tidwall/gjson"

	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
)

const (
	maxDepth   = 64   // blocks and lists within each other
	maxMembers = 4096 // of a list of messages
)

// Reading is one message of a document, read.
type Reading struct {
	Message *Message
	ID      string          // the device's own name of it; "" for none
	At      time.Time       // by the device's clock; zero when the document has none
	Values  []profile.Value // in the order of the profile's fields, those that the document has
	Alarm   message.Message // what the rule that holds says; zero for none
	Raw     string          // the part of the document that it was read from
}

// Decode reads a document by a profile. A document in which no message is found is an error; so is one that is no
// JSON, or deeper than 64 blocks. Readings that it could read are returned beside the error of another.
func Decode(p *Profile, doc []byte) (out []Reading, err error) {
	if !gjson.ValidBytes(doc) {
		return nil, message.Errorf("webjson.no-json")
	}
	if n := depth(doc); n > maxDepth {
		return nil, message.Errorf("webjson.nested", message.Int("depth", n), message.Int("most", maxDepth))
	}
	root := gjson.ParseBytes(doc)
	var problems []error
	for i := range p.Messages {
		m := &p.Messages[i]
		for n, part := range m.parts(root) {
			if !m.holds(part) || len(m.When) == 0 && !m.present(part) {
				continue
			}
			if n >= maxMembers {
				problems = append(problems, message.Errorf("webjson.members",
					message.String("message", m.Name), message.Int("most", maxMembers), message.String("list", m.Each)))
				break
			}
			r, err := m.read(part)
			if err != nil {
				problems = append(problems, message.Wrap(err, "line.of-message",
					message.String("message", m.Name)))
				continue
			}
			out = append(out, r)
		}
	}
	if len(out) == 0 && len(problems) == 0 {
		return nil, message.Errorf("webjson.none", message.String("profile", p.Name))
	}
	return out, errors.Join(problems...)
}

// depth returns how many blocks and lists of valid JSON are within each other at the most.
func depth(doc []byte) (most int) {
	open, quoted := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			open++
			most = max(most, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return most
}

// parts returns the JSON values that each give a message: the document, or the members of its list.
func (m *Message) parts(root gjson.Result) []gjson.Result {
	if m.Each == "" {
		return []gjson.Result{root}
	}
	return root.Get(m.Each).Array()
}

// present reports whether there is a value of one of the message's fields.
func (m *Message) present(part gjson.Result) bool {
	for i := range m.Fields {
		if v := part.Get(m.Fields[i].Path); v.Exists() && v.Type != gjson.Null {
			return true
		}
	}
	return false
}

// read decodes one message from the document, or from a member of its list. It is an error when the time that the
// profile names cannot be read, or none of the fields is there.
func (m *Message) read(part gjson.Result) (Reading, error) {
	r := Reading{Message: m, Raw: part.Raw}
	if m.ID != "" {
		r.ID = part.Get(m.ID).String()
	}
	if m.Time != "" {
		at, err := moment(part.Get(m.Time))
		if err != nil {
			return r, message.Wrap(err, "webjson.time", message.String("path", m.Time))
		}
		r.At = at
	}
	for i := range m.Fields {
		f := &m.Fields[i]
		if v := part.Get(f.Path); v.Exists() && v.Type != gjson.Null {
			r.Values = append(r.Values, f.value(v))
		}
	}
	if len(r.Values) == 0 {
		return r, message.Errorf("webjson.no-field")
	}
	r.Alarm = profile.Holds(m.Alarm, r.Values)
	return r, nil
}

// value decodes a field. A JSON number is multiplied with the field's factor; anything else is text, translated as the
// profile says.
func (f *Field) value(v gjson.Result) profile.Value {
	out := profile.Value{Name: f.Name, Text: f.Translate(v.String()), Unit: f.Unit}
	if v.Type == gjson.Number && !math.IsInf(v.Num, 0) {
		out.Number, out.IsNum = v.Num*f.Factor, true
	}
	return out
}

// Bounds of times since 1970 that are believed: 2001 to 2286 in seconds, and the same in milliseconds.
const (
	firstSecond = 1e9
	lastSecond  = 1e10
)

// moment decodes a time: RFC 3339 text with a zone, or a number of seconds or milliseconds since 1970 within the bounds
// above, which tell the two apart. The result is in UTC, to the microsecond for numbers.
func moment(v gjson.Result) (time.Time, error) {
	switch {
	case !v.Exists():
		return time.Time{}, message.Errorf("webjson.no-time")
	case v.Type == gjson.Number && v.Num >= firstSecond && v.Num < lastSecond:
		return time.UnixMicro(int64(v.Num * 1e6)).UTC(), nil
	case v.Type == gjson.Number && v.Num >= 1000*firstSecond && v.Num < 1000*lastSecond:
		return time.UnixMicro(int64(v.Num * 1e3)).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, v.String())
	if err != nil {
		return time.Time{},
			message.Errorf("webjson.other-time", message.Quoted("text", v.String()[:min(len(v.String()), 40)]))
	}
	return at.UTC(), nil
}
