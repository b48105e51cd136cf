package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// Compiling and linking a package's tests costs more than running them. So a function's mutants are copies of it in one
// binary, of which the environment variable MUTANT chooses one: the function begins with a switch that calls the copy. What
// is not in a function, constants above all, is compiled alone.

// chooser is the file that reads the choice.
const chooser = `package %s

import (
	"os"
	"strconv"
)

var chosenMutant, _ = strconv.Atoi(os.Getenv("MUTANT"))
`

// callable reports whether a function's copies can be called with its own parameters.
func callable(f *ast.FuncDecl) bool {
	if f.Body == nil || f.Type.TypeParams != nil || f.Name.Name == "init" || f.Name.Name == "main" {
		return false
	}
	fields := slices.Clone(f.Type.Params.List)
	if f.Recv != nil {
		fields = append(fields, f.Recv.List...)
	}
	return !slices.ContainsFunc(fields, func(p *ast.Field) bool {
		return len(p.Names) == 0 || slices.ContainsFunc(p.Names, func(n *ast.Ident) bool { return n.Name == "_" })
	})
}

// call returns the statements that call a copy of a function.
func call(f *ast.FuncDecl, id int) string {
	var args []string
	for _, p := range f.Type.Params.List {
		for _, n := range p.Names {
			args = append(args, n.Name)
		}
	}
	if n := len(args); n > 0 {
		if _, variadic := f.Type.Params.List[len(f.Type.Params.List)-1].Type.(*ast.Ellipsis); variadic {
			args[n-1] += "..."
		}
	}
	name := copyName(f, id)
	if f.Recv != nil {
		name = f.Recv.List[0].Names[0].Name + "." + name
	}
	if f.Type.Results == nil {
		return fmt.Sprintf("case %d: %s(%s); return; ", id, name, strings.Join(args, ", "))
	}
	return fmt.Sprintf("case %d: return %s(%s); ", id, name, strings.Join(args, ", "))
}

func copyName(f *ast.FuncDecl, id int) string { return fmt.Sprintf("%s_mutant%d", f.Name.Name, id) }

// combine returns a file's text with copies of its functions, one for each of some of its mutants, and by the number of
// the line which mutant's copy stands there.
func combine(some []*mutant) (text []byte, lines map[int]*mutant) {
	cases := map[*ast.FuncDecl]string{}
	var order []*ast.FuncDecl
	for _, m := range some {
		if cases[m.in] == "" {
			order = append(order, m.in)
		}
		cases[m.in] += call(m.in, m.id)
	}
	slices.SortFunc(order, func(a, b *ast.FuncDecl) int { return int(a.Pos() - b.Pos()) })
	at := 0
	source := some[0].source
	for _, f := range order {
		begin := some[0].offset(f.Body.Lbrace) + 1
		text = slices.Concat(text, source[at:begin], []byte(" switch chosenMutant { "+cases[f]+"}; "))
		at = begin
	}
	text = append(text, source[at:]...)
	lines = map[int]*mutant{}
	for _, m := range some {
		begin, name, end := m.offset(m.in.Pos()), m.offset(m.in.Name.End()), m.offset(m.in.End())
		body := slices.Concat(source[name:m.begin], []byte(m.text), source[m.end:end])
		own := slices.Concat([]byte("\n"), source[begin:m.offset(m.in.Name.Pos())], []byte(copyName(m.in, m.id)), body, []byte("\n"))
		first := bytes.Count(text, []byte("\n")) + 1
		for i := range bytes.Count(own, []byte("\n")) + 1 {
			lines[first+i] = m
		}
		text = append(text, own...)
	}
	return text, lines
}
