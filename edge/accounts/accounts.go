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

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/api/passwords"
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
		err = passwords.CheckHash(a.Hash)
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

// Book checks passwords against the file, which it reads again when it changed.
type Book struct {
	passwords *passwords.Checker

	mu   sync.Mutex
	file *linefile.Watched[[]Account]
}

// Open reads the file.
func Open(path string) (*Book, error) {
	checker, err := passwords.NewChecker()
	if err != nil {
		return nil, err
	}
	file, err := linefile.Open(path, Parse)
	return &Book{passwords: checker, file: file}, err
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

// SignIn checks a password that comes from an address. The error is one of passwords.Checker.
func (b *Book) SignIn(name, password, address string, now time.Time) (Account, error) {
	a, _ := b.Find(name)
	if err := b.passwords.Check(name, a.Hash, password, address, now); err != nil {
		return Account{}, err
	}
	return a, nil
}
