package repository

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// verb is a verb of fmt.
var verb = regexp.MustCompile(`%[-+# 0-9.*]*[a-zA-Z%]`)

// hasWords reports whether a call makes an error with words of its own, English of course: errors.New, or fmt.Errorf
// with more than verbs and marks in its format.
func hasWords(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	pkg, ok := f.X.(*ast.Ident)
	if !ok || (pkg.Name != "errors" || f.Sel.Name != "New") && (pkg.Name != "fmt" || f.Sel.Name != "Errorf") {
		return false
	}
	format, ok := literal(call.Args[0])
	return ok && strings.ContainsAny(strings.ToLower(verb.ReplaceAllString(format, "")), "abcdefghijklmnopqrstuvwxyz")
}

// said are the functions of package message that say an error to people: drivers hand their messages to Sink.State,
// Faults and Conditions.
var said = map[string]bool{"Of": true, "CausedBy": true, "Wrap": true}

// saidErrors returns the errors with words of their own that a function hands to package message: in the call itself,
// or by a variable to which it assigned one before. sentinels are the package's variables of such errors.
func saidErrors(body ast.Node, sentinels map[string]bool) (at []token.Pos) {
	english := map[string]bool{}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, right := range n.Rhs {
				name, isIdent := n.Lhs[min(i, len(n.Lhs)-1)].(*ast.Ident)
				if call, isCall := right.(*ast.CallExpr); isIdent && len(n.Lhs) == len(n.Rhs) {
					english[name.Name] = isCall && hasWords(call)
				}
			}
		case *ast.CallExpr:
			if !said[function(n, false)] || len(n.Args) == 0 {
				return true
			}
			switch arg := n.Args[0].(type) {
			case *ast.CallExpr:
				if hasWords(arg) {
					at = append(at, n.Pos())
				}
			case *ast.Ident:
				if english[arg.Name] || sentinels[arg.Name] {
					at = append(at, n.Pos())
				}
			}
		}
		return true
	})
	return at
}

// sentinelsOf returns the variables of a file that are errors with words of their own.
func sentinelsOf(file *ast.File) map[string]bool {
	found := map[string]bool{}
	for _, d := range file.Decls {
		vars, ok := d.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, spec := range vars.Specs {
			v := spec.(*ast.ValueSpec)
			for i, value := range v.Values {
				if call, ok := value.(*ast.CallExpr); ok && hasWords(call) && i < len(v.Names) {
					found[v.Names[i].Name] = true
				}
			}
		}
	}
	return found
}

// Drivers and agent tell people of errors that are messages: one made of English words beside the call would be quoted
// on French pages. Errors that other functions return are not followed.
func TestNoEnglishErrorIsSaid(t *testing.T) {
	for files, file := range goFiles(t) {
		name := files.Position(file.Pos()).Filename
		if !strings.HasPrefix(name, "drivers/") && !strings.HasPrefix(name, "edge/") {
			continue
		}
		sentinels := sentinelsOf(file)
		for _, d := range file.Decls {
			for _, at := range saidErrors(d, sentinels) {
				t.Errorf("%s: an error with English words is said: message.Errorf", files.Position(at))
			}
		}
	}
}

// worded are folders and files whose errors reach people: none is made of English words.
var worded = []string{"drivers/radiation/n42/", "drivers/trace/plasmagram/", "drivers/vehicle/llrp/", "drivers/xray/dicom/read.go",
	"drivers/xray/dimse/", "drivers/xray/picture/", "drivers/xray/pixel/", "firmware-config/", "edge/accounts/", "edge/api/linefile/", "edge/console/", "edge/diag/",
	"edge/evidence/", "edge/journal/", "edge/lane/", "sync/hub/agentbook.go", "sync/hub/brokersettings.go",
	"sync/hub/ledger/cursor.go", "sync/hub/tokens/", "sync/wire/batch.go"}

// unsaid are errors in these folders that no person reads, by the folder and the function or variable that makes them:
// they end a loop, are a mistake in the build, or put a word in front that both languages have.
var unsaid = []string{
	"drivers/xray/dicom.errPixels",     // ends the reading
	"edge/console.Run",                 // "console"
	"edge/evidence/sqlog.checkVersion", // the program was linked with another SQLite
	"edge/journal.PruneRows",           // a mistake in the program
	"edge/journal.errEnough",           // ends a loop
	"edge/journal/keyfile.ErrNoKey",    // tells a kind of error from others
	"edge/journal.commit",              // "journal"
	"edge/lane/passage.errElsewhere",   // sends a search into the journal
}

// Errors of packages whose errors reach people, and of the checks of settings, are messages.
func TestErrorsAreMessages(t *testing.T) {
	for files, file := range goFiles(t) {
		name := files.Position(file.Pos()).Filename
		for _, d := range file.Decls {
			f, isFunc := d.(*ast.FuncDecl)
			check := isFunc && f.Recv != nil && f.Name.Name == "Check" && strings.HasPrefix(name, "drivers/") &&
				!strings.Contains(name, "drivertest/")
			if !check && !slices.ContainsFunc(worded, func(p string) bool { return strings.HasPrefix(name, p) }) {
				continue
			}
			owner := ""
			if isFunc {
				owner = f.Name.Name
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if v, ok := n.(*ast.ValueSpec); ok && !isFunc {
					owner = v.Names[0].Name
				}
				call, ok := n.(*ast.CallExpr)
				if ok && hasWords(call) && !slices.Contains(unsaid, path.Dir(name)+"."+owner) {
					t.Errorf("%s: %s: an error with English words: message.Errorf", files.Position(call.Pos()), owner)
				}
				return true
			})
		}
	}
}

// TestNoEnglishErrorIsSaid finds what it looks for.
func TestSaidErrors(t *testing.T) {
	const begin = "package p\nfunc f(err error) {\n"
	for text, want := range map[string]int{
		`s.State(down, message.Of(errors.New("no answer")))`:                                    1,
		`f.Add(at, message.Of(fmt.Errorf("count %q: %w", x, err)), 0, nil)`:                     1,
		`err = errors.New("no answer"); s.State(down, message.New("x", message.CausedBy(err)))`: 1,
		`f.Add(at, message.Of(sentinel), 0, nil)`:                                               1,
		`s.State(down, message.Of(err))`:                                                        0,
		`s.State(down, message.Of(fmt.Errorf("%s: %w", where, err)))`:                           0,
		`err = errors.New("no answer"); err = read(); s.State(down, message.Of(err))`:           0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "p.go", begin+text+"\n}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(saidErrors(file, map[string]bool{"sentinel": true})); got != want {
			t.Errorf("%s: %d found, not %d", text, got, want)
		}
	}
}
