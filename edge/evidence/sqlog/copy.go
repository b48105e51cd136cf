package sqlog

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// CopyTo writes a copy of the database as it is at one moment, with all that is committed and without free pages, to a
// file that does not exist yet or is empty. It reads in one transaction and takes no lock that a writer waits for; while
// it runs the write-ahead log grows, as with any long query. The copy is one file, without a log beside it, and is not
// synced to the disk. When ctx ends it stops with an error, and the file is of no use. Other uses of a ReadOnly DB wait
// for it.
func (d *DB) CopyTo(ctx context.Context, path string) (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() {
		if err != nil {
			err = at(d.path, err)
		}
	}()
	// VACUUM INTO writes nothing to the database itself, but query_only refuses it all the same.
	before, err := d.queryOnly()
	if err != nil {
		return err
	}
	if err := d.setQueryOnly(0); err != nil {
		return err
	}
	_, err = d.conn.ExecContext(ctx, "VACUUM INTO ?", []driver.NamedValue{{Ordinal: 1, Value: path}})
	return errors.Join(err, d.setQueryOnly(before))
}

// queryOnly returns 1 when the connection refuses to write. The caller holds mu.
func (d *DB) queryOnly() (int64, error) {
	rows, err := d.conn.Query("PRAGMA query_only", nil)
	if err != nil {
		return 0, err
	}
	row := make([]driver.Value, 1)
	err = rows.Next(row)
	return Int64(row[0]), errors.Join(err, rows.Close())
}

func (d *DB) setQueryOnly(value int64) error {
	_, err := d.conn.Exec(fmt.Sprintf("PRAGMA query_only=%d", value), nil)
	return err
}

// AllowWrites lets a connection that was opened ReadOnly write: to a copy that nobody else has open.
func (d *DB) AllowWrites() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.setQueryOnly(0)
}
