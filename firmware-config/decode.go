package firmwareconfig

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"lanewarden/drivers/driver"
)

// maxFileBytes is far above any lane file.
const maxFileBytes = 4 << 20

// Load reads and decodes a file; see Decode.
func Load(path string, specs []driver.Spec) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := Decode(data, path, specs)
	if err != nil {
		return nil, err
	}
	c.File, err = filepath.Abs(path)
	return c, err
}

// Decode decodes a lane file strictly. name is the file's, for messages. The error is Problems when the file is wrong.
func Decode(data []byte, name string, specs []driver.Spec) (*Config, error) {
	if len(data) > maxFileBytes {
		return nil, Problems{{File: name, Message: fmt.Sprintf("file of %d bytes is over the limit of %d", len(data), maxFileBytes)}}
	}
	d := &decoder{file: name, specs: specs}
	c := &Config{Text: string(data), SHA256: sha256.Sum256(data)}
	body, err := document(data, name)
	if err != nil {
		return nil, err
	}
	d.structure(body, reflect.ValueOf(c).Elem(), "")
	d.references(c)
	if err := d.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// document parses a file that holds one document.
func document(data []byte, name string) (ast.Node, error) {
	file, err := parser.ParseBytes(data, 0)
	switch {
	case err != nil:
		return nil, Problems{syntaxProblem(name, err)}
	case len(file.Docs) != 1 || file.Docs[0].Body == nil:
		return nil, Problems{{File: name, Message: "file is empty, or holds more than one document"}}
	}
	return file.Docs[0].Body, nil
}

// err returns what was found wrong, in the order of the lines; nil for nothing.
func (d *decoder) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Line - b.Line
	})
	return d.problems
}

// syntaxProblem words an error of the YAML parser.
func syntaxProblem(name string, err error) Problem {
	p := Problem{File: name, Message: "not valid YAML: " + firstLine(err.Error())}
	var ye yaml.Error
	if errors.As(err, &ye) {
		p.Message = "not valid YAML: " + ye.GetMessage()
		if t := ye.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	if strings.ContainsRune(p.Message, '\t') {
		p.Message += " (indent with spaces, not with tabs)"
	}
	return p
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// decoder fills structs from YAML nodes and gathers what is wrong.
type decoder struct {
	file     string
	specs    []driver.Spec
	problems Problems

	laneRefs   []reference
	deviceRefs []reference
	ids        map[string]map[string]ast.Node // by the list's path: where each id was given
}

// reference is a name that must exist elsewhere in the file.
type reference struct {
	node ast.Node
	name string
}

func (d *decoder) problem(n ast.Node, format string, args ...any) {
	if list, ok := pairs(n); ok && len(list) > 0 {
		n = list[0].Key // a block's own token is its first colon
	}
	pos := n.GetToken().Position
	d.problems = append(d.problems, Problem{File: d.file, Line: pos.Line, Column: pos.Column, Message: fmt.Sprintf(format, args...)})
}

// pairs returns the key-value pairs of a mapping; ok is false when the node is none.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	case *ast.NullNode:
		return nil, true
	}
	return nil, false
}

// structure fills a struct from a mapping. path names the struct in messages, "" for the file itself.
func (d *decoder) structure(n ast.Node, v reflect.Value, path string) {
	list, ok := pairs(n)
	if !ok {
		d.problem(n, "%s: expected a block of keys, found %s", pathName(path), found(n))
		return
	}
	before := len(d.problems)
	fields := fieldsOf(v.Type())
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	given := map[string]ast.Node{}
	for _, p := range list {
		key := p.Key.GetToken().Value
		i := slices.Index(names, key)
		switch {
		case i < 0:
			d.problem(p.Key, "%s: unknown key %q%s", pathName(path), key, suggest(key, names))
			continue
		case given[key] != nil:
			d.problem(p.Key, "%s: key %q is given twice, first in line %d", pathName(path), key, given[key].GetToken().Position.Line)
			continue
		}
		given[key] = p.Key
		if fields[i].typ.Kind() == reflect.Interface {
			continue // a device's settings: decoded when its driver is known
		}
		d.value(p.Value, v.FieldByIndex(fields[i].index), fields[i], join(path, key))
	}
	d.fillIn(n, v, fields, given, path)
	sound := len(d.problems) == before
	if device, ok := v.Addr().Interface().(*Device); ok {
		d.settings(n, list, device, path)
	}
	if sound {
		d.check(n, v, path)
	}
}

