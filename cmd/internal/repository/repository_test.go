package repository

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write THIRD_PARTY_NOTICES and the pages of settings anew")

const root = "../../.."

// tracked lists the files of the repository, or skips the test outside a checkout (in a source archive).
func tracked(t *testing.T, args ...string) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("no git checkout")
	}
	cmd := exec.Command("git", append([]string{"-C", root, "ls-files", "-z"}, args...)...)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v: %s", err, words.String())
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}

// A file that is ignored and tracked at once changes without anybody seeing it.
func TestNothingIgnoredIsTracked(t *testing.T) {
	if files := tracked(t, "-i", "-c", "--exclude-standard"); len(files) > 0 {
		t.Errorf("%d tracked files are ignored: git rm --cached %s ...", len(files), files[0])
	}
}

// conflict is a line that git leaves in a file where two changes meet.
var conflict = regexp.MustCompile(`(?m)^(<{7}|>{7}) `)

// No file was committed with both sides of a conflict in it: compilers see that in Go, and nothing does in scripts.
func TestNoConflicts(t *testing.T) {
	for _, f := range tracked(t) {
		text, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			continue // removed and not committed yet
		}
		if at := conflict.FindIndex(text); at != nil {
			t.Errorf("%s:%d: a conflict that was not resolved", f, 1+bytes.Count(text[:at[0]], []byte("\n")))
		}
	}
}

// The work tree stays small: text that people wrote, pictures with a palette, no builds and no copies of others' work. What
// catches these is the bound on one file; the one on all is for what comes in many pieces.
func TestSmall(t *testing.T) {
	const limit, most, picture = 12_000_000, 128 << 10, 128 << 10                                              // bytes: of all, of one file, of one picture
	generated := []string{"THIRD_PARTY_NOTICES", "docs/openapi.yaml", "drivers/observation/observation.pb.go"} // these may be larger
	total := int64(0)
	for _, f := range tracked(t) {
		if info, err := os.Lstat(filepath.Join(root, f)); err == nil {
			total += info.Size()
			if info.Size() > most && !slices.Contains(generated, f) && !strings.HasPrefix(f, "docs/pictures/") {
				t.Errorf("%s has %d bytes, more than %d: was it built, or copied?", f, info.Size(), most)
			}
			if strings.HasPrefix(f, "docs/pictures/") && info.Size() > picture {
				t.Errorf("%s has %d bytes, more than %d: pngquant --nofs, then zopflipng", f, info.Size(), picture)
			}
		}
	}
	if total > limit {
		t.Errorf("the tracked files have %d bytes, more than %d", total, limit)
	}
}

func TestNotices(t *testing.T) {
	want, err := Notices(root)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "THIRD_PARTY_NOTICES")
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("THIRD_PARTY_NOTICES is not what the programs contain: make notices")
	}
	for _, name := range []string{"preact ", "htm ", "uplot ", "Go standard library", "nats-server"} {
		if !bytes.Contains(have, []byte(name)) {
			t.Errorf("%s is not named", name)
		}
	}
}

var (
	// markdownLink is [text](target), without a title.
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// mention is a path of the repository or a document's name in text or in a comment.
	mention = regexp.MustCompile("(?:^|[\\s(\"'`])((?:docs|cmd|drivers|edge|sync|firmware-config|\\.ci)/[A-Za-z0-9_./@-]*[A-Za-z0-9_/@]" +
		"|[A-Z][A-Z_]+\\.md)")
	// fence is a block of code of a document: examples, not references.
	fence = regexp.MustCompile("(?s)```.*?```")
)

// missing returns what a document names that is not there. text is the document's, path its place below root.
func missing(path, text string, exists func(string) bool) (names []string) {
	text = fence.ReplaceAllString(text, "")
	dir := filepath.Dir(path)
	if strings.HasSuffix(path, ".md") {
		for _, m := range markdownLink.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, ":") {
				continue // within the document, or elsewhere in the world
			}
			if !exists(filepath.Join(dir, target)) {
				names = append(names, target)
			}
		}
	}
	for _, m := range mention.FindAllStringSubmatch(text, -1) {
		name, _, _ := strings.Cut(strings.TrimSuffix(m[1], "/"), ".Test") // of a test: TestSecurityTable looks for it
		if !exists(name) && !exists(filepath.Join(dir, name)) && !madeHere.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// madeHere are paths that exist when something was built or installed.
var madeHere = regexp.MustCompile(`node_modules|/bin/`)

// No document and no comment of a lane file, profile or library names a file that is not here.
func TestDocumentsNameWhatIsHere(t *testing.T) {
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return err == nil
	}
	for _, path := range tracked(t) {
		switch filepath.Ext(path) {
		case ".md", ".yaml", ".yml", ".proto":
		default:
			continue
		}
		if strings.Contains(path, "testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
		} else if err != nil {
			t.Fatal(err)
		}
		for _, name := range missing(path, string(text), exists) {
			t.Errorf("%s names %s, which is not here", path, name)
		}
	}
}

func TestMissing(t *testing.T) {
	exists := func(name string) bool { return name == "docs/here.md" || name == "README.md" || name == "docs" }
	for _, c := range []struct{ name, path, text, want string }{
		{"link that is here", "docs/a.md", "see [here](here.md#part) and [up](../README.md)", ""},
		{"link that is not", "docs/a.md", "see [there](there.md)", "there.md"},
		{"link elsewhere", "docs/a.md", "[x](https://example.org/a.md) [y](#part)", ""},
		{"mention in a comment", "firmware-config/s.yaml", "# from docs/k0.md, page 3", "docs/k0.md"},
		{"mention with a full stop", "a.md", "It is in docs/here.md. And `docs/`", ""},
		{"document of elsewhere", "docs/a.md", "collected in PROTOCOLS.md section 5", "PROTOCOLS.md"},
		{"example", "docs/a.md", "```\ncat docs/none.md\n```", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(missing(c.path, c.text, exists), " "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
