package views

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger"
)

// Numbers of fields of PassageClosed.
const (
	readingsField protowire.Number = 15
	possibleField protowire.Number = 21
)

// brief returns the document of a row passage.closed, with the first of its readings alone and none that are possible. They
// are most of a document, and decoding them is most of the work, but of all that tables have of a document that no
// statement followed they only say whether there is one.
func (r *row) brief(use *scratch) (*observation.PassageClosed, error) {
	text, err := ledger.WithValues(r.sealer, r.Kind, r.Body, r.Sealed, r.word)
	if err == nil {
		text, err = use.withoutReadings(text)
	}
	if err != nil {
		return nil, err
	}
	b := &observation.Body{}
	err = proto.Unmarshal(text, b)
	return b.GetPassageClosed(), err
}

// scratch is memory that is used again for each document.
type scratch struct{ body, document []byte }

// withoutReadings returns an encoded body whose document has the first of its readings alone. It is valid until the next
// call.
func (s *scratch) withoutReadings(body []byte) (out []byte, err error) {
	readings := 0
	s.body, err = appendFields(s.body[:0], body, func(out, field []byte, number protowire.Number, value []byte) ([]byte, error) {
		if number != protowire.Number(observation.Kind_KIND_PASSAGE_CLOSED) || value == nil {
			return append(out, field...), nil
		}
		s.document, err = appendFields(s.document[:0], value, func(out, field []byte, number protowire.Number, _ []byte) ([]byte, error) {
			if number == readingsField {
				readings++
			}
			if number == possibleField || number == readingsField && readings > 1 {
				return out, nil
			}
			return append(out, field...), nil
		})
		return protowire.AppendBytes(protowire.AppendTag(out, number, protowire.BytesType), s.document), err
	})
	return s.body, err
}

// appendFields calls f for each field of an encoded message, with what it has appended to out so far, the whole field, and
// the value of one that has a length, nil for others.
func appendFields(
	out, message []byte, f func(out, field []byte, number protowire.Number, value []byte) ([]byte, error),
) ([]byte, error) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeField(message)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		field, value := message[:n], []byte(nil)
		if kind == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(field)
			value, _ = protowire.ConsumeBytes(field[tag:])
		}
		var err error
		if out, err = f(out, field, number, value); err != nil {
			return nil, err
		}
		message = message[n:]
	}
	return out, nil
}
