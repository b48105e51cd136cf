package firmwareconfig

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
)

// SettingDoc describes one setting that a driver takes.
type SettingDoc struct {
	Name     string          // as the lane file has it, with those that it stands in: "serial.baud"
	Help     message.Message // what it is for
	Type     message.Message // "a whole number (bytes, without the unit)"
	Required bool            // wherever the block that it stands in is given
	Default  string          // what holds when it is not given; "" for nothing
	Allowed  message.Message // bounds or values, zero for no limit
	Example  string
}

// SettingsOf lists the settings of a driver, in the order of its configuration.
func SettingsOf(spec driver.Spec) (out []SettingDoc) {
	walkSettings(reflect.TypeOf(spec.Config).Elem(), "", func(name string, f field) {
		out = append(out, SettingDoc{
			Name: name, Help: f.help, Type: f.what(), Required: f.required, Default: f.def, Allowed: f.allowed(),
			Example: f.example,
		})
	})
	return out
}

// walkSettings visits the fields of a settings struct and those of the blocks and lists in it.
func walkSettings(t reflect.Type, path string, visit func(name string, f field)) {
	for _, f := range fieldsOf(t) {
		name := strings.TrimPrefix(path+"."+f.name, ".")
		inner := f.typ
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				name += "[]"
			}
			inner = inner.Elem()
		}
		visit(name, f)
		if inner.Kind() == reflect.Struct && f.builtin == "" {
			walkSettings(inner, name, visit)
		}
	}
}

// WriteReference writes what a driver's settings are, as text for a terminal. The error is that of w.
func WriteReference(w io.Writer, spec driver.Spec, l message.Language) error {
	var b bytes.Buffer
	fmt.Fprintln(&b, message.New("within", message.String("where", spec.Name), message.Nested("cause", spec.Called())).In(l))
	for _, s := range SettingsOf(spec) {
		fmt.Fprintf(&b, "\n%s%s\n    %s\n    %s\n", s.Name, s.remark(l), s.Help.In(l),
			strings.Join(s.facts(l), l.Separator("; ")))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Reference returns what a driver's settings are, as a Markdown page.
func Reference(spec driver.Spec) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Settings of driver `%s`\n\n%s. Made from the code by `go test ./cmd/internal/repository -update`; "+
		"`laned drivers %s` prints the same.\n\n", spec.Name, spec.Title, spec.Name)
	b.WriteString("| setting | what it is for | values |\n|---|---|---|\n")
	for _, s := range SettingsOf(spec) {
		fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", s.Name, s.remark(message.English), cell(s.Help.English()),
			cell(strings.Join(s.facts(message.English), "; ")))
	}
	return b.Bytes()
}

func (s SettingDoc) remark(l message.Language) string {
	if s.Required {
		return " " + message.New("laned.required").In(l)
	}
	return ""
}

// facts are what is to be known of a setting's value.
func (s SettingDoc) facts(l message.Language) []string {
	facts := []string{s.Type.In(l)}
	if !s.Allowed.IsZero() {
		facts = append(facts, s.Allowed.In(l))
	}
	if s.Default != "" {
		facts = append(facts, message.New("laned.default", message.String("value", s.Default)).In(l))
	}
	if s.Example != "" {
		facts = append(facts, message.New("laned.example", message.String("value", s.Example)).In(l))
	}
	return facts
}

// cell is a text as it can stand in a table.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }

// FindDriver returns the Spec of a driver. The error of an unknown name suggests the one that was meant.
func FindDriver(name string, specs []driver.Spec) (driver.Spec, error) {
	var names []string
	for _, s := range specs {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	none := message.New("config.no-driver", message.Quoted("driver", name))
	return driver.Spec{}, &message.Error{Message: suggest(none, name, names)}
}
