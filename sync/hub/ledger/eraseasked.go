package ledger

import (
	"database/sql/driver"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
)

// Erase has the ledger erase the personal values of some rows: of those that have Name among theirs, or, without a
// Name, of those from before Before. One message looks at a part of the ledger, so that agents need not wait for
// long: Page is filled with how far it came, and the next message goes on After that.
type Erase struct {
	Name   string
	Before time.Time
	After  int64 // 0 for the beginning
	Page   *ErasePage
}

// ErasePage is how far erasing came.
type ErasePage struct {
	After int64 // of the next message
	Rows  int64 // erased by the last message
	Done  bool  // nothing is left to be looked at
}

func (Erase) message() {}

// Rows that one message of each sort looks at or erases.
const (
	nameRows   = 5000
	beforeRows = 1000
)

// eraseAsked does what an Erase asks for.
func (l *Ledger) eraseAsked(m Erase) error {
	due, after, err := l.sealedBefore(m)
	if m.Name != "" {
		due, after, err = l.sealedNaming(m)
	}
	if err != nil {
		return err
	}
	*m.Page = ErasePage{After: after, Rows: int64(len(due)), Done: after == m.After}
	return l.eraseAll(due)
}

// sealedBefore returns the next rows from before a time that have values. What is erased is not found again, so
// that it always begins at the front.
func (l *Ledger) sealedBefore(m Erase) (due []sealedRow, after int64, err error) {
	err = l.db.Query("SELECT owner, idx, kind, body FROM observation WHERE sealed IS NOT NULL AND t<? ORDER BY t LIMIT ?",
		func(c []driver.Value) error {
			due = append(due, scanSealed(c))
			return nil
		}, m.Before.UnixNano(), int64(beforeRows))
	return due, m.After + int64(len(due)), err
}

// sealedNaming looks at the next rows and returns those that have the name among their values.
func (l *Ledger) sealedNaming(m Erase) (due []sealedRow, after int64, err error) {
	after = m.After
	err = l.db.Query("SELECT owner, idx, kind, body, sealed, seq FROM observation WHERE seq>? ORDER BY seq LIMIT ?",
		func(c []driver.Value) error {
			after = sqlog.Int64(c[5])
			values, _, err := l.sealer.Open(sqlog.Bytes(c[3]), sqlog.Bytes(c[4]))
			if err == nil && personal.Mentions(values.Content(), m.Name) { // one that cannot be opened names nobody
				due = append(due, scanSealed(c))
			}
			return nil
		}, after, int64(nameRows))
	return due, after, err
}

// scanSealed returns a row with the columns owner, idx, kind, body.
func scanSealed(c []driver.Value) sealedRow {
	return sealedRow{
		sqlog.Int64(c[0]), sqlog.Int64(c[1]), observation.Kind(sqlog.Int64(c[2])), sqlog.Bytes(c[3]),
	}
}
