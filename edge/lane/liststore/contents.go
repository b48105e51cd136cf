package liststore

import (
	"bytes"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// contents is what is kept in memory of a list's file, as it was at one moment.
type contents struct {
	meta
	main, other directory
	// begins is which beginnings targets name; nil for other lists.
	begins *beginnings
}

// readContents reads it. The caller has a transaction, or nobody else writes.
func readContents(db *sqlog.DB, u *unpacker) (c contents, err error) {
	if c.meta, err = readMeta(db); err != nil {
		return c, err
	}
	if c.main, err = readDirectory(db, mainTable); err != nil {
		return c, err
	}
	if c.other, err = readDirectory(db, otherTable); err != nil || c.Kind != lists.Targets {
		return c, err
	}
	c.begins = newBeginnings()
	for i, t := range lists.KeyTypes() {
		err := scan(db, u, mainTable, c.main, []byte{byte(i + 1), 1}, []byte{byte(i + 2)}, func(r lists.Row) bool {
			key, _, _ := bytes.Cut(r.Key[2:], []byte{0})
			c.begins.add(t, string(key))
			return true
		})
		if err != nil {
			return c, err
		}
	}
	return c, nil
}
