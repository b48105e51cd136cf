package main

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
)

// mutant is one small change of a file's text.
type mutant struct {
	file       string
	line       int
	begin, end int // bytes of the file that are replaced
	text       string
	what       string // the change, for people
	source     []byte // the whole file, unchanged
	files      *token.FileSet
	in         *ast.FuncDecl // whose copy can have the change; nil for none
	id         int           // of the copy
}

// offset returns the place of a position in the file.
func (m *mutant) offset(p token.Pos) int { return m.files.Position(p).Offset }

// changed returns the file with the change. Its lines keep their numbers.
func (m *mutant) changed() []byte {
	gap := strings.Repeat("\n", bytes.Count(m.source[m.begin:m.end], []byte("\n")))
	return slices.Concat(m.source[:m.begin], []byte(m.text+gap), m.source[m.end:])
}

// sourceLine returns the line in which the change begins.
func (m *mutant) sourceLine() string {
	return strings.TrimSpace(strings.Split(string(m.source), "\n")[m.line-1])
}

// swaps are what stands in an operator's stead: comparisons are negated and their bounds moved.
var swaps = map[token.Token][]string{
	token.EQL: {"!="}, token.NEQ: {"=="}, token.LAND: {"||"}, token.LOR: {"&&"},
	token.LSS: {"<=", ">="}, token.LEQ: {"<", ">"}, token.GTR: {">=", "<="}, token.GEQ: {">", "<"},
	token.ADD: {"-"}, token.SUB: {"+"}, token.MUL: {"/"}, token.QUO: {"*"}, token.REM: {"*"},
	token.AND: {"|"}, token.OR: {"&"}, token.SHL: {">>"}, token.SHR: {"<<"},
	token.ADD_ASSIGN: {"-="}, token.SUB_ASSIGN: {"+="}, token.MUL_ASSIGN: {"/="}, token.QUO_ASSIGN: {"*="},
	token.OR_ASSIGN: {"&="}, token.AND_ASSIGN: {"|="}, token.INC: {"--"}, token.DEC: {"++"},
}

// scan finds the mutants of one file.
type scan struct {
	path   string
	source []byte
	files  *token.FileSet
	in     *ast.FuncDecl // that is looked at; nil for another declaration
	found  []*mutant
}

// mutants returns all mutants of a file, in the order of its text. Some do not compile.
func mutants(path string) ([]*mutant, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &scan{path: path, source: source, files: token.NewFileSet()}
	tree, err := parser.ParseFile(s.files, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range tree.Decls {
		s.in, _ = d.(*ast.FuncDecl)
		ast.Inspect(d, func(n ast.Node) bool {
			if _, ok := n.(*ast.ImportSpec); ok {
				return false
			}
			s.expression(n)
			s.statements(n)
			return true
		})
	}
	slices.SortStableFunc(s.found, func(a, b *mutant) int { return cmp.Compare(a.begin, b.begin) })
	return s.found, nil
}

// offset returns the place of a position in the text.
func (s *scan) offset(p token.Pos) int { return s.files.Position(p).Offset }

// add notes a mutant that replaces the text between two places.
func (s *scan) add(begin, end token.Pos, text, what string) {
	m := &mutant{file: s.path, line: s.files.Position(begin).Line, begin: s.offset(begin), end: s.offset(end), text: text}
	m.source, m.files = s.source, s.files
	if s.in != nil && callable(s.in) && begin > s.in.Body.Lbrace {
		m.in = s.in
	}
	was, _, more := strings.Cut(string(s.source[m.begin:m.end]), "\n")
	if more {
		was += " ..."
	}
	if m.what = what + ": " + was; text != "" {
		m.what += " -> " + text
	}
	s.found = append(s.found, m)
}

func (s *scan) operator(at token.Pos, op token.Token) {
	for _, other := range swaps[op] {
		s.add(at, at+token.Pos(len(op.String())), other, "operator")
	}
}

// expression finds what can be changed in an expression, or in an assignment's operator.
func (s *scan) expression(n ast.Node) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		s.operator(n.OpPos, n.Op)
	case *ast.AssignStmt:
		s.operator(n.TokPos, n.Tok)
	case *ast.IncDecStmt:
		s.operator(n.TokPos, n.Tok)
	case *ast.BasicLit:
		if n.Kind == token.INT || n.Kind == token.FLOAT {
			s.add(n.Pos(), n.End(), "("+n.Value+"+1)", "constant")
			s.add(n.Pos(), n.End(), "("+n.Value+"-1)", "constant")
		}
	case *ast.Ident:
		if other, ok := map[string]string{"true": "false", "false": "true"}[n.Name]; ok {
			s.add(n.Pos(), n.End(), other, "constant")
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			s.add(n.Pos(), n.Pos()+1, " ", "negation")
		}
	case *ast.IfStmt:
		if _, compared := n.Cond.(*ast.BinaryExpr); !compared {
			text := s.source[s.offset(n.Cond.Pos()):s.offset(n.Cond.End())]
			s.add(n.Cond.Pos(), n.Cond.End(), "!("+string(text)+")", "condition")
		}
	}
}

// statements finds branches that can be emptied, and statements that can be left out.
func (s *scan) statements(n ast.Node) {
	switch n := n.(type) {
	case *ast.IfStmt:
		s.empty(n.Body.List)
		if b, ok := n.Else.(*ast.BlockStmt); ok {
			s.empty(b.List)
		}
	case *ast.BlockStmt:
		s.each(n.List)
	case *ast.CaseClause:
		s.empty(n.Body)
		s.each(n.Body)
	case *ast.CommClause:
		s.empty(n.Body)
		s.each(n.Body)
	}
}

// empty takes out all statements of a branch; one alone is left out by each.
func (s *scan) empty(branch []ast.Stmt) {
	if len(branch) > 1 {
		s.add(branch[0].Pos(), branch[len(branch)-1].End(), "", "branch emptied")
	}
}

func (s *scan) each(list []ast.Stmt) {
	for _, one := range list {
		switch one := one.(type) {
		case *ast.AssignStmt:
			if one.Tok == token.DEFINE {
				continue // what it defines would be missing
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.SendStmt, *ast.ReturnStmt, *ast.BranchStmt, *ast.DeferStmt, *ast.GoStmt:
		default:
			continue
		}
		s.add(one.Pos(), one.End(), "", "left out")
	}
}
