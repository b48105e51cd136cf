package barcode

import (
	"strings"

	"lanewarden/drivers/observation"
)

// letterValue is a letter's value in ISO 6346: 10 for A and up, multiples of 11 left out.
func letterValue(c byte) int {
	v := int(c-'A') + 10
	return v + (v-1)/10 // 11, 22 and 33 are passed over
}

// CheckDigit is the check digit of a container's owner code, category and serial number (10 characters, ISO 6346 annex A).
func CheckDigit(ten string) byte {
	sum := 0
	for i := range len(ten) {
		v := 0
		switch c := ten[i]; {
		case c >= '0' && c <= '9':
			v = int(c - '0')
		case c >= 'A' && c <= 'Z':
			v = letterValue(c)
		}
		sum += v << i
	}
	return byte('0' + sum%11%10)
}

// ISO6346 reads a container number: four letters, the last one U, J or Z, six digits, a check digit. ok says that it looks like one,
// checked that its check digit is right.
func ISO6346(text string) (number string, ok, checked bool) {
	number = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, text)
	if len(number) < 11 {
		return "", false, false
	}
	rest := number[11:] // size and type code may follow: 22G1
	number = number[:11]
	for i := range 11 {
		letter := number[i] >= 'A' && number[i] <= 'Z'
		if letter != (i < 4) {
			return "", false, false
		}
	}
	if !strings.ContainsRune("UJZ", rune(number[3])) || len(rest) != 0 && len(rest) != 4 {
		return "", false, false
	}
	return number, true, CheckDigit(number[:10]) == number[10]
}

// Prefix tells a kind of code by its beginning.
type Prefix struct {
	Type   string `yaml:"type" required:"true" enum:"driver-card,carrier-card,seal,cargo-control-number" help:"what codes with this prefix are"`
	Prefix string `yaml:"prefix" required:"true" help:"how they begin" example:"FAST-"`
}

// Classify says what a code is.
func Classify(text string, prefixes []Prefix) *observation.VehicleCode {
	c := &observation.VehicleCode{Text: text, Type: "unknown", Value: strings.ToUpper(strings.TrimSpace(text))}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(c.Value, strings.ToUpper(p.Prefix)); ok && rest != "" {
			c.Type, c.Value = p.Type, rest
			if p.Type == "cargo-control-number" {
				c.Carrier = rest[:min(4, len(rest))]
			}
			return c
		}
	}
	if number, ok, checked := ISO6346(c.Value); ok {
		c.Type, c.Value, c.Carrier, c.CheckFailed = "container", number, number[:3], !checked
		return c
	}
	if cargoControl(c.Value) {
		c.Type, c.Carrier = "cargo-control-number", c.Value[:4]
	}
	return c
}

// cargoControl reports whether a code is a carrier code of 4 and up to 21 more characters, a digit among them (CBSA D3-1-1: cargo control number).
func cargoControl(s string) bool {
	if len(s) < 8 || len(s) > 25 {
		return false
	}
	digit := false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digit = digit || i >= 4
		case c >= 'A' && c <= 'Z', c == '-' && i >= 4:
		default:
			return false
		}
	}
	return digit
}
