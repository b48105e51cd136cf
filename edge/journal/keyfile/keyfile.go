// Package keyfile keeps signing keys in files: two lines, secret key and public key, in the form of
// golang.org/x/mod/sumdb/note.
package keyfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
)

// ErrNoKey is the kind of error of a file whose lines are no keys.
var ErrNoKey = errors.New("no key")

// Key is a signing key with its public part.
type Key struct {
	note.Signer
	Public string // verifies, in the form of golang.org/x/mod/sumdb/note
	secret string // likewise
}

// Secret returns what only the holder of the file knows, for other keys to be derived from (HKDF).
func (k Key) Secret() []byte { return []byte(k.secret) }

// Open reads the key of the given name from a file, and makes one, mode 0600, where there is no file. A file whose lines
// are no keys is ErrNoKey, one with the key of another name an error of its own.
func Open(path, name string) (Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = create(path, name); err != nil {
			return Key{}, err
		}
	} else if err != nil {
		return Key{}, err
	}
	secret, public, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	signer, err := note.NewSigner(secret)
	if err != nil {
		return Key{}, noKey("journal.no-signing-key", path)
	}
	if _, err := note.NewVerifier(public); err != nil {
		return Key{}, noKey("journal.no-public-key", path)
	}
	if signer.Name() != name {
		return Key{}, message.Errorf("journal.key-of-other", message.String("file", path),
			message.Quoted("key", signer.Name()), message.Quoted("want", name))
	}
	return Key{signer, public, secret}, nil
}

// create writes a new key so that a crash leaves either none or a whole one.
func create(path, name string) ([]byte, error) {
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, err
	}
	text := []byte(secret + "\n" + public + "\n")
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, err
	}
	return text, sqlog.SyncDir(filepath.Dir(path))
}

// noKey returns the error of a line of a key file that is no key.
func noKey(code, path string) error {
	return &message.Error{Message: message.New(code, message.String("file", path)), Err: ErrNoKey}
}
