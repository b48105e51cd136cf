package views

import (
	"time"

	"lanewarden/sync/hub/ledger/store"
)

// Behind is how far the views are, where they are behind the ledger.
type Behind struct {
	Done int64 // rows that are folded
	All  int64 // rows that there are
}

// When views count as behind. They always are a little: rows are waited for, so that a transaction takes several.
const (
	behindRows  = 2 * batchRows   // as after a rebuild
	behindFor   = 5 * time.Second // what was there so long ago is not folded yet
	behindEvery = time.Second     // how often it is looked at, however many ask
)

// lag is what is known of how far the views are behind.
type lag struct {
	at   time.Time // when it was looked at
	mark int64     // a row that was the newest
	seen time.Time // then
	now  *Behind
	err  error
}

// Behind returns how far the views are when they are behind the ledger: while they are made anew, or do not follow; nil
// otherwise. It looks at most once a second.
func (v *Views) Behind(now time.Time) (*Behind, error) {
	v.mu.Lock()
	l := v.lag
	v.mu.Unlock()
	if since := now.Sub(l.at); !l.at.IsZero() && since >= 0 && since < behindEvery {
		return l.now, l.err
	}
	p, err := v.Progress()
	newest, _ := v.ledger.Durable()
	if p.Seq >= l.mark || l.seen.After(now) {
		l.mark, l.seen = newest, now
	}
	l.at, l.now, l.err = now, nil, err
	if err == nil && newest > p.Seq {
		late := p.Seq < l.mark && now.Sub(l.seen) > behindFor
		l.now, l.err = v.distance(p.Seq, newest, late)
	}
	v.mu.Lock()
	v.lag = l
	v.mu.Unlock()
	return l.now, l.err
}

// distance returns how far the views are; nil for fewer rows than behindRows that are not late.
func (v *Views) distance(seq, newest int64, late bool) (*Behind, error) {
	done, err := v.rowsUpTo(seq)
	if err != nil {
		return nil, err
	}
	all, err := v.rowsUpTo(newest)
	if err != nil || all-done <= behindRows && !late {
		return nil, err
	}
	return &Behind{Done: done, All: all}, nil
}

// rowsUpTo returns about how many rows there are up to one, which is one of them or 0.
func (v *Views) rowsUpTo(seq int64) (n int64, err error) {
	for seq > 0 && err == nil {
		month := seq / store.MonthSeqs * store.MonthSeqs
		if n += seq - month; month > 0 {
			n++ // numbered from 0 on, others from 1
		}
		seq, err = integer(v.ledger.Derived(), "SELECT max(seq) FROM observation WHERE seq<?", month)
	}
	return n, err
}
