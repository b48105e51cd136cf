package identifier

// ParseInBond reads a number of CBP form 7512 (transport in bond): a serial number of 8 digits and its remainder by
// 7. That check does not find a digit that is off by 7.
func ParseInBond(text string) (Reading, error) {
	number := compact(text, "-")
	switch {
	case len(number) != 9:
		return Reading{}, wrong(InBond, "length", "%s, must be 9", counted(len(number), "character"))
	case !digits(number):
		return Reading{}, wrong(InBond, "number", "%q, must be digits", number)
	}
	return verified(Reading{Kind: InBond, Value: number}, number[8], mod7(number[:8])), nil
}
