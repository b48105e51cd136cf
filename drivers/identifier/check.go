package identifier

// luhn returns the check digit of a text of digits (ISO/IEC 7812-1, annex B): every second digit from the right is
// doubled.
func luhn(text string) byte {
	sum := 0
	for i := range len(text) {
		d := int(text[len(text)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// gs1Digit returns the check digit of a GS1 key: weights 3 and 1 from the right (GS1 General Specifications, 7.9.1).
func gs1Digit(text string) byte {
	sum := 0
	for i := range len(text) {
		d := int(text[len(text)-1-i] - '0')
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// mod7 returns the remainder of a number by 7, as a digit. It finds no error that changes one digit by 7: 0 for 7, 1
// for 8, 2 for 9.
func mod7(text string) byte {
	rest := 0
	for i := range len(text) {
		rest = (rest*10 + int(text[i]-'0')) % 7
	}
	return byte('0' + rest)
}
