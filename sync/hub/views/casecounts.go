package views

import (
	"database/sql/driver"
	"time"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// CaseSummary is what reports need of a case.
type CaseSummary struct {
	CaseKey
	Lane                   string
	Opened                 time.Time
	Open, Disputed         bool // Disputed: verdicts differed at some time
	Severity               int64
	State                  string
	Code                   int64  // of the verdict in force, 0 for none
	Image, Swab            string // its words
	Taken, Decided, Second int64  // seconds from the opening, -1 for never
}

// EachCase calls f with each case that was opened in a time, in that order.
func (v *Views) EachCase(from, to time.Time, f func(*CaseSummary)) error {
	return v.eachCase("opened>=? AND opened<? ORDER BY opened, id", f, from.UnixNano(), to.UnixNano())
}

// EachOpenCase calls f with each case that is not settled, the worst first.
func (v *Views) EachOpenCase(f func(*CaseSummary)) error {
	return v.eachCase("open=1 ORDER BY severity DESC, opened, id", f)
}

func (v *Views) eachCase(where string, f func(*CaseSummary), args ...driver.Value) error {
	if !v.there() {
		return nil
	}
	return v.query("SELECT "+caseColumns+" FROM view_case WHERE "+where, func(r []driver.Value) error {
		f(&CaseSummary{
			CaseKey: CaseKey{store.Sender{Site: sqlog.Text(r[0]), Agent: sqlog.Text(r[1])}, sqlog.Text(r[2])},
			Lane:    sqlog.Text(r[3]), Opened: time.Unix(0, sqlog.Int64(r[4])).UTC(), Open: sqlog.Int64(r[5]) == 1,
			Severity: sqlog.Int64(r[6]), State: sqlog.Text(r[7]), Code: sqlog.Int64(r[10]), Image: sqlog.Text(r[11]),
			Swab: sqlog.Text(r[12]), Taken: sqlog.Int64(r[13]), Decided: sqlog.Int64(r[14]), Second: sqlog.Int64(r[15]),
			Disputed: sqlog.Int64(r[16]) == 1,
		})
		return nil
	}, args...)
}
