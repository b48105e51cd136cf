package identifier

import (
	"strings"
	"unicode/utf8"
)

const carrierLength = 4 // characters, the dash among them

func isCode(c byte) bool { return isDigit(c) || isLetter(c) || c == '-' }

// codeField checks the characters that carrier codes and the numbers behind them are made of.
func codeField(kind Kind, field, text string) error {
	for i, r := range text {
		if r >= utf8.RuneSelf || !isCode(byte(r)) {
			hint := ""
			if r == '.' || r == '+' {
				hint = " (did a spreadsheet make a number of it?)"
			}
			return wrong(kind, field, "character %d is %q, must be a letter, a digit or a dash%s", i+1, r, hint)
		}
	}
	return nil
}

// ParseCarrierCode reads a carrier code of the CBSA: four letters, digits and dashes, at least one of them no dash.
// Whether a carrier has it only a list can tell.
func ParseCarrierCode(text string) (Reading, error) {
	code := upper(text)
	if err := codeField(CarrierCode, "code", code); err != nil {
		return Reading{}, err
	}
	if len(code) != carrierLength {
		hint := ""
		if len(code) < carrierLength && digits(code) {
			hint = " (was a leading zero lost in a spreadsheet?)"
		}
		return Reading{}, wrong(CarrierCode, "length", "%s, must be 4%s", counted(len(code), "character"), hint)
	}
	if code[0] == '-' || strings.Trim(code, "-") == "" {
		return Reading{}, wrong(CarrierCode, "code", "%q begins with a dash", code)
	}
	return Reading{Kind: CarrierCode, Value: code, Issuer: code, Check: CheckNone}, nil
}
