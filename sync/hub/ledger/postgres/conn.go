package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"lanewarden/sync/hub/ledger/store"
)

// numbered are statements with PostgreSQL's parameters, $1, by those with ? or ?1. Statements are constants, mostly.
var numbered sync.Map

// number returns a statement with PostgreSQL's parameters.
func number(query string) string {
	if known, ok := numbered.Load(query); ok {
		return known.(string)
	}
	var out strings.Builder
	n := 0
	for i := 0; i < len(query); i++ {
		if query[i] != '?' {
			out.WriteByte(query[i])
			continue
		}
		out.WriteByte('$')
		if i+1 == len(query) || query[i+1] < '0' || query[i+1] > '9' {
			n++
			out.WriteString(strconv.Itoa(n))
		}
	}
	numbered.Store(query, out.String())
	return out.String()
}

// eachRow calls f with each row, with values of the types that database/sql/driver has.
func eachRow(rows pgx.Rows, f func([]driver.Value) error) error {
	defer rows.Close()
	var row []driver.Value
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		row = row[:0]
		for _, v := range values {
			row = append(row, plain(v))
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// plain returns a value as database/sql/driver has it: one type of integers, truth values as 0 and 1.
func plain(v any) driver.Value {
	switch v := v.(type) {
	case int32:
		return int64(v)
	case int16:
		return int64(v)
	case float32:
		return float64(v)
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	}
	return v
}

// querier is a pgx.Conn, a pgx.Tx or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// query runs a statement at once.
func query(ctx context.Context, on querier, text string, f func([]driver.Value) error, args []driver.Value) error {
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = a
	}
	rows, err := on.Query(ctx, number(text), all...)
	if err != nil {
		return err
	}
	return eachRow(rows, f)
}

// reader reads through connections of its own. It implements tables.Conn.
type reader struct {
	ctx context.Context
	on  querier
}

func newReader(ctx context.Context, pool *pgxpool.Pool) *reader { return &reader{ctx, pool} }

// Query implements tables.Conn.
func (r *reader) Query(text string, f func([]driver.Value) error, args ...driver.Value) error {
	return query(r.ctx, r.on, text, f, args)
}

// Exec implements tables.Conn.
func (r *reader) Exec(text string, args ...driver.Value) error {
	return r.Query(text, func([]driver.Value) error { return nil }, args...)
}

// Classes of SQLSTATE codes.
const (
	classData       = "22" // a value that its column does not take
	classConstraint = "23"
	classRollback   = "40" // serialization failure, deadlock
	classLimit      = "54" // a value that is too large for an index
	uniqueViolation = "23505"
)

// explained returns an error as package store has it. lost says that the connection is gone.
func explained(err error, lost bool) error {
	if err == nil {
		return nil
	}
	var machine *store.MachineError
	if errors.As(err, &machine) {
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && len(pg.Code) == 5 {
		switch class := pg.Code[:2]; {
		case pg.Code == uniqueViolation:
			return errors.Join(store.ErrConstraint, err)
		case class == classData || class == classConstraint || class == classLimit:
			return err
		default:
			return &store.MachineError{Err: err, Again: class == classRollback || lost}
		}
	}
	if lost || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) {
		return &store.MachineError{Err: err, Again: lost}
	}
	return err
}
