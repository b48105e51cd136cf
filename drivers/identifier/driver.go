package identifier

import (
	"unicode/utf8"
)

const maxOpaque = 32 // characters; an EPC of 96 bits has 24 in hex

// ParseDriverNumber reads a driver's number of CDRP, FAST or NEXUS. Its form is not public: any 4 to 32 letters,
// digits and dashes with a digit among them can be one. It is kept and compared, nothing is derived from it.
func ParseDriverNumber(text string) (Reading, error) {
	number := upper(text)
	if n := utf8.RuneCountInString(number); n < 4 || n > maxOpaque {
		return Reading{}, wrong(DriverNumber, "length", "%s, must be 4 to %d", counted(n, "character"), maxOpaque)
	}
	if err := codeField(DriverNumber, "number", number); err != nil {
		return Reading{}, err
	}
	if all(number, func(c byte) bool { return !isDigit(c) }) {
		return Reading{}, wrong(DriverNumber, "number", "%q has no digit", number)
	}
	return Reading{Kind: DriverNumber, Value: number, Check: CheckNone}, nil
}

// ParseACEDriver reads a driver's number of the Automated Commercial Environment (CBP): 7 digits, without check.
func ParseACEDriver(text string) (Reading, error) {
	number := upper(text)
	switch {
	case len(number) != 7:
		return Reading{}, wrong(ACEDriver, "length", "%s, must be 7", counted(len(number), "character"))
	case !digits(number):
		return Reading{}, wrong(ACEDriver, "number", "%q, must be digits", number)
	}
	return Reading{Kind: ACEDriver, Value: number, Check: CheckNone}, nil
}
