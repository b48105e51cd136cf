package store

import (
	"database/sql/driver"

	"lanewarden/edge/evidence/sqlog"
)

// Derived are the tables that package views derives from the rows. What it writes there it says in SQL that both
// databases understand (package tables): the tables are its own, and no rule of the ledger depends on them.
type Derived interface {
	sqlog.Conn
	// CreateTables runs a schema. In it BYTES is the type of bytes, and CLUSTERED behind a table says that its rows
	// are kept in the order of its primary key, where the database can.
	CreateTables(schema string) error
	// AddAll adds rows to a derived table, in their order, many in one statement. columns are separated by commas. Rows that
	// lie beside each other in the table should follow each other. When it fails, some of the rows may be there: the
	// transaction is to be undone.
	AddAll(table, columns string, rows [][]driver.Value) error
	// Alone reports whether no other process derives tables now. It stays so until the transaction ends.
	Alone() (bool, error)
	// Erased reports whether other processes have erased values of rows behind a seq and up to another. So many of these
	// had some when this one added them.
	Erased(after, upTo, sealed int64) (bool, error)
}

// RowRef names a row.
type RowRef struct{ Owner, Idx int64 }
