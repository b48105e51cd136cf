package webjson

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"lanewarden/drivers/driver/profile"
)

// Profile describes what the JSON of a device holds, and where. Paths are those of gjson: "status.temperature",
// "sensors.0.value", "sensors.#(id==\"left\").value".
type Profile struct {
	Name     string    `yaml:"name" required:"true" format:"id"`
	Title    string    `yaml:"title" required:"true"`
	Manual   string    `yaml:"manual" required:"true"`
	Request  string    `yaml:"request" default:"/" example:"/api/v1/status"`
	Messages []Message `yaml:"messages" required:"true"`
}

// Message is one thing that a document says.
type Message struct {
	Name    string         `yaml:"name" required:"true" format:"id"`
	When    []Condition    `yaml:"when"`
	Each    string         `yaml:"each" example:"axles"`
	Vehicle bool           `yaml:"vehicle"`
	ID      string         `yaml:"id"`
	Time    string         `yaml:"time"`
	Fields  []Field        `yaml:"fields" required:"true"`
	Alarm   []profile.Rule `yaml:"alarm"`
}

// Condition is a value that a message must have.
type Condition struct {
	Path string   `yaml:"path" required:"true"`
	Is   []string `yaml:"is"`
}

// Field is one value.
type Field struct {
	Path          string `yaml:"path" required:"true"`
	profile.Field `yaml:",inline"`
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
