package liststore

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
)

// A block is some dozens of rows that follow each other: CRC-32C of the block's first key and of what follows (4 bytes,
// big endian), number of rows (varint), the run of rows (lists.AppendRow), as a zstd frame unless it is of an index, whose
// hashes do not compress. A driver costs some 33 bytes in this way and 12 in the index, where a row of
// SQLite's would cost 50 and an index on it 35.

// Sizes of a run at which a block is full. Larger ones compress better and take longer to search;
// these fill pages of 4 KiB best.
const (
	blockBytes = 1400
	indexBytes = 930
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBlock is a block that is not as it was written.
var errBlock = message.Errorf("lists.block")

// packer compresses blocks.
type packer struct{ z *zstd.Encoder }

func newPacker() (packer, error) {
	// What repeats is left out; what is left stands as it is: a Huffman code would save a fifth of a driver, and its table
	// would take longer to read than the rest of a look takes.
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true),
		zstd.WithNoEntropyCompression(true), zstd.WithWindowSize(zstd.MinWindowSize*8), zstd.WithLowerEncoderMem(true))
	return packer{z}, err
}

// pack returns a block of a run of so many rows.
func (p packer) pack(t table, first, run []byte, rows int) []byte {
	out := binary.AppendUvarint(make([]byte, 4, 4+len(run)), uint64(rows))
	if t.compressed {
		out = p.z.EncodeAll(run, out)
	} else {
		out = append(out, run...)
	}
	binary.BigEndian.PutUint32(out, checksum(first, out[4:]))
	return out
}

func checksum(first, rest []byte) uint32 {
	return crc32.Update(crc32.Checksum(first, castagnoli), castagnoli, rest)
}

// unpacker decompresses blocks, one at a time.
type unpacker struct {
	z   *zstd.Decoder
	run []byte
	key []byte
}

func newUnpacker() (*unpacker, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(1<<20))
	return &unpacker{z: z}, err
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

// each calls f with each row of a block until f returns false. The row's bytes are good until the next call.
func (u *unpacker) each(t table, first, block []byte, f func(lists.Row) bool) (err error) {
	if _, err := count(first, block); err != nil {
		return err
	}
	_, n := binary.Uvarint(block[4:])
	run := block[4+n:]
	if t.compressed {
		if u.run, err = u.z.DecodeAll(run, u.run[:0]); err != nil {
			return errBlock
		}
		run = u.run
	}
	u.key = u.key[:0]
	for rest := run; len(rest) > 0; {
		r, more, ok := t.next(rest, u.key)
		if !ok {
			return errBlock
		}
		u.key, rest = r.Key, more
		if !f(r) {
			return nil
		}
	}
	return nil
}

// rows returns copies of all rows of a block.
func (u *unpacker) rows(t table, first, block []byte) (all []lists.Row, err error) {
	err = u.each(t, first, block, func(r lists.Row) bool {
		all = append(all, lists.Row{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
		return true
	})
	return all, err
}
