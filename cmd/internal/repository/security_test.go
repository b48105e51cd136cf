package repository

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestSecurityTable: each test that docs/security names is there.
func TestSecurityTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/security/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9/-]+)\\.(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 60 {
		t.Fatalf("%d tests are named", len(named))
	}
	for _, n := range named {
		files, err := filepath.Glob(filepath.Join(root, n[1], "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range files {
			source, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			found = found || regexp.MustCompile(`(?m)^func `+n[2]+`\(`).Match(source)
		}
		if !found {
			t.Errorf("docs/security names %s in %s, which is not there", n[2], n[1])
		}
	}
}

// TestSandbox: systemd's own measure of what a service could do, 0 (nothing) to 10, is 1.5 at most.
func TestSandbox(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	level := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`)
	for _, unit := range []string{"laned.service", "lanehub.service", "lanehub-secrets@.service"} {
		out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", filepath.Join(root, ".ci/package", unit)).CombinedOutput()
		said := level.FindSubmatch(out)
		if said == nil {
			t.Skipf("systemd-analyze does not know --offline here: %v", err)
		}
		if n, err := strconv.ParseFloat(string(said[1]), 64); err != nil || n > 1.5 {
			t.Errorf("%s: %s", unit, said[0])
		}
	}
}
