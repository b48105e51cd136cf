package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lanewarden/edge/evidence/sqlog"
)

// mend copies a damaged database with its log, and mends in the copy what keeps SQLite from opening it: a first
// page that is none, and an end that is missing. A page that is cut is left out: its rows would be read with zeros where
// their ends were. Whether other rows are what they were shows by their hashes.
func mend(damaged, to string) error {
	for _, suffix := range []string{"", "-wal"} {
		if err := copyFile(damaged+suffix, to+suffix); err != nil && !(suffix != "" && errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	f, err := os.OpenFile(to, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	pages := (info.Size() + sqlog.PageSize - 1) / sqlog.PageSize
	page := make([]byte, sqlog.PageSize)
	if _, err := f.ReadAt(page, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	kind := page[schemaPageType]
	if !bytes.HasPrefix(page, sqlog.Magic) || kind != tableLeaf && kind != tableInterior {
		if page, err = freshPage(filepath.Dir(to)); err != nil {
			return err
		}
		binary.BigEndian.PutUint32(page[headerPages:], uint32(pages))
		copy(page[headerValidFor:headerValidFor+4], page[headerChange:headerChange+4])
	}
	pages = max(pages, int64(binary.BigEndian.Uint32(page[headerPages:])))
	if err := f.Truncate(info.Size() / sqlog.PageSize * sqlog.PageSize); err != nil {
		return err
	}
	_, err = f.WriteAt(page, 0)
	return errors.Join(err, f.Truncate(pages*sqlog.PageSize)) // what it adds is zeros
}

// Places in the first page of a database (SQLite, "Database File Format", sections 1.3 and 1.6).
const (
	headerChange   = 24  // counts changes,
	headerValidFor = 92  // and at which of these
	headerPages    = 28  // the number of pages was this
	schemaPageType = 100 // of the page of sqlite_schema:
	tableInterior  = 5
	tableLeaf      = 13
)

// freshPage returns the first page of a journal that was just made: its tables begin on the same pages as those of
// every journal that this version made.
func freshPage(dir string) ([]byte, error) {
	path := filepath.Join(dir, "fresh.db")
	db, err := sqlog.Open(path, sqlog.ReadWrite)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(prepare(db), db.Close()); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	page := make([]byte, sqlog.PageSize)
	_, err = io.ReadFull(f, page)
	return page, errors.Join(err, os.Remove(path))
}

// copyFile copies a file.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
