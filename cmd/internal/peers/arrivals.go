package peers

import (
	"database/sql/driver"
	"errors"
	"io"
	"os"

	"lanewarden/edge/evidence/sqlog"
)

// arrivals are what the centre has durably.
type arrivals interface {
	// progress returns a number that grows with each commit, by about one for each observation. It costs little.
	progress() (int64, error)
	// read adds what has come since it was called last to a tally.
	read(t *tally) error
	close() error
}

// tally counts observations by their numbers.
type tally struct {
	seen    []bool
	have    int // different ones
	doubled int // beyond the first of each
}

func newTally(n int) *tally { return &tally{seen: make([]bool, n)} }

// add counts an observation by its time, ns since 1970. Others than ours, such as what an agent tells of itself, do not
// count.
func (t *tally) add(ns int64) {
	n, ok := numberAt(ns)
	switch {
	case !ok || n >= len(t.seen):
	case t.seen[n]:
		t.doubled++
	default:
		t.seen[n] = true
		t.have++
	}
}

// lost is how many are missing.
func (t *tally) lost() int { return len(t.seen) - t.have }

// ledgerArrivals reads the hub's ledger.
type ledgerArrivals struct {
	db   *sqlog.DB
	last int64 // seq of the last row that was read
}

func openLedger(path string) (*ledgerArrivals, error) {
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	return &ledgerArrivals{db: db}, err
}

func (a *ledgerArrivals) progress() (int64, error) {
	return a.db.Int("SELECT max(seq) FROM observation", 0)
}

func (a *ledgerArrivals) read(t *tally) error {
	return a.db.Query("SELECT seq, t FROM observation WHERE seq>? ORDER BY seq", func(c []driver.Value) error {
		a.last = sqlog.Int64(c[0])
		t.add(sqlog.Int64(c[1]))
		return nil
	}, a.last)
}

func (a *ledgerArrivals) close() error { return a.db.Close() }

// logArrivals reads the log of the writer (store.go).
type logArrivals struct {
	file *os.File
	time func(record []byte) (ns int64, ok bool)

	offset int64   // of what was not read yet: the writer cuts off a torn record, so only whole ones count
	times  []int64 // of records that read has not given yet
	count  int64
	chunk  []byte
}

// errRecord is the error of a record that is none of the observations.
var errRecord = errors.New("the writer's log has a record without a time")

func openLog(path string, time func(record []byte) (int64, bool)) (*logArrivals, error) {
	file, err := os.Open(path)
	return &logArrivals{file: file, time: time, chunk: make([]byte, 1<<20)}, err
}

func (a *logArrivals) progress() (int64, error) {
	for {
		n, err := a.file.ReadAt(a.chunk, a.offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return a.count, err
		}
		whole, err := a.scan(a.chunk[:n])
		if err != nil || whole == 0 {
			return a.count, err
		}
		a.offset += int64(whole)
	}
}

// scan takes the whole records out of what was read, and returns their bytes.
func (a *logArrivals) scan(b []byte) (whole int, err error) {
	for {
		record := firstRecord(b[whole:])
		if record == nil {
			return whole, nil
		}
		ns, ok := a.time(record)
		if !ok {
			return whole, errRecord
		}
		a.times = append(a.times, ns)
		a.count++
		whole += recordHead + len(record)
	}
}

func (a *logArrivals) read(t *tally) error {
	_, err := a.progress()
	for _, ns := range a.times {
		t.add(ns)
	}
	a.times = a.times[:0]
	return err
}

func (a *logArrivals) close() error { return a.file.Close() }
