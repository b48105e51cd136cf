package ledger

import (
	"context"
	"database/sql/driver"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"lanewarden/sync/hub/ledger/postgres/postgrestest"
	"lanewarden/sync/hub/ledger/sqlite"
)

// onPostgres says that the tests run on PostgreSQL now.
var onPostgres bool

// TestMain runs all tests on SQLite and, where there is one, on PostgreSQL.
func TestMain(m *testing.M) {
	only := os.Getenv("LANEWARDEN_LEDGER") // one of the two alone: sqlite or postgres
	if only != "postgres" {
		if code := m.Run(); code != 0 || only == "sqlite" {
			os.Exit(code)
		}
	}
	if why := postgrestest.Available(); why != nil {
		fmt.Println("PostgreSQL skipped:", why)
		os.Exit(0)
	}
	fmt.Println("on PostgreSQL:")
	onPostgres = true
	os.Exit(m.Run())
}

// urls are those of ledgers in PostgreSQL, by their directories.
var urls sync.Map

// place returns where the ledger of a directory is: the directory, or a URL.
func place(dir string) string {
	if url, ok := urls.Load(dir); ok && onPostgres {
		return url.(string)
	}
	return dir
}

// openAt opens the ledger of a directory, on the database that the tests run on.
func openAt(t *testing.T, dir string) (*Ledger, error) {
	if !onPostgres {
		return Open(dir)
	}
	if _, known := urls.Load(dir); !known {
		urls.Store(dir, postgrestest.URL(t))
	}
	return OpenWith(t.Context(), Options{Dir: dir, URL: place(dir)})
}

// sqliteOnly skips a test of what only SQLite has.
func sqliteOnly(t *testing.T, why string) {
	if onPostgres {
		t.Skip(why)
	}
}

// database is a ledger's tables, for tests that look into them or spoil them.
type database interface {
	Exec(query string, args ...driver.Value) error
	Script(text string) error
	Int(query string, none int64, args ...driver.Value) (int64, error)
	Query(query string, f func([]driver.Value) error, args ...driver.Value) error
}

// sqlOf returns the tables of a ledger.
func sqlOf(l *Ledger) database {
	if s, ok := l.store.(*sqlite.Store); ok {
		return s.DB()
	}
	return server(place(l.dir))
}

// server runs statements in a database of PostgreSQL, each on a connection of its own.
type server string

func (s server) Exec(query string, args ...driver.Value) error {
	return s.Query(query, func([]driver.Value) error { return nil }, args...)
}

func (s server) Script(text string) error { return s.Exec(text) }

func (s server) Int(query string, none int64, args ...driver.Value) (int64, error) {
	err := s.Query(query, func(r []driver.Value) error {
		if n, ok := r[0].(int64); ok {
			none = n
		}
		return nil
	}, args...)
	return none, err
}

func (s server) Query(query string, f func([]driver.Value) error, args ...driver.Value) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, string(s))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = a
	}
	rows, err := conn.Query(ctx, numbered(query), all...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		row := make([]driver.Value, len(values))
		for i, v := range values {
			row[i] = v
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// numbered writes the parameters of a statement as PostgreSQL does.
func numbered(query string) string {
	for n := 1; strings.Contains(query, "?"); n++ {
		query = strings.Replace(query, "?", "$"+strconv.Itoa(n), 1)
	}
	return query
}

// countRows returns how many rows a ledger has.
func countRows(t *testing.T, l *Ledger) int64 {
	t.Helper()
	n, err := sqlOf(l).Int("SELECT count(*) FROM observation", 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// allJournals returns all journals of a ledger, newest hello first.
func (l *Ledger) allJournals() (all []Summary, err error) {
	for next := (&Place{}); next != nil; {
		var page []Summary
		if page, next, err = l.Journals(*next, JournalsMax); err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}
