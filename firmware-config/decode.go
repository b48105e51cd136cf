package firmwareconfig

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
)

// maxFileBytes bounds a lane file or document, and with it the memory that the parser takes; the largest examples have
// some 10 kB.
const maxFileBytes = 4 << 20

// Load reads and decodes a lane file; see Decode. The error of a file that cannot be read is that of os.ReadFile.
func Load(path string, specs []driver.Spec) (*Config, error) { return load(path, specs, false) }

// LoadWithoutFiles is Load for those who make the files that a lane file names: one that is missing is no error.
func LoadWithoutFiles(path string, specs []driver.Spec) (*Config, error) {
	return load(path, specs, true)
}

func load(path string, specs []driver.Spec, absentFiles bool) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := decode(data, path, specs, absentFiles)
	if err != nil {
		return nil, err
	}
	c.File, err = filepath.Abs(path)
	return c, err
}

// Decode decodes a lane file strictly: unknown keys, values out of bounds, names that refer to nothing and secret files
// that are not readable are errors. name is the file's name in messages; specs are the drivers that devices may have.
// The error is Problems, with everything that is wrong.
func Decode(data []byte, name string, specs []driver.Spec) (*Config, error) {
	return decode(data, name, specs, false)
}

func decode(data []byte, name string, specs []driver.Spec, absentFiles bool) (*Config, error) {
	return decodeWith(&decoder{file: name, specs: specs, absentFiles: absentFiles}, data)
}

