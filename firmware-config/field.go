package firmwareconfig

import (
	"path"
	"reflect"
	"strings"
	"time"
	"unicode"

	"lanewarden/drivers/driver"
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
	format   string // id, hostport, file, driver, lane, broker, hours, timezone
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
			help: helpOf(t, name, f.Tag.Get("help")), unit: f.Tag.Get("unit"), example: f.Tag.Get("example"),
			format: f.Tag.Get("format"), min: f.Tag.Get("min"), max: f.Tag.Get("max"), builtin: f.Tag.Get("builtin"),
		}
		if e := f.Tag.Get("enum"); e != "" {
			one.enum = strings.Split(e, ",")
		} else {
			one.enum = wordsOf(f.Type)
		}
		out = append(out, one)
	}
	return out
}

// wordsOf returns the words that a type, or the items of a list, can be; nil when it is open.
func wordsOf(t reflect.Type) []string {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if v, ok := reflect.Zero(t).Interface().(driver.Vocabulary); ok && t.Kind() == reflect.String {
		return v.Words()
	}
	return nil
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

// what describes what a value of the field looks like.
func (f field) what() message.Message {
	t := f.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case f.builtin != "":
		return message.New("value.document")
	case t == durationType:
		return message.New("value.duration")
	case t.Kind() == reflect.String:
		return message.New("value.text")
	case t.Kind() == reflect.Bool:
		return message.New("value.bool")
	case t.Kind() == reflect.Float64:
		return f.withUnit(message.New("value.number"))
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		return f.withUnit(message.New("value.whole-number"))
	case t.Kind() == reflect.Slice:
		return message.New("value.list")
	}
	return message.New("value.block")
}

// withUnit adds the unit in which a number is given, and that it is not written.
func (f field) withUnit(number message.Message) message.Message {
	if f.unit == "" {
		return number
	}
	return message.New("value.without-unit", message.Nested("number", number), message.Nested("unit", message.Unit(f.unit)))
}

// bound returns an argument that is a bound of the field with its unit.
func (f field) bound(name, value string) message.Arg {
	return message.Nested(name, message.Join(" ", message.Verbatim(value), message.Unit(f.unit)))
}

// allowed determines which values a field may have, the zero Message for all.
func (f field) allowed() message.Message {
	switch {
	case f.enum != nil:
		return message.Verbatim(strings.Join(f.enum, ", "))
	case f.min != "" && f.max != "":
		return message.New("value.between", message.String("least", f.min), f.bound("most", f.max))
	case f.min != "":
		return message.New("value.least", f.bound("least", f.min))
	case f.max != "":
		return message.New("value.most", f.bound("most", f.max))
	}
	return message.Message{}
}
