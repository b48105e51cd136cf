package personal

import (
	"google.golang.org/protobuf/encoding/protowire"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/coded"
)

// replacer appends what stands for a personal value to dst; m is the value's place in the mask.
type replacer func(dst []byte, m *Mask, number protowire.Number, value []byte) ([]byte, error)

// walk copies an encoded message to dst, field by field. Fields that the mask has are handed to personal, and those
// within messages that it has as well; all others are copied as they are.
func walk(dst, message []byte, mask *Mask, personal replacer) ([]byte, error) {
	for len(message) > 0 {
		number, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return nil, malformed(tag)
		}
		size := protowire.ConsumeFieldValue(number, kind, message[tag:])
		if size < 0 {
			return nil, malformed(size)
		}
		child := mask.field(number)
		if child == nil || kind != protowire.BytesType {
			dst = append(dst, message[:tag+size]...)
			message = message[tag+size:]
			continue
		}
		value, _ := protowire.ConsumeBytes(message[tag:])
		message = message[tag+size:]
		if child.leaf() {
			var err error
			if dst, err = personal(dst, child, number, value); err != nil {
				return nil, err
			}
			continue
		}
		inner, err := walk(make([]byte, 0, len(value)), value, child, personal)
		if err != nil {
			return nil, err
		}
		dst = protowire.AppendTag(dst, number, protowire.BytesType)
		dst = protowire.AppendBytes(dst, inner)
	}
	return dst, nil
}

// taker empties personal fields and collects their values.
type taker struct{ list []byte }

func (t *taker) message(dst, message []byte, mask *Mask) ([]byte, error) {
	return walk(dst, message, mask, func(dst []byte, _ *Mask, number protowire.Number, value []byte) ([]byte, error) {
		t.list = appendLength(t.list, value)
		dst = protowire.AppendTag(dst, number, protowire.BytesType)
		return append(dst, 0), nil
	})
}

// putter fills personal fields again.
type putter struct{ list []byte }

func (p *putter) message(dst, message []byte, mask *Mask) ([]byte, error) {
	return walk(dst, message, mask, func(dst []byte, _ *Mask, number protowire.Number, _ []byte) ([]byte, error) {
		value, n := protowire.ConsumeBytes(p.list)
		if n < 0 {
			return nil, coded.New("personal.other")
		}
		p.list = p.list[n:]
		dst = protowire.AppendTag(dst, number, protowire.BytesType)
		return protowire.AppendBytes(dst, value), nil
	})
}

// Erased returns a body whose values are erased as readers shall have it: without the commitment, and with a word
// in the texts that had a value. With word "" these are left out, as if nothing had been there: what compares names
// must take two erased ones for different. Bytes and messages are left out.
func Erased(kind observation.Kind, public []byte, word string) ([]byte, error) {
	body, _, err := cutCommitment(public)
	mask := MaskOf(kind)
	if err != nil || mask == nil {
		return body, err
	}
	put := func(dst []byte, m *Mask, number protowire.Number, value []byte) ([]byte, error) {
		if len(value) == 0 {
			if word == "" || !m.text {
				return dst, nil
			}
			value = []byte(word)
		}
		dst = protowire.AppendTag(dst, number, protowire.BytesType)
		return protowire.AppendBytes(dst, value), nil
	}
	return walk(make([]byte, 0, len(body)), body, mask, put)
}
