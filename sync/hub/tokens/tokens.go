// Package tokens reads and writes the file of those who may use the hub's HTTP side: programs and people, each with a
// name, scopes, and the hash of a token or the word that a client certificate stands for it. docs/operating.md.
package tokens

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"lanewarden/edge/api"
)

// Holder may use the hub's HTTP side.
type Holder struct {
	Name   string
	Scopes []api.Scope
	// Hash is the SHA-256 of the token. A token has 256 random bits, so that a fast hash is enough. The zero Hash: the
	// holder shows a client certificate with the name as its common name.
	Hash [sha256.Size]byte
}

// Allowed reports whether the holder has a scope. Admin has all.
func (h *Holder) Allowed(s api.Scope) bool {
	return slices.Contains(h.Scopes, s) || slices.Contains(h.Scopes, api.ScopeAdmin)
}

const (
	byCertificate = "certificate" // in place of a hash
	tokenBytes    = 32
	maxFile       = 1 << 20 // bytes
)

var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// New returns a new token and its hash. The token is in base64url, 43 characters, and is shown once.
func New() (token string, hash [sha256.Size]byte) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, sha256.Sum256([]byte(token))
}

// Check returns what is wrong with a holder's name or scopes.
func (h *Holder) Check() error {
	if !name.MatchString(h.Name) {
		return fmt.Errorf("%q is no name: letters, digits and . _ @ -, at most 64", h.Name)
	}
	if len(h.Scopes) == 0 {
		return fmt.Errorf("%s has no scope: %s", h.Name, known())
	}
	for _, s := range h.Scopes {
		if !slices.Contains(api.Scopes(), s) {
			return fmt.Errorf("%q is no scope: %s", s, known())
		}
	}
	return nil
}

func known() string { return joined(api.Scopes(), ", ") }

func joined(scopes []api.Scope, separator string) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, separator)
}

// Parse reads lines NAME:SCOPE,SCOPE:HASH. HASH is 64 hexadecimal digits, or the word certificate. Empty lines and those
// that begin with # are left out. An error names the line.
func Parse(text []byte) (all []Holder, err error) {
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		h, err := parseLine(line)
		if err == nil && slices.ContainsFunc(all, func(o Holder) bool { return o.Name == h.Name }) {
			err = fmt.Errorf("%s stands there twice", h.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, h)
	}
	return all, nil
}

func parseLine(line string) (h Holder, err error) {
	parts := strings.Split(line, ":")
	if len(parts) != 3 {
		return h, errors.New("is not NAME:SCOPE,SCOPE:HASH")
	}
	h.Name = parts[0]
	for s := range strings.SplitSeq(parts[1], ",") {
		h.Scopes = append(h.Scopes, api.Scope(strings.TrimSpace(s)))
	}
	if err := h.Check(); err != nil {
		return h, err
	}
	if parts[2] == byCertificate {
		return h, nil
	}
	hash, err := hex.DecodeString(parts[2])
	if err != nil || len(hash) != len(h.Hash) {
		return h, fmt.Errorf("%s: %.80q is neither a SHA-256 in hex nor the word %s", h.Name, parts[2], byCertificate)
	}
	copy(h.Hash[:], hash)
	return h, nil
}

// Read reads a file; one that is not there holds nobody.
func Read(path string) ([]Holder, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// Write writes the file, whole or not at all, readable by its owner only unless it was there with other rights.
func Write(path string, all []Holder) error {
	var b bytes.Buffer
	b.WriteString("# Who may use the hub's HTTP side, NAME:SCOPE,SCOPE:HASH; lanehub token edits it\n")
	for _, h := range all {
		hash := hex.EncodeToString(h.Hash[:])
		if h.Hash == [sha256.Size]byte{} {
			hash = byCertificate
		}
		fmt.Fprintf(&b, "%s:%s:%s\n", h.Name, joined(h.Scopes, ","), hash)
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".tokens-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(b.Bytes())
	if err = errors.Join(err, part.Chmod(mode), part.Sync(), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

// Book finds holders in a file, which it reads again when it changed: who is taken out is refused at once. It may be
// used by many goroutines.
type Book struct {
	path string

	mu   sync.Mutex
	read time.Time // of the file, when it was read
	size int64
	all  []Holder
}

// Open reads a file, which must be there.
func Open(path string) (*Book, error) {
	b := &Book{path: path}
	return b, b.refresh()
}

// refresh reads the file when it changed. One that cannot be read leaves the holders as they were.
func (b *Book) refresh() error {
	info, err := os.Stat(b.path)
	if err != nil || info.ModTime().Equal(b.read) && info.Size() == b.size {
		return err
	}
	all, err := Read(b.path)
	if err != nil {
		return err
	}
	b.all, b.read, b.size = all, info.ModTime(), info.Size()
	return nil
}

// ByToken returns the holder of a token.
func (b *Book) ByToken(token string) (Holder, bool) {
	hash := sha256.Sum256([]byte(token))
	return b.find(func(h Holder) bool { return h.Hash == hash })
}

// ByCertificate returns the holder for whom a client certificate with this common name stands.
func (b *Book) ByCertificate(commonName string) (Holder, bool) {
	return b.find(func(h Holder) bool { return h.Name == commonName && h.Hash == [sha256.Size]byte{} })
}

func (b *Book) find(is func(Holder) bool) (Holder, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.refresh() // the holders that were read last hold
	i := slices.IndexFunc(b.all, is)
	if i < 0 {
		return Holder{}, false
	}
	return b.all[i], true
}
