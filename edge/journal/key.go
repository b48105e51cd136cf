package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
)

// KeyFile holds the agent's signing key, two lines: secret key, public key. It is made at the first start, mode 0600.
const KeyFile = "agent.key"

// checkKey returns ErrDamaged, with what is wrong, for a journal whose key file is missing or holds no key: what it
// signed stays proved, but nobody can sign on. A key file that is no key is moved away, so that a new one is made.
func checkKey(dir string, opts Options) error {
	path := filepath.Join(dir, KeyFile)
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		return nil // there is no journal yet
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return message.Wrap(ErrDamaged, "journal.key-lost", message.String("file", path))
	}
	_, _, err := loadKey(path, opts.Site, opts.Agent)
	if !errors.Is(err, errNoKey) {
		return nil // what else is wrong is said by who opens it
	}
	return errors.Join(damagedBy(err), os.Rename(path, path+".unreadable"))
}

// errNoKey is the kind of error of a key file whose lines are no keys.
var errNoKey = errors.New("no key")

func loadKey(path, site, agent string) (signer note.Signer, verifierKey string, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newKey(path, site, agent); err != nil {
			return nil, "", err
		}
	} else if err != nil {
		return nil, "", err
	}
	secret, public, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if signer, err = note.NewSigner(secret); err != nil {
		return nil, "", noKey("journal.no-signing-key", path)
	}
	if _, err := note.NewVerifier(public); err != nil {
		return nil, "", noKey("journal.no-public-key", path)
	}
	if want := evidence.KeyName(site, agent); signer.Name() != want {
		return nil, "", message.Errorf("journal.key-of-other", message.String("file", path),
			message.Quoted("key", signer.Name()), message.Quoted("want", want))
	}
	return signer, public, nil
}

// newKey writes a new key so that a crash leaves either none or a whole one.
func newKey(path, site, agent string) ([]byte, error) {
	secret, public, err := evidence.NewKey(site, agent)
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
	return &message.Error{Message: message.New(code, message.String("file", path)), Err: errNoKey}
}
