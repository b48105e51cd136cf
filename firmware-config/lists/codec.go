package lists

import (
	"encoding/binary"
)

// A run is rows one behind the other, sorted by key: for each how many bytes of the key are those of the key before, the
// rest of the key behind its length, and the value behind its length plus 1. Length 0 says that the key is removed, which
// only delta files have. Files and the lane's blocks are made of runs.

// AppendRow appends a row to a run whose last key is before.
func AppendRow(dst, before []byte, r Row) []byte {
	dst = appendKey(dst, before, r.Key)
	dst = binary.AppendUvarint(dst, uint64(len(r.Value))+1)
	return append(dst, r.Value...)
}

// appendRemoved appends a key that is removed.
func appendRemoved(dst, before, key []byte) []byte { return append(appendKey(dst, before, key), 0) }

func appendKey(dst, before, key []byte) []byte {
	shared := 0
	for shared < min(len(before), len(key)) && before[shared] == key[shared] {
		shared++
	}
	dst = binary.AppendUvarint(dst, uint64(shared))
	dst = binary.AppendUvarint(dst, uint64(len(key)-shared))
	return append(dst, key[shared:]...)
}

// NextRow takes the first row off a run in memory: its key is built in key, which holds the one before; the value is of
// the run. ok is false for a run that is not sound.
func NextRow(run, key []byte) (r Row, rest []byte, ok bool) {
	shared, n := binary.Uvarint(run)
	if n <= 0 || shared > uint64(len(key)) {
		return r, nil, false
	}
	u := unpack{b: run[n:]}
	r.Key = append(key[:shared], u.take()...)
	length := u.number()
	if u.err != nil || length == 0 || length-1 > uint64(len(u.b)) {
		return r, nil, false
	}
	r.Value = u.b[:length-1]
	return r, u.b[length-1:], true
}
