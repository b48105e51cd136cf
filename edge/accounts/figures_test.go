package accounts

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
)

// TestHashCost: a password costs who guesses what docs/access.md says, and each has a salt of its own.
func TestHashCost(t *testing.T) {
	first, err := Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Hash(password)
	if err != nil || first == second {
		t.Errorf("the same password twice: %v", err)
	}
	p, salt, key, err := argon2id.DecodeHash(first)
	if err != nil || p.Memory != 19<<10 || p.Iterations != 2 || p.Parallelism != 1 || len(salt) != 16 || len(key) != 32 {
		t.Errorf("%+v, a salt of %d bytes, a key of %d, %v", p, len(salt), len(key), err)
	}
	if len("1234567") != MinPassword-1 {
		t.Errorf("a password has %d characters at least", MinPassword)
	}
	const cheapest, dearest = "$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$v=19$m=262144,t=16,p=1$"
	for _, begin := range []string{cheapest, dearest} {
		if err := CheckHash(begin + "c2FsdHNhbHRzYWx0c2E$AAAAAAAAAAAAAAAAAAAAAA"); err != nil {
			t.Errorf("%s: %v", begin, err)
		}
	}
	for _, begin := range []string{"$argon2id$v=19$m=7,t=1,p=1$", "$argon2id$v=19$m=262145,t=1,p=1$", "$argon2id$v=19$m=8,t=17,p=1$"} {
		if err := CheckHash(begin + "c2FsdHNhbHRzYWx0c2E$AAAAAAAAAAAAAAAAAAAAAA"); err == nil {
			t.Errorf("%s is allowed", begin)
		}
	}
}

// TestLockIsOfOneAddress: five wrong passwords lock an account for their address for a minute, as docs/access.md says;
// the same account from elsewhere, and others from there, are looked at. The error says for how long, to the second.
func TestLockIsOfOneAddress(t *testing.T) {
	b, _ := book(t)
	now := time.Unix(1000, 0)
	for range 5 {
		b.passwords.wrong.Wrong(attempt{"ann", "10.0.0.1"}, now)
	}
	_, err := b.SignIn("ann", password, "10.0.0.1", now.Add(400*time.Millisecond))
	if !errors.Is(err, ErrLocked) || !strings.Contains(strings.ReplaceAll(err.Error(), "\u00a0", " "), "60 s") {
		t.Errorf("%v", err)
	}
	if _, err := b.SignIn("ann", password, "10.0.0.2", now); err != nil {
		t.Errorf("from another address: %v", err)
	}
	if _, err := b.SignIn("bob", password, "10.0.0.1", now); !errors.Is(err, ErrWrong) {
		t.Errorf("another account: %v", err)
	}
	if _, err := b.SignIn("ann", password, "10.0.0.1", now.Add(time.Minute)); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}
