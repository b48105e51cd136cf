package firmwareconfig

import (
	"fmt"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode"

	"lanewarden/drivers/message"
)

// field is one key of a settings struct, as its tags describe it.
type field struct {
	name     string
	index    []int
	typ      reflect.Type
	required bool
	def      string          // default, as it would be written
	help     message.Message // what it is for
	unit     string
	example  string
	format   string // id, hostport, file, driver, lane, broker, timezone
	builtin  string // folder of the documents that a driver.Ref names
	enum     []string
	min, max string
}

// fieldsOf lists the keys of a struct, those of inlined structs among them.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if opts == "inline" {
			for _, in := range fieldsOf(f.Type) {
				in.index = append([]int{i}, in.index...)
				out = append(out, in)
			}
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		one := field{
			name: name, index: []int{i}, typ: f.Type, required: f.Tag.Get("required") == "true", def: f.Tag.Get("default"),
			help: helpOf(t, name, f.Tag.Get("help")), unit: f.Tag.Get("unit"), example: f.Tag.Get("example"), format: f.Tag.Get("format"),
			min: f.Tag.Get("min"), max: f.Tag.Get("max"), builtin: f.Tag.Get("builtin"),
		}
		if e := f.Tag.Get("enum"); e != "" {
			one.enum = strings.Split(e, ",")
		}
		out = append(out, one)
	}
	return out
}

// helpOf returns what a setting is for: the entry of the catalogue for a field of a settings struct. Documents that
// only developers write, scenarios, have it in English in their tags.
func helpOf(t reflect.Type, name, tag string) message.Message {
	if tag != "" {
		return message.Verbatim(tag)
	}
	owner := path.Base(t.PkgPath())
	if t.Name() != "Config" {
		owner += "." + kebab(t.Name())
	}
	return message.New("setting." + owner + "." + name)
}

// kebab writes a Go name with small letters and '-' between its words.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(name[i-1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

var durationType = reflect.TypeFor[time.Duration]()

// what describes in words what a value of the field looks like.
func (f field) what() string {
	t := f.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case f.builtin != "":
		return "the name of a document, or the path of its file"
	case t == durationType:
		return `a time with its unit, such as 10s or 500ms`
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float64:
		return "a number" + f.unitText()
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		return "a whole number" + f.unitText()
	case t.Kind() == reflect.Slice:
		return "a list (lines that begin with '- ')"
	}
	return "a block of keys"
}

func (f field) unitText() string {
	if f.unit == "" {
		return ""
	}
	return fmt.Sprintf(" (%s, without the unit)", f.unit)
}
