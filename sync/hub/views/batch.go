package views

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// state is what is remembered from one batch to the next: how far the tables go, and what was read for them. It is
// dropped whenever a transaction was undone or somebody else has folded.
type state struct {
	ready   bool // the tables are those of this version
	unsure  bool // a transaction was begun with it of which it is not known whether it was committed
	seq     int64
	senders map[int64]store.Sender // by journal
	seen    map[deviceKey]int64    // when a device was last seen, in minutes
	counts  map[counterKey]counter // as the table has them
}

func newState() state {
	return state{senders: map[int64]store.Sender{}, seen: map[deviceKey]int64{}, counts: map[counterKey]counter{}}
}

// maxRemembered bounds the journals and devices that are remembered.
const maxRemembered = 50_000

// cursorSchema is how far the tables go, and what could not be read on the way.
const cursorSchema = `CREATE TABLE IF NOT EXISTS view_cursor(
	one     SMALLINT PRIMARY KEY,
	version TEXT NOT NULL,        -- of the folds
	seq     BIGINT NOT NULL,      -- of the last row that is folded
	unread  BIGINT NOT NULL,      -- rows that could not be read
	why     TEXT NOT NULL         -- and the last of these
);`

// batch is some rows on their way into the tables, in one transaction with the cursor.
type batch struct {
	store.Tx
	*state
	sealer  *personal.Sealer
	rows    []*row
	heard   map[deviceKey]int64 // when something of a device was observed last, ns UTC
	upTo    int64               // seq of the last row of the batch; 0 for none
	unread  int64
	why     string
	counted map[counterKey]map[int64]int64 // what is added to cells of counters
}

// fold folds the next rows, and those that were erased. more reports whether there may be others.
func (v *Views) fold(tx store.Tx) (more bool, err error) {
	alone, err := tx.Alone()
	if err != nil || !alone {
		return false, err
	}
	b := &batch{Tx: tx, state: &v.state, sealer: v.ledger.Sealer(), counted: map[counterKey]map[int64]int64{}, heard: map[deviceKey]int64{}}
	if err := v.begin(b); err != nil {
		return false, err
	}
	gone, err := b.takeErased() // before rows are read: what is erased meanwhile is left to the next batch
	if err == nil {
		err = b.next(v.ledger, v.limit)
	}
	if err != nil || b.upTo == 0 && len(gone) == 0 {
		return false, err
	}
	if v.skip && len(b.rows) > 0 {
		b.pass(b.rows[0], errors.New("it cannot be written"))
		b.rows = nil
	}
	if err := b.run(gone); err != nil {
		return false, err
	}
	return true, b.save()
}

// run has all folds see the batch's rows, and write.
func (b *batch) run(gone []*row) error {
	all := make([]folding, len(folds))
	for i, f := range folds {
		all[i] = f.begin(b)
	}
	for _, r := range b.rows {
		for _, f := range all {
			b.guarded(r, f.row)
		}
	}
	b.seq = max(b.seq, b.upTo)
	for _, r := range gone {
		for _, f := range all {
			b.guarded(r, f.erased)
		}
	}
	for _, f := range all {
		if err := f.finish(); err != nil {
			return err
		}
	}
	return nil
}

// guarded calls f with a row. What is wrong with the row, even where it brings a defect to light, costs nothing else.
func (b *batch) guarded(r *row, f func(*row) error) {
	defer func() {
		if p := recover(); p != nil {
			b.pass(r, fmt.Errorf("%v\n%s", p, debug.Stack()))
		}
	}()
	if err := f(r); err != nil {
		b.pass(r, err)
	}
}

// maxWhy bounds what is kept of an error, in bytes.
const maxWhy = 500

// pass counts a row that cannot be read, and names it.
func (b *batch) pass(r *row, err error) {
	b.unread++
	why := strings.ToValidUTF8(fmt.Sprintf("seq %d, journal %d, row %d, %s: %v", r.Seq, r.Owner, r.Idx, r.Kind.Name(), err), "?")
	b.why = strings.ReplaceAll(why[:min(len(why), maxWhy)], "\x00", "?")
}

// begin reads how far the tables go. Tables of other folds are dropped.
func (v *Views) begin(b *batch) error {
	if b.unsure {
		v.state = newState()
	}
	if !b.ready {
		if err := b.CreateTables(cursorSchema); err != nil {
			return err
		}
	}
	had, seq := "", int64(0)
	err := b.Query("SELECT version, seq, unread, why FROM view_cursor", func(r []driver.Value) error {
		had, seq, b.unread, b.why = sqlog.Text(r[0]), sqlog.Int64(r[1]), sqlog.Int64(r[2]), sqlog.Text(r[3])
		return nil
	})
	if err != nil {
		return err
	}
	if had != version() {
		if err := v.drop(b.Tx); err != nil {
			return err
		}
		if err := b.CreateTables(cursorSchema); err != nil {
			return err
		}
		seq, b.unread, b.why = 0, 0, ""
		err = b.Exec("INSERT INTO view_cursor(one, version, seq, unread, why) VALUES(1,?,0,0,'')", version())
	}
	if had != version() || !b.ready {
		for _, f := range folds {
			if err == nil {
				err = b.CreateTables(f.schema)
			}
		}
	}
	if seq != v.state.seq {
		v.state = newState()
	}
	v.state.ready, v.state.unsure, v.state.seq = true, true, seq
	return err
}

// drop drops all tables.
func (v *Views) drop(tx store.Tx) error {
	text := ""
	for _, t := range append(tables(), "view_cursor") {
		text += "DROP TABLE IF EXISTS " + t + ";"
	}
	return tx.CreateTables(text)
}

// erasedAtOnce bounds the erased rows of a batch.
const erasedAtOnce = 500

// takeErased returns rows that were erased and that the tables have seen. Those behind the cursor come erased.
func (b *batch) takeErased() (out []*row, err error) {
	refs, err := b.TakeErased(erasedAtOnce)
	byOwner := map[int64][]int64{}
	var owners []int64
	for _, r := range refs {
		if byOwner[r.Owner] == nil {
			owners = append(owners, r.Owner)
		}
		byOwner[r.Owner] = append(byOwner[r.Owner], r.Idx)
	}
	for _, owner := range owners {
		if err != nil {
			return nil, err
		}
		var rows map[int64]*row
		rows, err = rowsOf(b.Tx, b.sealer, owner, byOwner[owner])
		for _, idx := range byOwner[owner] {
			if r := rows[idx]; r != nil && r.Seq <= b.seq {
				out = append(out, r)
			}
		}
	}
	return out, err
}

// save writes how far the tables go.
func (b *batch) save() error {
	return b.Exec("UPDATE view_cursor SET seq=?, unread=?, why=?", b.seq, b.unread, b.why)
}

// sender returns whose a journal is.
func (b *batch) sender(owner int64) (s store.Sender, err error) {
	if s, ok := b.senders[owner]; ok {
		return s, nil
	}
	err = b.Query("SELECT site, agent FROM journal WHERE id=?", func(r []driver.Value) error {
		s = store.Sender{Site: sqlog.Text(r[0]), Agent: sqlog.Text(r[1])}
		return nil
	}, owner)
	if len(b.senders) >= maxRemembered {
		clear(b.senders)
	}
	b.senders[owner] = s
	return s, err
}
