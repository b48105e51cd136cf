package plate

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/html/charset"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
)

// node is an element of a payload, JSON or XML, with its children in the order of the document: nothing depends on
// the order of a map. Vendors' tables address both forms with the same paths.
type node struct {
	name     string // key, or local name; "" for the elements of a JSON array and the root of JSON
	text     string // of a scalar: numbers as they are written, "" for null; of an XML element its character data
	array    bool
	scalar   scalar // of JSON
	children []*node
}

// scalar is the kind of a JSON value.
type scalar byte

const (
	isString scalar = iota + 1
	isNumber
	isBool
)

// Bounds of a payload.
const (
	maxDepth = 32
	maxNodes = 50_000 // some 5 MB of memory
)

// parseTree reads a payload. The error says where it is wrong, or what it is instead (UTF-16, gzip, a picture). An
// XML document's root element is the only child of the node that is returned.
func parseTree(text []byte) (*node, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	switch {
	case len(text) == 0:
		return nil, message.Errorf("plate.empty")
	case text[0] == '<':
		return parseXML(text)
	case isUTF16(text):
		return nil, message.Errorf("plate.utf-16")
	}
	if known := driver.Unread(text); !known.IsZero() {
		return nil, &message.Error{Message: known}
	}
	if err := decode(text, &json.RawMessage{}); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	b := builder{}
	return b.json(d, "", 0)
}

// isUTF16 reports whether a text has the byte order mark of UTF-16, or begins with an ASCII character of two bytes.
func isUTF16(text []byte) bool {
	return len(text) > 1 && (text[0] == 0 || text[1] == 0 || string(text[:2]) == "\xff\xfe" ||
		string(text[:2]) == "\xfe\xff")
}

// decode decodes JSON; the error says line and column, from 1.
func decode(text []byte, v any) error {
	err := json.Unmarshal(text, v)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	before := text[:min(syntax.Offset, int64(len(text)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return message.Wrap(err, "plate.json-at", message.Int("line", line),
		message.Int("column", max(column, 1)))
}

// builder counts nodes, so that a payload of 4 MiB cannot cost more memory than maxNodes do.
type builder struct{ nodes int }

// add returns a new node; more than maxNodes, or deeper than maxDepth, is an error.
func (b *builder) add(name string, depth int) (*node, error) {
	if b.nodes++; b.nodes > maxNodes {
		return nil, message.Errorf("plate.elements", message.Int("most", maxNodes))
	}
	if depth > maxDepth {
		return nil, message.Errorf("plate.nested", message.Int("most", maxDepth))
	}
	return &node{name: name}, nil
}

// json reads the next value of d as a node.
func (b *builder) json(d *json.Decoder, name string, depth int) (*node, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	n, err := b.add(name, depth)
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		n.array = t == '['
		for d.More() {
			key := ""
			if !n.array {
				k, err := d.Token()
				if err != nil {
					return nil, err
				}
				key, _ = k.(string)
				key = strings.TrimPrefix(key, "@") // an attribute, of makes that write XML as JSON
			}
			child, err := b.json(d, key, depth+1)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, child)
		}
		_, err = d.Token()
		return n, err
	case json.Number:
		n.text, n.scalar = wholeNumber(t.String()), isNumber
	case string:
		n.text, n.scalar = t, isString
	case bool:
		n.scalar = isBool
		n.text = strconv.FormatBool(t)
	}
	return n, nil
}

// wholeNumber writes a whole number without exponent or point: an id of ten digits is 1414799424, not 1.414799424e+09.
func wholeNumber(literal string) string {
	if !strings.ContainsAny(literal, ".eE") {
		return literal
	}
	const exact = 1 << 53
	if f, err := strconv.ParseFloat(literal, 64); err == nil && f == float64(int64(f)) && f < exact && f > -exact {
		return strconv.FormatInt(int64(f), 10)
	}
	return literal
}

// parseXML reads XML without entities of its own; a document type is an error. Attributes are children. ONVIF's
// SimpleItem and ElementItem are named by their Name: <SimpleItem Name="Plate" Value="A1"/> is Plate with the text
// A1.
func parseXML(text []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = charset.NewReaderLabel
	b := builder{}
	root := &node{}
	stack := []*node{root}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(stack) == 1 && len(root.children) > 0 {
			return root, nil
		}
		if err != nil {
			line, column := d.InputPos()
			return nil, message.Wrap(err, "plate.xml-at", message.Int("line", line),
				message.Int("column", column))
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			n, err := b.element(t, len(stack))
			if err != nil {
				return nil, err
			}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			top.text = strings.TrimSpace(top.text)
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 1 {
				top.text += string(t)
			}
		case xml.Directive:
			return nil, message.Errorf("plate.document-type")
		}
	}
}

