package liststore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sort"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// editor changes rows of one table of blocks, in the order of their keys. It holds one block at a time.
type editor struct {
	db    *sqlog.DB
	t     table
	u     *unpacker
	block stored
	limit []byte // the first key of the next block; nil for none
	rows  []lists.Row
	dirty bool
	begun bool
}

// put sets a row and returns the one before; found is false for a new key.
func (e *editor) put(r lists.Row) (before lists.Row, found bool, err error) {
	i, found, err := e.find(r.Key)
	if err != nil {
		return before, false, err
	}
	e.dirty = true
	own := lists.Row{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)}
	if !found {
		e.rows = slices.Insert(e.rows, i, own)
		return before, false, nil
	}
	before, e.rows[i] = e.rows[i], own
	return before, true, nil
}

// remove takes a row out and returns it; found is false when it is not there.
func (e *editor) remove(key []byte) (before lists.Row, found bool, err error) {
	i, found, err := e.find(key)
	if err != nil || !found {
		return before, false, err
	}
	e.dirty = true
	before = e.rows[i]
	e.rows = slices.Delete(e.rows, i, i+1)
	return before, true, nil
}

// find returns where in the block of a key its row is, or would be.
func (e *editor) find(key []byte) (i int, found bool, err error) {
	if !e.begun || e.limit != nil && bytes.Compare(key, e.limit) >= 0 {
		if err := errors.Join(e.flush(), e.load(key)); err != nil {
			return 0, false, err
		}
	}
	i = sort.Search(len(e.rows), func(i int) bool { return bytes.Compare(e.rows[i].Key, key) >= 0 })
	return i, i < len(e.rows) && bytes.Equal(e.rows[i].Key, key), nil
}

// load reads the block to which a key belongs: the last that begins at or before it, else the first one.
func (e *editor) load(key []byte) (err error) {
	e.begun, e.dirty, e.rows, e.limit = true, false, nil, nil
	if e.block, err = blockOf(e.db, e.t.at, key); err != nil {
		return err
	}
	if !e.block.found {
		if e.block, err = blockOf(e.db, e.t.after, key); err != nil {
			return err
		}
	}
	if !e.block.found {
		return nil
	}
	if e.rows, err = e.u.rows(e.t, e.block.first, e.block.data); err != nil {
		return err
	}
	next, err := blockOf(e.db, e.t.after, e.block.first)
	if next.found {
		e.limit = next.first
	}
	return err
}

// flush writes the block at hand, as several when it has grown too large.
func (e *editor) flush() error {
	if !e.dirty {
		return nil
	}
	if e.block.found {
		if err := e.db.Exec(e.t.remove, e.block.id); err != nil {
			return err
		}
	}
	out := filler{db: e.db, t: e.t}
	each := e.evenly()
	for i, r := range e.rows {
		if i%each == 0 {
			if err := out.flush(); err != nil {
				return err
			}
		}
		if err := out.add(r); err != nil {
			return err
		}
	}
	e.dirty = false
	return out.flush()
}

// evenly returns how many rows go into each block when those at hand need several: all blocks get as many, so that the
// next row to come does not need one of its own.
func (e *editor) evenly() int {
	if len(e.rows) == 0 {
		return 1
	}
	var run, before []byte
	for _, r := range e.rows {
		run, before = e.t.add(run, before, r), r.Key
	}
	first := e.rows[0].Key
	blocks := 1 + len(pack(e.t, first, run, len(e.rows)))/e.t.room(first)
	return (len(e.rows) + blocks - 1) / blocks
}

// delta applies a delta file inside a transaction.
type delta struct {
	db      *sqlog.DB
	kind    lists.Kind
	sum     lists.Sum
	rows    int64
	others  int64
	main    editor
	other   editor
	entries []entry // of the index
}

// entry is a change of the index.
type entry struct {
	key    []byte
	remove bool
}

// applyDelta changes the list in db, whose meta is as given, to what the file says. The caller holds a transaction and
// ends it: an error undoes all.
func applyDelta(ctx context.Context, db *sqlog.DB, u *unpacker, now meta, in *lists.Reader) error {
	d := delta{db: db, kind: now.Kind, sum: now.sum, rows: now.Rows, others: now.others,
		main:  editor{db: db, t: mainTable, u: u},
		other: editor{db: db, t: otherTable, u: u}}
	for {
		c, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if err := d.apply(c); err != nil {
			return err
		}
	}
	if err := errors.Join(d.main.flush(), d.changeIndex()); err != nil {
		return err
	}
	if h := in.Header; d.rows != h.Rows || d.sum.Name(d.kind, d.rows) != h.SHA256 {
		return message.Errorf("lists.other-content")
	}
	return writeMeta(db, in.Header.Version, d.sum, d.others)
}

// apply makes one change.
func (d *delta) apply(c lists.Change) (err error) {
	var before lists.Row
	var found bool
	if c.Removed {
		before, found, err = d.main.remove(c.Key)
		if err == nil && !found {
			err = message.Errorf("lists.not-there", message.Quoted("key", c.Key))
		}
	} else {
		before, found, err = d.main.put(c.Row)
	}
	if err != nil {
		return err
	}
	if found {
		d.rows--
		d.sum.Remove(before)
		if err := d.addEntry(before, true); err != nil {
			return err
		}
	}
	if c.Removed {
		return nil
	}
	d.rows++
	d.sum.Add(c.Row)
	return d.addEntry(c.Row, false)
}

func (d *delta) addEntry(r lists.Row, remove bool) error {
	key, err := indexKey(d.kind, r)
	if key != nil {
		d.entries = append(d.entries, entry{key, remove})
	}
	return err
}

// changeIndex changes the index as the rows were changed.
func (d *delta) changeIndex() error {
	slices.SortStableFunc(d.entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	for _, e := range d.entries {
		var found bool
		var err error
		if e.remove {
			_, found, err = d.other.remove(e.key)
			d.others--
		} else {
			_, found, err = d.other.put(lists.Row{Key: e.key})
			d.others++
		}
		if err != nil {
			return err
		}
		if found != e.remove {
			return errBlock // rows and index do not agree
		}
	}
	return d.other.flush()
}
