package message

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template/parse"
	"unicode"
)

// placeholders returns the names of the arguments of a text, sorted.
func placeholders(t *testing.T, text string) []string {
	t.Helper()
	trees, err := parse.Parse("text", text, "{{", "}}", builtins)
	if err != nil {
		t.Errorf("%q: %v", text, err)
		return nil
	}
	names := map[string]bool{}
	for _, tree := range trees {
		collect(tree.Root, names)
	}
	return slices.Sorted(maps.Keys(names))
}

// builtins are the functions that a text may use.
var builtins = map[string]any{"and": nil, "or": nil, "not": nil, "eq": nil}

func collect(n parse.Node, names map[string]bool) {
	branch := func(b *parse.BranchNode) {
		collect(b.Pipe, names)
		collect(b.List, names)
		if b.ElseList != nil {
			collect(b.ElseList, names)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, one := range n.Nodes {
			collect(one, names)
		}
	case *parse.ActionNode:
		collect(n.Pipe, names)
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			for _, a := range c.Args {
				collect(a, names)
			}
		}
	case *parse.FieldNode:
		names[n.Ident[0]] = true
	}
}

// Both languages have the same entries with the same arguments.
func TestBothLanguages(t *testing.T) {
	own, err := fs.Sub(files, "catalogue")
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(own); err != nil {
		t.Fatal(err)
	}
	for _, code := range Codes() {
		e, f := EntryOf(code, English), EntryOf(code, French)
		if (e.One == "") != (f.One == "") {
			t.Errorf("%s: one language only has a form for one", code)
		}
		want := placeholders(t, e.Other)
		for _, text := range []string{e.One, f.One, f.Other} {
			got := placeholders(t, text)
			if text == e.One || text == f.One { // "the last vehicle" needs no number
				got = append(got, slices.DeleteFunc(slices.Clone(want), func(n string) bool {
					return n != "n" || slices.Contains(got, "n")
				})...)
				slices.Sort(got)
			}
			if text != "" && !slices.Equal(got, want) {
				t.Errorf("%s: %v in %q, %v in %q", code, got, text, want, e.Other)
			}
		}
	}
}

// Advice belongs to an entry, and says nothing that the entry was not given.
func TestAdvice(t *testing.T) {
	for _, code := range Codes() {
		what, ok := strings.CutSuffix(code, ".do")
		if ok && !Known(what) {
			t.Errorf("%s is advice on nothing", code)
		}
	}
}

var (
	// wrongSpace is an ordinary space, or none, where French has a no-break space.
	wrongSpace = regexp.MustCompile(`[^\x{a0}/?!][;?!»]| :|[^\s\x{a0}]:\s|« |«[^\x{a0}]`)
	// number before a unit, or a placeholder before one.
	wrongUnit = regexp.MustCompile(`(\d|\}\}) (s|ms|min|h|kg|°C|%|km/h|MB|kB|Mo|ko)([^\p{L}’]|$)`)
	action    = regexp.MustCompile(`\{\{[^}]*\}\}`)
	// typewriter is an apostrophe of a typewriter within a word; in examples, those around a word are a
	// shell's quotation marks.
	typewriter = regexp.MustCompile(`\pL'\pL`)
	// literal is what a person types or a file says, which keeps its own marks.
	literal = regexp.MustCompile("`[^`]*`")
)

// French has its no-break spaces and its apostrophe, and no sentence has blanks that nobody sees.
func TestTypography(t *testing.T) {
	for _, l := range Languages {
		for _, code := range Codes() {
			e := EntryOf(code, l)
			for _, text := range []string{e.One, e.Other} {
				if text == "" {
					if text = e.Other; text == "" {
						t.Errorf("%s %s: no text", l, code)
					}
					continue
				}
				checkTypography(t, l, code, text)
			}
		}
	}
}

// inColumns are the codes of texts that stand in columns on a terminal: the lines of lanectl status, lod90 and verify,
// and those of the demo.
var inColumns = regexp.MustCompile(`^(lanectl\.status-(agent|clock|clock-off|journal|disk|link|orders-[a-z]+)|` +
	`lanectl\.(lod|lod-critical|lod-level|lod90)|lanectl\.verified(-export|-artifacts)?|sim\.demo-[a-z]+)$`)

// paragraphs are the codes of texts that have several lines: the long help of commands and its examples.
var paragraphs = regexp.MustCompile(`^help\..*\.(long|example)$`)

// indented are the codes whose texts may begin with two blanks, below another line of a terminal.
var indented = regexp.MustCompile(`^(lanectl|laned)\.`)

// hasStrayBlanks reports whether a text has blanks that nobody sees: at its ends, or two in a row.
func hasStrayBlanks(code, text string) bool {
	if indented.MatchString(code) {
		text = strings.TrimPrefix(text, "  ")
	}
	ends := strings.TrimSpace(text) != text && !strings.HasPrefix(text, " ") && !strings.HasPrefix(text, nbsp)
	return ends || strings.Contains(text, "  ") && !inColumns.MatchString(code) && !paragraphs.MatchString(code)
}

func checkTypography(t *testing.T, l Language, name, text string) {
	t.Helper()
	bare := literal.ReplaceAllString(action.ReplaceAllString(text, "x"), "x")
	switch {
	case hasStrayBlanks(name, text):
		t.Errorf("%s %s: blanks: %q", l, name, text)
	case strings.ContainsFunc(text, unicode.IsControl) && !paragraphs.MatchString(name):
		t.Errorf("%s %s: a line end: %q", l, name, text)
	case l == French && wrongSpace.MatchString(bare):
		t.Errorf("fr %s: no-break space missing at %q in %q", name, wrongSpace.FindString(bare), text)
	case l == French && strings.Contains(bare, "'") &&
		(typewriter.MatchString(bare) || !strings.HasSuffix(name, ".example")):
		t.Errorf("fr %s: ’ instead of ': %q", name, text)
	case wrongUnit.MatchString(text):
		t.Errorf("%s %s: no-break space missing before the unit in %q", l, name, text)
	}
}

// Every cause has a sentence and advice, and the causes that explain it are causes; none explains itself.
func TestCauses(t *testing.T) {
	for _, code := range Causes() {
		if !Known(code) || !Known(code+".do") {
			t.Errorf("%s: no sentence, or none that says what to do", code)
		}
		c, _ := CauseOf(code)
		for _, other := range c.DependsOn {
			if _, ok := CauseOf(other); !ok {
				t.Errorf("%s depends on %s, which is no cause", code, other)
			}
		}
		if Explains(code, code) {
			t.Errorf("%s explains itself", code)
		}
	}
}
