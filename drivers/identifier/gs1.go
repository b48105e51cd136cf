package identifier

import (
	"strings"
)

// Element is a GS1 application identifier with its data.
type Element struct{ AI, Data string }

// aiForm is the length of an application identifier and of its data: fixed, or at most max with a group separator
// behind.
type aiForm struct{ ai, fixed, max int }

// aiForms by the first two digits (GS1 General Specifications, 3.2 and figure 7.8.5-2: lengths of element strings).
// Identifiers whose length is not known are taken as four digits with up to 90 characters.
var aiForms = map[string]aiForm{
	"00": {2, 18, 0}, "01": {2, 14, 0}, "02": {2, 14, 0}, "03": {2, 14, 0}, "10": {2, 0, 20}, "11": {2, 6,
		0}, "12": {2, 6, 0}, "13": {2, 6, 0},
	"15": {2, 6, 0}, "16": {2, 6, 0}, "17": {2, 6, 0}, "20": {2, 2, 0}, "21": {2, 0, 20}, "22": {2, 0,
		20}, "23": {3, 0, 28}, "24": {3, 0, 30},
	"25": {3, 0, 30}, "30": {2, 0, 8}, "31": {4, 6, 0}, "32": {4, 6, 0}, "33": {4, 6, 0}, "34": {4, 6, 0}, "35": {4,
		6, 0}, "36": {4, 6, 0},
	"37": {2, 0, 8}, "39": {4, 0, 18}, "40": {3, 0, 30}, "41": {3, 13, 0}, "42": {3, 0, 20}, "43": {4, 0,
		70}, "70": {4, 0, 30}, "71": {3, 0, 20},
	"72": {4, 0, 30}, "80": {4, 0, 90}, "81": {4, 0, 70}, "82": {4, 0, 70}, "90": {2, 0, 30}, "91": {2, 0,
		90}, "92": {2, 0, 90}, "93": {2, 0, 90},
	"94": {2, 0, 90}, "95": {2, 0, 90}, "96": {2, 0, 90}, "97": {2, 0, 90}, "98": {2, 0, 90}, "99": {2, 0, 90},
}

const maxElements = 32 // of one code; the longest symbols hold less

// ParseGS1 takes a GS1 element string apart: with group separators, as scanned, or with identifiers in brackets, as
// printed below the bars.
func ParseGS1(text string) ([]Element, error) {
	text = strings.TrimLeft(text, gs)
	if strings.HasPrefix(text, "(") {
		return bracketed(text)
	}
	var out []Element
	for text != "" {
		if len(out) >= maxElements {
			return nil, wrong(GS1, "elements", "more than %d", maxElements)
		}
		form, ok := aiForm{}, false
		if len(text) >= 2 {
			form, ok = aiForms[text[:2]]
		}
		if !ok || len(text) < form.ai || !digits(text[:form.ai]) {
			return nil, wrong(GS1, "application identifier", "%q is none that is known", text[:min(len(text), 4)])
		}
		e := Element{AI: text[:form.ai]}
		rest := text[form.ai:]
		if form.fixed > 0 {
			if len(rest) < form.fixed {
				return nil, wrong(GS1, "("+e.AI+")", "%s, must be %d", counted(len(rest), "character"), form.fixed)
			}
			e.Data, rest = rest[:form.fixed], rest[form.fixed:]
		} else {
			e.Data, rest, _ = strings.Cut(rest, gs)
		}
		if err := e.check(form); err != nil {
			return nil, err
		}
		out, text = append(out, e), strings.TrimLeft(rest, gs)
	}
	if len(out) == 0 {
		return nil, wrong(GS1, "elements", "none")
	}
	return out, nil
}

func bracketed(text string) (out []Element, err error) {
	for text != "" {
		ai, rest, ok := strings.Cut(strings.TrimPrefix(text, "("), ")")
		if text[0] != '(' || !ok || len(ai) < 2 || len(ai) > 4 || !digits(ai) || len(out) >= maxElements {
			return nil, wrong(GS1, "application identifier", "%q, must be 2 to 4 digits in brackets",
				text[:min(len(text), 6)])
		}
		e := Element{AI: ai}
		next := strings.Index(rest, "(")
		if next < 0 {
			next = len(rest)
		}
		e.Data, text = strings.Trim(rest[:next], " "+gs), rest[next:]
		if err := e.check(aiForms[ai[:2]]); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (e Element) check(form aiForm) error {
	switch {
	case e.Data == "":
		return wrong(GS1, "("+e.AI+")", "no data")
	case form.fixed > 0 && (len(e.Data) != form.fixed || !digits(e.Data)):
		return wrong(GS1, "("+e.AI+")", "%q, must be %d digits", e.Data, form.fixed)
	case form.max > 0 && len(e.Data) > form.max:
		return wrong(GS1, "("+e.AI+")", "%s, must be at most %d", counted(len(e.Data), "character"), form.max)
	}
	return nil
}

// ParseSSCC reads a Serial Shipping Container Code of 18 digits, the last one a check digit.
func ParseSSCC(text string) (Reading, error) { return gs1Key(SSCC, 18, text) }

// ParseGTIN reads a Global Trade Item Number of 14 digits, the last one a check digit.
func ParseGTIN(text string) (Reading, error) { return gs1Key(GTIN, 14, text) }

func gs1Key(kind Kind, length int, text string) (Reading, error) {
	number := compact(text, "-")
	switch {
	case len(number) != length:
		return Reading{}, wrong(kind, "length", "%s, must be %d", counted(len(number), "character"), length)
	case !digits(number):
		return Reading{}, wrong(kind, "number", "%q, must be digits", number)
	}
	return verified(Reading{Kind: kind, Value: number}, number[length-1], gs1Digit(number[:length-1])), nil
}

// Reading returns the identifier that a GS1 element string names.
func (e Element) Reading() Reading {
	switch e.AI {
	case "00":
		if r, err := ParseSSCC(e.Data); err == nil {
			return r
		}
	case "01", "02":
		if r, err := ParseGTIN(e.Data); err == nil {
			return r
		}
	case "401":
		return Reading{Kind: Consignment, Value: e.Data, Check: CheckNone}
	case "402":
		if r, err := gs1Key(Shipment, 17, e.Data); err == nil {
			return r
		}
	case "8003":
		if len(e.Data) >= 14 && digits(e.Data[:14]) { // a zero, the asset type with its check digit, a serial number
			return verified(Reading{Kind: ReturnableAsset, Value: e.Data}, e.Data[13], gs1Digit(e.Data[:13]))
		}
	case "8004":
		return Reading{Kind: IndividualAsset, Value: e.Data, Check: CheckNone}
	}
	return Reading{Kind: GS1, Value: "(" + e.AI + ")" + e.Data, Check: CheckNone}
}
