package driver

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
)

// keyDigestBytes is the length of the digest in a key: 2^32 contents under one name before two are likely to have the
// same.
const keyDigestBytes = 8

// Key returns the key of an observation: the device's own name of it, and a digest of the content that it came with.
// The journal keeps each key once and drops a second observation with it silently. A repeat has the same content and
// is folded; other content under a name that is known (a counter that began again, a camera that reuses an id, a file
// name) is a row of its own.
//
// content must be the same when the input is replayed or sent again: bytes as they came, never times of arrival.
func Key(name string, content ...[]byte) string {
	h := sha256.New()
	for _, c := range content {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(c)))
		h.Write(size[:])
		h.Write(c)
	}
	return fmt.Sprintf("%s/%x", name, h.Sum(nil)[:keyDigestBytes])
}

// KeyName returns a key without the digest of its content: what the device called the observation.
func KeyName(key string) string {
	i := len(key) - 1 - 2*keyDigestBytes
	if i < 0 || key[i] != '/' {
		return key
	}
	if _, err := hex.DecodeString(key[i+1:]); err != nil {
		return key
	}
	return key[:i]
}

// SetKey sets the key of an observation whose body and time follow from the input alone: the name, and a digest of
// both. The body is final.
func SetKey(o *observation.Observation, name string) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(o.Body)
	if err != nil {
		o.Key = name // a body that cannot be encoded: its texts are no UTF-8, and the journal replaces them
		return
	}
	var head [16]byte
	binary.BigEndian.PutUint64(head[:8], uint64(o.TimeNs))
	binary.BigEndian.PutUint64(head[8:], uint64(o.Class))
	o.Key = Key(name, head[:], body)
}
