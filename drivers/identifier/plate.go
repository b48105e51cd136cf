package identifier

import (
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
	"golang.org/x/text/unicode/norm"
)

// maxPlate bounds a plate in bytes: what is longer is none, and its comparison would cost too much.
const maxPlate = 64

// NormalPlate is a plate as it is written in one way only: upper case letters and digits of any script, without
// blanks and dashes. Full-width characters, as cameras made for East Asia write them, become ordinary ones.
func NormalPlate(plate string) string {
	plate = plate[:min(len(plate), maxPlate)]
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, norm.NFKC.String(plate))
}

// lookAlike maps characters to the one that readers take them for.
var lookAlike = strings.NewReplacer("O", "0", "Q", "0", "D", "0", "I", "1", "L", "1", "Z", "2", "S", "5", "G", "6",
	"B", "8", "V", "U")

// PlateSkeleton is a normal plate with look-alike characters folded: two reads of one plate mostly have the same.
func PlateSkeleton(normal string) string { return lookAlike.Replace(normal) }

// Distance returns the number of single characters that must be changed, added or left out to turn one text into
// another (Levenshtein). It costs len(a) times len(b) steps.
func Distance(a, b string) int { return levenshtein.ComputeDistance(a, b) }
