// Package sqlite keeps a ledger in one SQLite file: the embedded default. One process writes it, in one transaction at a
// time.
package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/ledger/tables"
)

// FileName is the ledger's name in the hub's directory.
const FileName = "ledger.db"

// Store is an open SQLite ledger. It implements store.Store.
type Store struct {
	tables.Reader
	read   *sqlog.DB // what Reader reads from: it sees what is committed, never a transaction under way
	apart  *sqlog.DB // what searches read from, which may take longer
	db     *sqlog.DB
	seq    int64 // of the newest row, in the transaction at hand too
	newest int64 // of the newest durable row
	epochs []store.Epoch
	moved  func(store.Position)
	old    Old
}

// Old is what a ledger of an earlier version has not derived from its rows yet.
type Old struct {
	Artifacts, Passages bool
}

// writerCache gives the connection that writes a cache of 32 MB: a group of messages, and what is derived from it, touch
// more pages than the 2 MB of other databases, which would then be written, and read, again and again.
const writerCache = "PRAGMA cache_size=-32000"

// Open opens the ledger in dir, brings the tables of an earlier version up to date, and creates it when there is none. Only
// one process at a time may use dir.
func Open(dir string, o store.Options) (s *Store, err error) {
	path := filepath.Join(dir, FileName)
	db, err := sqlog.Open(path, sqlog.ReadWrite)
	if err != nil {
		return nil, err
	}
	s = &Store{db: db, moved: o.Moved}
	if err := db.Exec(writerCache); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if s.read, err = sqlog.Open(path, sqlog.ReadOnly); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if s.apart, err = sqlog.Open(path, sqlog.ReadOnly); err != nil {
		return nil, errors.Join(err, s.read.Close(), db.Close())
	}
	s.Reader = readerOf(s.read)
	s.seq, err = db.Int("SELECT max(seq) FROM observation", 0)
	if err = errors.Join(err, s.beginEpoch()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.publish()
	return s, nil
}

// readerOf reads through a connection. SQLite's planner takes the order of a CROSS JOIN as it stands.
func readerOf(db *sqlog.DB) tables.Reader { return tables.Reader{Conn: db, InOrder: "CROSS JOIN"} }

// Old returns what is still to be derived from the rows of an earlier version.
func (s *Store) Old() Old { return s.old }

// DB returns the connection that writes.
func (s *Store) DB() *sqlog.DB { return s.db }

// Close implements store.Store.
func (s *Store) Close() error { return errors.Join(s.apart.Close(), s.read.Close(), s.db.Close()) }

// Derived implements store.Store.
func (s *Store) Derived() sqlog.Conn { return s.apart }

// derivedWords are what a schema of derived tables has for words of both databases.
var derivedWords = strings.NewReplacer("BYTES", "BLOB", "CLUSTERED", "WITHOUT ROWID")

// CreateTables implements store.Derived.
func (t *tx) CreateTables(schema string) error { return t.s.db.Script(derivedWords.Replace(schema)) }

// AddAll implements store.Derived. With OR FAIL a row that is refused does not have the rows before it in the statement
// undone, for which SQLite would copy each page that they change.
func (t *tx) AddAll(table, columns string, rows [][]driver.Value) error {
	return tables.AddAll(t, "INSERT OR FAIL", table, columns, rows)
}

// Alone implements store.Derived: with one writer nobody else does.
func (t *tx) Alone() (bool, error) { return true, nil }

// Erased implements store.Derived: with one writer nobody else does.
func (t *tx) Erased(int64, int64, int64) (bool, error) { return false, nil }

// beginEpoch begins the epoch of the rows to come, and reads all epochs. An epoch that got no row
// gives way to it, so that opening the ledger again and again leaves nothing behind.
func (s *Store) beginEpoch() error {
	err := s.db.Tx(func() error {
		return errors.Join(
			s.db.Exec("DELETE FROM epoch WHERE first>?", s.seq),
			s.db.Exec("INSERT INTO epoch(id, first) VALUES(?,?)", store.NewEpochID(), s.seq+1))
	})
	if err != nil {
		return err
	}
	return s.db.Query("SELECT id, first FROM epoch ORDER BY first", func(r []driver.Value) error {
		s.epochs = append(s.epochs, store.Epoch{ID: sqlog.Text(r[0]), First: sqlog.Int64(r[1])})
		return nil
	})
}

// publish tells how far the ledger goes.
func (s *Store) publish() {
	s.newest = s.seq
	if s.moved != nil {
		s.moved(store.Position{Newest: s.newest, Epochs: s.epochs})
	}
}

// Refresh implements store.Store: nobody else writes.
func (s *Store) Refresh() error { return nil }

// Erased implements store.Store: it empties the write-ahead log, which may hold what was erased. While somebody reads, or
// the disk refuses, it is not done.
func (s *Store) Erased() (done bool, err error) { return s.db.EmptyLog() }

// Transact implements store.Store.
func (s *Store) Transact(f func(store.Tx) error) (newest int64, err error) {
	if err := s.db.Tx(func() error { return f(&tx{Tx: tables.Tx{Conn: s.db}, s: s}) }); err != nil {
		s.seq = s.newest
		return 0, err
	}
	if s.newest == s.seq {
		return 0, nil
	}
	s.publish()
	return s.newest, nil
}

// tx is a transaction under way.
type tx struct {
	tables.Tx
	s *Store
}

// Savepoint implements store.Tx.
func (t *tx) Savepoint(f func() error) error {
	before := t.s.seq
	err := t.s.db.Savepoint(f)
	if err != nil {
		t.s.seq = before
	}
	return err
}

// Stale implements store.Journals: with one writer no copy is out of date.
func (t *tx) Stale(map[string]int64) ([]string, error) { return nil, nil }

// insertRows is the number of rows of one INSERT statement. SQLite prepares and steps a statement
// of many rows in much less time than as many statements.
const insertRows = 32

var (
	insertOne  = sqlog.Insert("observation", tables.ColumnList, 1)
	insertMany = sqlog.Insert("observation", tables.ColumnList, insertRows)
)

// AddRows implements store.Rows.
func (t *tx) AddRows(owner int64, class observation.Class, rows []store.Row, _ int64) error {
	var args []driver.Value
	for len(rows) > 0 {
		n, statement := 1, insertOne
		if len(rows) >= insertRows {
			n, statement = insertRows, insertMany
		}
		args = args[:0]
		for i := range rows[:n] {
			r := &rows[i]
			t.s.seq++
			body, sealed := r.Body, driver.Value(nil)
			if body == nil {
				body = []byte{}
			}
			if r.Sealed != nil {
				sealed = r.Sealed
			}
			args = append(args, t.s.seq, owner, r.Idx, int64(class), r.TimeNs, r.Device, int64(r.Kind), body, sealed)
		}
		if err := t.s.db.Exec(statement, args...); err != nil {
			return constraint(err)
		}
		rows = rows[n:]
	}
	return nil
}

// constraint marks the error of a row that contradicts one that is there.
func constraint(err error) error {
	if sqlog.IsConstraint(err) {
		return errors.Join(store.ErrConstraint, err)
	}
	return err
}

// Erasing implements store.Eraser.
func (t *tx) Erasing(f func() error) error { return t.s.db.Overwriting(f) }

// SealedRows implements store.Eraser.
func (t *tx) SealedRows(owner int64, rows []int64, sharedBy int64, limit int) ([]store.OwnedRow, error) {
	list, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	return t.SealedAmong("o.idx IN (SELECT value FROM json_each(?2))", owner, string(list), sharedBy, limit)
}

// Audit implements store.Store.
func (s *Store) Audit(ctx context.Context) (store.Audit, error) { return OpenAudit(ctx, s.db.Path()) }

// audit reads through connections of its own.
type audit struct {
	tables.Audit
	rows, tiles *sqlog.DB
}

// OpenAudit opens the ledger in a file for an audit, offline or beside a running hub. Its queries end with ctx.
func OpenAudit(ctx context.Context, path string) (store.Audit, error) {
	var open [2]*sqlog.DB
	for i := range open {
		db, err := sqlog.Open(path, sqlog.ReadOnly)
		if err != nil {
			if i > 0 {
				err = errors.Join(err, open[0].Close())
			}
			return nil, err
		}
		db.StopWith(ctx)
		open[i] = db
	}
	return &audit{tables.Audit{Reader: readerOf(open[0]), Tiles: open[1]}, open[0], open[1]}, nil
}

// Close implements store.Audit.
func (a *audit) Close() error { return errors.Join(a.rows.Close(), a.tiles.Close()) }

// Export calls f with each row of a table, as it is when Export begins. The row's slice is reused.
func (s *Store) Export(t tables.Table, f func(row []driver.Value) error) error {
	return s.read.Query("SELECT "+t.Columns+" FROM "+t.Name, f)
}
