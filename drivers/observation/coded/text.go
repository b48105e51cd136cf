package coded

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
)

// Text is an error with an English sentence of its own, which the catalogue has under a code in all languages.
type Text struct {
	Code string // of the catalogue: "dicom.file-cut-off"
	text string // in English
	args []any  // plain
}

// Errorf returns an error that says what fmt.Errorf says of a format and its values, with the verbs %d, %q, %s, %v, %w
// and %x. The catalogue has the same sentence under the code: there the values are named a, b, c and so on, by their
// order. A test of the repository compares the two. A value is an int of any size, a float64, a string, an error, a
// Count, or something that has a String method.
func Errorf(code, format string, args ...any) *Text {
	t := &Text{Code: code, text: format}
	if len(args) == 0 {
		return t
	}
	t.text = fmt.Sprintf(strings.ReplaceAll(format, "%w", "%v"), args...)
	for i, one := range verb.FindAllString(format, len(args)) {
		t.args = append(t.args, plain(one, args[i]))
	}
	return t
}

// Error returns the sentence in English.
func (t *Text) Error() string { return t.text }

// Unwrap returns the values that are errors.
func (t *Text) Unwrap() (all []error) {
	for _, a := range t.args {
		if err, ok := a.(error); ok {
			all = append(all, err)
		}
	}
	return all
}

// Is reports whether target is a Text of the same code.
func (t *Text) Is(target error) bool {
	other, ok := errors.AsType[*Text](target)
	return ok && other.Code == t.Code
}

// MessageCode returns the code of the catalogue.
func (t *Text) MessageCode() string { return t.Code }

// verb is one in a format of Errorf.
var verb = regexp.MustCompile(`%[-+# 0-9.]*[a-z]`)

// MessageArgs returns the values by their names: numbers, errors and counts as they are, so that each language writes
// them in its way, and others as the format writes them.
func (t *Text) MessageArgs() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i, a := range t.args {
			if !yield(Name(i), a) {
				return
			}
		}
	}
}

// Name returns the name that the catalogue has for a value: "a" for the one at 0.
func Name(i int) string { return string(rune('a' + i)) }

// maxDecimals are written of a number: as many as a device's file has.
const maxDecimals = 9

// plain returns a value as MessageArgs has it.
func plain(verb string, v any) any {
	switch n := v.(type) {
	case int:
		if verb == "%d" {
			return n
		}
	case int64:
		if verb == "%d" {
			return int(n)
		}
	case float64:
		if verb == "%v" || verb == "%g" {
			return Measure{Value: n, Decimals: maxDecimals}
		}
	case error, Count:
		return n
	}
	return fmt.Sprintf(verb, v)
}

// Count is a number of things: 1 byte, 2 bytes.
type Count struct {
	N     int
	Thing string // in the singular, as the catalogue has it: count.byte
}

// String returns number and things in English.
func (c Count) String() string {
	if c.N == 1 {
		return fmt.Sprintf("%d %s", c.N, c.Thing)
	}
	return fmt.Sprintf("%d %ss", c.N, c.Thing)
}

// Counted returns the number, and the code of the catalogue's entry, which has it as n.
func (c Count) Counted() (n int, code string) { return c.N, "count." + c.Thing }

// CountOf returns a Count of any integer.
func CountOf[N int | int64 | uint8 | uint32](n N, thing string) Count { return Count{int(n), thing} }
