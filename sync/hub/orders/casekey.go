package orders

import (
	"os"
	"path/filepath"
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
