// Package accounts is who may use a console: a file of accounts with roles and argon2id hashes of passwords.
// docs/access.md.
package accounts

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/api/lockout"
)

// Role is a level of permissions, each with those of the levels before it; each may do what those before it may.
type Role int

// The roles.
const (
	Nobody     Role = iota
	Viewer          // look at everything
	Technician      // run tests, set outputs, save recordings
	Officer         // correct passages
	Admin
)

var roleNames = []string{"nobody", "viewer", "technician", "officer", "admin"}

// String returns the role's name as the accounts file and the API have it.
func (r Role) String() string { return roleNames[r] }

// Message returns the role's name for people.
func (r Role) Message() message.Message { return message.New("role." + r.String()) }

// ParseRole reads a role's name.
func ParseRole(name string) (Role, error) {
	if i := slices.Index(roleNames, name); i > 0 {
		return Role(i), nil
	}
	return Nobody, message.Errorf("accounts.no-role", message.Quoted("role", name),
		message.String("known", strings.Join(roleNames[1:], ", ")))
}

// cost of a hash that is made now (OWASP password storage cheat sheet, argon2id).
var cost = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32} // KiB, bytes

// Bounds on a hash that is read: a file must not make a sign-in cost more than this.
const (
	minMemory, maxMemory = 8, 256 << 10 // KiB
	maxIterations        = 16
	minKey               = 16 // bytes
)

// MinPassword is the length of the shortest password.
const MinPassword = 8

// Hash returns the argon2id hash of a password with a new salt, in the PHC string format.
func Hash(password string) (string, error) {
	if len(password) < MinPassword {
		return "", message.Errorf("accounts.short-password", message.Int("least", MinPassword))
	}
	return argon2id.CreateHash(password, &cost)
}

// checkHash reports what is wrong with a hash that was read.
func checkHash(hash string) error {
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

// Account is one line of the file: NAME:ROLE:HASH.
type Account struct {
	Name string
	Role Role
	Hash string // "" for accounts that sign in by client certificate only
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// CheckName reports what is wrong with an account's name.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return message.Errorf("accounts.name", message.Quoted("name", name))
	}
	return nil
}

// Parse reads the file's text.
func Parse(text []byte) ([]Account, error) {
	return linefile.Parse(text, parseLine, func(a Account) string { return "account " + a.Name })
}

func parseLine(line string) (a Account, err error) {
	parts := strings.SplitN(line, ":", 3)
	if len(parts) != 3 {
		return a, message.Errorf("accounts.line")
	}
	a.Name, a.Hash = parts[0], parts[2]
	if err := CheckName(a.Name); err != nil {
		return a, err
	}
	if a.Role, err = ParseRole(parts[1]); err != nil {
		return a, err
	}
	if a.Hash != "" {
		err = checkHash(a.Hash)
	}
	return a, err
}

// Write writes the file, whole or not at all.
func Write(path string, all []Account) error {
	var b bytes.Buffer
	b.WriteString("# Lanewarden console accounts, NAME:ROLE:HASH; lanectl account edits it\n")
	for _, a := range all {
		fmt.Fprintf(&b, "%s:%s:%s\n", a.Name, a.Role, a.Hash)
	}
	return linefile.Write(path, b.Bytes())
}

// Read reads the file; one that is not there holds nothing.
func Read(path string) ([]Account, error) { return linefile.ReadList(path, Parse) }

// Errors of SignIn.
var (
	ErrWrong  = message.Errorf("api.wrong-password")
	ErrLocked = message.Errorf("api.locked")
)

// Book checks passwords against the file, which it reads again when it changed.
type Book struct {
	hashing sync.Mutex // one at a time: a hash costs memory and half a core for a moment

	// wrong locks an account for the address that guesses its password. Other addresses go on: a stranger must not
	// keep the officer out.
	wrong lockout.Table[attempt]

	mu     sync.Mutex
	file   *linefile.Watched[[]Account]
	absent string // hash of an account that does not exist: it costs as much as one that does
}

// attempt is an account, whether it exists or not, and the address from which somebody tried to be it.
type attempt struct{ name, address string }

// Open reads the file.
func Open(path string) (*Book, error) {
	absent, err := argon2id.CreateHash("", &cost)
	if err != nil {
		return nil, err
	}
	file, err := linefile.Open(path, Parse)
	return &Book{file: file, absent: absent}, err
}

// Find returns an account.
func (b *Book) Find(name string) (Account, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.file.Refresh() // the accounts that were read last hold
	for _, a := range b.file.Value {
		if a.Name == name {
			return a, true
		}
	}
	return Account{}, false
}

// SignIn checks a password that comes from an address. The error is ErrWrong, or wraps ErrLocked and says until when.
func (b *Book) SignIn(name, password, address string, now time.Time) (Account, error) {
	from := attempt{name, address}
	a, ok := b.Find(name)
	if left := b.wrong.Left(from, now); left > 0 {
		return Account{}, message.Wrap(ErrLocked, "api.locked-for", message.Duration("for", left.Round(time.Second)))
	}
	hash := b.absent
	if ok && a.Hash != "" {
		hash = a.Hash
	}
	b.hashing.Lock()
	right, err := argon2id.ComparePasswordAndHash(password, hash)
	b.hashing.Unlock()
	if err != nil { // cannot be: it was checked when it was read
		return Account{}, err
	}
	if right && ok && a.Hash != "" {
		b.wrong.Right(from)
		return a, nil
	}
	b.wrong.Wrong(from, now)
	return Account{}, ErrWrong
}
