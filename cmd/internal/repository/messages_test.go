package repository

import (
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation/coded"
)

// makers are the functions of packages message and coded that take a code, and where it stands among their arguments;
// and that of package transport, whose errors say a code of the catalogue too.
var makers = map[string]int{"New": 0, "Errorf": 0, "Wrap": 1, "newError": 0}

// printers are the functions and methods of cmd/internal/cli that take a code first.
var printers = map[string]bool{"Say": true, "Phrase": true, "Table": true, "Usagef": true}

// argument is a function of these packages that names an argument by its first parameter.
var argument = regexp.MustCompile(`^(String|Int|Count|Number|Quantity|Aligned|Percent|Duration|ExactDuration|Time|Date|Names|Quoted|Nested|Value|arg)$`)

// placeholder is one in a text of the catalogue: {{.name}}, {{if .name}}.
var placeholder = regexp.MustCompile(`\{\{[^}]*?\.(\w+)[^}]*\}\}`)

// use is a call that makes a message.
type use struct {
	at   string
	code string
	args []string // names; nil when some are not written in the call
	open bool     // more arguments may come from elsewhere
}

// Every message that is made is in the catalogue or in the texts of a driver, with the arguments that its text has, and every text is used.
func TestMessages(t *testing.T) {
	if err := drivers.AddTexts(); err != nil {
		t.Fatal(err)
	}
	uses, literals := messageUses(t)
	if len(uses) < 100 {
		t.Fatalf("%d messages are made", len(uses))
	}
	for _, u := range uses {
		if !message.Known(u.code) {
			t.Errorf("%s: the catalogue has no %q", u.at, u.code)
			continue
		}
		want := placeholders(u.code)
		for _, name := range u.args {
			if !want[name] {
				t.Errorf("%s: the text of %s says nothing of %q", u.at, u.code, name)
			}
			delete(want, name)
		}
		if len(want) > 0 && !u.open {
			t.Errorf("%s: %s needs %v", u.at, u.code, slices.Sorted(maps.Keys(want)))
		}
	}
	for _, code := range message.Codes() {
		if ownTest(code) {
			continue
		}
		if what, advice := strings.CutSuffix(code, ".do"); advice && literals[what] {
			continue
		}
		prefix := code[:strings.LastIndexByte(code, '.')+1]
		if !literals[code] && (prefix == "" || !literals[prefix]) {
			t.Errorf("nothing says %s", code)
		}
	}
}

// ownTest reports whether another package's test holds a code against its use: sentences of observations, settings,
// whose codes are made of the names of Go types, and the help of commands.
func ownTest(code string) bool {
	return strings.HasPrefix(code, "kinds.") || strings.HasPrefix(code, "setting.") || strings.HasPrefix(code, "help.") ||
		strings.HasPrefix(code, "kind.")
}

// placeholders returns the arguments of a text and of its advice.
func placeholders(code string) map[string]bool {
	names := map[string]bool{}
	for _, c := range []string{code, code + ".do"} {
		e := message.EntryOf(c, message.English)
		for _, m := range placeholder.FindAllStringSubmatch(e.One+e.Other, -1) {
			names[m[1]] = true
		}
	}
	return names
}

// goFiles parses the tracked Go files that are neither tests nor generated; positions are by their paths from the root.
func goFiles(t *testing.T) iter.Seq2[*token.FileSet, *ast.File] {
	return func(yield func(*token.FileSet, *ast.File) bool) {
		files := token.NewFileSet()
		for _, name := range tracked(t) {
			if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".pb.go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				continue // removed and not committed yet
			}
			file, err := parser.ParseFile(files, name, text, 0)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(files, file) {
				return
			}
		}
	}
}

// messageUses reads all programs: which messages they make, and which strings stand in them.
func messageUses(t *testing.T) (uses []use, literals map[string]bool) {
	t.Helper()
	literals = map[string]bool{}
	for files, file := range goFiles(t) {
		own := slices.Contains([]string{"message", "transport"}, file.Name.Name)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					literals[s] = true
				}
			case *ast.CallExpr:
				if u, ok := messageUse(n, own); ok {
					u.at = files.Position(n.Pos()).String()
					uses = append(uses, u)
				}
			}
			return true
		})
	}
	return uses, literals
}

