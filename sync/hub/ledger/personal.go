package ledger

import (
	"database/sql/driver"
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

// The hub's key, in the ledger's directory: it signs receipts, and keys that seal personal values follow from it.
const (
	KeyFile = "hub.key"        // keyfile.Open; it is made at the first start
	KeyName = "lanewarden/hub" // of all hubs' keys
)

// seal returns a row's personal values for the ledger, NULL when it has none.
func (l *Ledger) seal(r *wire.Row) driver.Value {
	if r.Values.IsZero() {
		return nil
	}
	return l.sealer.Seal(r.Values, "")
}

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

// upgradeSealed adds the column of personal values. Rows of before keep what they have: they are signed so.
func (l *Ledger) upgradeSealed() error {
	has, err := l.db.Int("SELECT count(*) FROM pragma_table_info('observation') WHERE name='sealed'", 0)
	if err == nil && has == 0 {
		err = l.db.Exec("ALTER TABLE observation ADD COLUMN sealed BLOB")
	}
	if err != nil {
		return err
	}
	return l.db.Exec("CREATE INDEX IF NOT EXISTS observation_sealed ON observation(t) WHERE sealed IS NOT NULL")
}

// sealPassages seals the plates of a ledger that had them in clear.
func (l *Ledger) sealPassages() error {
	for _, table := range []string{"passage", "passage_reading"} {
		var plates []string
		err := l.db.Query("SELECT DISTINCT plate FROM "+table+" WHERE plate<>'' AND plate NOT LIKE '~%'", func(row []driver.Value) error {
			plates = append(plates, sqlog.Text(row[0]))
			return nil
		})
		if err != nil || len(plates) == 0 {
			return err
		}
		err = l.db.Tx(func() (err error) {
			for _, plate := range plates {
				err = errors.Join(err, l.db.Exec("UPDATE "+table+" SET plate=? WHERE plate=?", l.sealer.SealName(plate), plate))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// SealerBeside returns the sealer of the ledger whose database is at path; nil where the hub's key is not beside
// it.
func SealerBeside(_ *sqlog.DB, path string) (*personal.Sealer, error) {
	file := filepath.Join(filepath.Dir(path), KeyFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	key, err := keyfile.Open(file, KeyName)
	if err != nil {
		return nil, err
	}
	return personal.NewSealer(key.Secret()), nil
}
