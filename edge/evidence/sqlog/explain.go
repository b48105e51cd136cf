package sqlog

import (
	"errors"
	"fmt"
	"iter"

	"github.com/mattn/go-sqlite3"
)

// codes are the sentences of what SQLite reports, in the catalogue.
var codes = map[sqlite3.ErrNo]string{
	sqlite3.ErrCorrupt:  "database.damaged",
	sqlite3.ErrNotADB:   "database.none",
	sqlite3.ErrCantOpen: "database.closed",
	sqlite3.ErrPerm:     "database.closed",
	sqlite3.ErrFull:     "system.disk-full",
	sqlite3.ErrIoErr:    "system.broken",
	sqlite3.ErrReadonly: "database.read-only",
	sqlite3.ErrBusy:     "database.busy",
	sqlite3.ErrLocked:   "database.busy",
}

// dbError is an error of SQLite that has a sentence for people.
type dbError struct {
	err  sqlite3.Error
	code string
}

// Error returns SQLite's words.
func (e *dbError) Error() string { return e.err.Error() }

// Unwrap returns SQLite's error.
func (e *dbError) Unwrap() error { return e.err }

// MessageCode returns the code of the catalogue.
func (e *dbError) MessageCode() string { return e.code }

// MessageArgs returns nothing: the sentences name no values.
func (e *dbError) MessageArgs() iter.Seq2[string, any] { return func(func(string, any) bool) {} }

// at returns an error that names the file, with a sentence where SQLite's own is known.
func at(path string, err error) error {
	var db sqlite3.Error
	if errors.As(err, &db) && codes[db.Code] != "" {
		err = &dbError{db, codes[db.Code]}
	}
	return fmt.Errorf("%s: %w", path, err)
}
