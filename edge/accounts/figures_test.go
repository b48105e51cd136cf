package accounts

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lanewarden/edge/api/passwords"
)

// TestLockIsOfOneAddress: five wrong passwords lock an account for their address for a minute, as docs/access.md says;
// the same account from elsewhere, and others from there, are looked at. The error says for how long, to the second.
func TestLockIsOfOneAddress(t *testing.T) {
	b, _ := book(t)
	now := time.Unix(1000, 0)
	for range 5 {
		if _, err := b.SignIn("ann", "not it, not it", "10.0.0.1", now); !errors.Is(err, passwords.ErrWrong) {
			t.Fatal(err)
		}
	}
	_, err := b.SignIn("ann", password, "10.0.0.1", now.Add(400*time.Millisecond))
	if !errors.Is(err, passwords.ErrLocked) || !strings.Contains(strings.ReplaceAll(err.Error(), "\u00a0", " "), "60 s") {
		t.Errorf("%v", err)
	}
	if _, err := b.SignIn("ann", password, "10.0.0.2", now); err != nil {
		t.Errorf("from another address: %v", err)
	}
	if _, err := b.SignIn("bob", password, "10.0.0.1", now); !errors.Is(err, passwords.ErrWrong) {
		t.Errorf("another account: %v", err)
	}
	if _, err := b.SignIn("ann", password, "10.0.0.1", now.Add(time.Minute)); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}
