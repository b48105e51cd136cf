package identifier

import "strings"

// Scanned is a code without what its reader put around it.
type Scanned struct {
	Text      string // group separators (GS, 0x1D) inside are kept
	Symbology string // by the AIM prefix or the wrapping: code-39, code-128, gs1-128, qr, ...; "" for not told
	GS1       bool   // the symbology says that the text is made of GS1 application identifiers
}

// symbologies are the letters of AIM symbology identifiers (ISO/IEC 15424).
var symbologies = map[byte]string{
	'A': "code-39", 'B': "telepen", 'C': "code-128", 'E': "ean-upc", 'F': "codabar", 'G': "code-93", 'H': "code-11",
	'I': "itf",
	'J': "dotcode", 'K': "code-16k", 'L': "pdf417", 'M': "msi", 'O': "codablock", 'P': "plessey", 'Q': "qr",
	'R': "code-2of5",
	'S': "code-2of5", 'T': "code-49", 'U': "maxicode", 'X': "other", 'Z': "none", 'd': "datamatrix",
	'e': "gs1-databar", 'h': "han-xin",
	'o': "ocr", 'p': "posicode", 's': "supercode", 'z': "aztec",
}

// gs1Symbologies are the identifiers whose data are GS1 element strings: FNC1 stood in the first place.
var gs1Symbologies = map[string]string{
	"C1": "gs1-128", "d2": "gs1-datamatrix", "Q3": "gs1-qr", "e0": "gs1-databar", "e1": "gs1-databar",
	"e2": "gs1-databar", "J1": "gs1-dotcode",
}

const (
	stx = "\x02"
	etx = "\x03"
	gs  = "\x1d" // group separator: how readers send FNC1
)

// Unwrap takes off what readers and symbologies put around a code: the frame of STX and ETX, line ends, the AIM
// prefix ("]C0"), FNC1 in the first place, the start and stop stars of Code 39. Blanks are trimmed.
func Unwrap(text string) Scanned {
	text = strings.Trim(text, " \t\r\n\x00"+stx+etx)
	s := Scanned{}
	if len(text) >= 3 && text[0] == ']' && symbologies[text[1]] != "" && isModifier(text[2]) {
		s.Symbology = symbologies[text[1]]
		if name := gs1Symbologies[text[1:3]]; name != "" {
			s.Symbology, s.GS1 = name, true
		}
		text = text[3:]
	}
	if rest, ok := strings.CutPrefix(text, gs); ok { // FNC1 in the first place, and no AIM prefix to say so
		s.GS1 = s.GS1 || s.Symbology == ""
		text = rest
	}
	if n := len(text); n > 2 && text[0] == '*' && text[n-1] == '*' && !strings.Contains(text[1:n-1], "*") {
		text = text[1 : n-1] // a star is no character of Code 39's data
		if s.Symbology == "" {
			s.Symbology = "code-39"
		}
	}
	s.Text = strings.TrimSpace(text)
	return s
}

func isModifier(c byte) bool { return isDigit(c) || c >= 'A' && c <= 'F' || c >= 'a' && c <= 'f' }
