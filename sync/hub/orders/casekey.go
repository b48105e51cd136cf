package orders

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lanewarden/sync/wire/command"
	"lanewarden/sync/wire/layout"
)

// CaseKeyName is the name of the key with which a hub signs what is said in cases, as commanders.json has it.
const CaseKeyName = "hub-cases"

// CaseKey returns the key with which the hub signs what is said in cases at the centre (commands of kind case). The error
// of one that was not made is fs.ErrNotExist.
func (r *Repository) CaseKey() (Key, error) {
	return ReadKey(filepath.Join(r.dir, keysDir, CaseKeyName+KeyEnding), nil)
}

// NewCaseKey makes that key, unsealed, as a running hub signs with it. One that is there is kept, and an error.
func (r *Repository) NewCaseKey() (Key, error) {
	k, err := NewKey(CaseKeyName)
	if err != nil {
		return k, err
	}
	dir := filepath.Join(r.dir, keysDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return k, err
	}
	_, err = k.Write(dir, "")
	return k, err
}

// Commanders returns those who may give orders, as they are published; none where nothing of them is.
func (r *Repository) Commanders() (command.Commanders, error) {
	c, err := r.current()
	if err != nil || c.targets[metadata.TARGETS] == nil {
		return nil, err
	}
	entry := c.targets[metadata.TARGETS].Signed.Targets[layout.Commanders]
	if entry == nil {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(layout.File(layout.Commanders, entry.Hashes["sha256"]))))
	if err != nil {
		return nil, err
	}
	return command.Parse(text)
}

// LanesKnow reports whether the lanes that have heard of what is published take a key's orders of a kind.
func (r *Repository) LanesKnow(k Key, kind string) (bool, error) {
	all, err := r.Commanders()
	return all.May(k.Name, k.Private.Public().(ed25519.PublicKey), kind, time.Now()), err
}