// messageUse reads one call.
func messageUse(call *ast.CallExpr, own bool) (u use, ok bool) {
	place, ok := makers[function(call, own)]
	if f, is := call.Fun.(*ast.SelectorExpr); is && printers[f.Sel.Name] {
		place, ok = 0, true
	}
	if !ok || len(call.Args) <= place {
		return u, false
	}
	if u.code, ok = literal(call.Args[place]); !ok {
		return u, false // a code from elsewhere: it stands there as a literal
	}
	u.open = call.Ellipsis.IsValid() || place > 0 // Wrap adds the cause
	for _, arg := range call.Args[place+1:] {
		inner, isCall := arg.(*ast.CallExpr)
		if !isCall {
			u.open = true
			continue
		}
		switch f := function(inner, own); {
		case f == "CausedBy":
			u.args = append(u.args, "cause")
		case argument.MatchString(f) && len(inner.Args) > 0:
			if name, ok := literal(inner.Args[0]); ok {
				u.args = append(u.args, name)
				continue
			}
			u.open = true
		default:
			u.open = true
		}
	}
	return u, true
}

// function returns the name of a called function of package message or coded, "" for any other.
func function(call *ast.CallExpr, own bool) string {
	f := call.Fun
	if index, ok := f.(*ast.IndexExpr); ok {
		f = index.X
	}
	switch f := f.(type) {
	case *ast.Ident:
		if own {
			return f.Name
		}
	case *ast.SelectorExpr:
		if pkg, ok := f.X.(*ast.Ident); ok && (pkg.Name == "message" || pkg.Name == "coded") {
			return f.Sel.Name
		}
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// codecVerb is one in a format of coded.Errorf.
var codecVerb = regexp.MustCompile(`%[-+# 0-9.]*[a-z]`)

// What a codec says in English is what the catalogue has under its code, with the values named by their order.
func TestCodecsSayWhatTheCatalogueHas(t *testing.T) {
	seen := 0
	for files, file := range goFiles(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			for i := range len(call.Args) - 1 {
				code, isCode := literal(call.Args[i])
				format, isFormat := joined(call.Args[i+1])
				if !isCode || !isFormat || !strings.HasPrefix(code, file.Name.Name+".") || function(call, false) == "New" {
					continue
				}
				seen++
				values := 0
				want := codecVerb.ReplaceAllStringFunc(format, func(string) string {
					values++
					return "{{." + coded.Name(values-1) + "}}"
				})
				at := files.Position(call.Pos())
				if got := message.EntryOf(code, message.English).Other; got != want {
					t.Errorf("%s: the catalogue has %q under %s, the code %q", at, got, code, want)
				}
				if given := len(call.Args) - i - 2; given != values {
					t.Errorf("%s: %d values for %q", at, given, format)
				}
			}
			return true
		})
	}
	if seen < 100 {
		t.Errorf("%d sentences of codecs were seen", seen)
	}
}

// joined returns a string that is written as one literal or as several with + between.
func joined(e ast.Expr) (string, bool) {
	sum, ok := e.(*ast.BinaryExpr)
	if !ok {
		return literal(e)
	}
	left, isLeft := joined(sum.X)
	right, isRight := joined(sum.Y)
	return left + right, isLeft && isRight
}

// No driver hands over words of its own where a message is due: words are what others said.
func TestNoTextOutsideTheCatalogue(t *testing.T) {
	files := token.NewFileSet()
	for _, name := range tracked(t) {
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "drivers/message/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue
		}
		file, err := parser.ParseFile(files, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			f := function(call, false)
			if f != "Verbatim" && f != "Quote" || len(call.Args) == 0 {
				return true
			}
			if s, ok := literal(call.Args[0]); ok {
				t.Errorf("%s: %q belongs into the catalogue", files.Position(call.Pos()), s)
			}
			return true
		})
	}
}
