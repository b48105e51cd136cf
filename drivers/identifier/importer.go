package identifier

// ParseImporter reads an importer's business number of the CRA: 9 digits, the program RM (import and export), a
// reference number of 4 digits. The ninth digit is the Luhn check digit of the eight before. Blanks and dashes
// between the parts are left out.
func ParseImporter(text string) (Reading, error) {
	number := compact(text, "-")
	switch {
	case len(number) != 15:
		return Reading{}, wrong(Importer, "length", "%s, must be 15", counted(len(number), "character"))
	case !digits(number[:9]):
		return Reading{}, wrong(Importer, "business number", "%q, must be nine digits", number[:9])
	case number[9:11] != "RM":
		return Reading{}, wrong(Importer, "program", "%q, must be RM", number[9:11])
	case !digits(number[11:]):
		return Reading{}, wrong(Importer, "reference number", "%q, must be four digits", number[11:])
	}
	return verified(Reading{Kind: Importer, Value: number, Issuer: number[:9]}, number[8], luhn(number[:8])), nil
}
