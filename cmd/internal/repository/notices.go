// Package repository holds the repository itself to its rules, in its tests: what is tracked, what documents name, the
// form of change notes, and the notices of what the programs contain. Notices makes the text of THIRD_PARTY_NOTICES.
package repository

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// programs are those whose notices are gathered, as they are built for Debian's amd64.
var programs = []string{"./cmd/laned", "./cmd/lanectl", "./cmd/lanehub", "./cmd/lanesim"}

// vendored is the folder with the licence, NAME.LICENSE, of each JavaScript library that the console has a copy of.
const vendored = "edge/web/licences"

// legalName matches the files in which a module has its licence and what must be told with it.
var legalName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// Notices returns the licences of everything in the programs: Go's library, the modules that are
// linked into them, and the JavaScript libraries of their pages. root is the repository's folder.
// Modules must be in the module cache. A module without a licence file is an error.
func Notices(root string) ([]byte, error) {
	texts := map[string][]string{} // who is under it, by licence text
	modules, err := linked(root)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		files := modules[name]
		if len(files) == 0 {
			return nil, fmt.Errorf("%s has no licence file: may it be linked?", name)
		}
		for _, file := range files {
			if err := add(texts, name, file); err != nil {
				return nil, err
			}
		}
	}
	scripts, err := filepath.Glob(filepath.Join(root, vendored, "*.LICENSE"))
	if err != nil {
		return nil, err
	}
	for _, file := range scripts {
		name := strings.TrimSuffix(filepath.Base(file), ".LICENSE") + " (JavaScript, in the pages)"
		if err := add(texts, name, file); err != nil {
			return nil, err
		}
	}
	return format(texts), nil
}

// add adds a licence file to the names under its text. Line breaks and indentation do not make
// another text: the first one that came is kept.
func add(texts map[string][]string, name, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var text strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(string(b), "\r\n", "\n")) {
		text.WriteString(strings.TrimRight(line, " \t\n") + "\n")
	}
	key := strings.Trim(text.String(), "\n") + "\n"
	for known := range texts {
		if slices.Equal(strings.Fields(known), strings.Fields(key)) {
			key = known
		}
	}
	if !slices.Contains(texts[key], name) {
		texts[key] = append(texts[key], name)
	}
	return nil
}

// format prints each text once, below the names of everything that is under it, in the order of the
// first name.
func format(texts map[string][]string) []byte {
	type notice struct {
		names []string
		text  string
	}
	var all []notice
	for text, names := range texts {
		slices.Sort(names)
		all = append(all, notice{names, text})
	}
	slices.SortFunc(all, func(a, b notice) int {
		return strings.Compare(strings.Join(a.names, "\n")+a.text, strings.Join(b.names, "\n")+b.text)
	})
	var out bytes.Buffer
	out.WriteString("Lanewarden's programs contain the software below, under the licences below.\n" +
		"This file is generated: make notices.\n")
	rule := strings.Repeat("-", 80)
	for _, n := range all {
		fmt.Fprintf(&out, "\n%s\n%s\n%s\n\n%s", rule, strings.Join(n.names, "\n"), rule, n.text)
	}
	return out.Bytes()
}

// linked returns the licence files of each module in the programs, by "path version". A package may
// be under another licence than its module, so the folders between the two are searched as well.
func linked(root string) (map[string][]string, error) {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=Dir,Standard,Module"}, programs...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1")
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, words.String())
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	standard, err := legal(strings.TrimSpace(string(goroot)))
	if err != nil {
		return nil, err
	}
	modules := map[string][]string{"Go standard library": standard}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir      string
			Standard bool
			Module   *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return modules, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Standard || p.Module == nil || p.Module.Main {
			continue
		}
		name := p.Module.Path + " " + p.Module.Version
		for dir := p.Dir; ; dir = filepath.Dir(dir) {
			files, err := legal(dir)
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				if !slices.Contains(modules[name], f) {
					modules[name] = append(modules[name], f)
				}
			}
			if dir == p.Module.Dir || len(dir) <= len(p.Module.Dir) {
				break
			}
		}
		if modules[name] == nil {
			modules[name] = []string{}
		}
	}
}

// legal lists a folder's licence files, without Go files of such a name.
func legal(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if !e.IsDir() && legalName.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, err
}
