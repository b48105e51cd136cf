package repository

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fragmentTitle = regexp.MustCompile(`^(Bugfix|Enhancement|Security|Change): [^\s].*[^.\s]\.$`)
	fragmentName  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*\.md$`)
)

// fragmentFault says what is wrong with a change note: docs/changelog/README.md has its form.
func fragmentFault(name, text string) error {
	if !fragmentName.MatchString(name) {
		return fmt.Errorf("its name is not of small letters, digits and dashes")
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if !fragmentTitle.MatchString(lines[0]) {
		return fmt.Errorf("line 1 is no sentence behind Bugfix, Enhancement, Security or Change and a colon: %q", lines[0])
	}
	if len(lines) < 3 || lines[1] != "" || strings.TrimSpace(lines[2]) == "" {
		return fmt.Errorf("line 2 is to be empty, and line 3 to say for a user what was and what is now")
	}
	return nil
}

func TestFragments(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join(root, "docs/changelog/unreleased"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(root, "docs/changelog/unreleased", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := fragmentFault(e.Name(), string(text)); err != nil {
			t.Errorf("docs/changelog/unreleased/%s: %v", e.Name(), err)
		}
	}
}

func TestFragmentFault(t *testing.T) {
	const body = "\n\nIt was wrong. It is right now.\n"
	for _, c := range []struct {
		name, file, text string
		ok               bool
	}{
		{"right", "a-change.md", "Bugfix: Something works." + body, true},
		{"no kind", "a.md", "Something works." + body, false},
		{"unknown kind", "a.md", "Feature: Something works." + body, false},
		{"no full stop", "a.md", "Bugfix: Something works" + body, false},
		{"no body", "a.md", "Bugfix: Something works.\n", false},
		{"no empty line", "a.md", "Bugfix: Something works.\nIt was wrong.\n", false},
		{"name", "A change.md", "Bugfix: Something works." + body, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := fragmentFault(c.file, c.text); (err == nil) != c.ok {
				t.Error(err)
			}
		})
	}
}
