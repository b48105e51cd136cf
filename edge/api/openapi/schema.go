package openapi

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"google.golang.org/protobuf/proto"
)

// schema describes a type as encoding/json writes it. Structs become components. In answers, fields
// that are always there are required; in requests none is, since a missing one is the zero value.
func (d *document) schema(t reflect.Type, answer bool) yaml.MapSlice {
	if t.Implements(reflect.TypeFor[proto.Message]()) {
		name := t.Elem().Name()
		return yaml.MapSlice{{Key: "type", Value: "object"}, {Key: "description", Value: "lanewarden.v1." + name}}
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return yaml.MapSlice{{Key: "type", Value: "string"}, {Key: "format", Value: "date-time"}}
	case reflect.TypeFor[json.RawMessage]():
		return yaml.MapSlice{{Key: "type", Value: "object"}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.schema(t.Elem(), answer)
	case reflect.Struct:
		return reference(d.component(t, answer))
	case reflect.Slice:
		items := d.schema(t.Elem(), answer)
		// A sample that a device did not send is null in a series of numbers.
		if e := t.Elem(); e.Kind() == reflect.Pointer && e.Elem().Kind() == reflect.Float32 {
			items = yaml.MapSlice{{Key: "type", Value: []string{"number", "null"}}}
		}
		return yaml.MapSlice{{Key: "type", Value: "array"}, {Key: "items", Value: items}}
	case reflect.Map:
		values := d.schema(t.Elem(), answer)
		return yaml.MapSlice{{Key: "type", Value: "object"}, {Key: "additionalProperties", Value: values}}
	}
	return d.simple(t)
}

// simple describes a type without parts. An interface may be anything; what JSON cannot have sets
// d.err.
func (d *document) simple(t reflect.Type) yaml.MapSlice {
	name := ""
	switch t.Kind() {
	case reflect.String:
		name = "string"
	case reflect.Bool:
		name = "boolean"
	case reflect.Float32, reflect.Float64:
		name = "number"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
		name = "integer"
	case reflect.Interface:
		return yaml.MapSlice{}
	default:
		d.err = fmt.Errorf("openapi: type %s cannot be described", t)
	}
	return yaml.MapSlice{{Key: "type", Value: name}}
}

// component adds a struct to the schemas, once, and returns its name there. Types of other packages
// than the APIs' own have their package in front, so that lane.Status and api.Status are two.
func (d *document) component(t reflect.Type, answer bool) string {
	name := t.Name()
	if pkg := path.Base(t.PkgPath()); pkg != "api" && pkg != "hubapi" { // lane.Status beside api.Status
		name = strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	name = strings.ReplaceAll(name, "-", "")
	if d.schemas[name] != nil {
		return name
	}
	d.schemas[name] = yaml.MapSlice{} // a type may have itself in it
	s := yaml.MapSlice{{Key: "type", Value: "object"}}
	if text := d.comments.typ(t); text != "" {
		s = append(s, yaml.MapItem{Key: "description", Value: text})
	}
	if required := required(t); answer && len(required) > 0 {
		s = append(s, yaml.MapItem{Key: "required", Value: required})
	}
	d.schemas[name] = append(s, yaml.MapItem{Key: "properties", Value: d.properties(t, answer)})
	return name
}

// jsonName returns the name of a field in JSON, "" when it is not there, and whether it may be absent.
func jsonName(f reflect.StructField) (name string, optional bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" || f.Anonymous {
		return "", false
	}
	return name, strings.Contains(options, "omit")
}

// required returns the names of the fields that are always written.
func required(t reflect.Type) (out []string) {
	for _, f := range reflect.VisibleFields(t) {
		if name, optional := jsonName(f); name != "" && !optional {
			out = append(out, name)
		}
	}
	return out
}

// properties describes the fields of a struct that stand in JSON, those of embedded structs
// included. The tags format, const and enum add what the Go type does not say.
func (d *document) properties(t reflect.Type, answer bool) (out yaml.MapSlice) {
	for _, f := range reflect.VisibleFields(t) {
		name, _ := jsonName(f)
		if name == "" {
			continue
		}
		s := d.schema(f.Type, answer)
		for _, tag := range []string{"format", "const"} {
			if text := f.Tag.Get(tag); text != "" {
				s = append(s, yaml.MapItem{Key: tag, Value: text})
			}
		}
		if text := f.Tag.Get("enum"); text != "" {
			s = append(s, yaml.MapItem{Key: "enum", Value: strings.Split(text, ",")})
		}
		if text := d.comments.field(owner(t, f), name); text != "" {
			s = append(s, yaml.MapItem{Key: "description", Value: text})
		}
		out = append(out, yaml.MapItem{Key: name, Value: s})
	}
	return out
}

// owner returns the struct that declares a field, which may be one that is embedded.
func owner(t reflect.Type, f reflect.StructField) reflect.Type {
	for _, i := range f.Index[:len(f.Index)-1] {
		t = t.Field(i).Type
	}
	return t
}
