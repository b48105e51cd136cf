package webjson

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
)

// Profile describes what the JSON of a device holds, and where (docs/profiles.md has every key with an example).
// Paths are those of gjson: "status.temperature", "sensors.0.value", "sensors.#(id==\"left\").value". Request is the
// page that is asked for. It is data: firmware-config/web, or a technician's own file.
type Profile struct {
	Name     string    `yaml:"name" required:"true" format:"id"`
	Title    string    `yaml:"title" required:"true"`
	Manual   string    `yaml:"manual" required:"true"`
	Request  string    `yaml:"request" default:"/" example:"/api/v1/status"`
	Messages []Message `yaml:"messages" required:"true"`
}

// Message is one thing that a document says, when all of When hold; without When, when one of its fields is there.
// Each leads to a list whose members are a message each, and to which the other paths are relative. ID and Time lead
// to the device's own name and time of it; with an ID every message is kept, without one only changes. Vehicle says
// that it is about a vehicle.
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

// Condition is a value that a message must have: one of Is, or any when Is is empty.
type Condition struct {
	Path string   `yaml:"path" required:"true"`
	Is   []string `yaml:"is"`
}

// Field is one value: where it is, and its name, unit, factor and translation.
type Field struct {
	Path          string `yaml:"path" required:"true"`
	profile.Field `yaml:",inline"`
}

const (
	maxFields  = 64
	maxPathLen = 200
)

// Check implements driver.Checker: names that are given twice, alarms on fields that are not there, paths and
// numbers of fields beyond the bounds are errors that name message and field.
func (p Profile) Check() error {
	if len(p.Messages) == 0 {
		return message.Errorf("profile.no-messages")
	}
	if !strings.HasPrefix(p.Request, "/") {
		return message.Errorf("profile.request", message.Quoted("request", p.Request))
	}
	seen := map[string]bool{}
	for i := range p.Messages {
		m := &p.Messages[i]
		if seen[m.Name] {
			return message.Errorf("profile.message-twice", message.String("message", m.Name))
		}
		seen[m.Name] = true
		if err := m.check(); err != nil {
			return message.Wrap(err, "profile.of-message", message.String("message", m.Name))
		}
	}
	return nil
}

func (m *Message) check() error {
	if len(m.Fields) == 0 || len(m.Fields) > maxFields {
		return message.Errorf("profile.fields", message.Int("count", len(m.Fields)), message.Int("most", maxFields))
	}
	names := map[string]bool{}
	for _, f := range m.Fields {
		if names[f.Name] {
			return message.Errorf("profile.field-twice", message.String("field", f.Name))
		}
		names[f.Name] = true
		if len(f.Path) > maxPathLen {
			return message.Errorf("profile.path-long", message.String("field", f.Name), message.Int("most", maxPathLen))
		}
	}
	for _, r := range m.Alarm {
		if !names[r.Field] {
			return message.Errorf("profile.alarm-field", message.String("field", r.Field))
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
