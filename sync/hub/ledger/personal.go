package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal/keyfile"
	"lanewarden/sync/wire"
)

// KeyFile is the hub's key in the ledger's directory (keyfile.Open, wire.Hubwire.HubKeyName), made at the first start: it signs
// receipts, and keys that seal personal values follow from it.
const KeyFile = "hub.key"

// WithValues returns a row's body with its personal values. Where these are erased, or cannot be opened, a word
// stands in their place (personal.Erased).
func WithValues(s *personal.Sealer, kind observation.Kind, body, sealed []byte, word string) ([]byte, error) {
	if personal.CommitmentOf(body) == nil {
		return body, nil
	}
	values, _, err := s.Open(body, sealed)
	if err != nil {
		return personal.Erased(kind, body, word)
	}
	return personal.Join(body, values)
}

// SealerBeside returns the sealer of the ledger whose database is at path; nil where the hub's key is not beside
// it.
func SealerBeside(_ *sqlog.DB, path string) (*personal.Sealer, error) {
	file := filepath.Join(filepath.Dir(path), KeyFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	key, err := keyfile.Open(file, wire.HubKeyName)
	if err != nil {
		return nil, err
	}
	return personal.NewSealer(key.Secret()), nil
}
