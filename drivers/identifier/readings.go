package identifier

import (
	"cmp"
	"slices"
	"strings"
)

// candidate is a Reading with how much speaks for it.
type candidate struct {
	Reading
	weight int
}

// form is one identifier with how much its form alone says. A form that hardly anything else has is told also when
// its check is wrong: it was misread. One that many numbers have is told first when its check agrees, and last when
// it does not.
type form struct {
	parse func(string) (Reading, error)
	// ok, none and wrong are the weights by the check's verdict.
	ok, none, wrong int
	fits            func(text string) bool // a condition beside the form; nil for none
}

// The weights are an order, not probabilities: a check that agrees outweighs a form without check, and among those the
// more special form is first.
var forms = []form{
	{parse: ParseContainer, ok: 95, wrong: 75},
	{parse: ParseImporter, ok: 95, wrong: 80},
	{parse: ParsePostalItem, ok: 95, wrong: 70},
	{parse: ParseEntryNumber, ok: 90, wrong: 70, fits: dashed(3, 11)},
	{parse: ParseEntryNumber, ok: 80, wrong: 12, fits: plain},
	{parse: ParseAirWaybill, ok: 85, wrong: 60, fits: dashed(3)},
	{parse: ParseAirWaybill, ok: 74, wrong: 11, fits: plain},
	{parse: ParseUICWagon, ok: 85, wrong: 60, fits: grouped},
	{parse: ParseUICWagon, ok: 72, wrong: 11, fits: plain},
	{parse: ParseSSCC, ok: 85, wrong: 55},
	{parse: ParseInBond, ok: 58, wrong: 10},
	{parse: ParseTransaction, none: 65},
	{parse: ParseCarrierCode, none: 60},
	{parse: ParseULD, none: 62},
	{parse: ParseSeal, none: 75, fits: func(t string) bool { return strings.HasPrefix(t, "SEAL") }},
	{parse: ParseTripNumber, none: 78, fits: func(t string) bool { return strings.Contains(t, "PAPS") }},
	{parse: ParseCargoControl, none: 79, fits: func(t string) bool {
		return strings.Contains(t, "PARS") &&
			numbered(t)
	}},
	{parse: ParseCargoControl, none: 50, fits: numbered},
	{parse: ParseRailCar, none: 48, fits: func(t string) bool { return strings.Contains(t, " ") }},
	{parse: ParseConveyance, none: 52, fits: func(t string) bool { return strings.Contains(t, "TRIP") && numbered(t) }},
	{parse: ParseConveyance, none: 45, fits: numbered},
	{parse: ParseSCAC, none: 40},
	{parse: ParseTripNumber, none: 38, fits: func(t string) bool {
		return numbered(t) &&
			isDigit(t[leadingLetters(t)])
	}},
	{parse: ParseACEDriver, none: 36},
	{parse: ParseRailCar, none: 30, fits: plain},
	{parse: ParseDriverNumber, none: opaque, fits: func(t string) bool { return len(t) > 4 }},
	{parse: ParseSeal, none: opaque - 5},
}

// opaque is the weight of forms that nearly everything has: alone, they say nothing.
const opaque = 20

// plain reports whether a text has neither blanks nor dashes.
func plain(text string) bool { return !strings.ContainsAny(text, " -") }

// grouped reports whether a text is written in groups.
func grouped(text string) bool { return !plain(text) }

// dashed returns whether the first dashes of a text stand at these places.
func dashed(at ...int) func(string) bool {
	return func(text string) bool {
		for _, i := range at {
			if len(text) <= i || text[i] != '-' && text[i] != ' ' {
				return false
			}
		}
		return true
	}
}

// numbered reports whether a text has a digit behind a carrier code: a word without one is no number.
func numbered(text string) bool {
	return len(text) > carrierLength && strings.ContainsAny(text[carrierLength:], "0123456789")
}

const maxReading = 512 // bytes; what is longer is no identifier

// Readings returns everything that a code can be, the best first; the code may be wrapped (see Unwrap). It always
// returns one reading at least: Unknown, with the text in upper case, when the code has no form that is known. What
// is not written in a way that tells it from another thing is told as both: it is for lists, and for people, to say
// which. A code that only opaque identifiers fit (a driver's number, a seal) is Unknown first.
func Readings(code string) []Reading {
	s := Unwrap(code)
	if l, err := ParseLicence(code); err == nil {
		return []Reading{l.Reading()}
	}
	if IsTravelDocument(s.Text) {
		return []Reading{{Kind: TravelDocument, Check: CheckNone, Why: WhyWithheld}}
	}
	text := strings.ToUpper(s.Text)
	unknown := []Reading{{Kind: Unknown, Value: text, Check: CheckNone}}
	if len(text) > maxReading {
		return unknown
	}
	all := slices.Concat(structured(s), gs1Readings(s))
	if s.GS1 && s.Symbology != "" && len(all) == 0 { // the symbol itself says GS1: it is nothing else
		if _, err := ParseGS1(s.Text); err != nil {
			unknown[0].Why = err.Error()
		}
		return unknown
	}
	if !s.GS1 || len(all) == 0 {
		all = append(all, plainReadings(text)...)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.weight, a.weight) })
	var out []Reading
	if len(all) > 0 && all[0].weight <= opaque {
		out = unknown
	}
	for _, c := range all {
		if !slices.ContainsFunc(out, func(r Reading) bool { return r.Kind == c.Kind && r.Value == c.Value }) {
			out = append(out, c.Reading)
		}
	}
	if len(out) == 0 {
		return unknown
	}
	return out
}

// structured reads codes of several fields.
func structured(s Scanned) (out []candidate) {
	if m, err := ParseTruckManifest(s.Text, ""); err == nil {
		out = append(out, candidate{m.Reading(), 96})
	}
	if strings.Count(s.Text, ",") >= aeiFields-1 {
		if t, err := ParseAEILine(s.Text); err == nil {
			out = append(out, candidate{t.Car, 96})
		}
	}
	return out
}

// gs1Readings reads element strings. Without a symbology that says so only a code that is nothing but an SSCC is
// taken for one.
func gs1Readings(s Scanned) (out []candidate) {
	if !s.GS1 && !strings.HasPrefix(s.Text, "(") && !(len(s.Text) == 20 && strings.HasPrefix(s.Text, "00") &&
		digits(s.Text)) {
		return nil
	}
	elements, err := ParseGS1(s.Text)
	if err != nil {
		return nil
	}
	for i, e := range elements {
		r := e.Reading()
		weight := 94 - i
		if r.Kind == GS1 {
			weight = 25 - i // lot, weight, date: beside the key
		} else if r.Check == CheckWrong {
			weight = 70 - i
		}
		out = append(out, candidate{r, weight})
	}
	return out
}

func plainReadings(text string) (out []candidate) {
	for _, f := range forms {
		if f.fits != nil && !f.fits(text) {
			continue
		}
		r, err := f.parse(text)
		if err != nil {
			continue
		}
		weight := f.none
		switch r.Check {
		case CheckOK:
			weight = f.ok
		case CheckWeak:
			weight = f.ok - 3
		case CheckWrong:
			weight = f.wrong
		}
		out = append(out, candidate{r, weight})
	}
	return out
}
