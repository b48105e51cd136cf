// Package passwords hashes and checks the passwords of who signs in at a lane or at the hub: argon2id, one at a time, and
// slower for who guesses. docs/access.md.
package passwords

import (
	"fmt"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/lockout"
)

// cost of a hash that is made now (OWASP password storage cheat sheet, argon2id).
var cost = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32} // KiB, bytes

// Bounds on a hash that is read: a file must not make a sign-in cost more than this.
const (
	minMemory, maxMemory = 8, 256 << 10 // KiB
	maxIterations        = 16
	minKey               = 16 // bytes
)

// Min is the length of the shortest password.
const Min = 8

// Hash returns the argon2id hash of a password with a new salt, in the PHC string format.
func Hash(password string) (string, error) {
	if len(password) < Min {
		return "", message.Errorf("accounts.short-password", message.Int("least", Min))
	}
	return argon2id.CreateHash(password, &cost)
}

// CheckHash reports what is wrong with a hash that was read from a file.
func CheckHash(hash string) error {
	p, _, _, err := argon2id.DecodeHash(hash)
	switch {
	case err != nil:
		return &message.Error{Message: message.New("accounts.no-hash"), Err: err}
	case p.Memory < minMemory || p.Memory > maxMemory || p.Iterations < 1 || p.Iterations > maxIterations || p.Parallelism < 1:
		return message.Errorf("accounts.cost", message.String("parameters",
			fmt.Sprintf("m=%d,t=%d,p=%d", p.Memory, p.Iterations, p.Parallelism)))
	case p.KeyLength < minKey:
		return message.Errorf("accounts.short-hash")
	}
	return nil
}

// Errors of Checker.Check.
var (
	ErrWrong  = message.Errorf("api.wrong-password")
	ErrLocked = message.Errorf("api.locked")
)

// Checker checks passwords, one at a time, and slows down those who guess. It may be used by many goroutines.
type Checker struct {
	hashing sync.Mutex // one at a time: a hash costs memory and half a core for a moment

	// wrong locks an account for the address that guesses its password. Other addresses go on: a stranger must not
	// keep the officer out.
	wrong  lockout.Table[attempt]
	absent string // hash of an account that does not exist: it costs as much as one that does
}

// attempt is an account, whether it exists or not, and the address from which somebody tried to be it.
type attempt struct{ name, address string }

// NewChecker returns a checker that knows of no attempts.
func NewChecker() (*Checker, error) {
	absent, err := argon2id.CreateHash("", &cost)
	return &Checker{absent: absent}, err
}

// Check compares a password that comes from an address with an account's hash, "" for an account that does not exist or
// has no password. The error is ErrWrong, or wraps ErrLocked and says until when.
func (p *Checker) Check(name, hash, password, address string, now time.Time) error {
	from := attempt{name, address}
	if left := p.wrong.Left(from, now); left > 0 {
		return message.Wrap(ErrLocked, "api.locked-for", message.Duration("for", left.Round(time.Second)))
	}
	against := hash
	if hash == "" {
		against = p.absent
	}
	p.hashing.Lock()
	right, err := argon2id.ComparePasswordAndHash(password, against)
	p.hashing.Unlock()
	if err != nil { // cannot be: it was checked when it was read
		return err
	}
	if right && hash != "" {
		p.wrong.Right(from)
		return nil
	}
	p.wrong.Wrong(from, now)
	return ErrWrong
}
