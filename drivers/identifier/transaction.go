package identifier

// ParseTransaction reads a transaction number of the CBSA: 14 digits, the first five are the account security number
// of who releases the goods. It has a check digit, whose rule is not public: the check is CheckNone.
func ParseTransaction(text string) (Reading, error) {
	number := compact(text, "-")
	switch {
	case len(number) != 14:
		return Reading{}, wrong(Transaction, "length", "%s, must be 14", counted(len(number), "character"))
	case !digits(number):
		return Reading{}, wrong(Transaction, "number", "%q, must be digits", number)
	}
	return Reading{Kind: Transaction, Value: number, Issuer: number[:5], Check: CheckNone}, nil
}
