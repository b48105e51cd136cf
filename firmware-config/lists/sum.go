package lists

import (
	"crypto/sha256"
	"crypto/sha3"
	"encoding/binary"
)

// sumWords is the size of a Sum: 1024 lanes of 16 bits, four in a word.
const sumWords = 256

// SumBytes is the size of a Sum in bytes.
const SumBytes = sumWords * 8

// Sum is a hash of a set of rows that can follow changes: adding or removing a row costs the same however many there are
// (LtHash: Bellare and Micciancio 1997; Lewi, Kim, Maykov, Weis 2019). Each row is hashed to 2 KiB with SHAKE128, and the
// lanes are added modulo 2^16. docs/decisions/0028-lists.md says why this one. The zero Sum is that of no rows. A row
// must be in a set once: 65,536 times the same one would be as none.
type Sum struct{ words [sumWords]uint64 }

// Bits of the four lanes of a word, without and with the uppermost of each.
const (
	lowBits = 0x7fff7fff7fff7fff
	topBits = 0x8000800080008000
)

// Add puts a row into the set.
func (s *Sum) Add(r Row) {
	h := hashRow(r)
	for i, a := range s.words {
		b := binary.LittleEndian.Uint64(h[8*i:])
		s.words[i] = ((a & lowBits) + (b & lowBits)) ^ ((a ^ b) & topBits)
	}
}

// Remove takes a row out of the set; it must be in it.
func (s *Sum) Remove(r Row) {
	h := hashRow(r)
	for i, a := range s.words {
		b := binary.LittleEndian.Uint64(h[8*i:])
		s.words[i] = ((a | topBits) - (b & lowBits)) ^ ((a ^ ^b) & topBits)
	}
}

// hashRow returns the lanes of one row, little endian.
func hashRow(r Row) (out [SumBytes]byte) {
	var length [binary.MaxVarintLen64]byte
	h := sha3.NewSHAKE128()
	h.Write([]byte("lanewarden list row 1\x00"))
	h.Write(length[:binary.PutUvarint(length[:], uint64(len(r.Key)))])
	h.Write(r.Key)
	h.Write(r.Value)
	h.Read(out[:])
	return out
}

// Bytes returns the Sum as it is kept, little endian.
func (s *Sum) Bytes() []byte {
	out := make([]byte, 0, SumBytes)
	for _, w := range s.words {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

// SumOf reads what Bytes returns; ok is false for another length.
func SumOf(b []byte) (s Sum, ok bool) {
	if len(b) != SumBytes {
		return s, false
	}
	for i := range s.words {
		s.words[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return s, true
}

// Name returns what names a version's content: a SHA-256 over the list's kind, the number of its rows and their Sum.
func (s *Sum) Name(k Kind, rows int64) [32]byte {
	h := sha256.New()
	h.Write([]byte("lanewarden list 1\x00" + string(k) + "\x00"))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(rows)))
	h.Write(s.Bytes())
	return [32]byte(h.Sum(nil))
}
