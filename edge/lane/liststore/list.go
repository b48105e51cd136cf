package liststore

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// cacheKiB is how much of a list's file SQLite keeps in memory: the upper pages of its trees. There are eight lists on a
// small machine, and the kernel keeps what is read often.
const cacheKiB = 384

// list is one list's file, open for reading.
type list struct {
	meta
	db *sqlog.DB
	mu sync.Mutex // of u
	u  *unpacker
	// begins is which beginnings targets name; nil for other lists.
	begins  *beginnings
	reading bool // a transaction is open
}

// openList opens a list's file; whole says to read all of it and to compare it with what it says of itself.
func openList(path string, kind lists.Kind, whole bool) (*list, error) {
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		return nil, err
	}
	l := &list{db: db}
	if l.u, err = newUnpacker(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := l.prepare(kind, whole); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *list) prepare(kind lists.Kind, whole bool) error {
	if err := l.db.Script(fmt.Sprintf("PRAGMA cache_size=-%d", cacheKiB)); err != nil {
		return err
	}
	if err := l.refresh(); err != nil {
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

// refresh reads anew what the file says of itself, after a change. From here on the list is as it is at this moment: one
// transaction stays open, which also saves each look the locks and checks of its own.
func (l *list) refresh() (err error) {
	if err := errors.Join(l.release(), l.db.Script("BEGIN")); err != nil {
		return err
	}
	l.reading = true
	if l.meta, err = readMeta(l.db); err != nil || l.Kind != lists.Targets {
		return err
	}
	l.begins = newBeginnings()
	for i, t := range lists.KeyTypes() {
		err := l.scan(mainTable, []byte{byte(i + 1), 1}, []byte{byte(i + 2)}, func(r lists.Row) bool {
			key, _, _ := bytes.Cut(r.Key[2:], []byte{0})
			l.begins.add(t, string(key))
			return true
		})
		if err != nil {
			return err
		}
	}
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

// scan calls f with the rows of a table whose keys are from low to before high, until it returns false. f must not scan.
func (l *list) scan(t table, low, high []byte, f func(lists.Row) bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return scan(l.db, l.u, t, low, high, f)
}

func (l *list) close() error {
	l.u.z.Close()
	return l.db.Close()
}
