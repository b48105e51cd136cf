package linefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func words(text []byte) ([]string, error) {
	return Parse(text, func(line string) (string, error) {
		if strings.Contains(line, " ") {
			return "", errors.New("more than one word")
		}
		return line, nil
	}, func(word string) string { return word })
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"# a list\n\n  one \ntwo": "one two",
		"one\r\ntwo\r\n":          "one two",
		"":                        "",
		"one\ntwo words\n":        "line 2: more than one word",
		"one\n\n# x\none":         "line 4: one is there twice",
	} {
		all, err := words([]byte(text))
		got := strings.Join(all, " ")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// A new file is its owner's alone, one that is there keeps its rights, and nothing else is left in the folder.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "list")
	if all, err := ReadList(path, words); err != nil || all != nil {
		t.Errorf("a file that is not there: %v %v", all, err)
	}
	if _, err := Read(path, words); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, mode := range []fs.FileMode{0o600, 0o640} {
		if err := Write(path, []byte("one\n")); err != nil {
			t.Fatal(err)
		}
		if mode != 0o600 {
			if err := errors.Join(os.Chmod(path, mode), Write(path, []byte("two\n"))); err != nil {
				t.Fatal(err)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%v, want %v", info.Mode(), mode)
		}
	}
	if all, err := ReadList(path, words); err != nil || !slices.Equal(all, []string{"two"}) {
		t.Errorf("%v %v", all, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left over: %v %v", left, err)
	}
	if err := Write(filepath.Join(dir, "no", "list"), nil); err == nil {
		t.Error("a folder that is not there")
	}
	if err := os.WriteFile(path, make([]byte, maxBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, words); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a huge file was read: %v", err)
	}
}

func TestWatched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	if _, err := Open(path, words); err == nil {
		t.Error("a file that is not there")
	}
	var stamp time.Time
	write := func(text string) {
		t.Helper()
		if err := Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		stamp = stamp.Add(time.Hour) // two writes within one tick of the file system's clock
		if err := os.Chtimes(path, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	stamp = time.Unix(1_800_000_000, 0)
	write("one\n")
	w, err := Open(path, words)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		text string // "" takes the file away
		want string
		ok   bool
	}{
		{"one\ntwo\n", "one two", true},
		{"three words here\n", "one two", false},
		{"# empty\n", "", true},
		{"four\n", "four", true},
		{"", "four", false},
	} {
		if step.text == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			write(step.text)
		}
		if err := w.Refresh(); (err == nil) != step.ok || strings.Join(w.Value, " ") != step.want {
			t.Errorf("%q: %v %v", step.text, w.Value, err)
		}
	}
}