// decodeWith decodes a lane file by a decoder that is new.
func decodeWith(d *decoder, data []byte) (*Config, error) {
	name := d.file
	if len(data) > maxFileBytes {
		return nil, Problems{{File: name, Message: tooLarge(len(data))}}
	}
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

// tooLarge says that a file is over the bound.
func tooLarge(size int) message.Message {
	return message.New("config.size", message.String("bytes", strconv.Itoa(size)),
		message.String("most", strconv.Itoa(maxFileBytes)))
}

// document parses a file that holds one document.
func document(data []byte, name string) (ast.Node, error) {
	file, err := parser.ParseBytes(data, 0)
	switch {
	case err != nil:
		return nil, Problems{syntaxProblem(name, err)}
	case len(file.Docs) != 1 || file.Docs[0].Body == nil:
		return nil, Problems{{File: name, Message: message.New("config.documents")}}
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

// decoder fills structs from YAML nodes and gathers what is wrong.
type decoder struct {
	file     string
	specs    []driver.Spec
	problems Problems

	dir         string // documents that are named by a path are below it; "" for the working directory
	absentFiles bool   // files that settings name may be missing

	laneRefs   []reference
	deviceRefs []reference
	ids        map[string]map[string]ast.Node // by the list's path: where each id was given
}

// reference is a name that must exist elsewhere in the file.
type reference struct {
	node ast.Node
	name string
}

// problem adds what is wrong at a node. where is the place in the file's structure, zero for none.
func (d *decoder) problem(n ast.Node, where, what message.Message) {
	if list, ok := pairs(n); ok && len(list) > 0 {
		n = list[0].Key // a block's own token is its first colon
	}
	pos := n.GetToken().Position
	if !where.IsZero() {
		what = message.New("within", message.Nested("where", where), message.Nested("cause", what))
	}
	d.problems = append(d.problems, Problem{File: d.file, Line: pos.Line, Column: pos.Column, Message: what})
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
		d.problem(n, place(path), unexpected(message.New("value.block"), n))
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
			d.problem(p.Key, place(path), suggest(message.New("config.unknown-key", message.Quoted("key", key)), key, names))
			continue
		case given[key] != nil:
			d.problem(p.Key, place(path), message.New("config.key-twice", message.Quoted("key", key), lineOf(given[key])))
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

// fillIn sets the defaults of keys that were not given, and reports those that are required.
func (d *decoder) fillIn(n ast.Node, v reflect.Value, fields []field, given map[string]ast.Node, path string) {
	for _, f := range fields {
		if given[f.name] != nil {
			continue
		}
		at := v.FieldByIndex(f.index)
		switch {
		case f.required:
			d.problem(n, place(path), missing(f))
		case f.def != "" && f.builtin != "":
			if err := LoadDocument(at.Addr().Interface().(driver.Reference), f.builtin, f.def); err != nil {
				d.problem(n, place(path), wrongDefault(f, err))
			}
		case f.def != "":
			if err := setScalar(at, f, f.def, false); err != nil {
				d.problem(n, place(path), wrongDefault(f, err))
			}
		case f.builtin != "": // a document that nobody named
		case at.Kind() == reflect.Struct:
			d.fillIn(n, at, fieldsOf(at.Type()), nil, join(path, f.name))
		}
	}
}

// missing says that a required key is not given, what it is for, and an example of it where there is one.
func missing(f field) message.Message {
	m := message.New("config.missing", message.Quoted("key", f.name), message.Nested("help", f.help))
	if f.example == "" {
		return m
	}
	return message.Join("", m, message.New("laned.for-example", message.String("example", f.example)))
}

// wrongDefault says that a default cannot be used: a mistake in the program, or a built-in document that is missing.
func wrongDefault(f field, err error) message.Message {
	return message.New("config.default", message.Quoted("key", f.name), message.CausedBy(err))
}

// lineOf returns an argument that is a node's line.
func lineOf(n ast.Node) message.Arg {
	return message.String("line", strconv.Itoa(n.GetToken().Position.Line))
}

// check runs the Check of a struct that has one: what its tags cannot say, such as two keys that exclude each other.
func (d *decoder) check(n ast.Node, v reflect.Value, path string) {
	if c, ok := v.Interface().(driver.Checker); ok {
		if err := c.Check(); err != nil {
			d.problem(n, place(path), message.Of(err))
		}
	}
}

// place returns what messages call a place in the file: its path, such as devices[0].settings, or the file itself.
func place(path string) message.Message {
	if path == "" {
		return message.New("config.file")
	}
	return message.Verbatim(path)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// value fills one field, of whichever type.
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

// list fills a slice from a sequence.
func (d *decoder) list(n ast.Node, v reflect.Value, f field, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.problem(n, place(path), unexpected(f.what(), n))
		return
	}
	if f.required && len(seq.Values) == 0 {
		d.problem(n, place(path), message.New("config.empty-list", message.Nested("help", f.help)))
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
		d.problem(n, place(name), message.New("config.id-taken", message.Quoted("id", id), lineOf(before)))
		return
	}
	d.ids[path][id] = n
}

// unexpected says that a node is not what it should be.
func unexpected(want message.Message, n ast.Node) message.Message {
	found := message.Quoted("found", n.GetToken().Value)
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		found = message.Nested("found", message.New("value.block"))
	case *ast.SequenceNode:
		found = message.Nested("found", message.New("config.found-list"))
	case *ast.NullNode:
		return message.New("config.expected-nothing", message.Nested("what", want))
	}
	return message.New("config.expected", message.Nested("what", want), found)
}

// scalar fills a field with one value: a text, a number, a duration or a bool.
func (d *decoder) scalar(n ast.Node, v reflect.Value, f field, path string) {
	s, ok := n.(ast.ScalarNode)
	if _, null := n.(*ast.NullNode); !ok || null {
		d.problem(n, place(path), unexpected(f.what(), n))
		return
	}
	text, quoted := n.GetToken().Value, false
	switch n := s.(type) {
	case *ast.StringNode:
		text, quoted = n.Value, true
	case *ast.LiteralNode:
		text, quoted = n.Value.Value, true
	}
	if f.format == "file" {
		text = expandCredentials(text)
	}
	if err := setScalar(v, f, text, quoted); err != nil {
		d.problem(n, place(path), message.Of(err))
		return
	}
	if err := d.format(n, f, text); err != nil {
		d.problem(n, place(path), message.Of(err))
	}
}

// setScalar sets a field from a value's text. quoted is whether it is a string in YAML: "true" in quotes is no bool.
// Durations are as time.ParseDuration reads them, and need a unit. The error is a message.Error for a value of another
// type, out of bounds, or not in the field's list.
func setScalar(v reflect.Value, f field, text string, quoted bool) error {
	bad := message.Errorf("config.expected", message.Nested("what", f.what()), message.Quoted("found", text))
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
			m := message.New("config.not-one-of", message.Quoted("value", text),
				message.Arg{Name: "known", Value: wordList(f.enum)})
			return &message.Error{Message: message.Join("; ", m, nearest(text, f.enum))}
		}
		if text == "" && f.required {
			return message.Errorf("config.empty")
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

// mostWords is how many words of a vocabulary a message lists; of more it names the first, and how many there are.
const mostWords = 12

// wordList returns the words that were possible, as a message says them.
func wordList(words []string) message.Value {
	if len(words) > mostWords {
		return message.List(words)
	}
	return message.Str(strings.Join(words, ", "))
}

func parseInt(s string) (int64, error) {
	return strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
}
func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

// within returns an error for a value outside the field's bounds, which are inclusive. A bound that parse does not read
// is none.
func within[T int64 | float64 | time.Duration](f field, text string, v T, parse func(string) (T, error)) error {
	if low, err := parse(f.min); err == nil && v < low {
		return message.Errorf("config.too-small", message.String("value", text), f.bound("least", f.min))
	}
	if high, err := parse(f.max); err == nil && v > high {
		return message.Errorf("config.too-large", message.String("value", text), f.bound("most", f.max))
	}
	return nil
}

// settings decodes a device's settings by its driver's Spec. An unknown driver was reported with its key.
func (d *decoder) settings(n ast.Node, list []*ast.MappingValueNode, device *Device, path string) {
	i := slices.IndexFunc(d.specs, func(s driver.Spec) bool { return s.Name == device.Driver })
	if i < 0 {
		return
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
