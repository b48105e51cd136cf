package liststore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/lists/spill"
)

// sortMemory is how much of an index is sorted in memory; a larger one goes through a temporary file.
const sortMemory = 2 << 20

// builder writes a list's file from the beginning.
type builder struct {
	db    *sqlog.DB
	sum   lists.Sum
	rows  int64
	index *spill.Sorter
	other int64 // entries of the index
}

// build makes a list's file at path of a full file. What is wrong with the file is an error, and path is then of no use.
func build(ctx context.Context, path string, in *lists.Reader, index *spill.Sorter) (err error) {
	db, err := sqlog.Open(path, sqlog.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// Nobody reads the file before it has its name, so that it needs no journal; it is synced as a whole.
	if err := db.Script("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-1000;" + schema); err != nil {
		return err
	}
	b := builder{db: db, index: index}
	if err := db.Tx(func() error { return b.fill(ctx, in) }); err != nil {
		return err
	}
	return db.Script("PRAGMA journal_mode=WAL")
}

// fill writes all rows, then the index and what the list is.
func (b *builder) fill(ctx context.Context, in *lists.Reader) error {
	h := in.Header
	out := filler{db: b.db, t: mainTable}
	for {
		c, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		b.rows++
		b.sum.Add(c.Row)
		if err := errors.Join(out.add(c.Row), b.addIndex(h.Kind, c.Row)); err != nil {
			return err
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	if b.sum.Name(h.Kind, b.rows) != h.SHA256 {
		return message.Errorf("lists.other-content")
	}
	if err := b.fillIndex(ctx); err != nil {
		return err
	}
	return writeMeta(b.db, h.Version, b.sum, b.other)
}

func (b *builder) addIndex(kind lists.Kind, r lists.Row) error {
	key, err := indexKey(kind, r)
	if key == nil || err != nil {
		return err
	}
	b.other++
	return b.index.Add(key, nil)
}

func (b *builder) fillIndex(ctx context.Context) error {
	out := filler{db: b.db, t: otherTable}
	for r, err := range b.index.All() {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if err := out.add(lists.Row{Key: r.Key}); err != nil {
			return err
		}
	}
	return out.flush()
}

// filler fills blocks of one table with rows in their order, each with as many as its share of a page holds.
type filler struct {
	db          *sqlog.DB
	t           table
	first, last []byte
	run         []byte
	rows        int
	sure        int // how long the run may grow before its size is to be looked at again
}

func (f *filler) add(r lists.Row) error {
	if f.rows == 0 {
		f.first, f.last = bytes.Clone(r.Key), f.last[:0]
		f.sure = f.t.room(f.first) - headBytes
	}
	end := len(f.run)
	f.run = f.t.add(f.run, f.last, r)
	if f.rows > 0 && len(f.run) > f.sure {
		left := f.t.room(f.first) - len(pack(f.t, f.first, f.run, f.rows+1))
		if left < 0 || len(f.run) > maxRun {
			f.run = f.run[:end]
			if err := f.flush(); err != nil {
				return err
			}
			return f.add(r)
		}
		f.sure = len(f.run) + left // what is added is not compressed to more than it is
	}
	f.last = append(f.last[:0], r.Key...)
	f.rows++
	return nil
}

func (f *filler) flush() error {
	if f.rows == 0 {
		return nil
	}
	err := f.db.Exec(f.t.insert, f.first, pack(f.t, f.first, f.run, f.rows))
	f.run, f.rows = f.run[:0], 0
	return err
}

// writeMeta says what the list in a file is now.
func writeMeta(db *sqlog.DB, v lists.Version, sum lists.Sum, others int64) error {
	if err := db.Exec("DELETE FROM meta"); err != nil {
		return err
	}
	return db.Exec("INSERT INTO meta (kind, number, issued, rows, others, sha256, sum) VALUES (?, ?, ?, ?, ?, ?, ?)",
		string(v.Kind), v.Number, v.Issued.Unix(), v.Rows, others, v.SHA256[:], sum.Bytes())
}

// syncFile makes a file's content durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
