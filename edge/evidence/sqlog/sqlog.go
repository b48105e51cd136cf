// Package sqlog keeps evidence logs in SQLite: it opens databases with the durability that an acknowledgement needs,
// and stores and restores the tiles and checkpoints of one or many logs. Journal and ledger stand on it.
package sqlog

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"lanewarden/drivers/observation/coded"
)

// minVersion is the first SQLite release that cannot lose committed rows when a write races a checkpoint.
var minVersion = [3]int{3, 51, 3}

// Mode says what a database is opened for.
type Mode int

// The modes. A ReadWrite DB is the one connection that writes and checkpoints; any number of ReadOnly ones go beside
// it.
const (
	ReadWrite Mode = iota
	ReadOnly
)

// PageSize is the size of a database's pages in bytes: SQLite's default, in which all of ours are made.
const PageSize = 4096

// Magic is what every database's file begins with.
var Magic = []byte("SQLite format 3\x00")

// walPages is the size of the write-ahead log, in pages, at which the writer folds it into the database.
const walPages = 2000

// WALBytes is the size in bytes that a write-ahead log has mostly. It is larger while a long query holds it back.
const WALBytes = walPages * PageSize

// DB is one SQLite connection with its prepared statements. Its methods may be called from several goroutines; they
// wait for each other, so a transaction belongs to one goroutine that has the DB for itself.
type DB struct {
	mu    sync.Mutex
	conn  *sqlite3.SQLiteConn
	stmts map[string]*sqlite3.SQLiteStmt
	args  []driver.NamedValue // of the statement at hand
	path  string
	ctx   context.Context // queries end with it; see StopWith
}

// busyTimeout is how long a lock is waited for, ms.
const busyTimeout = 10_000

// Open opens the database at path, in WAL mode with synchronous=FULL: a COMMIT returns when the
// rows are on the disk. With ReadWrite it creates the file. An SQLite that can lose committed rows
// is an error. A lock is waited for up to ten seconds.
func Open(path string, mode Mode) (*DB, error) {
	if err := checkVersion(); err != nil {
		return nil, err
	}
	params := url.Values{"_busy_timeout": {strconv.Itoa(busyTimeout)}, "_cache_size": {"-2000"}}
	if mode == ReadWrite {
		params.Set("mode", "rwc")
		params.Set("_journal_mode", "WAL")
		params.Set("_synchronous", "FULL")
		params.Set("_secure_delete", "FAST")      // rows that move within the file leave no copy
		params.Set("_auto_vacuum", "incremental") // of a new database: room that rows leave can be given back
	} else {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
		params.Set("_query_only", "1")
	}
	c, err := (&sqlite3.SQLiteDriver{}).Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + params.Encode())
	if err != nil {
		return nil, at(path, err)
	}
	db := &DB{conn: c.(*sqlite3.SQLiteConn), stmts: map[string]*sqlite3.SQLiteStmt{}, path: path, ctx: context.Background()}
	if mode == ReadWrite {
		if err := db.Exec("PRAGMA wal_autocheckpoint=" + strconv.Itoa(walPages)); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

// checkVersion reports an SQLite older than minVersion as an error.
func checkVersion() error {
	text, _, _ := sqlite3.Version()
	var v [3]int
	for i, part := range strings.SplitN(text, ".", 3) {
		v[i], _ = strconv.Atoi(part)
	}
	for i := range v {
		if v[i] != minVersion[i] {
			if v[i] > minVersion[i] {
				return nil
			}
			return fmt.Errorf("SQLite %s can lose committed rows; this program needs %d.%d.%d or later", text,
				minVersion[0], minVersion[1], minVersion[2])
		}
	}
	return nil
}

// Path returns the database's file.
func (d *DB) Path() string { return d.path }

// StopWith makes queries end with ctx's error, at their next row, when ctx ends. It is for a
// connection that one caller has for itself.
func (d *DB) StopWith(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ctx = ctx
}

// Close ends the connection. Later calls of other methods return an error.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, s := range d.stmts {
		errs = append(errs, s.Close())
	}
	d.stmts = nil
	return errors.Join(append(errs, d.conn.Close())...)
}

// prepared returns a statement, which is prepared at its first use and kept until Close.
func (d *DB) prepared(query string) (*sqlite3.SQLiteStmt, error) {
	if s, ok := d.stmts[query]; ok {
		return s, nil
	}
	if d.stmts == nil {
		return nil, coded.New("evidence.database-closed", coded.Value("path", d.path))
	}
	s, err := d.conn.Prepare(query)
	if err != nil {
		return nil, at(d.path, err)
	}
	d.stmts[query] = s.(*sqlite3.SQLiteStmt)
	return d.stmts[query], nil
}

// Exec runs a statement that gives no rows, keeping it prepared. It goes through the driver's query path, which binds
// all arguments and steps in one crossing into C; its exec path crosses once for each argument.
func (d *DB) Exec(query string, args ...driver.Value) error {
	return d.Query(query, func([]driver.Value) error { return nil }, args...)
}

// EmptyLog moves the write-ahead log into the database and truncates it. It does not wait for readers: done is false when
// one needs the log, and it may be tried again.
func (d *DB) EmptyLog() (done bool, err error) {
	if err := d.Script("PRAGMA busy_timeout=0"); err != nil {
		return false, err
	}
	busy, err := d.Int("PRAGMA wal_checkpoint(TRUNCATE)", 1)
	return busy == 0, errors.Join(err, d.Script("PRAGMA busy_timeout="+strconv.Itoa(busyTimeout)))
}

