package liststore

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"lanewarden/firmware-config/lists"
)

// indexHash is how many bytes of the SHA-256 of what is looked for begin an entry of an index; the key of the row
// follows, packed. Of 5 million entries a few share them: a look compares the rows that it finds.
const indexHash = 4

// hashed returns what the entries of a card or trip begin with.
func hashed(what []byte) []byte {
	sum := sha256.Sum256(what)
	return sum[:indexHash:indexHash]
}

// indexKey returns a row's entry in the index of its list, nil for none.
func indexKey(kind lists.Kind, r lists.Row) ([]byte, error) {
	switch kind {
	case lists.Drivers:
		d, err := lists.DecodeDriver(r)
		if err != nil || len(d.EPC) == 0 {
			return nil, err
		}
		return append(hashed(d.EPC), packKey(r.Key)...), nil
	case lists.Manifest:
		s, err := lists.DecodeShipment(r)
		if err != nil || s.CRN == "" {
			return nil, err
		}
		return append(hashed([]byte(s.CRN)), packKey(r.Key)...), nil
	default:
		return nil, nil
	}
}

// An entry in a block of an index: a varint of how many bytes it has of its own, times 8, and how many of the entry before
// it begins with, at most 7; its own bytes.
const sharedBits, maxShared = 3, 7

// appendEntry appends an entry to a run in which before is the last one.
func appendEntry(run, before, entry []byte) []byte {
	shared := 0
	for shared < min(len(before), len(entry), maxShared) && before[shared] == entry[shared] {
		shared++
	}
	run = binary.AppendUvarint(run, uint64(len(entry)-shared)<<sharedBits|uint64(shared))
	return append(run, entry[shared:]...)
}

// nextEntry takes the next entry off a run. before, the last one, is overwritten.
func nextEntry(run, before []byte) (entry, rest []byte, ok bool) {
	header, n := binary.Uvarint(run)
	shared, own := header&maxShared, header>>sharedBits
	if n <= 0 || shared > uint64(len(before)) || own > uint64(len(run)-n) {
		return nil, nil, false
	}
	rest = run[n:]
	return append(before[:shared], rest[:own]...), rest[own:], true
}

// alphabet is what numbers of drivers and shipments are made of, with the separator of a key's parts. Three characters
// make a number below 2^16.
const alphabet = "\x00-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

const (
	maxDigits = 18   // that a key's first digits have at most as one number
	plainKey  = 0xff // in front of a key that has other characters
)

// packKey writes a key shorter: a byte with the number of digits that it begins with and how many characters its last
// group has; the digits as a number; the rest in groups of three characters, each in two bytes. Entries of an index are
// not compressed otherwise, so that a look costs little.
func packKey(key []byte) []byte {
	digits, value := 0, uint64(0)
	for digits < min(len(key), maxDigits) && key[digits] >= '0' && key[digits] <= '9' {
		value = value*10 + uint64(key[digits]-'0')
		digits++
	}
	rest := key[digits:]
	out := []byte{byte(digits | len(rest)%3<<5)}
	for i := digitBytes(digits) - 1; i >= 0; i-- {
		out = append(out, byte(value>>(8*i)))
	}
	for len(rest) > 0 {
		group := rest[:min(3, len(rest))]
		rest = rest[len(group):]
		n := 0
		for _, c := range group {
			place := strings.IndexByte(alphabet, c)
			if place < 0 {
				return append([]byte{plainKey}, key...)
			}
			n = n*len(alphabet) + place
		}
		if len(group) > 1 {
			out = append(out, byte(n>>8))
		}
		out = append(out, byte(n))
	}
	return out
}

// digitBytes is how many bytes so many digits take as a number: log2(10) is 3.322.
func digitBytes(digits int) int { return (digits*3322 + 7999) / 8000 }

// unpackKey reads what packKey returns; nil for what it never returns.
func unpackKey(b []byte) []byte {
	if len(b) == 0 || b[0] == plainKey {
		return append([]byte(nil), b[min(1, len(b)):]...)
	}
	digits, last, b := int(b[0]&31), int(b[0]>>5), b[1:]
	if digits > maxDigits || len(b) < digitBytes(digits) {
		return nil
	}
	value := number(b[:digitBytes(digits)])
	b = b[digitBytes(digits):]
	key := make([]byte, digits, digits+2*len(b))
	for i := digits - 1; i >= 0; i-- {
		key[i] = byte('0' + value%10)
		value /= 10
	}
	for len(b) > 0 {
		characters, size := 3, 2
		if len(b) <= 2 && last > 0 {
			characters, size = last, len(b)
		}
		n := number(b[:min(size, len(b))])
		b = b[min(size, len(b)):]
		key = append(key, make([]byte, characters)...)
		for i := 1; i <= characters; i++ {
			key[len(key)-i] = alphabet[n%uint64(len(alphabet))]
			n /= uint64(len(alphabet))
		}
	}
	return key
}

// number reads big endian bytes.
func number(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
