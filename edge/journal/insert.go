package journal

import (
	"database/sql/driver"
	"errors"

	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
)

// insert files the rows that are new and returns these. Hashing them goes on beside it.
func (w *writer) insert(group []*request) ([]*Row, error) {
	fresh, err := w.place(group)
	if err != nil || len(fresh) == 0 {
		return nil, err
	}
	leaves := make([]evidence.Hash, len(fresh))
	hashed := make(chan error, 1)
	go func() { hashed <- w.hash(fresh, leaves) }()
	for rest := fresh; len(rest) > 0 && err == nil; {
		n := 1
		if len(rest) >= insertRows {
			n = insertRows
		}
		err = errors.Join(w.insertRows(rest[:n]), w.queueArtifacts(rest[:n]))
		rest = rest[n:]
	}
	if err = errors.Join(err, <-hashed); err != nil {
		return nil, err
	}
	for _, leaf := range leaves {
		if full := w.tree.Append(leaf); full != nil {
			if err := w.store.AddTiles(full); err != nil {
				return nil, err
			}
		}
	}
	return fresh, nil
}

// place gives each row that is new its place in the journal.
func (w *writer) place(group []*request) (fresh []*Row, err error) {
	seen := map[[2]string]bool{}
	for _, r := range group {
		r.added = 0
		for i := range r.rows {
			row := &r.rows[i]
			if row.Key != "" {
				id := [2]string{row.Device, row.Key}
				known, err := w.known(row)
				if err != nil {
					return nil, err
				}
				if known || seen[id] {
					continue
				}
				seen[id] = true
			}
			row.Idx, row.Prev = w.tree.Size()+int64(len(fresh)), w.last[row.Class]
			w.last[row.Class] = row.Idx
			fresh = append(fresh, row)
			r.added++
		}
	}
	return fresh, nil
}

// known reports whether the journal has a row of the same device and key, or had it before it was removed.
func (w *writer) known(row *Row) (bool, error) {
	has, err := w.hasKey(row.Device, row.column)
	if has || err != nil || row.column == row.Key || !w.clearKeys {
		return has, err
	}
	return w.hasKey(row.Device, row.Key) // from before keys of rows with personal values were hashed
}

// hasKey reports whether a row with a key, as it is stored, is there or was.
func (w *writer) hasKey(device, key string) (bool, error) {
	idx, err := w.db.Int("SELECT idx FROM observation WHERE device=? AND key=?", -1, device, key)
	if idx >= 0 || err != nil {
		return idx >= 0, err
	}
	was, err := w.db.Int("SELECT 1 FROM pruned_key WHERE hash=?", 0, keyHash(device, key))
	return was > 0, err
}

func (w *writer) hash(rows []*Row, leaves []evidence.Hash) (err error) {
	for i, row := range rows {
		if leaves[i], err = w.hasher.Leaf(row.Idx, row.Record()); err != nil {
			return err
		}
	}
	return nil
}

const columns = "idx, class, prev, t, device, kind, key, body, sealed"

var (
	insertOne  = sqlog.Insert("observation", columns, 1)
	insertMany = sqlog.Insert("observation", columns, insertRows)
)

func (w *writer) insertRows(rows []*Row) error {
	args := w.args[:0]
	for _, r := range rows {
		args = r.appendColumns(args)
	}
	w.args = args
	if len(rows) == 1 {
		return w.db.Exec(insertOne, args...)
	}
	return w.db.Exec(insertMany, args...)
}

// appendColumns appends the row's values in the order of columns.
func (r *Row) appendColumns(args []driver.Value) []driver.Value {
	var key, sealed driver.Value
	if r.column != "" {
		key = r.column
	}
	if r.sealed != nil {
		sealed = r.sealed
	}
	return append(args, r.Idx, int64(r.Class), r.Prev, r.Time, r.Device, int64(r.Kind), key, r.Public(), sealed)
}
