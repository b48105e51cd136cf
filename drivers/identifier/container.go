package identifier

import (
	"fmt"
	"strings"
)

// letterValue is a letter's value in ISO 6346: 10 for A and up, multiples of 11 left out.
func letterValue(c byte) int {
	v := int(c-'A') + 10
	return v + (v-1)/10
}

// remainder is the weighted sum of an ISO 6346 number's first ten characters, modulo 11 (annex A).
func remainder(ten string) int {
	sum := 0
	for i := range len(ten) {
		v := int(ten[i] - '0')
		if isLetter(ten[i]) {
			v = letterValue(ten[i])
		}
		sum += v << i
	}
	return sum % 11
}

// ContainerDigit returns the check digit of a container's owner code, category and serial number: 10 characters,
// upper case letters and digits (ISO 6346, annex A). A remainder of 10 is written 0.
func ContainerDigit(ten string) byte { return byte('0' + remainder(ten)%10) }

// ParseContainer reads a container number of ISO 6346: owner code of three letters, category U, J or Z, six digits,
// check digit. Blanks and punctuation between them, and a size and type code of four characters behind, are left out
// of the value. A number whose remainder is 10 has a weak check: its digit, 0, is also that of remainder 0. ISO 6346
// advises owners not to use such serial numbers.
func ParseContainer(text string) (Reading, error) {
	number := compact(text, "-./_()[]")
	if len(number) != 11 && len(number) != 15 {
		return Reading{}, wrong(Container, "length", "%s, must be 11, or 15 with size and type",
			counted(len(number), "character"))
	}
	number, size := number[:11], number[11:]
	switch {
	case !letters(number[:3]):
		return Reading{}, wrong(Container, "owner", "%q, must be three letters", number[:3])
	case !strings.Contains("UJZ", number[3:4]):
		return Reading{}, wrong(Container, "category", "%q, must be U, J or Z", number[3:4])
	case !digits(number[4:]):
		return Reading{}, wrong(Container, "serial", "%q, must be seven digits", number[4:])
	case !alnum(size):
		return Reading{}, wrong(Container, "size and type", "%q, must be letters and digits", size)
	}
	r := verified(Reading{Kind: Container, Value: number, Issuer: number[:3]}, number[10], ContainerDigit(number[:10]))
	if r.Check == CheckOK && remainder(number[:10]) == 10 {
		r.Check, r.Why = CheckWeak, WhyRemainder
	}
	if size != "" {
		r.Why = strings.TrimPrefix(fmt.Sprintf("%s; size and type %s", r.Why, size), "; ")
	}
	return r, nil
}
