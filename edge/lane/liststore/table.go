package liststore

import (
	"bytes"
	"database/sql/driver"
	"fmt"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// schema of a list's file. Table block has the rows; table other is the index by which they are found otherwise: drivers
// by card, shipments by trip. Both have blocks, by their first keys. meta has one row.
const schema = `
CREATE TABLE meta (kind TEXT NOT NULL, number INTEGER NOT NULL, issued INTEGER NOT NULL, rows INTEGER NOT NULL,
	others INTEGER NOT NULL, sha256 BLOB NOT NULL, sum BLOB NOT NULL);
CREATE TABLE block (id INTEGER PRIMARY KEY, first BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE TABLE other (id INTEGER PRIMARY KEY, first BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
`

// table is one of the two tables of blocks, with its statements.
type table struct {
	at, after, insert, remove, all string

	compressed bool
	full       int // size of a run at which a block is full, bytes
}

// newTable returns the statements of a table.
func newTable(name string, compressed bool, full int) table {
	return table{
		at:     "SELECT id, first, data FROM " + name + " WHERE first <= ? ORDER BY first DESC LIMIT 1",
		after:  "SELECT id, first, data FROM " + name + " WHERE first > ? ORDER BY first LIMIT 1",
		insert: "INSERT INTO " + name + " (first, data) VALUES (?, ?)",
		remove: "DELETE FROM " + name + " WHERE id = ?",
		all:    "SELECT first, data FROM " + name + " ORDER BY first",

		compressed: compressed, full: full,
	}
}

var (
	mainTable  = newTable("block", true, blockBytes)
	otherTable = newTable("other", false, indexBytes)
)

// stored is a block as its table has it; found is false when there is none.
type stored struct {
	id          int64
	first, data []byte
	found       bool
}

// blockOf returns the block that a statement finds for a key.
func blockOf(db *sqlog.DB, query string, key []byte) (b stored, err error) {
	err = db.Query(query, func(row []driver.Value) error {
		b = stored{sqlog.Int64(row[0]), sqlog.Bytes(row[1]), sqlog.Bytes(row[2]), true}
		return nil
	}, key)
	return b, err
}

// scan calls f with each row whose key is from low to before high, until f returns false.
func scan(db *sqlog.DB, u *unpacker, t table, low, high []byte, f func(lists.Row) bool) error {
	low = append([]byte{}, low...) // nil would be NULL, which is no key
	b, err := blockOf(db, t.at, low)
	if err == nil && !b.found {
		b, err = blockOf(db, t.after, low)
	}
	for err == nil && b.found && bytes.Compare(b.first, high) < 0 {
		done := false
		err = u.each(t, b.first, b.data, func(r lists.Row) bool {
			if bytes.Compare(r.Key, low) < 0 {
				return true
			}
			done = bytes.Compare(r.Key, high) >= 0 || !f(r)
			return !done
		})
		if err != nil {
			return fmt.Errorf("%s: %w", db.Path(), err)
		}
		if done {
			return nil
		}
		b, err = blockOf(db, t.after, b.first)
	}
	return err
}