// fillIn sets defaults and reports what is missing.
func (d *decoder) fillIn(n ast.Node, v reflect.Value, fields []field, given map[string]ast.Node, path string) {
	for _, f := range fields {
		if given[f.name] != nil {
			continue
		}
		at := v.FieldByIndex(f.index)
		switch {
		case f.required:
			d.problem(n, "%s: key %q is missing: %s%s", pathName(path), f.name, f.help.English(), exampleText(f))
		case f.def != "" && f.builtin != "":
			if err := LoadDocument(at.Addr().Interface().(driver.Reference), f.builtin, f.def); err != nil {
				d.problem(n, "%s: default of %q: %v", pathName(path), f.name, err)
			}
		case f.def != "":
			if err := setScalar(at, f, f.def, false); err != nil {
				d.problem(n, "%s: default of %q: %v", pathName(path), f.name, err)
			}
		case f.builtin != "": // a document that nobody named
		case at.Kind() == reflect.Struct:
			d.fillIn(n, at, fieldsOf(at.Type()), nil, join(path, f.name))
		}
	}
}

func exampleText(f field) string {
	if f.example == "" {
		return ""
	}
	return ", for example " + f.example
}

// check asks a struct that knows more than its tags say.
func (d *decoder) check(n ast.Node, v reflect.Value, path string) {
	if c, ok := v.Interface().(driver.Checker); ok {
		if err := c.Check(); err != nil {
			d.problem(n, "%s: %v", pathName(path), err)
		}
	}
}

func pathName(path string) string {
	if path == "" {
		return "file"
	}
	return path
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// value fills one field.
func (d *decoder) value(n ast.Node, v reflect.Value, f field, path string) {
	t := v.Type()
	switch ref, isRef := v.Addr().Interface().(driver.Reference); {
	case isRef:
		d.reference(n, ref, f, path)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		d.value(n, v.Elem(), f, path)
	case t.Kind() == reflect.Struct:
		d.structure(n, v, path)
	case t.Kind() == reflect.Slice:
		d.list(n, v, f, path)
	default:
		d.scalar(n, v, f, path)
	}
}

func (d *decoder) list(n ast.Node, v reflect.Value, f field, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.problem(n, "%s: expected %s, found %s", path, f.what().English(), found(n))
		return
	}
	if f.required && len(seq.Values) == 0 {
		d.problem(n, "%s: is empty: %s", path, f.help.English())
	}
	each := f
	each.typ = v.Type().Elem()
	for i, item := range seq.Values {
		one := reflect.New(each.typ).Elem()
		d.value(item, one, each, fmt.Sprintf("%s[%d]", path, i))
		v.Set(reflect.Append(v, one))
		if id := idOf(one); id != "" {
			d.unique(item, path, f.name, id)
		}
	}
}

// idOf returns what identifies an item of a list, "" for nothing.
func idOf(v reflect.Value) string {
	if v.Kind() != reflect.Struct {
		return ""
	}
	if id := v.FieldByName("ID"); id.IsValid() {
		return id.String()
	}
	return ""
}

// unique reports an id that a list gives twice. path is the list's own: stations of two lanes may have one name.
func (d *decoder) unique(n ast.Node, path, name, id string) {
	if d.ids == nil {
		d.ids = map[string]map[string]ast.Node{}
	}
	if d.ids[path] == nil {
		d.ids[path] = map[string]ast.Node{}
	}
	if before := d.ids[path][id]; before != nil {
		d.problem(n, "%s: id %q is taken already, in line %d", name, id, before.GetToken().Position.Line)
		return
	}
	d.ids[path][id] = n
}

