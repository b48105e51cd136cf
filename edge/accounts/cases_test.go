package accounts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"lanewarden/edge/api/lockout"
	"lanewarden/edge/api/passwords"
)

func TestParseRole(t *testing.T) {
	for _, r := range []Role{Viewer, Technician, Officer, Admin} {
		if got, err := ParseRole(r.String()); got != r || err != nil {
			t.Errorf("%s: %v %v", r, got, err)
		}
	}
	for _, name := range []string{"nobody", "", "Admin"} {
		if got, err := ParseRole(name); got != Nobody || err == nil {
			t.Errorf("%q is %v, %v", name, got, err)
		}
	}
}

// TestErrorsOfFiles: what cannot be read or written is told, and a file that is not there holds nothing.
func TestErrorsOfFiles(t *testing.T) {
	dir := t.TempDir()
	if all, err := Read(filepath.Join(dir, "absent")); err != nil || len(all) != 0 {
		t.Errorf("absent: %v %v", all, err)
	}
	if _, err := Read(dir); err == nil {
		t.Error("a folder was read")
	}
	if err := Write(filepath.Join(dir, "no-such-folder", "accounts"), nil); err == nil {
		t.Error("a file was written into a folder that is not there")
	}
	if _, err := Open(filepath.Join(dir, "absent")); err == nil {
		t.Error("a console without accounts began")
	}
	path := filepath.Join(dir, "accounts")
	if err := os.WriteFile(path, []byte("ann\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Read(path)
	if err == nil || !strings.HasPrefix(err.Error(), path+": line 1: ") {
		t.Errorf("the error does not name file and line: %v", err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a console with a broken file of accounts began")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".accounts-*")); len(left) != 0 {
		t.Errorf("parts are left: %v", left)
	}
}

// TestWriteKeepsTheMode: who may read the file stays as the administrator set it, and its first line says what it is.
func TestWriteKeepsTheMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []Account{{Name: "card", Role: Viewer}}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "# Lanewarden console accounts, NAME:ROLE:HASH") ||
		!strings.HasSuffix(string(text), "\ncard:viewer:\n") {
		t.Errorf("%q, %v", text, err)
	}
}

// TestChangedFileIsRead: an account that is added or removed counts at once, without a restart.
func TestChangedFileIsRead(t *testing.T) {
	b, path := book(t)
	all, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	change := func(all []Account, at time.Time) {
		if err := Write(path, all); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	change(append(all, Account{Name: "eve", Role: Admin}), time.Unix(1_000_000, 0))
	if a, ok := b.Find("eve"); !ok || a.Role != Admin {
		t.Errorf("eve is not found after she was added: %v", a)
	}
	change(all[1:], time.Unix(2_000_000, 0))
	if _, ok := b.Find("ann"); ok {
		t.Error("ann is found after she was removed")
	}
}

// TestBrokenHash: a hash that was not checked, as only a fault of ours could bring, lets nobody in.
func TestBrokenHash(t *testing.T) {
	b, _ := book(t)
	b.file.Value[0].Hash = "nonsense"
	if _, err := b.SignIn("ann", password, "10.0.0.1", time.Now()); err == nil {
		t.Error("signed in by a hash that cannot be read")
	} else if _, _, _, want := argon2id.DecodeHash("nonsense"); err.Error() != want.Error() {
		t.Errorf("error %v, want %v", err, want)
	}
}

// TestRightPasswordForgets: who signs in after some wrong passwords begins anew: later ones do not add to those.
func TestRightPasswordForgets(t *testing.T) {
	b, _ := book(t)
	now := time.Unix(1000, 0)
	for range 2 {
		for range lockout.MaxWrong - 1 {
			if _, err := b.SignIn("ann", "not it, not it", "10.0.0.1", now); !errors.Is(err, passwords.ErrWrong) {
				t.Fatal(err)
			}
		}
		if _, err := b.SignIn("ann", password, "10.0.0.1", now); err != nil {
			t.Fatalf("the right password: %v", err)
		}
	}
}
