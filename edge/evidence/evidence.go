// Package evidence is the Merkle log over a journal's rows (RFC 6962 hashing, golang.org/x/mod/sumdb/tlog). Records go
// in; tiles of 256 hashes, roots, signed checkpoints, proofs and audits come out. It is pure: whoever keeps the rows
// keeps the tiles too.
package evidence

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/observation/coded"
)

// MaxDeviceLen is the longest device id that a leaf can hold, in bytes.
const MaxDeviceLen = 255

// Record is one journal row as the evidence log sees it.
type Record struct {
	Class  uint8
	Time   int64 // phenomenon time, ns UTC
	Kind   uint16
	Device string
	Body   []byte
}

// Blind is the 32-byte value that keeps a record's neighbours from guessing it.
type Blind [32]byte

// Blinder derives the blinds of one journal: HMAC-SHA-256(journal key, idx as 8 bytes big-endian). Not for concurrent
// use.
type Blinder struct {
	mac hash.Hash
	buf [8]byte
}

// NewBlinder makes the Blinder of the journal whose key this is.
func NewBlinder(journalKey []byte) *Blinder {
	return &Blinder{mac: hmac.New(sha256.New, journalKey)}
}

// Blind returns the blind of row idx.
func (b *Blinder) Blind(idx int64) (out Blind) {
	b.mac.Reset()
	binary.BigEndian.PutUint64(b.buf[:], uint64(idx))
	b.mac.Write(b.buf[:])
	b.mac.Sum(out[:0])
	return out
}

// AppendLeaf appends the record that is hashed for a row:
//
//	blind   32 bytes
//	class    1 byte
//	time     8 bytes, ns since 1970-01-01 UTC
//	kind     2 bytes
//	length   1 byte, of the device id
//	device
//	body     the rest: lanewarden.v1.Body, the exact bytes of the journal
//
// Integers are big-endian. Only the device id has a length, so a record has one reading only. It returns an error for a
// device id over MaxDeviceLen bytes.
func AppendLeaf(dst []byte, blind Blind, r Record) ([]byte, error) {
	if len(r.Device) > MaxDeviceLen {
		return nil, coded.New("evidence.long-device", coded.Value("bytes", len(r.Device)),
			coded.Value("most", MaxDeviceLen))
	}
	dst = append(dst, blind[:]...)
	dst = append(dst, r.Class)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Time))
	dst = binary.BigEndian.AppendUint16(dst, r.Kind)
	dst = append(dst, byte(len(r.Device)))
	dst = append(dst, r.Device...)
	return append(dst, r.Body...), nil
}

// leafPrefix is RFC 6962's domain separation of leaves.
const leafPrefix = 0

// Hasher turns rows into leaf hashes, reusing its buffer. Not for concurrent use.
type Hasher struct {
	blinder *Blinder
	buf     []byte
}

// NewHasher makes the Hasher of the journal whose key this is.
func NewHasher(journalKey []byte) *Hasher {
	return &Hasher{blinder: NewBlinder(journalKey)}
}

// Leaf returns the RFC 6962 leaf hash of row idx.
func (h *Hasher) Leaf(idx int64, r Record) (tlog.Hash, error) {
	buf, err := AppendLeaf(append(h.buf[:0], leafPrefix), h.blinder.Blind(idx), r)
	if err != nil {
		return tlog.Hash{}, err
	}
	h.buf = buf
	return sha256.Sum256(buf), nil
}
