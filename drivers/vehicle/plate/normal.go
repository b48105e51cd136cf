package plate

import "strings"

// Normal is a plate as it is written in one way only: upper case letters and digits.
func Normal(plate string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r > 0x7f:
			return r
		}
		return -1
	}, plate)
}

// lookAlike maps characters to the one that readers take them for.
var lookAlike = strings.NewReplacer("O", "0", "Q", "0", "D", "0", "I", "1", "L", "1", "Z", "2", "S", "5", "G", "6", "B", "8", "V", "U")

// Skeleton is a normal plate with look-alike characters folded: two reads of one plate mostly have the same.
func Skeleton(normal string) string { return lookAlike.Replace(normal) }

// Distance is how many single characters must be changed, added or left out to turn one skeleton into another (Levenshtein).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
