package cli

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestReplaceable(t *testing.T) {
	dir := t.TempDir()
	file, pipe, link := filepath.Join(dir, "file"), filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		file: true, filepath.Join(dir, "absent"): true,
		dir: false, pipe: false, link: false, os.DevNull: false,
	} {
		if err := Replaceable(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}
