package liststore

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/s2"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
)

// A block is some dozens of rows that follow each other: CRC-32C of the block's first key and of what follows (4 bytes,
// big endian), number of rows (varint), the run of rows (lists.AppendRow), compressed with S2 (which is quicker to read than
// any code that counts bits) unless it is of an index, whose hashes do not compress. A driver costs some 34 bytes in this
// way and 12 in the index, where a row of SQLite's would cost 50 and an index on it 35.

// headBytes is what a block has before its run: the checksum, and the number of rows, which is one byte mostly.
const headBytes = 5

// maxRun bounds a run that is decompressed: a block's, or the longest row.
const maxRun = 1 << 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBlock is a block that is not as it was written.
var errBlock = message.Errorf("lists.block")

// pack returns a block of a run of so many rows.
func pack(t table, first, run []byte, rows int) []byte {
	out := binary.AppendUvarint(make([]byte, 4, headBytes+len(run)), uint64(rows))
	if t.compressed {
		run = s2.EncodeBetter(nil, run)
	}
	out = append(out, run...)
	binary.BigEndian.PutUint32(out, checksum(first, out[4:]))
	return out
}

func checksum(first, rest []byte) uint32 {
	return crc32.Update(crc32.Checksum(first, castagnoli), castagnoli, rest)
}

// unpacker decompresses blocks, one at a time, and keeps the last: rows that are looked up together often lie together.
type unpacker struct {
	run, key     []byte
	decompressed []byte // what run is of, when the table is compressed
	table        string // that run's block is of
	id           uint32 // of run's block; 0 for none, as when the file may have changed
}

// count returns the number of rows in a block, after checking that it is whole.
func count(first, block []byte) (int64, error) {
	if len(block) < 5 || binary.BigEndian.Uint32(block) != checksum(first, block[4:]) {
		return 0, errBlock
	}
	rows, n := binary.Uvarint(block[4:])
	if n <= 0 {
		return 0, errBlock
	}
	return int64(rows), nil
}

// forget says that the file may have changed.
func (u *unpacker) forget() { u.id = 0 }

// load makes a block, which must be whole, the one at hand.
func (u *unpacker) load(t table, first, block []byte) error {
	u.forget()
	if _, err := count(first, block); err != nil {
		return err
	}
	_, n := binary.Uvarint(block[4:])
	run := block[4+n:]
	if !t.compressed {
		u.run = run
		return nil
	}
	n, err := s2.DecodedLen(run)
	if err != nil || n > maxRun {
		return errBlock
	}
	if u.decompressed, err = s2.Decode(u.decompressed, run); err != nil {
		return errBlock
	}
	u.run = u.decompressed
	return nil
}

// each calls f with the rows of the block at hand whose keys are not before low, until f returns false. The row's bytes
// are good until the next call.
func (u *unpacker) each(t table, low []byte, f func(lists.Row) bool) error {
	u.key = u.key[:0]
	lowest := head(low)
	for rest := u.run; len(rest) > 0; {
		r, more, ok := t.next(rest, u.key)
		if !ok {
			return errBlock
		}
		u.key, rest = r.Key, more
		if h := head(r.Key); h < lowest || h == lowest && bytes.Compare(r.Key, low) < 0 {
			continue
		}
		if !f(r) {
			return nil
		}
	}
	return nil
}

// rows returns copies of all rows of a block.
func (u *unpacker) rows(t table, first, block []byte) (all []lists.Row, err error) {
	if err := u.load(t, first, block); err != nil {
		return nil, err
	}
	err = u.each(t, nil, func(r lists.Row) bool {
		all = append(all, lists.Row{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
		return true
	})
	return all, err
}
