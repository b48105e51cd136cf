package newdriver

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWritten: a new driver compiles, passes its own tests and the linter, and is in the catalog.
func TestWritten(t *testing.T) {
	root := copyDrivers(t)
	d := Driver{Name: "made-up-strip", Title: "Made-up strip", TitleFR: "Bande inventée", Group: "vehicle"}
	written, err := d.Write(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"drivers/vehicle/madeupstrip/madeupstrip.go", "drivers/vehicle/madeupstrip/sim/sim.go",
		"drivers/vehicle/madeupstrip/sim/serve/main.go", "drivers/catalog.go"} {
		if !slices.Contains(written, want) {
			t.Errorf("%s was not written: %v", want, written)
		}
	}
	for _, args := range [][]string{
		{"vet", "./drivers/vehicle/madeupstrip/...", "./drivers"},
		{"test", "./drivers/vehicle/madeupstrip/..."},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	if _, err := d.Write(root); err == nil {
		t.Error("a driver that is there was written again")
	}
}

// copyDrivers copies what drivers are made of into a module of its own.
func copyDrivers(t *testing.T) string {
	t.Helper()
	const repository = "../../.."
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "drivers"), os.DirFS(filepath.Join(repository, "drivers"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(repository, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(root, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestNames: which names a driver can have.
func TestNames(t *testing.T) {
	good := Driver{Name: "tyre-strip", Title: "Tyre strip", Group: "vehicle"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Driver){
		"capital letters": func(d *Driver) { d.Name = "Tyre" },
		"a path":          func(d *Driver) { d.Name = "../x" },
		"ends with -":     func(d *Driver) { d.Name = "tyre-" },
		"too long":        func(d *Driver) { d.Name = strings.Repeat("a", 25) },
		"no title":        func(d *Driver) { d.Title = " " },
		"quotation marks": func(d *Driver) { d.Title = `The "strip"` },
		"no such group":   func(d *Driver) { d.Group = "cars" },
	} {
		d := good
		change(&d)
		if err := d.Check(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := (Driver{Title: "UV lamp"}).LowerTitle(); got != "UV lamp" {
		t.Errorf("%q", got)
	}
}
