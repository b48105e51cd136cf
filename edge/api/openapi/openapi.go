// Package openapi writes the OpenAPI 3.1 document of a table of operations: the operations go in, with the folder of
// the source, whose comments become descriptions; YAML comes out. Tests hold docs/ against it.
package openapi

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
)

// Info describes the API as a whole.
type Info struct {
	Title       string
	Description string
	Server      string // URL
}

// version is the version of both APIs in their documents. Its 1 is the one of /v1/ in paths.
const version = "1.0.0" // of both APIs: the 1 is that of /v1/

// document collects the schemas and responses that the operations use. The first error is kept
// until the end, since describing a type is recursive.
type document struct {
	comments  comments
	schemas   map[string]yaml.MapSlice
	responses map[string]yaml.MapSlice // problems of one status, by their codes
	err       error                    // the first one
}

// Document returns the document of a table of operations as YAML. root is the folder of the
// module's source. The same table gives the same bytes. A type that JSON cannot have is an error.
func Document(info Info, operations []api.Operation, root string) ([]byte, error) {
	d := &document{comments: newComments(root), schemas: map[string]yaml.MapSlice{}, responses: map[string]yaml.MapSlice{}}
	d.problem("Problem", "another problem, such as internal")
	var paths yaml.MapSlice
	for _, o := range operations {
		route, in, out := o.Describe()
		i := slices.IndexFunc(paths, func(p yaml.MapItem) bool { return p.Key == route.Path() })
		if i < 0 {
			i, paths = len(paths), append(paths, yaml.MapItem{Key: route.Path(), Value: yaml.MapSlice{}})
		}
		item := yaml.MapItem{Key: strings.ToLower(route.Method()), Value: d.operation(route, in, out)}
		paths[i].Value = append(paths[i].Value.(yaml.MapSlice), item)
	}
	d.schema(reflect.TypeFor[api.Problem](), true)
	if d.err != nil {
		return nil, d.err
	}
	return yaml.Marshal(yaml.MapSlice{
		{Key: "openapi", Value: "3.1.0"},
		{Key: "info", Value: yaml.MapSlice{
			{Key: "title", Value: info.Title}, {Key: "version", Value: version}, {Key: "description", Value: info.Description},
			{Key: "license", Value: yaml.MapSlice{{Key: "name", Value: "Apache-2.0"}, {Key: "identifier", Value: "Apache-2.0"}}},
		}},
		{Key: "servers", Value: []yaml.MapSlice{{{Key: "url", Value: info.Server}}}},
		{Key: "paths", Value: paths},
		{Key: "components", Value: yaml.MapSlice{
			{Key: "responses", Value: sorted(d.responses)}, {Key: "schemas", Value: sorted(d.schemas)},
		}},
	})
}

// operation describes one operation: its parameters, its body, its answer and its problems.
func (d *document) operation(route *api.Route, in, out reflect.Type) yaml.MapSlice {
	op := yaml.MapSlice{{Key: "operationId", Value: route.ID}, {Key: "summary", Value: route.Summary}}
	if text := description(route); text != "" {
		op = append(op, yaml.MapItem{Key: "description", Value: text})
	}
	if params := d.parameters(in); len(params) > 0 {
		op = append(op, yaml.MapItem{Key: "parameters", Value: params})
	}
	hasInput := len(api.Parameters(in)) > 0
	if properties := d.properties(in, false); len(properties) > 0 {
		hasInput = true
		op = append(op, yaml.MapItem{Key: "requestBody", Value: yaml.MapSlice{
			{Key: "required", Value: true},
			{Key: "content", Value: content("application/json", d.schema(in, false))},
		}})
	}
	if route.Body != "" {
		op = append(op, yaml.MapItem{Key: "requestBody", Value: yaml.MapSlice{
			{Key: "required", Value: true},
			{Key: "content", Value: content(route.Body, yaml.MapSlice{{Key: "type", Value: "string"}, {Key: "format", Value: "binary"}})},
		}})
	}
	responses := append(yaml.MapSlice{{Key: "200", Value: d.answer(route, out)}}, d.failures(route, hasInput)...)
	return append(op, yaml.MapItem{Key: "responses", Value: responses})
}

// description returns an operation's note and who may call it, and whether that is journalled.
func description(route *api.Route) string {
	var parts []string
	if route.Note != "" {
		parts = append(parts, route.Note)
	}
	if route.Role > accounts.Nobody {
		parts = append(parts, fmt.Sprintf("Role: %s.", route.Role))
	}
	if route.Scope != "" {
		parts = append(parts, fmt.Sprintf("Scope, where the hub asks for tokens: %s.", route.Scope))
	}
	if route.Audit != "" {
		const note = "Journalled as `%s` before it is done; what cannot be journalled is not done."
		parts = append(parts, fmt.Sprintf(note, route.Audit))
	}
	return strings.Join(parts, " ")
}

// parameters describes the parameters in path, query and header. Those of a path are always
// required.
func (d *document) parameters(in reflect.Type) (out []yaml.MapSlice) {
	for _, p := range api.Parameters(in) {
		one := yaml.MapSlice{{Key: "name", Value: p.Name}, {Key: "in", Value: p.In}}
		if p.In == "path" {
			one = append(one, yaml.MapItem{Key: "required", Value: true})
		}
		if text := d.comments.field(in, p.Name); text != "" {
			one = append(one, yaml.MapItem{Key: "description", Value: text})
		}
		out = append(out, append(one, yaml.MapItem{Key: "schema", Value: parameterSchema(&p)}))
	}
	return out
}

