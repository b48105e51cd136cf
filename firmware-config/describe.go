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

// Describe writes what laned would run with the file, a line each for site, lanes, devices and uplink. Errors of w are
// left out: it is a terminal.
func (c *Config) Describe(w io.Writer, l message.Language) {
	say := func(code string, args ...message.Arg) { fmt.Fprintln(w, message.New(code, args...).In(l)) }
	say("laned.check-site", message.String("site", named(c.Site.ID, c.Site.Title)), message.String("kind", c.Site.Kind),
		message.String("agent", c.Agent.ID), message.String("folder", c.Agent.StateDir))
	for _, one := range c.Lanes {
		say("laned.check-lane", message.String("lane", named(one.ID, one.Title)), message.String("direction", one.Direction))
	}
	for _, d := range c.Devices {
		lane := message.New("laned.whole-site")
		if d.Lane != "" {
			lane = message.New("laned.lane", message.String("lane", d.Lane))
		}
		settings := message.Verbatim(settingsText(reflect.ValueOf(d.Settings), l))
		if d.Settings == nil || reflect.Indirect(reflect.ValueOf(d.Settings)).Kind() != reflect.Struct {
			settings = message.New("laned.no-settings")
		}
		say("laned.check-device", message.String("device", named(d.ID, d.Title)), message.String("driver", d.Driver),
			message.Nested("lane", lane), message.Nested("settings", settings))
	}
	if c.Uplink == nil {
		say("laned.no-uplink")
		return
	}
	say("laned.uplink", message.String("broker", c.Uplink.Broker))
	for _, p := range c.Uplink.AllPaths()[1:] {
		say("laned.uplink-path", message.String("id", p.ID), message.String("broker", p.Broker))
	}
}

// named returns an id with its title in quotes, where there is one.
func named(id, title string) string {
	if title == "" {
		return id
	}
	return fmt.Sprintf("%s %q", id, title)
}

// settingsText lists the settings that are not zero as NAME=VALUE, in the order of the struct.
func settingsText(v reflect.Value, l message.Language) string {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return ""
	}
	var parts []string
	for _, f := range fieldsOf(v.Type()) {
		at := v.FieldByIndex(f.index)
		switch {
		case at.IsZero():
		case at.Kind() == reflect.Pointer:
			parts = append(parts, f.name+" {"+settingsText(at, l)+"}")
		default:
			parts = append(parts, f.name+"="+valueText(f, at, l))
		}
	}
	return strings.Join(parts, " ")
}

// durationText writes a time as a person would in a lane file: 1m and 168h, where Go says 1m0s and 168h0m0s.
func durationText(d time.Duration) string {
	text := d.String()
	if whole, ok := strings.CutSuffix(text, "m0s"); ok {
		text = whole + "m"
	}
	if whole, ok := strings.CutSuffix(text, "h0m"); ok {
		text = whole + "h"
	}
	return text
}

// valueText is a setting's value as a lane file would have it, with its unit in a language. A document is its name.
func valueText(f field, v reflect.Value, l message.Language) string {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch {
	case f.builtin != "":
		return v.FieldByName("Name").String()
	case v.Type() == durationType:
		return durationText(v.Interface().(time.Duration))
	case v.Kind() == reflect.Struct:
		return "{" + settingsText(v, l) + "}"
	case v.Kind() == reflect.Slice:
		var list []string
		for i := range v.Len() {
			list = append(list, valueText(field{}, v.Index(i), l))
		}
		return "[" + strings.Join(list, ", ") + "]"
	case v.Kind() == reflect.Map:
		var list []string
		for _, key := range v.MapKeys() {
			list = append(list, fmt.Sprint(key)+": "+valueText(field{}, v.MapIndex(key), l))
		}
		slices.Sort(list)
		return "{" + strings.Join(list, ", ") + "}"
	}
	text := fmt.Sprint(v.Interface())
	if f.unit != "" {
		text += " " + message.Unit(f.unit).In(l)
	}
	return text
}

// Setting is one of a device's settings in force.
type Setting struct {
	Name    string       `json:"name"` // "http.listen"
	Value   string       `json:"value"`
	Unit    message.Text `json:"unit,omitzero"`
	Help    message.Text `json:"help"`
	Default bool         `json:"default"` // what it would be if the lane file said nothing
}

// InForce lists a device's settings as they are in force, defaults included. Secrets are not among them: the lane file
// names their files.
func (d Device) InForce() (out []Setting) {
	eachField(reflect.ValueOf(d.Settings), "", func(path string, f field, v reflect.Value) bool {
		if f.builtin == "" && v.Kind() == reflect.Struct {
			return true
		}
		text := valueText(field{builtin: f.builtin}, v, message.English)
		def := f.def
		if v.Type() == durationType {
			if want, err := time.ParseDuration(def); err == nil {
				def = want.String()
			}
		}
		out = append(out, Setting{
			Name: path, Value: text, Unit: message.Unit(f.unit).Text(), Help: f.help.Text(),
			Default: text == def || f.def == "" && v.IsZero(),
		})
		return false
	})
	return out
}

// eachField calls visit with the fields of a settings struct, those behind pointers that are not nil among them. visit
// reports whether to go on into a struct.
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
