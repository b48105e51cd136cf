package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Patch is one change of a source file, made in a copy for one build.
type Patch struct {
	File     string // below the module's root, or below GOROOT/src after "std:"
	Old, New string // Old stands there once
}

// Control is a program that is broken on purpose.
type Control []Patch

// clockPatch has time.Now go through the file of clockSource.
var clockPatch = Patch{"std:time/time.go", "sec, nsec, mono := runtimeNow()\n\tif mono == 0 {",
	"sec, nsec, mono := runtimeNow()\n\tsec = tortured(sec)\n\tif mono == 0 {"}

// build builds the programs into bin/, with clocks that can be stepped and, in a control, with its patches.
func build(ctx context.Context, c Config) error {
	roots, err := goEnv(ctx, "GOROOT", "GOMOD")
	if err != nil {
		return err
	}
	replace, err := append(Control{clockPatch}, c.Control...).patched(roots, c.Dir)
	if err != nil {
		return err
	}
	clock := filepath.Join(c.Dir, "clock.go")
	if err := os.WriteFile(clock, []byte(clockSource), 0o600); err != nil {
		return err
	}
	replace[filepath.Join(roots[0], "src", "time", "torture_clock.go")] = clock
	overlay, err := writeOverlay(c.Dir, replace)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", filepath.Join(c.Dir, "bin")+"/",
		"lanewarden/cmd/laned", "lanewarden/cmd/lanehub", "lanewarden/cmd/lanectl")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	return nil
}

// Overlay makes the patches in a folder, and returns the file for go build -overlay there.
func (c Control) Overlay(ctx context.Context, dir string) (string, error) {
	roots, err := goEnv(ctx, "GOROOT", "GOMOD")
	if err != nil {
		return "", err
	}
	replace, err := c.patched(roots, dir)
	if err != nil {
		return "", err
	}
	return writeOverlay(dir, replace)
}

// patched writes the patched files to a folder, and returns which of them stands for which. A file has one patch.
func (c Control) patched(roots []string, dir string) (map[string]string, error) {
	replace := map[string]string{}
	for i, p := range c {
		source, patched := p.source(roots), filepath.Join(dir, fmt.Sprintf("patch-%d.go", i))
		if err := p.write(source, patched); err != nil {
			return nil, err
		}
		replace[source] = patched
	}
	return replace, nil
}

// writeOverlay writes overlay.json to a folder and returns its path.
func writeOverlay(dir string, replace map[string]string) (string, error) {
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// source returns the file to be patched; roots are GOROOT and the module's go.mod.
func (p Patch) source(roots []string) string {
	if name, ok := strings.CutPrefix(p.File, "std:"); ok {
		return filepath.Join(roots[0], "src", name)
	}
	return filepath.Join(filepath.Dir(roots[1]), p.File)
}

// write writes the patched file.
func (p Patch) write(source, to string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	if n := bytes.Count(text, []byte(p.Old)); n != 1 {
		return fmt.Errorf("%s: %q stands there %d times and is to be patched once: the code has changed, change the patch",
			source, p.Old, n)
	}
	return os.WriteFile(to, bytes.Replace(text, []byte(p.Old), []byte(p.New), 1), 0o600)
}

// goEnv returns settings of the go command.
func goEnv(ctx context.Context, names ...string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), nil
}
