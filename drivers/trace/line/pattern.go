package line

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/driver"
)

// Types of fields: what they match.
var fieldTypes = map[string]string{
	"text":  `(.*?)`,
	"word":  `([^\s]+)`,
	"int":   `\s*([+-]?\d+)`,
	"float": `\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|\?+|-+|\*+)`, // no value is written as ?, - or * by some
	"hex":   `([0-9A-Fa-f]+)`,
	"time":  `(.*?)`,
}

// pattern is a compiled pattern.
type pattern struct {
	re     *regexp.Regexp
	fields []patternField
}

type patternField struct{ name, kind string }

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// maxFields bounds the fields of a pattern.
const maxFields = 64

// compilePattern reads a pattern as profiles write it.
func compilePattern(text string) (*pattern, error) {
	p := &pattern{}
	var re strings.Builder
	re.WriteString(`^`)
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "{{"):
			re.WriteString(`\{`)
			rest = rest[2:]
		case rest[0] == '{':
			inner, after, ok := strings.Cut(rest[1:], "}")
			if !ok {
				return nil, fmt.Errorf("pattern %q: '{' without '}' (a brace itself is written {{)", text)
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
				return nil, fmt.Errorf("pattern %q: %q is no field name: lower-case letters, digits and _", text, name)
			case !known:
				return nil, fmt.Errorf("pattern %q: type %q of field %s is not one of text, word, int, float, "+
					"time, hex", text, kind, name)
			case slices.ContainsFunc(p.fields, func(f patternField) bool { return f.name == name }):
				return nil, fmt.Errorf("pattern %q: field %s stands there twice", text, name)
			case len(p.fields) == maxFields:
				return nil, fmt.Errorf("pattern %q: more than %d fields", text, maxFields)
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
		return nil, fmt.Errorf("pattern %q: %w", text, err)
	}
	p.re = compiled
	return p, nil
}

// machine is a compiled profile.
type machine struct {
	*Profile
	zone     *time.Location
	layouts  []string
	messages []compiledMessage
}

type compiledMessage struct {
	*Message
	pattern *pattern
	lines   []*pattern
	end     *pattern
}

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
		one, err := m.message(&p.Messages[i])
		if err != nil {
			return nil, fmt.Errorf("message %s: %w", p.Messages[i].Name, err)
		}
		m.messages = append(m.messages, one)
	}
	return m, nil
}

func (m *machine) message(in *Message) (out compiledMessage, err error) {
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
				err = fmt.Errorf("field %s is a time, and time.formats says none", f.name)
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
			return out, fmt.Errorf("fields: %s is in none of its patterns", f.Name)
		}
	}
	for _, r := range in.Alarm {
		if !names[r.Field] {
			return out, fmt.Errorf("alarm: %s is in none of its patterns", r.Field)
		}
	}
	return out, nil
}
