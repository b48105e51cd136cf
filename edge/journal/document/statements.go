package document

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"lanewarden/drivers/observation"
)

// PassagesIn returns the passages that a row is about, by its kind and its encoded body; none for a row that is not
// about passages. The error is of a body that cannot be decoded.
func PassagesIn(kind observation.Kind, body []byte) (ids []string, err error) {
	if kind < observation.Kind_KIND_PASSAGE_OPENED || kind > observation.Kind_KIND_PASSAGE_CORRECTED {
		return nil, nil
	}
	add := func(id []byte) {
		if len(id) > 0 && !slices.Contains(ids, string(id)) {
			ids = append(ids, string(id))
		}
	}
	err = eachField(body, func(number protowire.Number, statement []byte) error {
		if number != protowire.Number(kind) {
			return nil
		}
		return eachField(statement, func(number protowire.Number, value []byte) error {
			places := idFields[kind]
			switch {
			case slices.Contains(places.ids, number):
				add(value)
			case number == places.readings:
				return eachField(value, func(number protowire.Number, value []byte) error {
					if number == otherField {
						add(value)
					}
					return nil
				})
			}
			return nil
		})
	})
	return ids, err
}

// idFields are the numbers of the fields of statements that name passages, and of those with the readings: of these
// only the other candidate is looked at. Decoding whole statements was a third of the time that a batch took.
var idFields = map[observation.Kind]struct {
	ids      []protowire.Number
	readings protowire.Number
}{
	observation.Kind_KIND_PASSAGE_OPENED:    {[]protowire.Number{1}, 3},
	observation.Kind_KIND_PASSAGE_UPDATED:   {[]protowire.Number{1}, 2},
	observation.Kind_KIND_PASSAGE_CLOSED:    {[]protowire.Number{1}, 0},
	observation.Kind_KIND_PASSAGE_CORRECTED: {[]protowire.Number{2, 3}, 6},
}

// otherField is the number of PassageReading.other.
const otherField protowire.Number = 10

// eachField calls f with each field of an encoded message that has a length.
func eachField(message []byte, f func(protowire.Number, []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return protowire.ParseError(n)
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := f(number, value); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}
