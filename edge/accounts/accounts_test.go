package accounts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/edge/api/lockout"
	"lanewarden/edge/api/passwords"
)

const password = "correct horse"

func book(t *testing.T) (*Book, string) {
	path := filepath.Join(t.TempDir(), "accounts")
	hash, err := passwords.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []Account{{Name: "ann", Role: Technician, Hash: hash}, {Name: "card", Role: Viewer}}); err != nil {
		t.Fatal(err)
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return b, path
}

func TestSignIn(t *testing.T) {
	b, path := book(t)
	now := time.Now()
	a, err := b.SignIn("ann", password, "10.0.0.1", now)
	if err != nil || a.Role != Technician {
		t.Errorf("%v %v", a, err)
	}
	for name, c := range map[string][2]string{"wrong": {"ann", "wrong horse"}, "unknown": {"bob", password}, "empty": {"ann", ""}, "certificate only": {"card", ""}} {
		if _, err := b.SignIn(c[0], c[1], "10.0.0.1", now); !errors.Is(err, passwords.ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
}

func TestLockout(t *testing.T) {
	b, _ := book(t)
	now := time.Now()
	wrong := func() error {
		_, err := b.SignIn("ann", "wrong horse", "10.0.0.1", now)
		return err
	}
	for round, lock := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		for range lockout.MaxWrong {
			if err := wrong(); !errors.Is(err, passwords.ErrWrong) {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		if _, err := b.SignIn("ann", password, "10.0.0.1", now); !errors.Is(err, passwords.ErrLocked) {
			t.Errorf("round %d: the right password was looked at: %v", round, err)
		}
		now = now.Add(lock - time.Second)
		if err := wrong(); !errors.Is(err, passwords.ErrLocked) {
			t.Errorf("round %d: open too early: %v", round, err)
		}
		now = now.Add(2 * time.Second)
	}
	if _, err := b.SignIn("ann", password, "10.0.0.1", now); err != nil {
		t.Error(err)
	}
	if err := wrong(); !errors.Is(err, passwords.ErrWrong) {
		t.Error("what was before the right password counts still")
	}
}

func TestParseNamesTheLine(t *testing.T) {
	hash, err := passwords.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"no colons":   {"# x\n\nann\n", "line 3: write NAME:ROLE:HASH"},
		"role":        {"ann:boss:" + hash, "line 1: \"boss\" is no role: viewer, technician, officer, admin"},
		"name":        {"Ann:viewer:" + hash, "line 1: account name"},
		"twice":       {"ann:viewer:" + hash + "\nann:admin:" + hash, "line 2: account ann is there twice"},
		"other hash":  {"ann:viewer:$2y$10$abc", "line 1: is no argon2id hash"},
		"huge memory": {"ann:viewer:" + strings.Replace(hash, "m=19456", "m=99999999", 1), "out of bounds"},
	} {
		if _, err := Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file that becomes wrong, or is gone, leaves the accounts as they were.
func TestBrokenFileKeepsAccounts(t *testing.T) {
	b, path := book(t)
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Find("ann"); !ok {
		t.Error("ann is gone")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SignIn("ann", password, "10.0.0.1", time.Now()); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	hash, err := passwords.Hash(password)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("# x\nann:viewer:" + hash + "\ncard:admin:\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		all, err := Parse(in)
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "a")
		if err := Write(path, all); err != nil {
			t.Fatal(err)
		}
		if back, err := Read(path); err != nil || len(back) != len(all) {
			t.Errorf("%v: %v", all, err)
		}
	})
}
