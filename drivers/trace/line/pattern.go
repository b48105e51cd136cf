package line

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
)

// fieldTypes are regular expressions of one group by the type of a field. Text and time take as little as the rest
// of the pattern allows; numbers may have blanks before them, as columns do.
var fieldTypes = map[string]string{
	"text":  `(.*?)`,
	"word":  `([^\s]+)`,
	"int":   `\s*([+-]?\d+)`,
	"float": `\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|\?+|-+|\*+)`, // no value is written as ?, - or * by some
	"hex":   `([0-9A-Fa-f]+)`,
	"time":  `(.*?)`,
}

// pattern is a compiled pattern. fields are in the order of the expression's groups.
type pattern struct {
	re     *regexp.Regexp
	fields []patternField
}

type patternField struct{ name, kind string }

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// maxFields bounds the fields of a pattern, and with them the size of its expression.
const maxFields = 64

// compilePattern reads a pattern as profiles write it. It must fit the whole line:
//
//	PK {drift:float} {k0:float} {*}   fields, blanks (one or more), and anything
//	{{{name}}                         a brace itself, a field without type (text)
//
// Go's regular expressions take time linear in the line, so that a profile cannot hang the agent. Errors name the
// pattern and what is wrong with it.
func compilePattern(text string) (*pattern, error) {
	p := &pattern{}
	var re strings.Builder
	wrong := func(err error) error {
		return message.Wrap(err, "profile.pattern", message.Quoted("pattern", text))
	}
	re.WriteString(`^`)
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "{{"):
			re.WriteString(`\{`)
			rest = rest[2:]
		case rest[0] == '{':
			inner, after, ok := strings.Cut(rest[1:], "}")
			if !ok {
				return nil, wrong(message.Errorf("profile.brace"))
			}
			rest = after
			if inner == "*" {
				re.WriteString(`.*?`)
				continue
			}
			name, kind, typed := strings.Cut(inner, ":")
			if !typed {
				kind = "text"
			}
			match, known := fieldTypes[kind]
			switch {
			case !fieldName.MatchString(name):
				return nil, wrong(message.Errorf("profile.field-name", message.Quoted("field", name)))
			case !known:
				return nil, wrong(message.Errorf("profile.field-type", message.Quoted("type", kind),
					message.String("field", name), message.String("known", "text, word, int, float, time, hex")))
			case slices.ContainsFunc(p.fields, func(f patternField) bool { return f.name == name }):
				return nil, wrong(message.Errorf("profile.field-in-pattern", message.String("field", name)))
			case len(p.fields) == maxFields:
				return nil, wrong(message.Errorf("profile.field-count", message.Int("most", maxFields)))
			}
			p.fields = append(p.fields, patternField{name, kind})
			re.WriteString(match)
		case rest[0] == ' ':
			re.WriteString(`\s+`)
			rest = strings.TrimLeft(rest, " ")
		default:
			n := strings.IndexAny(rest, "{ ")
			if n < 0 {
				n = len(rest)
			}
			re.WriteString(regexp.QuoteMeta(rest[:n]))
			rest = rest[n:]
		}
	}
	re.WriteString(`\s*$`)
	compiled, err := regexp.Compile(re.String())
	if err != nil {
		return nil, wrong(err)
	}
	p.re = compiled
	return p, nil
}

// machine is a compiled profile: patterns, time zone, and the forms of times as Go's layouts.
type machine struct {
	*Profile
	zone     *time.Location
	layouts  []string
	messages []compiledMessage
}

// compiledMessage is a message with its patterns; end is nil when it ends with the first line that is none of lines.
type compiledMessage struct {
	*Message
	pattern *pattern
	lines   []*pattern
	end     *pattern
}

// compile reads all patterns of a profile. Errors name the message.
func compile(p *Profile) (*machine, error) {
	m := &machine{Profile: p}
	var err error
	if m.zone, err = driver.Zone(p.Time.Zone); err != nil {
		return nil, err
	}
	for _, f := range p.Time.Formats {
		m.layouts = append(m.layouts, layout(f))
	}
	for i := range p.Messages {
		one, err := m.compileMessage(&p.Messages[i])
		if err != nil {
			return nil, message.Wrap(err, "profile.of-message", message.String("message", p.Messages[i].Name))
		}
		m.messages = append(m.messages, one)
	}
	return m, nil
}

// compileMessage compiles a message's patterns, and refuses fields and alarms that name what no pattern gives.
func (m *machine) compileMessage(in *Message) (out compiledMessage, err error) {
	out.Message = in
	names := map[string]bool{}
	add := func(text string) *pattern {
		p, e := compilePattern(text)
		if e != nil {
			err = e
			return nil
		}
		for _, f := range p.fields {
			names[f.name] = true
			if f.kind == "time" && len(m.layouts) == 0 {
				err = message.Errorf("profile.no-times", message.String("field", f.name))
			}
		}
		return p
	}
	out.pattern = add(in.Pattern)
	for _, l := range in.Lines {
		out.lines = append(out.lines, add(l.Pattern))
	}
	if in.End != "" {
		out.end = add(in.End)
	}
	if err != nil {
		return out, err
	}
	for _, f := range in.Fields {
		if !names[f.Name] {
			return out, message.Errorf("profile.no-pattern-field", message.String("field", f.Name))
		}
	}
	for _, r := range in.Alarm {
		if !names[r.Field] {
			return out, message.Errorf("profile.no-pattern-alarm", message.String("field", r.Field))
		}
	}
	return out, nil
}
