package views

import (
	"database/sql/driver"
	"errors"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// query reads what is committed.
func (v *Views) query(text string, f func([]driver.Value) error, args ...driver.Value) error {
	return v.ledger.Derived().Query(text, f, args...)
}

// there reports whether the tables are those of this version: they come with the first batch.
func (v *Views) there() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.known {
		err := v.query("SELECT version FROM view_cursor", func(r []driver.Value) error {
			v.known = sqlog.Text(r[0]) == version()
			return nil
		})
		v.known = v.known && err == nil // there is no such table yet
	}
	return v.known
}

// rawRows returns rows of a journal as people read them.
func (v *Views) rawRows(owner int64, indices []int64) (map[int64]*row, error) {
	rows, err := rowsOf(v.ledger.Derived(), v.ledger.Sealer(), owner, indices)
	for _, r := range rows {
		r.word = personal.ErasedWord
	}
	return rows, err
}

// rows returns observations of a journal by their rows, as people read them. Those that are not held, or cannot be
// decoded, are absent.
func (v *Views) rows(owner int64, indices []int64) (map[int64]*observation.Observation, error) {
	rows, err := v.rawRows(owner, indices)
	out := map[int64]*observation.Observation{}
	for idx, r := range rows {
		if o, err := r.record(); err == nil {
			out[idx] = o
		}
	}
	return out, err
}

// ErrNone is the error of something that is not there.
var ErrNone = errors.New("there is none")

// Progress is how far the views are.
type Progress struct {
	Seq    int64  // of the last row that is folded
	Unread int64  // rows that could not be read
	Why    string // the last of these
}

// Progress returns how far the views are; zero before their first batch.
func (v *Views) Progress() (p Progress, err error) {
	if !v.there() {
		return p, nil
	}
	err = v.query("SELECT seq, unread, why FROM view_cursor", func(r []driver.Value) error {
		p = Progress{sqlog.Int64(r[0]), sqlog.Int64(r[1]), sqlog.Text(r[2])}
		return nil
	})
	return p, err
}

// journalsOf returns the ids of an agent's journals.
func (v *Views) journalsOf(of store.Sender) (out []int64, err error) {
	err = v.query("SELECT id FROM journal WHERE site=? AND agent=? ORDER BY id", func(r []driver.Value) error {
		out = append(out, sqlog.Int64(r[0]))
		return nil
	}, of.Site, of.Agent)
	return out, err
}

// senderOf returns whose a journal is.
func (v *Views) senderOf(owner int64) (s store.Sender, err error) {
	err = v.query("SELECT site, agent FROM journal WHERE id=?", func(r []driver.Value) error {
		s = store.Sender{Site: sqlog.Text(r[0]), Agent: sqlog.Text(r[1])}
		return nil
	}, owner)
	return s, err
}

// Senders returns whose the journals are, by their ids.
func (v *Views) Senders() (map[int64]store.Sender, error) {
	out := map[int64]store.Sender{}
	err := v.query("SELECT id, site, agent FROM journal", func(r []driver.Value) error {
		out[sqlog.Int64(r[0])] = store.Sender{Site: sqlog.Text(r[1]), Agent: sqlog.Text(r[2])}
		return nil
	})
	return out, err
}
