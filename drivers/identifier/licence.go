package identifier

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Licence holds the part of a driving licence or identity card that may be kept: nothing of the person.
type Licence struct {
	Issuer  string    // issuer identification number, 6 digits: 636026 is Arizona
	Country string    // USA or CAN as the card says it; "" for not given
	State   string    // jurisdiction of the address, 2 letters; "" for not given
	Type    string    // "DL" licence, "ID" identity card, "EN" enhanced; "" for a magnetic stripe
	Expires time.Time // a day in no zone; zero for not given or not readable
	Length  int       // bytes that the header says the data have, from '@' on; 0 when it does not say
}

var (
	// aamvaHead is the header of AAMVA's card design standard: compliance indicator, LF, RS, CR, file type ("ANSI ",
	// or "AAMVA" on cards before 2003), issuer, versions, number of entries. Readers that type what they read leave
	// the control characters out, or change them.
	aamvaHead = regexp.MustCompile(`(?s)^(?:@.{0,24}?|[\x00-\x20]*)(?:ANSI ?|AAMVA ?)(\d{6})`)
	// aamvaEntries are the subfile designators: type, offset and length of each.
	aamvaEntries = regexp.MustCompile(aamvaHead.String() + `\d{4,6}((?:(?:DL|ID|EN|Z[A-Z])\d{8}){1,10})`)
	aamvaEntry   = regexp.MustCompile(`(DL|ID|EN|Z[A-Z])(\d{4})(\d{4})`)
	// track1 and track2 are a card's magnetic stripe: "%NYALBANY^DOE$JOHN^…", ";6360261234567=…".
	track1 = regexp.MustCompile(`^%[A-Z]{2}[A-Z .'-].{0,60}[\^$].*\^`)
	track2 = regexp.MustCompile(`^;(636\d{3}|604\d{3})\d*=`)
	// element is the beginning of a line of the data: three letters, the first D or Z.
	element = regexp.MustCompile(`^(?:DL|ID|EN)?[DZ][A-Z][A-Z]`)
)

// HasLicence reports whether a text begins a driving licence's data, or holds them somewhere: for what must not leave
// the lane.
func HasLicence(text string) bool {
	if i := strings.IndexByte(text, ']'); i == 0 && len(text) > 3 {
		text = text[3:]
	}
	text = strings.TrimLeft(text, "\x02")
	return aamvaHead.MatchString(text) || track1.MatchString(text) || track2.MatchString(text) ||
		aamvaInside.MatchString(text)
}

var aamvaInside = regexp.MustCompile(`(?:ANSI |AAMVA)\d{10}|[\r\n\x1e](?:DCS|DAC|DAQ|DBB|DAG)`)

// IsLicenceLine reports whether a line can be a part of a licence's data: an element such as "DAQ1234567".
func IsLicenceLine(line string) bool { return element.MatchString(line) }

// ParseLicence reads the issuer, the type and the day of expiry of a driving licence's data (AAMVA DL/ID Card Design
// Standard, annex D; or the magnetic stripe of annex F). Everything else is left behind.
func ParseLicence(text string) (Licence, error) {
	text = strings.TrimLeft(Unwrap(text).Text, "\x02")
	if m := aamvaHead.FindStringSubmatch(text); m != nil {
		l := Licence{Issuer: m[1], Country: field(text, "DCG"), State: field(text, "DAJ")}
		l.entries(text)
		l.Expires = licenceDay(field(text, "DBA"), l.Country)
		return l, nil
	}
	if m := track2.FindStringSubmatch(text); m != nil {
		return Licence{Issuer: m[1]}, nil
	}
	if track1.MatchString(text) {
		return Licence{State: text[1:3]}, nil
	}
	return Licence{}, wrong(DrivingLicence, "header", "no AAMVA header and no magnetic stripe of a licence")
}

func (l *Licence) entries(text string) {
	m := aamvaEntries.FindStringSubmatch(text)
	if m == nil {
		return
	}
	for i, e := range aamvaEntry.FindAllStringSubmatch(m[2], -1) {
		if i == 0 {
			l.Type = e[1]
		}
		offset, _ := strconv.Atoi(e[2])
		length, _ := strconv.Atoi(e[3])
		l.Length = max(l.Length, offset+length)
	}
}

// field returns the data of an element of the licence, "" when it stands not at the beginning of a line.
func field(text, id string) string {
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' || r == 0x1e }) {
		if v, ok := strings.CutPrefix(line, id); ok && len(v) <= 8 {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// licenceDay reads a day: MMDDCCYY in the United States, CCYYMMDD in Canada.
func licenceDay(text, country string) time.Time {
	layouts := []string{"01022006", "20060102"}
	if country == "CAN" {
		layouts = []string{"20060102", "01022006"}
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, text); err == nil && t.Year() > 1950 && t.Year() < 2200 {
			return t
		}
	}
	return time.Time{}
}

// Reading is a licence as one thing that a code can be. It has no value: nothing of it names the person.
func (l Licence) Reading() Reading {
	r := Reading{Kind: DrivingLicence, Issuer: l.Issuer, Check: CheckNone, Why: WhyWithheld}
	if r.Issuer == "" {
		r.Issuer = l.State
	}
	if l.Type != "" {
		r.Why += "; type " + l.Type
	}
	if !l.Expires.IsZero() {
		r.Why += "; expires " + l.Expires.Format(time.DateOnly)
	}
	return r
}

// IsTravelDocument reports whether a text is a line of a machine-readable zone (ICAO 9303): 30, 36 or 44 letters,
// digits and fillers.
func IsTravelDocument(text string) bool {
	if n := len(text); n != 30 && n != 36 && n != 44 && n != 60 && n != 72 && n != 88 && n != 90 {
		return false
	}
	filler := false
	for i := range len(text) {
		if c := text[i]; c == '<' {
			filler = true
		} else if !isDigit(c) && !isLetter(c) {
			return false
		}
	}
	return filler
}
