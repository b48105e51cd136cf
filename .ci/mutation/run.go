package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// pkg is a package whose tests are tried.
type pkg struct {
	Dir, ImportPath, Name              string
	GoFiles, TestImports, XTestImports []string
	run                                string        // expression of the tests' names; empty for all
	within                             time.Duration // after which its tests are stopped
}

// packages returns the packages of a pattern of the go command that have tests.
func packages(pattern string) (out []*pkg, err error) {
	text, err := exec.Command("go", "list", "-json=Dir,ImportPath,Name,GoFiles,TestImports,XTestImports", pattern).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", pattern, err)
	}
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		p := &pkg{}
		if err := d.Decode(p); err != nil {
			return nil, err
		}
		if len(p.TestImports)+len(p.XTestImports) > 0 {
			out = append(out, p)
		}
	}
	return out, nil
}

// outcome is what became of a mutant.
type outcome int

const (
	broken outcome = iota // does not compile
	killed
	survived
)

// compile makes the package's tests with some files replaced, by path. It returns what the compiler says when it
// cannot.
func (p *pkg) compile(dir, tests string, files map[string][]byte) (complaint string, err error) {
	replace := map[string]string{}
	for path, text := range files {
		replace[path] = filepath.Join(dir, filepath.Base(path))
		err = errors.Join(err, os.WriteFile(replace[path], text, 0o600))
	}
	overlay := filepath.Join(dir, "overlay.json")
	text, _ := json.Marshal(map[string]any{"Replace": replace})
	if err = errors.Join(err, os.WriteFile(overlay, text, 0o600)); err != nil {
		return "", err
	}
	c := exec.Command("go", "test", "-c", "-gcflags=-e", "-ldflags=-s -w", "-overlay", overlay, "-o", tests, p.ImportPath)
	out, failed := c.CombinedOutput()
	if failed != nil {
		return string(out) + failed.Error(), nil
	}
	return "", nil
}

// complaints are the places that a compiler names, and copies of functions.
var complaints = regexp.MustCompile(`([^/\s:]+\.go):(\d+):|_mutant(\d+)`)

// build compiles those of some mutants that are in functions, and leaves the tests in a file of a folder. It returns
// the mutants that compile.
func (p *pkg) build(dir, tests string, some []*mutant) (map[*mutant]bool, error) {
	left := map[*mutant]bool{}
	for _, m := range some {
		if m.in != nil {
			left[m] = true
		}
	}
	for {
		files := map[string][]byte{filepath.Join(p.Dir, "chosen_mutant.go"): fmt.Appendf(nil, chooser, p.Name)}
		at := map[string]map[int]*mutant{}
		for path, of := range byFile(some, left) {
			files[path], at[filepath.Base(path)] = combine(of)
		}
		complaint, err := p.compile(dir, tests, files)
		if err != nil || complaint == "" {
			return left, err
		}
		before := len(left)
		for _, c := range complaints.FindAllStringSubmatch(complaint, -1) {
			line, _ := strconv.Atoi(c[2])
			id, _ := strconv.Atoi(c[3])
			delete(left, at[c[1]][line])
			maps.DeleteFunc(left, func(m *mutant, _ bool) bool { return m.id == id })
		}
		if len(left) == before {
			return nil, fmt.Errorf("%s: %s", p.ImportPath, complaint)
		}
	}
}

// byFile sorts those of some mutants that are left by their files.
func byFile(some []*mutant, left map[*mutant]bool) map[string][]*mutant {
	out := map[string][]*mutant{}
	for _, m := range some {
		if left[m] {
			out[m.file] = append(out[m.file], m)
		}
	}
	return out
}

// measure runs the tests without a change, which must pass, and bounds the time that they may take with one.
func (p *pkg) measure(tests, dir string) error {
	if p.within > 0 {
		return nil
	}
	p.within = time.Hour
	begin := time.Now()
	if err := p.test(tests, dir, 0); err != nil {
		return fmt.Errorf("%s: the tests fail without a change: %w", p.ImportPath, err)
	}
	p.within = 30*time.Second + 3*time.Since(begin)
	return nil
}

// try runs the tests with a change: that of a copy in them, or else one that is compiled first. Tests that take too
// long have noticed it.
func (p *pkg) try(m *mutant, tests string) (outcome, error) {
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return broken, err
	}
	defer os.RemoveAll(dir)
	if m.in == nil {
		tests = filepath.Join(dir, "tests")
		complaint, err := p.compile(dir, tests, map[string][]byte{m.file: m.changed()})
		if err != nil || complaint != "" {
			return broken, err
		}
	}
	if p.test(tests, dir, m.id) != nil {
		return killed, nil
	}
	return survived, nil
}

// memoryKiB bounds the tests' memory: a change can make them take all that the machine has.
const memoryKiB = 8 << 20

// test runs a package's tests, in their own folder. What rapid draws is the same each time, and its finds are not kept.
func (p *pkg) test(binary, temp string, mutant int) error {
	args := []string{"-c", fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, memoryKiB), binary, "-test.short", "-test.failfast"}
	args = append(args, "-test.run", p.run)
	if slices.Contains(slices.Concat(p.TestImports, p.XTestImports), "pgregory.net/rapid") {
		args = append(args, "-rapid.nofailfile", "-rapid.shrinktime=1ms", "-rapid.seed=1")
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.within)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", args...)
	c.Dir, c.Env, c.WaitDelay = p.Dir, append(os.Environ(), "TMPDIR="+temp, fmt.Sprintf("MUTANT=%d", mutant)), 5*time.Second
	return c.Run()
}
