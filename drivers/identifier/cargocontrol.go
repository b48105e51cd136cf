package identifier

import (
	"strings"
)

const (
	minControl = 5  // characters of a cargo control number with its carrier code
	maxControl = 25 // as of 2026 (CBSA D3-1-1, ECCRD)
)

// ParseCargoControl reads a cargo control number of the CBSA (the PARS number of a truck): the carrier code of 4
// characters and 1 to 21 letters, digits and dashes more, without blanks. It has no check digit, and looks like a
// conveyance reference number.
func ParseCargoControl(text string) (Reading, error) { return afterCarrier(CargoControl, text) }

// ParseConveyance reads a conveyance reference number of the CBSA: the carrier code of who carries, and a number of
// its own. "PARS" is not in it. It has no check digit, and looks like a cargo control number; it is never equal to
// one.
func ParseConveyance(text string) (Reading, error) {
	r, err := afterCarrier(Conveyance, text)
	if err == nil && strings.Contains(r.Value, "PARS") {
		return Reading{}, wrong(Conveyance, "number", "%q has PARS in it, as cargo control numbers have", r.Value)
	}
	return r, err
}

func afterCarrier(kind Kind, text string) (Reading, error) {
	number := upper(text)
	if err := codeField(kind, "number", number); err != nil {
		return Reading{}, err
	}
	if len(number) < minControl || len(number) > maxControl {
		return Reading{}, wrong(kind, "length", "%s, must be %d to %d", counted(len(number), "character"),
			minControl, maxControl)
	}
	carrier := number[:carrierLength]
	if _, err := ParseCarrierCode(carrier); err != nil {
		return Reading{}, wrong(kind, "carrier code", "%q begins with a dash", carrier)
	}
	if strings.Trim(number[carrierLength:], "-") == "" {
		return Reading{}, wrong(kind, "number", "nothing but dashes behind the carrier code %q", carrier)
	}
	return Reading{Kind: kind, Value: number, Issuer: carrier, Check: CheckNone}, nil
}
