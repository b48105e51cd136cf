package identifier

var postalWeights = [8]int{8, 6, 4, 2, 3, 5, 9, 7}

// ParsePostalItem reads an item's number of UPU S10: service of 2 letters, 8 digits, check digit, country of 2
// letters. The check digit is 11 less the weighted sum modulo 11; 10 is written 0, 11 is written 5, so that a 5 that
// stands for 11 is a weak check.
func ParsePostalItem(text string) (Reading, error) {
	number := compact(text, "-")
	switch {
	case len(number) != 13:
		return Reading{}, wrong(PostalItem, "length", "%s, must be 13", counted(len(number), "character"))
	case !letters(number[:2]):
		return Reading{}, wrong(PostalItem, "service", "%q, must be two letters", number[:2])
	case !digits(number[2:11]):
		return Reading{}, wrong(PostalItem, "serial", "%q, must be nine digits", number[2:11])
	case !letters(number[11:]):
		return Reading{}, wrong(PostalItem, "country", "%q, must be two letters", number[11:])
	}
	sum := 0
	for i, w := range postalWeights {
		sum += w * int(number[2+i]-'0')
	}
	want := 11 - sum%11
	switch want {
	case 10:
		want = 0
	case 11:
		want = 5
	}
	r := verified(Reading{Kind: PostalItem, Value: number, Issuer: number[11:]}, number[10], byte('0'+want))
	if r.Check == CheckOK && sum%11 == 0 {
		r.Check, r.Why = CheckWeak, WhyEleven
	}
	return r, nil
}
