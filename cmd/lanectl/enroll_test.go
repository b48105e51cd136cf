package main

import (
	"os"
	"path/filepath"
	"testing"

	"lanewarden/sync/hub/orders"
)

// The root of trust is written where the lane file names one and none is there; what is no root is refused, and one that was
// brought by hand stays.
func TestEnrolledRoot(t *testing.T) {
	r := orders.At(filepath.Join(t.TempDir(), "orders"))
	if text, err := r.Root(); text != nil || err != nil {
		t.Fatalf("of no repository: %q, %v", text, err)
	}
	if _, _, err := r.Init(filepath.Join(t.TempDir(), "keys"), ""); err != nil {
		t.Fatal(err)
	}
	root, err := r.Root()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		there, comes, want string
		fails, brought     bool
	}{
		"none is there":      {"", string(root), string(root), false, true},
		"by hand":            {"by hand", string(root), "by hand", false, false},
		"none comes":         {"", "", "", false, false},
		"it is no root":      {"", `{"signed":{"_type":"targets"}}`, "", true, false},
		"it is no metadata":  {"", "<html>", "", true, false},
		"one signature less": {"", `{"signed":{"_type":"root","version":1,"roles":{}}}`, "", true, false},
	} {
		e := &enrolment{root: filepath.Join(t.TempDir(), "trust", "root.json")}
		if c.there != "" {
			if err := os.Mkdir(filepath.Dir(e.root), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(e.root, []byte(c.there), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := e.writeRoot([]byte(c.comes))
		text, _ := os.ReadFile(e.root)
		if (err != nil) != c.fails || e.brought != c.brought || string(text) != c.want {
			t.Errorf("%s: %v, brought %v, %q", name, err, e.brought, text)
		}
	}
	if err := (&enrolment{}).writeRoot(root); err != nil {
		t.Errorf("the lane file names none: %v", err)
	}
}
