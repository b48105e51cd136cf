package liststore

import (
	"database/sql/driver"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// fileLayout is the number of the layout, which a file has as its user_version. A file of another one is of no use.
const fileLayout = 2

// schema of a list's file. Table block has the rows; table other is the index by which they are found otherwise: drivers
// by card, shipments by trip. Both have blocks, by their first keys. meta has one row.
const schema = `
PRAGMA user_version = 2;
CREATE TABLE meta (kind TEXT NOT NULL, number INTEGER NOT NULL, issued INTEGER NOT NULL, rows INTEGER NOT NULL,
	others INTEGER NOT NULL, sha256 BLOB NOT NULL, sum BLOB NOT NULL);
CREATE TABLE block (id INTEGER PRIMARY KEY, first BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE TABLE other (id INTEGER PRIMARY KEY, first BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
`

// table is one of the two tables of blocks, with its statements.
type table struct {
	name                                         string
	at, after, insert, remove, all, data, firsts string

	compressed bool
	blocks     int // how many fill a page; more would be shorter to search and compress less
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

// SQLite's pages of a table: what a page has for itself, and what it adds to each of our rows (its place, two lengths, its
// number, the types of its columns); bytes.
const pageBytes, rowBytes = 8, 14

// room is how large a block may be that begins with a key.
func (t table) room(first []byte) int {
	return (sqlog.PageSize-pageBytes)/t.blocks - rowBytes - len(first)
}

// newTable returns the statements of a table.
func newTable(name string, compressed bool, blocks int) table {
	return table{
		name:   name,
		at:     "SELECT id, first, data FROM " + name + " WHERE first <= ? ORDER BY first DESC LIMIT 1",
		after:  "SELECT id, first, data FROM " + name + " WHERE first > ? ORDER BY first LIMIT 1",
		insert: "INSERT INTO " + name + " (first, data) VALUES (?, ?)",
		remove: "DELETE FROM " + name + " WHERE id = ?",
		all:    "SELECT first, data FROM " + name + " ORDER BY first",
		data:   "SELECT data FROM " + name + " WHERE id = ?",
		firsts: "SELECT first, id FROM " + name + " ORDER BY first",

		compressed: compressed, blocks: blocks,
	}
}

var (
	mainTable  = newTable("block", true, 3)
	otherTable = newTable("other", false, 4)
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
