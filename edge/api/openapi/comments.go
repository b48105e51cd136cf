package openapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
)

// comments reads the comments of types and fields from the source, each package once. Not for
// concurrent use.
type comments struct {
	root     string
	packages map[string]map[string]string // by import path: text by Type or Type.name, the field's name in its tag
}

func newComments(root string) comments {
	return comments{root: root, packages: map[string]map[string]string{}}
}

// typ returns the comment of a type without "Name is" at its beginning: readers know the type by
// its name in the document.
func (c *comments) typ(t reflect.Type) string {
	text := c.of(t)[t.Name()]
	if rest, ok := strings.CutPrefix(text, t.Name()+" is "); ok {
		return rest
	}
	return text
}

// field returns the comment of a field of a struct by its name in JSON or among the parameters; ""
// for none.
func (c *comments) field(t reflect.Type, name string) string { return c.of(t)[t.Name()+"."+name] }

// of returns the comments of the package of a type; none for a package of another module.
func (c *comments) of(t reflect.Type) map[string]string {
	dir, ours := strings.CutPrefix(t.PkgPath(), "lanewarden/")
	if !ours {
		return nil
	}
	if c.packages[dir] == nil {
		c.packages[dir] = map[string]string{}
		files, _ := filepath.Glob(filepath.Join(c.root, dir, "*.go"))
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				continue // the compiler says so
			}
			for _, decl := range f.Decls {
				c.declaration(c.packages[dir], decl)
			}
		}
	}
	return c.packages[dir]
}

// declaration adds the comments of a declaration's types and of their fields to out.
func (c *comments) declaration(out map[string]string, decl ast.Decl) {
	g, ok := decl.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, spec := range g.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		out[t.Name.Name] = text(t.Doc, g.Doc)
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range s.Fields.List {
			if name := tagName(f); name != "" {
				out[t.Name.Name+"."+name] = cutName(text(f.Doc, f.Comment), f)
			}
		}
	}
}

// tagName returns the name of a field in JSON or among the parameters; "" for a field that is in
// neither.
func tagName(f *ast.Field) string {
	if f.Tag == nil {
		return ""
	}
	tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
	for _, key := range []string{"path", "query", "header", "json"} {
		if name, _, _ := strings.Cut(tag.Get(key), ","); name != "" && name != "-" {
			return name
		}
	}
	return ""
}

// cutName removes the Go name of a field from the beginning of its comment: the reader knows the
// field by another.
func cutName(text string, f *ast.Field) string {
	for _, name := range f.Names {
		for _, verb := range []string{" is ", " are "} {
			if rest, ok := strings.CutPrefix(text, name.Name+verb); ok {
				return rest
			}
		}
	}
	return text
}

// text returns the first of some comments that is there, on one line: above a field it counts
// before one beside it.
func text(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if g != nil {
			return strings.Join(strings.Fields(g.Text()), " ")
		}
	}
	return ""
}
