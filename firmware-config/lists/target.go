package lists

import (
	"slices"
	"strings"
)

// A target's key is its type's number, 0 for an exact one or the length of a prefix, its key, issuer and reason: all
// targets of one exact key, or of one beginning, stand together, and a look for each length that is there finds all
// beginnings.

// maxTargetKey bounds a target's own key: a length has one byte. Cargo control numbers have 25 characters, the EPC of a
// tag up to 62 in hex.
const maxTargetKey = 64

// TargetKey returns what the keys of all targets of one exact key begin with, or of one beginning.
func TargetKey(t KeyType, key string, prefix bool) []byte {
	length := byte(0)
	if prefix {
		length = byte(len(key))
	}
	head := append([]byte{byte(slices.Index(KeyTypes(), t) + 1), length}, key...)
	return append(head, separator...)
}

// Row returns the target's row.
func (t Target) Row() Row {
	var p pack
	p.texts(t.Exams)
	p.number(uint64(t.Priority))
	p.period(t.Valid)
	p.text(t.Releasability)
	key := append(TargetKey(t.Type, t.Key, t.Prefix), KeyOf(t.Issuer, t.ReasonCode)...)
	return Row{key, p.b}
}

// DecodeTarget reads what Target.Row returns.
func DecodeTarget(r Row) (t Target, err error) {
	if len(r.Key) < 2 || r.Key[0] == 0 || int(r.Key[0]) > len(KeyTypes()) {
		return t, errRow
	}
	parts, err := split(r.Key[2:], 3)
	if err != nil || strings.TrimSpace(parts[0]) == "" || len(parts[0]) > maxTargetKey {
		return t, errRow
	}
	u := unpack{b: r.Value}
	t = Target{Type: KeyTypes()[r.Key[0]-1], Key: parts[0], Prefix: r.Key[1] > 0, Issuer: parts[1], ReasonCode: parts[2],
		Exams: u.texts(), Priority: int(u.number()), Valid: u.period(), Releasability: u.text()}
	return t, u.done()
}