// found describes in words what a node is.
func found(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a block of keys"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	default:
		return strconv.Quote(n.GetToken().Value)
	}
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, f field, path string) {
	s, ok := n.(ast.ScalarNode)
	if _, null := n.(*ast.NullNode); !ok || null {
		d.problem(n, "%s: expected %s, found %s", path, f.what().English(), found(n))
		return
	}
	text, quoted := n.GetToken().Value, false
	switch n := s.(type) {
	case *ast.StringNode:
		text, quoted = n.Value, true
	case *ast.LiteralNode:
		text, quoted = n.Value.Value, true
	}
	if err := setScalar(v, f, text, quoted); err != nil {
		d.problem(n, "%s: %v", path, err)
		return
	}
	if err := d.format(n, f, text); err != nil {
		d.problem(n, "%s: %v", path, err)
	}
}

// setScalar sets a scalar field from its text, within its bounds.
func setScalar(v reflect.Value, f field, text string, quoted bool) error {
	bad := fmt.Errorf("expected %s, found %q", f.what().English(), text)
	switch {
	case v.Type() == durationType:
		dur, err := time.ParseDuration(text)
		if err != nil {
			return bad
		}
		v.SetInt(int64(dur))
		return within(f, text, dur, time.ParseDuration)
	case v.Kind() == reflect.String:
		v.SetString(text)
		if len(f.enum) > 0 && !slices.Contains(f.enum, text) {
			return fmt.Errorf("%q is not one of %s%s", text, strings.Join(f.enum, ", "), hint(suggest(text, f.enum)))
		}
		if text == "" && f.required {
			return errors.New("is empty")
		}
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil || quoted {
			return bad
		}
		v.SetBool(b)
	case v.Kind() == reflect.Int || v.Kind() == reflect.Int64:
		i, err := parseInt(text)
		if err != nil {
			return bad
		}
		v.SetInt(i)
		return within(f, text, i, parseInt)
	case v.Kind() == reflect.Float64:
		x, err := parseFloat(text)
		if err != nil {
			return bad
		}
		v.SetFloat(x)
		return within(f, text, x, parseFloat)
	}
	return nil
}

// hint keeps a suggestion, and drops the list of all names that stands in its place when none is near.
func hint(s string) string {
	if strings.HasPrefix(s, "; did you mean") {
		return s
	}
	return ""
}

func parseInt(s string) (int64, error) {
	return strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
}
func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

// within holds a value against the field's bounds.
func within[T int64 | float64 | time.Duration](f field, text string, v T, parse func(string) (T, error)) error {
	if low, err := parse(f.min); err == nil && v < low {
		return fmt.Errorf("%s is too small: the least is %s%s", text, f.min, unitSuffix(f))
	}
	if high, err := parse(f.max); err == nil && v > high {
		return fmt.Errorf("%s is too large: the most is %s%s", text, f.max, unitSuffix(f))
	}
	return nil
}

func unitSuffix(f field) string {
	if f.unit == "" {
		return ""
	}
	return " " + f.unit
}

// settings decodes a device's settings by its driver's Spec.
func (d *decoder) settings(n ast.Node, list []*ast.MappingValueNode, device *Device, path string) {
	i := slices.IndexFunc(d.specs, func(s driver.Spec) bool { return s.Name == device.Driver })
	if i < 0 {
		return // reported with the key driver
	}
	settings := reflect.New(reflect.TypeOf(d.specs[i].Config).Elem())
	device.Settings = settings.Interface()
	for _, p := range list {
		if p.Key.GetToken().Value == "settings" {
			d.structure(p.Value, settings.Elem(), join(path, "settings"))
			return
		}
	}
	before := len(d.problems)
	d.fillIn(n, settings.Elem(), fieldsOf(settings.Elem().Type()), nil, join(path, "settings"))
	if len(d.problems) == before {
		d.check(n, settings.Elem(), join(path, "settings"))
	}
}
