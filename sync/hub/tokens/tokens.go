// Package tokens reads and writes the file of those who may use the hub's HTTP side: programs and people, each with a
// name, scopes, and the hash of a token or the word that a client certificate stands for it. docs/operating.md.
package tokens

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/api/linefile"
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
)

var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// New returns a new token and its hash. The token is in base64url, 43 characters, and is shown once.
func New() (token string, hash [sha256.Size]byte) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, sha256.Sum256([]byte(token))
}

// Check returns what is wrong with a holder's name or scopes; nil for nothing.
func (h *Holder) Check() error {
	if !name.MatchString(h.Name) {
		return message.Errorf("tokens.no-name", message.Quoted("name", h.Name))
	}
	if len(h.Scopes) == 0 {
		return message.Errorf("tokens.without-scope", message.String("name", h.Name), message.String("known", known()))
	}
	for _, s := range h.Scopes {
		if !slices.Contains(api.Scopes(), s) {
			return message.Errorf("tokens.no-scope", message.Quoted("scope", string(s)), message.String("known", known()))
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

// Parse reads lines NAME:SCOPE,SCOPE:HASH. HASH is 64 hexadecimal digits, or the word certificate. An error names the
// line.
func Parse(text []byte) ([]Holder, error) {
	return linefile.Parse(text, parseLine, func(h Holder) string { return h.Name })
}

func parseLine(line string) (h Holder, err error) {
	parts := strings.Split(line, ":")
	if len(parts) != 3 {
		return h, message.Errorf("tokens.line")
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
		return h, message.Errorf("tokens.hash", message.String("name", h.Name), message.Quoted("hash", parts[2]),
			message.String("word", byCertificate))
	}
	copy(h.Hash[:], hash)
	return h, nil
}

// Read reads a file; one that is not there holds nobody.
func Read(path string) ([]Holder, error) { return linefile.ReadList(path, Parse) }

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
	return linefile.Write(path, b.Bytes())
}

// Book finds holders in a file, which it reads again when it changed: who is taken out is refused at once. It may be
// used by many goroutines.
type Book struct {
	mu   sync.Mutex
	file *linefile.Watched[[]Holder]
}

// Open reads a file, which must be there.
func Open(path string) (*Book, error) {
	file, err := linefile.Open(path, Parse)
	return &Book{file: file}, err
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

// find returns the first holder for whom is is true. A file that cannot be read leaves the last
// good list in force.
func (b *Book) find(is func(Holder) bool) (Holder, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.file.Refresh() // the holders that were read last hold
	all := b.file.Value
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return Holder{}, false
	}
	return all[i], true
}
