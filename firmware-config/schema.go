package firmwareconfig

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
)

// Schema returns the JSON Schema (draft 2020-12) of lane files, for editors that complete and check YAML. It says less
// than Decode checks: references between parts of the file, readable files and Check methods are not in it. Its
// descriptions are in a language.
func Schema(specs []driver.Spec, l message.Language) ([]byte, error) {
	m := schemaMaker{specs, l}
	s := m.ofStruct(reflect.TypeFor[Config]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Lanewarden lane file"
	return json.MarshalIndent(s, "", "  ")
}

type schema = map[string]any

// schemaMaker makes schemas of Go types.
type schemaMaker struct {
	specs    []driver.Spec
	language message.Language // of descriptions
}

func (m schemaMaker) ofStruct(t reflect.Type) schema {
	props := schema{}
	var required []string
	for _, f := range fieldsOf(t) {
		props[f.name] = m.ofField(f, f.typ)
		if f.required {
			required = append(required, f.name)
		}
	}
	s := schema{"type": "object", "properties": props, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	if t == reflect.TypeFor[Device]() {
		s["allOf"] = m.ofSettings()
	}
	return s
}

// ofSettings ties a device's settings to its driver.
func (m schemaMaker) ofSettings() []schema {
	var out []schema
	for _, spec := range m.specs {
		out = append(out, schema{
			"if":   schema{"properties": schema{"driver": schema{"const": spec.Name}}},
			"then": schema{"properties": schema{"settings": m.ofStruct(reflect.TypeOf(spec.Config).Elem())}},
		})
	}
	return out
}

func (m schemaMaker) ofField(f field, t reflect.Type) schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := schema{}
	switch {
	case f.builtin != "":
		s["type"] = "string"
	case t == durationType:
		s["type"], s["pattern"] = "string", `^([0-9.]+(ns|us|µs|ms|s|m|h))+$|^0$`
	case t.Kind() == reflect.Struct:
		s = m.ofStruct(t)
	case t.Kind() == reflect.Slice:
		s["type"], s["items"] = "array", m.ofField(field{enum: f.enum}, t.Elem())
	case t.Kind() == reflect.String:
		s["type"] = "string"
	case t.Kind() == reflect.Bool:
		s["type"] = "boolean"
	case t.Kind() == reflect.Float64:
		s["type"] = "number"
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		s["type"] = "integer"
	}
	f.describe(s, t, m.language)
	if f.format == "driver" {
		s["enum"] = (&decoder{specs: m.specs}).driverNames()
	}
	return s
}

// describe adds what the tags say.
func (f field) describe(s schema, t reflect.Type, l message.Language) {
	if !f.help.IsZero() {
		s["description"] = f.help.In(l)
		if f.unit != "" {
			s["description"] = f.help.In(l) + " (" + message.Unit(f.unit).In(l) + ")"
		}
	}
	if f.enum != nil && t.Kind() != reflect.Slice {
		s["enum"] = f.enum
	}
	if f.format == "id" {
		s["pattern"] = idPattern.String()
	}
	if f.example != "" {
		s["examples"] = []string{f.example}
	}
	if f.def != "" {
		s["default"] = typed(f.def, t)
	}
	if t != durationType {
		if n, err := strconv.ParseFloat(f.min, 64); err == nil {
			s["minimum"] = n
		}
		if n, err := strconv.ParseFloat(f.max, 64); err == nil {
			s["maximum"] = n
		}
	}
}

// typed returns a default as JSON has it.
func typed(text string, t reflect.Type) any {
	if t.Kind() == reflect.Struct {
		return text // a document's name
	}
	if t == durationType {
		if d, err := time.ParseDuration(text); err == nil {
			return d.String()
		}
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && t.Kind() != reflect.String {
		return n
	}
	return text
}
