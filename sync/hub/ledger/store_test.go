package ledger

import (
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/sqlite"
)

// sqlOf returns the database of a ledger in SQLite, for tests that look into it or spoil it.
func sqlOf(l *Ledger) *sqlog.DB { return l.store.(*sqlite.Store).DB() }

// allJournals returns all journals of a ledger, newest hello first.
func (l *Ledger) allJournals() (all []Summary, err error) {
	for next := (&Place{}); next != nil; {
		var page []Summary
		if page, next, err = l.Journals(*next, JournalsMax); err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}
