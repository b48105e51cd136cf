package identifier

import (
	"strings"
)

const maxSeal = 20 // characters

// NormalSeal is a seal's number in the form that is compared: upper case, no blanks or dashes, leading letters kept.
// ISO 17712 asks for a maker's mark, a unique number and the class (I, S, H), and knows no common form.
func NormalSeal(text string) string { return compact(text, "-.") }

// ParseSeal reads a seal's number: letters and digits, at least three digits among them. Very much can be one.
func ParseSeal(text string) (Reading, error) {
	number := NormalSeal(text)
	count := 0
	for i := range len(number) {
		if isDigit(number[i]) {
			count++
		}
	}
	switch {
	case len(number) < 4 || len(number) > maxSeal:
		return Reading{}, wrong(Seal, "length", "%s, must be 4 to %d", counted(len(number), "character"), maxSeal)
	case !alnum(number):
		return Reading{}, wrong(Seal, "number", "%q, must be letters and digits", number)
	case count < 3:
		return Reading{}, wrong(Seal, "number", "%q has %s, must have 3 or more", number, counted(count, "digit"))
	}
	return Reading{Kind: Seal, Value: number, Issuer: strings.TrimPrefix(number[:leadingLetters(number)], "SEAL"),
		Check: CheckNone}, nil
}
