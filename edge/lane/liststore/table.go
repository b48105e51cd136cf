package liststore

import (
	"database/sql/driver"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// fileLayout is the number of the layout, which a file has as its user_version. A file of another one is of no use.
const fileLayout = 1

// schema of a list's file. Table block has the rows; table other is the index by which they are found otherwise: drivers
// by card, shipments by trip. Both have blocks, by their first keys. meta has one row.
const schema = `
PRAGMA user_version = 1;
CREATE TABLE meta (kind TEXT NOT NULL, number INTEGER NOT NULL, issued INTEGER NOT NULL, rows INTEGER NOT NULL,
	others INTEGER NOT NULL, sha256 BLOB NOT NULL, sum BLOB NOT NULL);
CREATE TABLE block (id INTEGER PRIMARY KEY, first BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE TABLE other (id INTEGER PRIMARY KEY, first BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
`

// table is one of the two tables of blocks, with its statements.
type table struct {
	at, after, insert, remove, all, data, firsts string

	compressed bool
	full       int // size of a run at which a block is full, bytes
}

// add appends a row to a run in which before is the key of the last one.
func (t table) add(run, before []byte, r lists.Row) []byte {
	if t.compressed {
		return lists.AppendRow(run, before, r)
	}
	return appendEntry(run, before, r.Key)
}

// next takes the next row off a run. before, the key of the last one, is overwritten.
func (t table) next(run, before []byte) (r lists.Row, rest []byte, ok bool) {
	if t.compressed {
		return lists.NextRow(run, before)
	}
	r.Key, rest, ok = nextEntry(run, before)
	return r, rest, ok
}

// newTable returns the statements of a table.
func newTable(name string, compressed bool, full int) table {
	return table{
		at:     "SELECT id, first, data FROM " + name + " WHERE first <= ? ORDER BY first DESC LIMIT 1",
		after:  "SELECT id, first, data FROM " + name + " WHERE first > ? ORDER BY first LIMIT 1",
		insert: "INSERT INTO " + name + " (first, data) VALUES (?, ?)",
		remove: "DELETE FROM " + name + " WHERE id = ?",
		all:    "SELECT first, data FROM " + name + " ORDER BY first",
		data:   "SELECT data FROM " + name + " WHERE id = ?",
		firsts: "SELECT first, id FROM " + name + " ORDER BY first",

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
	err = db.First(query, func(row []driver.Value) error {
		b = stored{sqlog.Int64(row[0]), sqlog.Bytes(row[1]), sqlog.Bytes(row[2]), true}
		return nil
	}, key)
	return b, err
}
