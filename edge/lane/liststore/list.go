package liststore

import (
	"errors"
	"fmt"
	"sync"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// cacheKiB is how much of a list's file SQLite keeps in memory at most: the upper pages of its trees, which are 600 KB for
// the largest list. The kernel keeps what is read often.
const cacheKiB = 1024

// list is one list's file, open for reading.
type list struct {
	contents
	db      *sqlog.DB
	mu      sync.Mutex // of u
	u       *unpacker
	reading bool // a transaction is open
}

// openList opens a list's file; whole says to read all of it and to compare it with what it says of itself.
func openList(path string, kind lists.Kind, whole bool) (*list, error) {
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		return nil, err
	}
	l := &list{db: db, u: new(unpacker)}
	if err := l.prepare(kind, whole); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *list) prepare(kind lists.Kind, whole bool) error {
	if err := l.db.Script(fmt.Sprintf("PRAGMA cache_size=-%d", cacheKiB)); err != nil {
		return err
	}
	if err := l.begin(); err != nil {
		return err
	}
	var err error
	if l.contents, err = readContents(l.db, l.u); err != nil {
		return err
	}
	if l.Kind != kind {
		return fmt.Errorf("%s: %w", l.db.Path(), errBlock)
	}
	if whole {
		return verify(l.db, l.meta)
	}
	return nil
}

// begin makes the list be as its file is at this moment: one transaction stays open, which also saves each look the locks
// and checks of its own. A transaction that was open ends.
func (l *list) begin() error {
	if err := errors.Join(l.release(), l.db.Script("BEGIN")); err != nil {
		return err
	}
	l.u.forget()
	l.reading = true
	return nil
}

// release ends the transaction, so that a write-ahead log can be emptied.
func (l *list) release() error {
	if !l.reading {
		return nil
	}
	l.reading = false
	return l.db.Script("END")
}

// scanMain calls f with the rows whose keys are from low to before high, until it returns false. f must not scan.
func (l *list) scanMain(low, high []byte, f func(lists.Row) bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return scan(l.db, l.u, mainTable, l.main, low, high, f)
}

// scanOther does the same for the index's entries.
func (l *list) scanOther(low, high []byte, f func(lists.Row) bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return scan(l.db, l.u, otherTable, l.other, low, high, f)
}

func (l *list) close() error { return l.db.Close() }
