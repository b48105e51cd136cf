package repository

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers are the five layers from the lowest up: a package imports from its own and from those below.
var layers = []string{"drivers", "firmware-config", "edge", "sync", "cmd"}

// codecs are the packages that others can use by themselves: of ours they import each other and leaves at most.
var codecs = []string{
	"drivers/radiation/n42",
	"drivers/trace/jcampdx",
	"drivers/trace/plasmagram",
	"drivers/vehicle/llrp",
	"drivers/xray/dicom",
	"drivers/xray/dimse",
	"drivers/xray/picture",
	"drivers/xray/pixel",
}

// leaves are helpers that import none of ours, so that codecs may use them.
var leaves = []string{"drivers/driver/robust", "drivers/observation/coded", "drivers/observation/units", "drivers/transport/accept"}

// ourPackage is one of our packages; its path and imports are without the module's name.
type ourPackage struct {
	Path    string
	Imports []string // of ours
	Doc     string
}

// ourPackages lists all packages of the module, without their tests.
func ourPackages(t *testing.T) (all []ourPackage) {
	t.Helper()
	const module = "lanewarden/"
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Doc", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Doc string
			Imports         []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		one := ourPackage{Path: strings.TrimPrefix(p.ImportPath, module), Doc: p.Doc}
		for _, path := range p.Imports {
			if ours, ok := strings.CutPrefix(path, module); ok {
				one.Imports = append(one.Imports, ours)
			}
		}
		all = append(all, one)
	}
}

func layerOf(path string) int {
	first, _, _ := strings.Cut(path, "/")
	return slices.Index(layers, first)
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range ourPackages(t) {
		for _, path := range p.Imports {
			if layerOf(path) > layerOf(p.Path) {
				t.Errorf("%s imports %s, which is of a layer above", p.Path, path)
			}
		}
	}
}

// A codec that knew observations or drivers could not be used by anybody else.
func TestCodecsStandAlone(t *testing.T) {
	seen := 0
	for _, p := range ourPackages(t) {
		if slices.Contains(leaves, p.Path) && len(p.Imports) > 0 {
			t.Errorf("%s imports %v, and codecs use it", p.Path, p.Imports)
		}
		if !slices.Contains(codecs, p.Path) {
			continue
		}
		seen++
		for _, path := range p.Imports {
			if !slices.Contains(codecs, path) && !slices.Contains(leaves, path) {
				t.Errorf("the codec %s imports %s", p.Path, path)
			}
		}
		examples, err := filepath.Glob(filepath.Join(root, p.Path, "example_test.go"))
		if err != nil || len(examples) == 0 {
			t.Errorf("the codec %s has no example_test.go", p.Path)
		}
	}
	if seen != len(codecs) {
		t.Errorf("%d of %d codecs are there", seen, len(codecs))
	}
}

// A package without a doc comment does not say what goes in and what comes out.
func TestPackagesAreDocumented(t *testing.T) {
	for _, p := range ourPackages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.Path)
		}
	}
}
