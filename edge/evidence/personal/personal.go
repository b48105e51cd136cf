// Package personal keeps what names a person or a vehicle apart from the record. The encoded body of an observation
// goes in; the same body without the values of fields that the schema marks as personal comes out, with a salted
// commitment in their place, and beside it the values, which can be sealed, put back and erased. The evidence log
// hashes the body without values, so erasing them changes no proof.
//
// A row has one commitment over all its values: SHA-256 over "lanewarden personal values 1\n", the salt (16 bytes)
// and the content, which is the mask (which fields the values are of) and the values, each with its length before
// it.
package personal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/coded"
)

// SaltBytes is the length of a row's salt. With it nobody can find a value by hashing all plates that there are.
const SaltBytes = 16

// ErasedWord stands in texts whose values are erased where people and other programs read them.
const ErasedWord = "erased"

// commitmentField is the number of Body.personal_sha256.
const commitmentField protowire.Number = 6

// domain begins what is hashed, so that a commitment is the hash of nothing else.
const domain = "lanewarden personal values 1\n"

// Values are the personal values of one row, with what is needed to put them back.
type Values struct {
	Salt []byte // SaltBytes
	Mask []byte // fields that the values are of, encoded (Mask.Bytes)
	list []byte // the values in the order of the body, a length (varint) before each
	sum  []byte // commitment, where it was computed already
}

// IsZero reports whether there are no values.
func (v Values) IsZero() bool { return len(v.Mask) == 0 }

// Equal reports whether two rows have the same values, masks and salts.
func (v Values) Equal(w Values) bool {
	return bytes.Equal(v.Salt, w.Salt) && bytes.Equal(v.Mask, w.Mask) && bytes.Equal(v.list, w.list)
}

// commitment returns the SHA-256 that stands in the body for the values.
func (v Values) commitment() []byte {
	if v.sum != nil {
		return v.sum
	}
	text := make([]byte, 0, len(domain)+len(v.Salt)+len(v.Mask)+len(v.list))
	text = append(append(append(append(text, domain...), v.Salt...), v.Mask...), v.list...)
	sum := sha256.Sum256(text)
	return sum[:]
}

// Split takes the personal values out of an observation's encoded body. public is the body without them, and with
// their commitment; it is the body itself when it has no personal value.
func Split(kind observation.Kind, body []byte) (public []byte, v Values, err error) {
	mask := MaskOf(kind)
	if mask == nil {
		return body, Values{}, nil
	}
	return take(mask, body, nil)
}

// SplitAgain is Split with the mask and the salt of the row's first Split: public is the same again.
func SplitAgain(body, mask, salt []byte) (public []byte, v Values, err error) {
	m, rest, err := decodeMask(mask)
	if err != nil || len(rest) > 0 || len(salt) != SaltBytes {
		return nil, Values{}, coded.New("personal.mask")
	}
	public, v, err = take(m, body, salt)
	if err == nil && v.IsZero() {
		err = coded.New("personal.mask")
	}
	return public, v, err
}

// take splits a body. A nil salt is a new one.
func take(mask *Mask, body, salt []byte) ([]byte, Values, error) {
	body, _, err := cutCommitment(body)
	if err != nil {
		return nil, Values{}, err
	}
	t := taker{list: make([]byte, 0, 64)}
	public, err := t.message(make([]byte, 0, len(body)+2+sha256.Size), body, mask)
	if err != nil {
		return nil, Values{}, err
	}
	if len(t.list) == 0 {
		return body, Values{}, nil
	}
	if salt == nil {
		salt = make([]byte, SaltBytes)
		rand.Read(salt)
	}
	v := Values{Salt: salt, Mask: mask.Bytes(), list: t.list}
	v.sum = v.commitment()
	public = protowire.AppendTag(public, commitmentField, protowire.BytesType)
	return protowire.AppendBytes(public, v.sum), v, nil
}

// Join puts values back into the body that they were taken from. It is an error when they are not those that the
// body commits to.
func Join(public []byte, v Values) ([]byte, error) {
	mask, rest, err := decodeMask(v.Mask)
	if err != nil || len(rest) > 0 {
		return nil, coded.New("personal.mask")
	}
	bare, commitment, err := cutCommitment(public)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(v.commitment(), commitment) {
		return nil, coded.New("personal.other")
	}
	p := putter{list: v.list}
	body, err := p.message(make([]byte, 0, len(public)+len(v.list)), bare, mask)
	if err == nil && len(p.list) > 0 {
		err = coded.New("personal.other")
	}
	return body, err
}

// CommitmentOf returns the commitment in a body, nil when there is none.
func CommitmentOf(body []byte) []byte {
	_, commitment, _ := cutCommitment(body) // a body that cannot be read has none
	return commitment
}

// cutCommitment returns a body without its commitments, and the first of them; nil when it has none. Most bodies have
// one at their end or none, and are not copied. A hostile one has as many as fit: each field is passed once.
func cutCommitment(body []byte) (bare, commitment []byte, err error) {
	copied := false
	for at := 0; at < len(body); {
		number, kind, n := protowire.ConsumeField(body[at:])
		if n < 0 {
			return nil, nil, malformed(n)
		}
		field := body[at : at+n]
		at += n
		switch {
		case number != commitmentField || kind != protowire.BytesType:
			if copied {
				bare = append(bare, field...)
			}
			continue
		case commitment == nil:
			_, _, tag := protowire.ConsumeTag(field)
			commitment, _ = protowire.ConsumeBytes(field[tag:])
		}
		if at == len(body) && !copied {
			return body[: at-n : at-n], commitment, nil
		}
		if !copied {
			bare, copied = append(make([]byte, 0, len(body)), body[:at-n]...), true
		}
	}
	if !copied {
		return body, nil, nil
	}
	return bare, commitment, nil
}

// appendSealed appends what is sealed: salt, key of the row, mask and values.
func (v Values) appendSealed(dst []byte, key string) []byte {
	dst = append(dst, v.Salt...)
	dst = protowire.AppendString(dst, key)
	return append(append(dst, v.Mask...), v.list...)
}

// parseSealed is the inverse of appendSealed.
func parseSealed(text []byte) (v Values, key string, err error) {
	if len(text) < SaltBytes {
		return v, "", coded.New("personal.mask")
	}
	v.Salt = text[:SaltBytes]
	text = text[SaltBytes:]
	key, n := protowire.ConsumeString(text)
	if n < 0 {
		return v, "", malformed(n)
	}
	text = text[n:]
	_, rest, err := decodeMask(text)
	v.Mask, v.list = text[:len(text)-len(rest)], rest
	return v, key, err
}

// Content returns mask and values as they are hashed after the salt.
func (v Values) Content() []byte { return append(bytes.Clone(v.Mask), v.list...) }

// ParseContent is the inverse of Content.
func ParseContent(salt, content []byte) (Values, error) {
	_, rest, err := decodeMask(content)
	return Values{Salt: salt, Mask: content[:len(content)-len(rest)], list: rest}, err
}

// Each calls f with every value until it returns false. A value may be a text, bytes or an encoded message.
func (v Values) Each(f func(value []byte) bool) {
	for rest := v.list; len(rest) > 0; {
		value, n := protowire.ConsumeBytes(rest)
		if n < 0 || !f(value) {
			return
		}
		rest = rest[n:]
	}
}

// malformed is the error of bytes that are no protobuf.
func malformed(n int) error {
	return coded.New("personal.body", coded.CausedBy(protowire.ParseError(n)))
}

// appendLength appends a value with its length before it.
func appendLength(dst, value []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(value))), value...)
}
