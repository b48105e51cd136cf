package firmwareconfig

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
)

// Describe writes what would run, for people.
func (c *Config) Describe(w io.Writer) {
	fmt.Fprintf(w, "site %s (%s), agent %s, state in %s\n", named(c.Site.ID, c.Site.Title), c.Site.Kind, c.Agent.ID, c.Agent.StateDir)
	for _, l := range c.Lanes {
		fmt.Fprintf(w, "lane %s, %s\n", named(l.ID, l.Title), l.Direction)
	}
	for _, d := range c.Devices {
		lane := "whole site"
		if d.Lane != "" {
			lane = "lane " + d.Lane
		}
		fmt.Fprintf(w, "device %s, driver %s, %s: %s\n", named(d.ID, d.Title), d.Driver, lane, settingsText(reflect.ValueOf(d.Settings)))
	}
	if c.Uplink == nil {
		fmt.Fprintln(w, "no uplink: the agent only journals")
		return
	}
	fmt.Fprintf(w, "uplink to %s\n", c.Uplink.Broker)
}

func named(id, title string) string {
	if title == "" {
		return id
	}
	return fmt.Sprintf("%s %q", id, title)
}

// settingsText lists the settings that are in force.
func settingsText(v reflect.Value) string {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return "no settings"
	}
	var parts []string
	for _, f := range fieldsOf(v.Type()) {
		at := v.FieldByIndex(f.index)
		switch {
		case at.IsZero():
		case at.Kind() == reflect.Pointer:
			parts = append(parts, f.name+" {"+settingsText(at)+"}")
		default:
			parts = append(parts, f.name+"="+valueText(f, at))
		}
	}
	return strings.Join(parts, " ")
}

// valueText is a setting's value as a lane file would have it, with its unit. A document is its name.
func valueText(f field, v reflect.Value) string {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch {
	case f.builtin != "":
		return v.FieldByName("Name").String()
	case v.Type() == durationType:
		return v.Interface().(time.Duration).String()
	case v.Kind() == reflect.Struct:
		return "{" + settingsText(v) + "}"
	case v.Kind() == reflect.Slice:
		var list []string
		for i := range v.Len() {
			list = append(list, valueText(field{}, v.Index(i)))
		}
		return "[" + strings.Join(list, ", ") + "]"
	case v.Kind() == reflect.Map:
		var list []string
		for _, key := range v.MapKeys() {
			list = append(list, fmt.Sprint(key)+": "+valueText(field{}, v.MapIndex(key)))
		}
		slices.Sort(list)
		return "{" + strings.Join(list, ", ") + "}"
	}
	text := fmt.Sprint(v.Interface())
	if f.unit != "" {
		text += " " + f.unit
	}
	return text
}

// Setting is one of a device's settings in force.
type Setting struct {
	Name    string       `json:"name"` // "http.listen"
	Value   string       `json:"value"`
	Unit    string       `json:"unit,omitempty"`
	Help    message.Text `json:"help"`
	Default bool         `json:"default"` // what it would be if the lane file said nothing
}

// InForce lists a device's settings as they are in force, defaults included. Secrets are not among them: the lane file names their files.
func (d Device) InForce() (out []Setting) {
	eachField(reflect.ValueOf(d.Settings), "", func(path string, f field, v reflect.Value) bool {
		if f.builtin == "" && v.Kind() == reflect.Struct {
			return true
		}
		text := valueText(field{builtin: f.builtin}, v)
		def := f.def
		if v.Type() == durationType {
			if want, err := time.ParseDuration(def); err == nil {
				def = want.String()
			}
		}
		out = append(out, Setting{Name: path, Value: text, Unit: f.unit, Help: f.help.Text(), Default: text == def || f.def == "" && v.IsZero()})
		return false
	})
	return out
}

// eachField calls visit with the fields of a settings struct, those behind pointers that are not nil among them. visit reports whether to go
// on into a struct.
func eachField(v reflect.Value, path string, visit func(path string, f field, v reflect.Value) bool) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		at := v.FieldByIndex(f.index)
		for at.Kind() == reflect.Pointer && !at.IsNil() {
			at = at.Elem()
		}
		if at.Kind() == reflect.Pointer {
			continue // not given
		}
		name := strings.TrimPrefix(path+"."+f.name, ".")
		if visit(name, f, at) {
			eachField(at, name, visit)
		}
	}
}
