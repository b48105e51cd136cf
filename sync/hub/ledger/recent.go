package ledger

import (
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger/store"
)

// recent are the rows that were filed last, without a gap, so that whoever derives tables from them need not read back
// what has just been written. It belongs to Apply's goroutine.
type recent struct {
	wanted func(observation.Class, observation.Kind) bool // whose bodies are kept; nil keeps no rows
	most   int                                            // bytes
	parts  []recentPart                                   // committed, in the order of the feed
	bytes  int                                            // of these
	adding []recentPart                                   // of the transaction at hand
	spoilt bool                                           // it erased values, which these may have
}

// recentPart is the rows of one message.
type recentPart struct {
	first int64 // seq of the first one; the others follow it
	owner int64
	rows  []store.Row
	bytes int
}

// recentBytes bounds the rows that are kept: some 30,000 as they usually are. Whoever is further behind reads them.
const recentBytes = 16 << 20

// recentRowBytes is what a row takes beside its texts.
const recentRowBytes = 160

// KeepRecent has the ledger keep the rows that it files from now on for Recent, up to a bound, with the bodies of those
// that are wanted. It is to be called before Apply.
func (l *Ledger) KeepRecent(wanted func(observation.Class, observation.Kind) bool) {
	l.recent = recent{wanted: wanted, most: recentBytes}
}

// Recent calls f with the rows behind a seq, up to limit of them, in the order of the feed, as they stand in the database,
// but for the bodies of rows that are not wanted: these are nil, and their values are of no length. What f gets is reused.
// It returns the seq of the last one; 0 when they are not all at hand and have to be read. It is to be called by a Derive.
// In a database that others write, values may be erased since (store.Derived.Erased). Rows up to after are not kept any
// longer.
func (l *Ledger) Recent(after int64, limit int, f func(*store.OwnedRow)) (upTo int64) {
	r := &l.recent
	for len(r.parts) > 0 && r.parts[0].last() <= after {
		r.drop()
	}
	if len(r.parts) == 0 || r.parts[0].first > after+1 {
		return 0
	}
	row, last := store.OwnedRow{Seq: after}, after+int64(limit)
	for i := 0; i < len(r.parts) && row.Seq < last; i++ {
		p := &r.parts[i]
		rows := p.rows[row.Seq+1-p.first:]
		for j := range rows[:min(int64(len(rows)), last-row.Seq)] {
			row.Seq, row.Owner, row.Row = row.Seq+1, p.owner, rows[j]
			f(&row)
		}
	}
	return row.Seq
}

func (p *recentPart) last() int64 { return p.first + int64(len(p.rows)) - 1 }

// drop drops the oldest rows.
func (r *recent) drop() {
	r.bytes -= r.parts[0].bytes
	r.parts[0] = recentPart{}
	r.parts = r.parts[1:]
}

// clear drops all rows.
func (r *recent) clear() { r.parts, r.bytes, r.adding = nil, 0, nil }

// begin is to be called when a transaction begins.
func (r *recent) begin() { r.adding, r.spoilt = nil, false }

// spoil drops all rows, those of the transaction at hand too: values of them may have been erased.
func (r *recent) spoil() {
	r.clear()
	r.spoilt = true
}

// add notes rows that the transaction adds. They belong to recent from then on.
func (r *recent) add(owner int64, rows []store.Row) {
	if r.wanted == nil || r.spoilt || len(rows) == 0 {
		return
	}
	p := recentPart{owner: owner, rows: rows, bytes: len(rows) * recentRowBytes}
	texts, kept := 0, false
	for i := range rows {
		row := &rows[i]
		texts += len(row.Body) + len(row.Sealed)
		if r.wanted(row.Class, row.Kind) {
			kept = true
			continue
		}
		if row.Body = nil; row.Sealed != nil {
			row.Sealed = []byte{}
		}
	}
	if kept {
		p.bytes += 2 * texts // a body may keep all those of its message, and these with their values, in memory
	}
	r.adding = append(r.adding, p)
}

// undo drops what the transaction added behind its first n messages.
func (r *recent) undo(n int) {
	if !r.spoilt {
		r.adding = r.adding[:n]
	}
}

// commit has the rows of the transaction follow those before them. newest is the seq of its last one.
func (r *recent) commit(newest int64) {
	n := int64(0)
	for i := range r.adding {
		n += int64(len(r.adding[i].rows))
	}
	if n == 0 {
		return
	}
	first := newest - n + 1
	if k := len(r.parts); k > 0 && r.parts[k-1].last()+1 != first {
		r.parts, r.bytes = nil, 0 // another process has filed rows in between, or it is another month
	}
	for _, p := range r.adding {
		p.first = first
		first += int64(len(p.rows))
		r.parts, r.bytes = append(r.parts, p), r.bytes+p.bytes
	}
	for r.adding = nil; r.bytes > r.most; {
		r.drop()
	}
}
