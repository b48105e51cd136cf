package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes a module of some files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestMutants: each kind of change is found once, where it stands, and leaves the lines their numbers.
func TestMutants(t *testing.T) {
	dir := write(t, map[string]string{"a.go": `package a

import "os"

func f(a, b int, ok bool) int {
	if a < b && !ok {
		a += 2
		os.Exit(
			a)
	}
	switch {
	case ok:
		return a
	}
	return b - 1
}
`})
	all, err := mutants(filepath.Join(dir, "a.go"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range all {
		got = append(got, m.what)
		if n := strings.Count(string(m.changed()), "\n"); n != strings.Count(string(m.source), "\n") {
			t.Errorf("%s: %d lines", m.what, n)
		}
	}
	slices.Sort(got)
	want := []string{
		"branch emptied: a += 2 ...", "constant: 1 -> (1+1)", "constant: 1 -> (1-1)", "constant: 2 -> (2+1)",
		"constant: 2 -> (2-1)", "left out: a += 2", "left out: os.Exit( ...", "left out: return a", "left out: return b - 1",
		"negation: ! ->  ", "operator: && -> ||", "operator: += -> -=", "operator: - -> +", "operator: < -> <=", "operator: < -> >=",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q,\nnot %q", got, want)
	}
}

// TestSurvivors: what no test notices is told apart from what one does, and from what does not compile, in functions,
// methods and constants; the tree stays as it is.
func TestSurvivors(t *testing.T) {
	const text = `package a

const least = 3

type sum struct{ n int }

func (s *sum) add(all ...int) {
	for _, n := range all {
		s.n += n
	}
}

func f(n int) bool {
	if n > least {
		return true
	}
	return false
}

func unnamed(int) bool { return true }
`
	const tests = `package a

import "testing"

func TestAll(t *testing.T) {
	s := &sum{}
	if s.add(1, 2); f(0) || !f(9) || !unnamed(1) || s.n != 3 {
		t.Error(s)
	}
}
`
	dir := write(t, map[string]string{"go.mod": "module a\n\ngo 1.24\n", "a.go": text, "a_test.go": tests})
	t.Chdir(dir)
	got, err := (&run{seed: 1, n: 100, workers: 2}).place("./...")
	if err != nil {
		t.Fatal(err)
	}
	// Nobody notices n >= least, and least as 4 or 2; what is left out without a compiler's complaint, each true and
	// false, n <= least and s.n -= n are noticed.
	if want := []tally{{"a", 6, 3}}; !slices.Equal(got, want) {
		t.Errorf("%+v, not %+v", got, want)
	}
	if left, err := os.ReadFile("a.go"); err != nil || string(left) != text {
		t.Errorf("the file is %q, %v", left, err)
	}
	if _, err := (&run{seed: 1, n: 1, workers: 1}).place("./...:absent.go"); err == nil {
		t.Error("a file that is not there is no error")
	}
}
