package firmwareconfig

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"

	"lanewarden/drivers/driver"
)

// Schema returns the JSON Schema (draft 2020-12) of lane files, for editors that complete and check YAML. It says less
// than Decode checks: references between parts of the file, readable files and Check methods are not in it.
func Schema(specs []driver.Spec) ([]byte, error) {
	s := structSchema(reflect.TypeFor[Config](), specs)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Lanewarden lane file"
	return json.MarshalIndent(s, "", "  ")
}

type schema = map[string]any

func structSchema(t reflect.Type, specs []driver.Spec) schema {
	props := schema{}
	var required []string
	for _, f := range fieldsOf(t) {
		props[f.name] = fieldSchema(f, f.typ, specs)
		if f.required {
			required = append(required, f.name)
		}
	}
	s := schema{"type": "object", "properties": props, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	if t == reflect.TypeFor[Device]() {
		s["allOf"] = settingsSchemas(specs)
	}
	return s
}

// settingsSchemas ties a device's settings to its driver.
func settingsSchemas(specs []driver.Spec) []schema {
	var out []schema
	for _, spec := range specs {
		out = append(out, schema{
			"if":   schema{"properties": schema{"driver": schema{"const": spec.Name}}},
			"then": schema{"properties": schema{"settings": structSchema(reflect.TypeOf(spec.Config).Elem(), specs)}},
		})
	}
	return out
}

func fieldSchema(f field, t reflect.Type, specs []driver.Spec) schema {
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
		s = structSchema(t, specs)
	case t.Kind() == reflect.Slice:
		s["type"], s["items"] = "array", fieldSchema(field{}, t.Elem(), specs)
	case t.Kind() == reflect.String:
		s["type"] = "string"
	case t.Kind() == reflect.Bool:
		s["type"] = "boolean"
	case t.Kind() == reflect.Float64:
		s["type"] = "number"
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		s["type"] = "integer"
	}
	f.describe(s, t)
	if f.format == "driver" {
		s["enum"] = (&decoder{specs: specs}).driverNames()
	}
	return s
}

// describe adds what the tags say.
func (f field) describe(s schema, t reflect.Type) {
	if !f.help.IsZero() {
		s["description"] = f.help.English()
		if f.unit != "" {
			s["description"] = f.help.English() + " (" + f.unit + ")"
		}
	}
	if f.enum != nil {
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
