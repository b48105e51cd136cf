package journal

import (
	"path/filepath"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
)

// split takes the personal values out of a row that is to be stored, and seals them. The key of a row that has some
// is hashed, as devices name an event by what they read.
func (r *Row) split(sealer *personal.Sealer) error {
	public, values, err := personal.Split(r.Kind, r.Body)
	if err != nil || values.IsZero() {
		return err
	}
	r.public, r.Salt, r.Mask = public, values.Salt, values.Mask
	r.sealed = sealer.Seal(values, r.Key)
	if r.Key != "" {
		r.column = sealer.HashKey(r.Key)
	}
	return nil
}

// open puts the personal values of a row that was read into its body. Where they are erased, or the sealer is not
// the one that sealed them, the row is marked as erased.
func (r *Row) open(sealer *personal.Sealer) error {
	if personal.CommitmentOf(r.Body) == nil {
		return nil
	}
	r.public = r.Body
	values, key, err := sealer.Open(r.public, r.sealed)
	if err == nil {
		var body []byte
		if body, err = personal.Join(r.public, values); err == nil {
			r.Body, r.Key, r.Salt, r.Mask, r.content = body, key, values.Salt, values.Mask, values.Content()
			return nil
		}
	}
	r.Erased = true
	r.Body, err = personal.Erased(r.Kind, r.public, "")
	return err
}

// Shown returns the row as people see it: with a word in the texts whose values are erased.
func (r *Row) Shown(word string) (*observation.Observation, error) {
	shown := *r
	if r.Erased {
		var err error
		if shown.Body, err = personal.Erased(r.Kind, r.public, word); err != nil {
			return nil, err
		}
	}
	return shown.Observation()
}

// sealedColumn returns the name of the column of sealed values, NULL in a database of a schema that has none.
func sealedColumn(db *sqlog.DB) (string, error) {
	has, err := db.Int("SELECT count(*) FROM pragma_table_info('observation') WHERE name='sealed'", 0)
	if has == 0 {
		return "NULL", err
	}
	return "sealed", err
}

// sealerOf returns the sealer of the journal whose database is in dir; nil where its key is not there: what is
// sealed stays so, as in a copy that somebody was given.
func sealerOf(dir string, id Identity) *personal.Sealer {
	if checkKey(dir, Options{Site: id.Site, Agent: id.Agent}) != nil {
		return nil
	}
	key, err := openKey(dir, Options{Site: id.Site, Agent: id.Agent})
	if err != nil {
		return nil
	}
	return personal.NewSealer(key.Secret())
}

// SealerBeside returns the sealer of the journal whose database is at path, which db has open; nil where the
// agent's key is not beside it.
func SealerBeside(db *sqlog.DB, path string) (*personal.Sealer, error) {
	meta, err := readMeta(db)
	if err != nil {
		return nil, err
	}
	return sealerOf(filepath.Dir(path), identityOf(meta)), nil
}