// parameterSchema describes a parameter with its bounds and its default. Bounds of durations are
// left out, as JSON Schema has none for them.
func parameterSchema(p *api.Parameter) yaml.MapSlice {
	s := yaml.MapSlice{{Key: "type", Value: "string"}}
	number := false
	switch p.Type {
	case reflect.TypeFor[int](), reflect.TypeFor[*int64]():
		s, number = yaml.MapSlice{{Key: "type", Value: "integer"}}, true
	case reflect.TypeFor[bool]():
		s = yaml.MapSlice{{Key: "type", Value: "boolean"}}
	case reflect.TypeFor[time.Time]():
		s = append(s, yaml.MapItem{Key: "format", Value: "date-time"})
	case reflect.TypeFor[time.Duration]():
		s = append(s, yaml.MapItem{Key: "examples", Value: []string{"30s"}})
	case reflect.TypeFor[api.Hash]():
		s = append(s, yaml.MapItem{Key: "pattern", Value: "^[0-9a-fA-F]{64}$"})
	case reflect.TypeFor[[]string]():
		most, _ := strconv.Atoi(p.Max)
		return yaml.MapSlice{{Key: "type", Value: "array"}, {Key: "items", Value: s}, {Key: "maxItems", Value: most}}
	}
	if len(p.Enum) > 0 {
		s = append(s, yaml.MapItem{Key: "enum", Value: p.Enum})
	}
	for key, text := range map[string]string{"minimum": p.Min, "maximum": p.Max, "default": p.Default} {
		if n, err := strconv.Atoi(text); err == nil && number {
			s = append(s, yaml.MapItem{Key: key, Value: n})
		}
	}
	// The bounds come out of a map, and the document must be the same each time.
	slices.SortStableFunc(s, func(a, b yaml.MapItem) int {
		order := []string{"type", "format", "pattern", "enum", "examples", "minimum", "maximum", "default"}
		return slices.Index(order, a.Key.(string)) - slices.Index(order, b.Key.(string))
	})
	return s
}

// answer describes the answer of status 200, in each of its media types. NDJSON is described by one
// of its lines.
func (d *document) answer(route *api.Route, out reflect.Type) yaml.MapSlice {
	var bodies yaml.MapSlice
	switch {
	case out == reflect.TypeFor[api.Done]():
		bodies = content("text/plain", yaml.MapSlice{{Key: "type", Value: "string"}, {Key: "const", Value: "done\n"}})
	case out != nil:
		bodies = content("application/json", d.schema(out, true))
	}
	var items []yaml.MapSlice
	for _, v := range route.Items {
		items = append(items, d.schema(reflect.TypeOf(v), true))
	}
	for media := range strings.SplitSeq(route.Media, ", ") {
		s := yaml.MapSlice{{Key: "type", Value: "string"}}
		switch {
		case media == "":
			continue
		case media == "application/x-ndjson":
			s = items[0]
		case strings.HasSuffix(media, "+json"):
			s = yaml.MapSlice{{Key: "type", Value: "array"}, {Key: "items", Value: items[0]}}
		}
		bodies = append(bodies, content(media, s)...)
	}
	return yaml.MapSlice{{Key: "description", Value: route.Summary}, {Key: "content", Value: bodies}}
}

// failures describes the problems of an operation by status, and that there may be others: those
// that the route names, and those that follow from its having parameters, a role or an audit row.
func (d *document) failures(route *api.Route, hasInput bool) (out yaml.MapSlice) {
	codes := slices.Clone(route.Fails)
	if hasInput {
		codes = append(codes, api.BadRequest, api.UnknownParameter)
	}
	if route.Role > accounts.Nobody || route.Scope != "" {
		codes = append(codes, api.NotSignedIn, api.RoleMissing)
	}
	if route.Audit != "" {
		codes = append(codes, api.NotJournalled)
		if !route.Open {
			codes = append(codes, api.TokenMissing)
		}
	}
	slices.Sort(codes)
	names, texts := map[int][]string{}, map[int][]string{}
	for _, c := range slices.Compact(codes) {
		names[c.Status()] = append(names[c.Status()], string(c))
		texts[c.Status()] = append(texts[c.Status()], fmt.Sprintf("%s: %s", c, c.Title()))
	}
	for _, status := range slices.Sorted(maps.Keys(names)) {
		ref := d.problem(strings.Join(names[status], "."), strings.Join(texts[status], "; "))
		out = append(out, yaml.MapItem{Key: strconv.Itoa(status), Value: ref})
	}
	return append(out, yaml.MapItem{Key: "default", Value: d.problem("Problem", "")})
}

// problem adds an answer that is a problem (RFC 9457) to the components, once, and returns the
// reference to it.
func (d *document) problem(name, text string) yaml.MapSlice {
	if d.responses[name] == nil {
		d.responses[name] = yaml.MapSlice{
			{Key: "description", Value: text},
			{Key: "content", Value: content("application/problem+json", reference("Problem"))},
		}
	}
	return yaml.MapSlice{{Key: "$ref", Value: "#/components/responses/" + name}}
}

// sorted returns a map as a block in the order of its keys.
func sorted(m map[string]yaml.MapSlice) (out yaml.MapSlice) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, yaml.MapItem{Key: name, Value: m[name]})
	}
	return out
}

// content returns a body of one media type.
func content(media string, schema yaml.MapSlice) yaml.MapSlice {
	return yaml.MapSlice{{Key: media, Value: yaml.MapSlice{{Key: "schema", Value: schema}}}}
}

// reference returns a reference to one of the component schemas.
func reference(name string) yaml.MapSlice {
	return yaml.MapSlice{{Key: "$ref", Value: "#/components/schemas/" + name}}
}
