// Package tables keeps a ledger in SQL tables, the same ones in every database: each statement stands here once, in
// words that SQLite and PostgreSQL both understand. What they do each in their own way (transactions, bulk inserts,
// schema) is in packages sqlite and postgres, which embed Tx and Reader.
package tables

import (
	"database/sql/driver"

	"lanewarden/edge/evidence/sqlog"
)

// Conn runs statements. Their parameters are ?, or numbered ?1, ?2. Integers come as int64, truth values as 0 and 1.
type Conn = sqlog.Conn

// Tx is the part of a store.Tx that is the same in every database.
type Tx struct{ Conn }

// Reader is the part of a store.Reader that is the same in every database.
type Reader struct {
	Conn
	// InOrder joins two tables and has the planner read the first one first.
	InOrder string
}

// integer returns the single integer that a query gives, none when it gives no row or NULL.
func integer(c Conn, query string, none int64, args ...driver.Value) (int64, error) {
	out := none
	err := c.Query(query, func(r []driver.Value) error {
		if n, ok := r[0].(int64); ok {
			out = n
		}
		return nil
	}, args...)
	return out, err
}

// orEmpty returns bytes for a column that is not NULL.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// orNull returns bytes, NULL for nil: a nil slice in an interface is not nil.
func orNull(b []byte) driver.Value {
	if b == nil {
		return nil
	}
	return b
}