// element returns the node of an element with its attributes.
func (b *builder) element(t xml.StartElement, depth int) (*node, error) {
	n, err := b.add(t.Name.Local, depth)
	if err != nil {
		return nil, err
	}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		child, err := b.add(a.Name.Local, depth+1)
		if err != nil {
			return nil, err
		}
		child.text = strings.TrimSpace(a.Value)
		n.children = append(n.children, child)
	}
	if n.name == "SimpleItem" || n.name == "ElementItem" {
		if name := n.at("Name").value(); name != "" {
			n.name, n.text = name, n.at("Value").value()
		}
	}
	return n, nil
}

// at returns the first element that a path leads to, nil for none. Names are compared without case: makers and
// versions differ. A step is a name; "name[0]" the first of a list; "**" any depth, in the order of the document:
//
//	data.results[].plate     plate of each element of results
//	ImageArray[1].Binary     of the second
//	Data.**.PlateNumber      anywhere below Data
func (n *node) at(path string) *node {
	if all := n.all(path, true); len(all) > 0 {
		return all[0]
	}
	return nil
}

// list returns all elements that a path leads to; "name[]" stands for each of a list.
func (n *node) list(path string) []*node { return n.all(path, false) }

// all is list; with first it stops at one that is found. It may be called on nil.
func (n *node) all(path string, first bool) []*node {
	if n == nil {
		return nil
	}
	if path == "" {
		return []*node{n}
	}
	step, rest, _ := strings.Cut(path, ".")
	if step == "**" {
		name, rest, _ := strings.Cut(rest, ".")
		var out []*node
		n.walk(func(c *node) bool {
			if strings.EqualFold(c.name, name) {
				out = append(out, c.all(rest, first)...)
			}
			return !first || len(out) == 0
		})
		return out
	}
	name, index, indexed := strings.Cut(strings.TrimSuffix(step, "]"), "[")
	var found []*node
	for _, c := range n.children {
		if name != "" && !strings.EqualFold(c.name, name) {
			continue
		}
		if c.array && indexed {
			found = append(found, c.children...)
		} else {
			found = append(found, c)
		}
	}
	if name == "" && n.array {
		found = n.children
	}
	if i, err := strconv.Atoi(index); err == nil {
		if i >= len(found) {
			return nil
		}
		found = found[i : i+1]
	}
	var out []*node
	for _, c := range found {
		out = append(out, c.all(rest, first)...)
		if first && len(out) > 0 {
			return out
		}
	}
	return out
}

// walk calls f with each element below n, in the order of the document, until f returns false.
func (n *node) walk(f func(*node) bool) bool {
	for _, c := range n.children {
		if !f(c) || !c.walk(f) {
			return false
		}
	}
	return true
}

// value returns the text of an element that may be wrapped: "x", {"Value":"x"}, ["x", 0.9]; "" for nil, and for an
// element that holds no text in these forms.
func (n *node) value() string {
	if n == nil {
		return ""
	}
	if n.text != "" {
		return n.text
	}
	if n.array && len(n.children) > 0 {
		return n.children[0].value()
	}
	for _, key := range []string{"Value", "_", "#text", "PlateNumber", "Code"} {
		for _, c := range n.children {
			if strings.EqualFold(c.name, key) && c.text != "" {
				return c.text
			}
		}
	}
	return ""
}

// first returns the value of the first of several paths that has one, without blanks around it.
func (n *node) first(paths []string) string {
	v, _ := n.named(paths)
	return v
}

// named is first, with the name of the field as the payload writes it, for messages.
func (n *node) named(paths []string) (value, name string) {
	for _, p := range paths {
		one := n.at(p)
		if v := strings.TrimSpace(one.value()); v != "" {
			return v, one.name
		}
	}
	return "", ""
}

// direct reports whether an element has a child of a name.
func (n *node) direct(name string) bool {
	for _, c := range n.children {
		if strings.EqualFold(c.name, name) {
			return true
		}
	}
	return false
}
