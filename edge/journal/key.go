package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence"
	"lanewarden/edge/journal/keyfile"
)

// KeyFile holds the agent's signing key (keyfile.Open). It is made at the first start.
const KeyFile = "agent.key"

func openKey(dir string, opts Options) (keyfile.Key, error) {
	return keyfile.Open(filepath.Join(dir, KeyFile), evidence.KeyName(opts.Site, opts.Agent))
}

// checkKey returns ErrDamaged, with what is wrong, for a journal whose key file is missing or holds no key: what it
// signed stays proved, but nobody can sign on. Nothing is changed.
func checkKey(dir string, opts Options) error {
	path := filepath.Join(dir, KeyFile)
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		return nil // there is no journal yet
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return message.Wrap(ErrDamaged, "journal.key-lost", message.String("file", path))
	}
	_, err := openKey(dir, opts)
	if !errors.Is(err, keyfile.ErrNoKey) {
		return nil // what else is wrong is said by who opens it
	}
	return damagedBy(err)
}

// moveNoKey moves a key file that holds no key away, where there is one, so that a new one is made.
func moveNoKey(dir string) error {
	path := filepath.Join(dir, KeyFile)
	if err := os.Rename(path, path+".unreadable"); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