// Overwriting runs f while the database overwrites all that is deleted, free pages too, which costs writing.
func (d *DB) Overwriting(f func() error) error {
	// not prepared statements: these pragmas take effect when they are prepared
	if err := d.Script("PRAGMA secure_delete=ON"); err != nil {
		return err
	}
	err := f()
	return errors.Join(err, d.Script("PRAGMA secure_delete=FAST"))
}

// Script runs several statements, as a schema has them, without keeping them.
func (d *DB) Script(script string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.conn.Exec(script, nil); err != nil {
		return at(d.path, err)
	}
	return nil
}

// Query calls f with each row; the row's slice is reused, its blobs and strings are not. f must not use the DB.
func (d *DB) Query(query string, f func(row []driver.Value) error, args ...driver.Value) error {
	return d.rows(query, false, f, args)
}

// First calls f with the first row, if there is one. It saves Query's asking for another one.
func (d *DB) First(query string, f func(row []driver.Value) error, args ...driver.Value) error {
	return d.rows(query, true, f, args)
}

func (d *DB) rows(query string, onlyFirst bool, f func(row []driver.Value) error, args []driver.Value) (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.prepared(query)
	if err != nil {
		return err
	}
	d.args = d.args[:0]
	for i, a := range args {
		d.args = append(d.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	rows, err := s.QueryContext(context.Background(), d.args) // a context that ends would cost a goroutine a statement
	if err != nil {
		return at(d.path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); err {
		case nil:
			if err := f(row); err != nil || onlyFirst {
				return err
			}
			if err := d.ctx.Err(); err != nil {
				return err
			}
		case io.EOF:
			return nil
		default:
			return at(d.path, err)
		}
	}
}

// Int returns the single integer that a query gives, or none when it gives no row or NULL.
func (d *DB) Int(query string, none int64, args ...driver.Value) (int64, error) {
	out := none
	err := d.Query(query, func(row []driver.Value) error {
		if n, ok := row[0].(int64); ok {
			out = n
		}
		return nil
	}, args...)
	return out, err
}

// Tx runs f inside a transaction: all of it becomes durable, or nothing. It takes the write lock at
// once, so that f cannot fail because another connection wrote in between.
func (d *DB) Tx(f func() error) error {
	if err := d.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := f(); err != nil {
		return errors.Join(err, d.Exec("ROLLBACK"))
	}
	if err := d.Exec("COMMIT"); err != nil {
		// A failed COMMIT may have rolled back by itself (disk full) or not (busy).
		if !d.conn.AutoCommit() {
			err = errors.Join(err, d.Exec("ROLLBACK"))
		}
		return err
	}
	return nil
}

// Savepoint runs f inside a savepoint of the transaction at hand: when f returns an error, what it wrote is undone and
// the transaction goes on as it was before.
func (d *DB) Savepoint(f func() error) error {
	if err := d.Exec("SAVEPOINT part"); err != nil {
		return err
	}
	if err := f(); err != nil {
		if undo := errors.Join(d.Exec("ROLLBACK TO part"), d.Exec("RELEASE part")); undo != nil {
			return errors.Join(undo, err) // a full disk ends the whole transaction: there is no savepoint any more
		}
		return err
	}
	return d.Exec("RELEASE part")
}

// contentErrors are SQLite's result codes for values that a table refuses, whatever the state of the machine.
var contentErrors = []sqlite3.ErrNo{sqlite3.ErrConstraint, sqlite3.ErrTooBig, sqlite3.ErrMismatch, sqlite3.ErrRange}

// IsConstraint reports whether an error says that a row contradicts one that is there, or a rule of its table.
func IsConstraint(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrConstraint
}

// IsCorrupt reports whether an error says that the file is not a sound database.
func IsCorrupt(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}

// IsMachine reports whether an error comes from the disk, the file system or the state of the database. The same write
// may succeed later. Every other error comes from what was to be written, and would come again.
func IsMachine(err error) bool {
	var db sqlite3.Error
	if errors.As(err, &db) {
		return !slices.Contains(contentErrors, db.Code)
	}
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	var number syscall.Errno
	return errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &call) || errors.As(err, &number)
}

// Bytes returns a column as bytes: a BLOB as it is, TEXT converted, NULL as nil.
func Bytes(v driver.Value) []byte {
	switch v := v.(type) {
	case []byte:
		return v
	case string:
		return []byte(v)
	}
	return nil
}

// Text returns a column as a string: TEXT as it is, a BLOB converted, NULL as "".
func Text(v driver.Value) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case string:
		return v
	}
	return ""
}

// Int64 returns a column as an integer, 0 for NULL.
func Int64(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

// Float64 returns a column as a number, 0 for NULL.
func Float64(v driver.Value) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	}
	return 0
}

// Insert returns the statement that inserts so many rows at once into the columns, which are separated by commas.
func Insert(table, columns string, rows int) string {
	row := "(?" + strings.Repeat(",?", strings.Count(columns, ",")) + ")"
	return "INSERT INTO " + table + "(" + columns + ") VALUES" + row + strings.Repeat(","+row, rows-1)
}
