package ledger

import (
	"math"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/sync/hub/ledger/store"
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

	drawn map[store.RowRef]bool // rows with boxes that were erased: the lane's report of them comes behind
}

func (Erase) message() {}

// Rows that one message of each sort looks at or erases.
const (
	nameRows   = 5000
	beforeRows = 1000
)

// eraseAsked does what an Erase asks for.
func (l *Ledger) eraseAsked(m Erase) error {
	find := l.sealedBefore
	if m.Name != "" {
		find = l.sealedNaming
	}
	due, after, err := find(m)
	if err != nil {
		return err
	}
	*m.Page = ErasePage{After: after, Rows: int64(len(due)), Done: after == m.After, drawn: m.Page.drawn}
	return l.eraseAll(due)
}

// sealedBefore returns the next rows from before a time that have values. What is erased is not found again, so
// that it always begins at the front.
func (l *Ledger) sealedBefore(m Erase) (due []store.OwnedRow, after int64, err error) {
	due, err = l.tx.SealedBefore(m.Before.UnixNano(), beforeRows)
	return due, m.After + int64(len(due)), err
}

// sealedNaming looks at the next rows and returns those that have the name among their values.
func (l *Ledger) sealedNaming(m Erase) (due []store.OwnedRow, after int64, err error) {
	after = m.After
	rows, err := l.tx.RowsAfter(after, 0, math.MaxInt32, nameRows)
	for i := range rows {
		after = rows[i].Seq
		r := &rows[i]
		values, _, err := l.sealer.Open(r.Body, r.Sealed)
		if err == nil && personal.Mentions(values.Content(), m.Name) || m.Page.reportsErased(r) { // one that cannot be opened names nobody
			due = append(due, *r)
			m.Page.note(r)
		}
	}
	return due, after, err
}

// note notes a row that is erased where there may be a report on it.
func (p *ErasePage) note(r *store.OwnedRow) {
	if observation.ReportOn(r.Kind, r.Body, nil, r.Idx) == "" {
		return
	}
	if p.drawn == nil {
		p.drawn = map[store.RowRef]bool{}
	}
	p.drawn[store.RowRef{Owner: r.Owner, Idx: r.Idx}] = true
}

// reportsErased reports whether a row is the report on one that was noted.
func (p *ErasePage) reportsErased(r *store.OwnedRow) bool {
	if len(p.drawn) == 0 || len(r.Sealed) == 0 || observation.ReportIn(r.Kind, r.Body) == "" {
		return false
	}
	for _, of := range observation.ReportedRows(r.Body) {
		if p.drawn[store.RowRef{Owner: r.Owner, Idx: of}] {
			return true
		}
	}
	return false
}
