package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"strings"

	"golang.org/x/crypto/argon2"

	"lanewarden/drivers/message"
)

// letters are those of a code, four bits each: no two of them look alike in any hand or print, none is typed with
// shift, and without vowels they form no words.
const letters = "BCDFGHJKMNPRTWXZ"

// Lengths of the parts of a code, in letters.
const (
	idLetters          = 4  // 16 bits: which invitation
	secretLetters      = 10 // 40 bits: guessed online only, and ten times at most
	fingerprintLetters = 16 // 64 bits, each try at them as costly as stretch makes it
	checkLetters       = 2  // 8 bits: typing mistakes are found before anything is sent
	codeLetters        = idLetters + secretLetters + fingerprintLetters + checkLetters
	groupLetters       = 4
)

// Code is what a technician types at the box: which invitation it is, the secret that redeems it, and by what the box
// knows the hub's authority.
type Code struct{ ID, Secret, Fingerprint string }

// NewCode returns a code with a new id and secret for the authority of a fingerprint.
func NewCode(fingerprint string) Code {
	return Code{ID: random(idLetters), Secret: random(secretLetters), Fingerprint: fingerprint}
}

// random returns n random letters.
func random(n int) string {
	raw := make([]byte, n)
	rand.Read(raw)
	for i := range raw {
		raw[i] = letters[raw[i]%byte(len(letters))]
	}
	return string(raw)
}

// spell returns two letters a byte.
func spell(raw []byte) string {
	var b strings.Builder
	for _, one := range raw {
		b.WriteByte(letters[one>>4])
		b.WriteByte(letters[one&15])
	}
	return b.String()
}

// check returns the letters that end a code.
func check(text string) string {
	sum := sha256.Sum256([]byte(text))
	return spell(sum[:checkLetters/2])
}

// String returns the code in groups of four letters.
func (c Code) String() string {
	text := c.ID + c.Secret + c.Fingerprint
	text += check(text)
	var groups []string
	for ; text != ""; text = text[groupLetters:] {
		groups = append(groups, text[:groupLetters])
	}
	return strings.Join(groups, "-")
}

// ParseCode reads a code as people type it: in either case, with any blanks and dashes. Errors say what to look at.
func ParseCode(typed string) (Code, error) {
	text := strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' || r == '\t' || r == '.' {
			return -1
		}
		return r
	}, typed))
	for _, r := range text {
		if !strings.ContainsRune(letters, r) {
			return Code{}, message.Errorf("enrol.code-letter", message.Quoted("letter", string(r)),
				message.String("letters", strings.Join(strings.Split(letters, ""), " ")))
		}
	}
	if len(text) != codeLetters {
		return Code{}, message.Errorf("enrol.code-length", message.Count("n", len(text)), message.Int("want", codeLetters))
	}
	text, last := text[:codeLetters-checkLetters], text[codeLetters-checkLetters:]
	if check(text) != last {
		return Code{}, message.Errorf("enrol.code-check")
	}
	id, rest := text[:idLetters], text[idLetters:]
	return Code{ID: id, Secret: rest[:secretLetters], Fingerprint: rest[secretLetters:]}, nil
}

// Cost of a fingerprint: argon2id with 19 MiB and 2 passes (OWASP), some 20 ms. It makes each try to forge the 64 bits
// that a code has room for as costly as that.
const (
	stretchPasses    = 2
	stretchMemoryKiB = 19 << 10
	stretchSalt      = "lanewarden authority 1"
)

// Fingerprint returns the letters by which a code names an authority: of its public key, so that a certificate that is
// made anew with the same key stays the same.
func Fingerprint(authority *x509.Certificate) string {
	return spell(argon2.IDKey(authority.RawSubjectPublicKeyInfo, []byte(stretchSalt), stretchPasses, stretchMemoryKiB, 1,
		fingerprintLetters/2))
}
