package identifier

// ParseULD reads the number of a unit load device (IATA ULD Regulations): type of 3 letters, serial number of 5
// digits (4 on old ones), owner of 2 letters and digits. It has no check digit.
func ParseULD(text string) (Reading, error) {
	number := compact(text, "-")
	switch n := len(number); {
	case n != 9 && n != 10:
		return Reading{}, wrong(ULD, "length", "%s, must be 9 or 10", counted(n, "character"))
	case !letters(number[:3]):
		return Reading{}, wrong(ULD, "type", "%q, must be three letters", number[:3])
	case !digits(number[3 : n-2]):
		return Reading{}, wrong(ULD, "serial", "%q, must be digits", number[3:n-2])
	case !alnum(number[n-2:]) || digits(number[n-2:]):
		return Reading{}, wrong(ULD, "owner", "%q, must be two letters and digits, a letter among them", number[n-2:])
	}
	return Reading{Kind: ULD, Value: number, Issuer: number[len(number)-2:], Check: CheckNone}, nil
}
