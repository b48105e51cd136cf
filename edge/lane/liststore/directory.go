package liststore

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/lists"
)

// directory knows the blocks of one table by their first keys, in order, so that a look reads the block that it needs by
// its number and nothing else. A block costs 16 bytes here and its first key: 5 MB for 5 million drivers.
type directory struct {
	keys  []byte   // all first keys, one behind the other
	ends  []uint32 // where each key ends in keys
	ids   []uint32 // the blocks' rowids
	heads []uint64 // of the keys: most searches end with them, and they lie side by side
}

// head returns the first 8 bytes of a key as a number: of two keys the one with the greater head is the greater.
func head(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var short [8]byte
	copy(short[:], key)
	return binary.BigEndian.Uint64(short[:])
}

// readDirectory reads it from a list's file.
func readDirectory(db *sqlog.DB, t table) (d directory, err error) {
	err = db.Query(t.firsts, func(row []driver.Value) error {
		id := sqlog.Int64(row[1])
		if id != int64(uint32(id)) {
			return errBlock // our blocks are numbered from 1, and fewer than rows
		}
		d.heads = append(d.heads, head(sqlog.Bytes(row[0])))
		d.keys = append(d.keys, sqlog.Bytes(row[0])...)
		if uint64(len(d.keys)) != uint64(uint32(len(d.keys))) {
			return errBlock
		}
		d.ends = append(d.ends, uint32(len(d.keys)))
		d.ids = append(d.ids, uint32(id))
		return nil
	})
	return d, err
}

// first is the first key of block number i.
func (d directory) first(i int) []byte {
	begin := uint32(0)
	if i > 0 {
		begin = d.ends[i-1]
	}
	return d.keys[begin:d.ends[i]:d.ends[i]]
}

// at returns which block a key belongs to: the last that begins at or before it, else the first one.
func (d directory) at(key []byte) int {
	h := head(key)
	low, _ := slices.BinarySearch(d.heads, h)
	alike := sort.Search(len(d.heads)-low, func(i int) bool { return d.heads[low+i] > h })
	behind := low + sort.Search(alike, func(i int) bool { return bytes.Compare(d.first(low+i), key) > 0 })
	return max(behind-1, 0)
}

// scan calls f with each row whose key is from low to before high, until f returns false.
func scan(db *sqlog.DB, u *unpacker, t table, d directory, low, high []byte, f func(lists.Row) bool) error {
	for i := d.at(low); i < len(d.ids); i++ {
		first := d.first(i)
		if bytes.Compare(first, high) >= 0 {
			return nil
		}
		if err := u.fetch(db, t, d.ids[i], first); err != nil {
			return err
		}
		done := false
		err := u.each(t, low, func(r lists.Row) bool {
			done = bytes.Compare(r.Key, high) >= 0 || !f(r)
			return !done
		})
		if err != nil {
			return fmt.Errorf("%s: %w", db.Path(), err)
		}
		if done {
			return nil
		}
	}
	return nil
}

// fetch makes the block of a number the one at hand, from the file unless it is that already.
func (u *unpacker) fetch(db *sqlog.DB, t table, id uint32, first []byte) error {
	if u.id == id && u.table == t.name {
		return nil
	}
	var data []byte
	err := db.First(t.data, func(row []driver.Value) error {
		data = sqlog.Bytes(row[0])
		return nil
	}, int64(id))
	if err != nil {
		return err
	}
	if err := u.load(t, first, data); err != nil {
		return fmt.Errorf("%s: %w", db.Path(), err)
	}
	u.table, u.id = t.name, id
	return nil
}
