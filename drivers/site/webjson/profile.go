package webjson

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"lanewarden/drivers/trace/line"
)

// Profile says what the JSON of a device holds, and where. Paths are those of gjson: "status.temperature",
// "sensors.0.value", "sensors.#(id==\"left\").value".
type Profile struct {
	Name     string    `yaml:"name" required:"true" format:"id" help:"short name of the profile"`
	Title    string    `yaml:"title" required:"true" help:"what the device is, for people"`
	Manual   string    `yaml:"manual" required:"true" help:"where the facts are from: the manual's title, edition and page"`
	Request  string    `yaml:"request" default:"/" help:"what is asked of a device that does not post by itself: path and query" example:"/api/v1/status"`
	Messages []Message `yaml:"messages" required:"true" help:"what a document holds; each that fits is read"`
}

// Message is one thing that a document says.
type Message struct {
	Name    string      `yaml:"name" required:"true" format:"id" help:"name of what is read"`
	When    []Condition `yaml:"when" help:"the message is read only when all of these hold"`
	Each    string      `yaml:"each" help:"path of a list: each of its members is a message, and the other paths begin in it" example:"axles"`
	Vehicle bool        `yaml:"vehicle" help:"it is about one vehicle, and belongs to its passage"`
	ID      string      `yaml:"id" help:"path of the device's own name of the result: it is stored once, however often it is sent; without it only changes are stored"`
	Time    string      `yaml:"time" help:"path of the time of the result: RFC 3339, or seconds or milliseconds since 1970"`
	Fields  []Field     `yaml:"fields" required:"true" help:"what is read of it"`
	Alarm   []line.Rule `yaml:"alarm" help:"the message is an alarm when one of these holds"`
}

// Condition is a value that a message must have.
type Condition struct {
	Path string   `yaml:"path" required:"true" help:"path of the value"`
	Is   []string `yaml:"is" help:"it holds when the value is one of these; without them, when the document has it"`
}

// Field is one value.
type Field struct {
	Path       string `yaml:"path" required:"true" help:"path of the value"`
	line.Field `yaml:",inline"`
}

const (
	maxFields  = 64
	maxPathLen = 200
)

// Check implements driver.Checker.
func (p Profile) Check() error {
	if len(p.Messages) == 0 {
		return errors.New("there are no messages")
	}
	if !strings.HasPrefix(p.Request, "/") {
		return fmt.Errorf("request %q does not begin with /", p.Request)
	}
	seen := map[string]bool{}
	for i := range p.Messages {
		m := &p.Messages[i]
		if seen[m.Name] {
			return fmt.Errorf("message %s is given twice", m.Name)
		}
		seen[m.Name] = true
		if err := m.check(); err != nil {
			return fmt.Errorf("message %s: %w", m.Name, err)
		}
	}
	return nil
}

func (m *Message) check() error {
	if len(m.Fields) == 0 || len(m.Fields) > maxFields {
		return fmt.Errorf("has %d fields: 1 to %d are expected", len(m.Fields), maxFields)
	}
	names := map[string]bool{}
	for _, f := range m.Fields {
		if names[f.Name] {
			return fmt.Errorf("field %s is given twice", f.Name)
		}
		names[f.Name] = true
		if len(f.Path) > maxPathLen {
			return fmt.Errorf("field %s: path is longer than %d characters", f.Name, maxPathLen)
		}
	}
	for _, r := range m.Alarm {
		if !names[r.Field] {
			return fmt.Errorf("alarm: there is no field %s", r.Field)
		}
	}
	return nil
}

// holds reports whether a document, or a member of its list, has what the message asks for.
func (m *Message) holds(doc gjson.Result) bool {
	for _, c := range m.When {
		v := doc.Get(c.Path)
		if !v.Exists() {
			return false
		}
		if len(c.Is) > 0 && !slices.Contains(c.Is, v.String()) {
			return false
		}
	}
	return true
}
