package personal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"strings"
	"sync"

	"lanewarden/drivers/observation/coded"
)

// Sealer encrypts personal values with AES-256-GCM under keys that follow (HKDF-SHA-256) from a secret that the
// database does not hold. It may be used from any goroutine. A nil Sealer opens nothing.
type Sealer struct {
	box   cipher.AEAD // random nonces: 2^32 rows under one key
	names cipher.AEAD
	macs  sync.Pool // of hash.Hash: HMAC-SHA-256 with the key; to set it takes as long as to hash a name
}

// NewSealer makes the Sealer of a secret.
func NewSealer(secret []byte) *Sealer {
	derive := func(purpose string) []byte {
		key, err := hkdf.Key(sha256.New, secret, nil, "lanewarden personal values 1: "+purpose, sha256.Size)
		if err != nil {
			panic(err) // only of a length that HKDF cannot give
		}
		return key
	}
	aead := func(key []byte, wrap func(cipher.Block) (cipher.AEAD, error)) cipher.AEAD {
		block, err := aes.NewCipher(key)
		if err != nil {
			panic(err) // only of a key of another length
		}
		sealing, err := wrap(block)
		if err != nil {
			panic(err) // only of a cipher with other blocks
		}
		return sealing
	}
	hashes := derive("hashes")
	return &Sealer{
		box:   aead(derive("rows"), cipher.NewGCMWithRandomNonce),
		names: aead(derive("names"), cipher.NewGCM),
		macs:  sync.Pool{New: func() any { return hmac.New(sha256.New, hashes) }},
	}
}

// Seal encrypts the values of a row and its key, "" for none. The box belongs to the row whose public body they
// were taken from, by its commitment.
func (s *Sealer) Seal(v Values, key string) []byte {
	text := v.appendSealed(make([]byte, 0, len(v.Salt)+len(key)+len(v.Mask)+len(v.list)+8), key)
	return s.box.Seal(nil, nil, text, v.commitment())
}

// Open decrypts what Seal made for the row with this public body. It is an error when the box is another row's, or
// was sealed with another secret.
func (s *Sealer) Open(public, box []byte) (v Values, key string, err error) {
	commitment := CommitmentOf(public)
	if s == nil || commitment == nil {
		return v, "", coded.New("personal.closed")
	}
	text, err := s.box.Open(nil, nil, box, commitment)
	if err != nil {
		return v, "", coded.New("personal.closed")
	}
	return parseSealed(text)
}

// SealBytes encrypts bytes that belong to what identity names, an artifact.
func (s *Sealer) SealBytes(data, identity []byte) []byte { return s.box.Seal(nil, nil, data, identity) }

// OpenBytes is the inverse of SealBytes.
func (s *Sealer) OpenBytes(box, identity []byte) ([]byte, error) {
	if s == nil {
		return nil, coded.New("personal.closed")
	}
	data, err := s.box.Open([]byte{}, nil, box, identity)
	if err != nil {
		return nil, coded.New("personal.closed")
	}
	return data, nil
}

// sealedMore is what sealed bytes are longer than the bytes: nonce and tag of GCM.
const sealedMore = 12 + 16

// Inline returns the bytes of an artifact that is kept in a database, which are sealed for its SHA-256, or as they
// are when an earlier version stored them; size, in bytes, tells which.
func Inline(s *Sealer, stored, sum []byte, size int64) ([]byte, error) {
	if int64(len(stored)) != size+sealedMore {
		return stored, nil
	}
	return s.OpenBytes(stored, sum)
}

// sealedMark begins what HashKey and SealName return, so that it is told from what is not sealed.
const sealedMark = "~"

// HashKey returns what stands for a row's key in a database: equal keys have equal hashes, and nobody can find a
// key by its hash without the secret.
func (s *Sealer) HashKey(key string) string { return sealedMark + encode(s.mac("key", key)) }

// SealName encrypts a name, so that equal names have equal texts and a table can be searched for one. "" stays "".
func (s *Sealer) SealName(name string) string {
	if name == "" {
		return ""
	}
	nonce := s.mac("name", name)[:s.names.NonceSize()] // two names with one nonce: 1 in 2^48 after 2^24 names
	return sealedMark + encode(s.names.Seal(nonce, nonce, []byte(name), nil))
}

// NameHash returns a number that stands for a name where it is looked for: equal names have equal numbers, two names one
// of them in 2^64, and nobody can find a name by its number without the secret.
func (s *Sealer) NameHash(name string) int64 {
	return int64(binary.BigEndian.Uint64(s.mac("search", name)))
}

// OpenName is the inverse of SealName. A text that is not sealed is returned as it is, one that this Sealer cannot
// open as "".
func (s *Sealer) OpenName(text string) string {
	sealed, ok := strings.CutPrefix(text, sealedMark)
	if !ok {
		return text
	}
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || s == nil || len(data) < s.names.NonceSize() {
		return ""
	}
	n := s.names.NonceSize()
	name, err := s.names.Open(nil, data[:n], data[n:], nil)
	if err != nil {
		return ""
	}
	return string(name)
}

// IsSealedName reports whether SealName made a text.
func IsSealedName(text string) bool { return strings.HasPrefix(text, sealedMark) }

func (s *Sealer) mac(purpose, text string) []byte {
	h := s.macs.Get().(hash.Hash)
	defer s.macs.Put(h)
	h.Reset()
	h.Write([]byte(purpose + "\n" + text))
	return h.Sum(nil)[:16]
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
