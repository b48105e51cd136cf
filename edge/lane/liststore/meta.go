package liststore

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// meta is what a file says of the list in it.
type meta struct {
	lists.Version
	others int64 // entries of the index
	sum    lists.Sum
}

// readMeta reads it. A file without is none of ours, or not whole.
func readMeta(db *sqlog.DB) (m meta, err error) {
	if layout, err := db.Int("PRAGMA user_version", 0); err != nil || layout != fileLayout {
		return m, errors.Join(err, fmt.Errorf("%s: %w", db.Path(), errBlock))
	}
	ok := false
	err = db.Query("SELECT kind, number, issued, rows, others, sha256, sum FROM meta", func(row []driver.Value) error {
		sum := sqlog.Bytes(row[5])
		if len(sum) != len(m.SHA256) {
			return nil
		}
		m.Version = lists.Version{Kind: lists.Kind(sqlog.Text(row[0])), Number: sqlog.Int64(row[1]),
			Issued: time.Unix(sqlog.Int64(row[2]), 0).UTC(), Rows: sqlog.Int64(row[3]), SHA256: [32]byte(sum)}
		m.others = sqlog.Int64(row[4])
		m.sum, ok = lists.SumOf(sqlog.Bytes(row[6]))
		return nil
	})
	if err == nil && (!ok || m.sum.Name(m.Kind, m.Rows) != m.SHA256) {
		err = fmt.Errorf("%s: %w", db.Path(), errBlock)
	}
	return m, err
}

// verify reads the whole file: its structure by SQLite's own check, each block's checksum, and that their rows and index
// entries are as many as the file says. It does not hash the rows again, which takes 4 us each.
func verify(db *sqlog.DB, m meta) error {
	sound := false
	err := db.Query("PRAGMA quick_check(1)", func(row []driver.Value) error {
		sound = sqlog.Text(row[0]) == "ok"
		return nil
	})
	if err != nil {
		return err
	}
	for t, want := range map[*table]int64{&mainTable: m.Rows, &otherTable: m.others} {
		got, err := countAll(db, *t)
		if err != nil {
			return err
		}
		sound = sound && got == want
	}
	if !sound {
		return fmt.Errorf("%s: %w", db.Path(), errBlock)
	}
	return nil
}

// countAll adds up the rows of all blocks, each of which it checks.
func countAll(db *sqlog.DB, t table) (total int64, err error) {
	err = db.Query(t.all, func(row []driver.Value) error {
		n, err := count(sqlog.Bytes(row[0]), sqlog.Bytes(row[1]))
		total += n
		return err
	})
	return total, err
}
