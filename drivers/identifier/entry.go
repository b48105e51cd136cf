package identifier

// ParseEntryNumber reads an entry number of CBP: filer code of 3 letters and digits, number of 7 digits, check digit.
// Dashes are left out of the value. The check takes letters as digits (A to I and J to R are 1 to 9, S to Z are 2 to
// 9), then Luhn's rule.
func ParseEntryNumber(text string) (Reading, error) {
	number := compact(text, "-")
	switch {
	case len(number) != 11:
		return Reading{}, wrong(EntryNumber, "length", "%s, must be 11", counted(len(number), "character"))
	case !alnum(number[:3]):
		return Reading{}, wrong(EntryNumber, "filer", "%q, must be letters and digits", number[:3])
	case !digits(number[3:]):
		return Reading{}, wrong(EntryNumber, "number", "%q, must be eight digits", number[3:])
	}
	plain := []byte(number[:10])
	for i, c := range plain {
		switch {
		case c >= 'S' && c <= 'Z':
			plain[i] = c - 'S' + '2'
		case isLetter(c):
			plain[i] = (c-'A')%9 + '1'
		}
	}
	return verified(Reading{Kind: EntryNumber, Value: number, Issuer: number[:3]}, number[10], luhn(string(plain))), nil
}
