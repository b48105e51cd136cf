package sheet

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"lanewarden/drivers/message"
)

// trim takes blanks off both ends of a cell, no-break ones too.
func trim(cell string) string { return strings.TrimSpace(cell) }

func emptyCell() error { return message.Errorf("lists.empty-cell") }

// What spreadsheets write instead of what was meant.
var (
	errorValue = regexp.MustCompile(`^(#[\p{L}0/1-9]+[!?]?|(?i:err):\d+)$`) // #N/A, #REF!, #NOM?, Err:502
	scientific = regexp.MustCompile(`^[+-]?\d+([.,]\d+)?[eE][+-]?\d+$`)
	plainCode  = regexp.MustCompile(`^\d+[eE]\d+$`) // 8E12 is a code as well
	serialDate = regexp.MustCompile(`^\d{2}[,.\x{a0}\x{202f} ]?\d{3}([.,]\d+)?$`)
	otherDate  = regexp.MustCompile(`^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}`)
	marked     = regexp.MustCompile(`^[+-]?\d[\d.,'\x{a0}\x{202f}\x{2019} ]*$`) // digits with any marks
	decimal    = regexp.MustCompile(`^\d+(\.\d{1,2})?$`)
	fraction   = regexp.MustCompile(`^(0|1)(\.\d{1,6})?$`)
)

// trap refuses what is wrong in every cell.
func trap(cell string) error {
	switch {
	case strings.ContainsRune(cell, utf8.RuneError):
		return message.Errorf("lists.encoding", message.Quoted("value", cell))
	case strings.ContainsFunc(cell, unicode.IsControl):
		return message.Errorf("lists.control", message.Quoted("value", cell))
	case errorValue.MatchString(cell):
		return message.Errorf("lists.error-value", message.Quoted("value", cell))
	case cell[0] == '=':
		return message.Errorf("lists.formula", message.Quoted("value", cell))
	}
	return nil
}

// codeTrap refuses what spreadsheets make of codes.
func codeTrap(cell string) error {
	switch {
	case scientific.MatchString(cell) && !plainCode.MatchString(cell):
		return message.Errorf("lists.scientific", message.Quoted("value", cell))
	case cell[0] == '\'':
		return message.Errorf("lists.apostrophe", message.Quoted("value", cell))
	case len(cell) > 3 && cell[0] >= '0' && cell[0] <= '9' && !digits(cell) && marked.MatchString(cell) && strings.ContainsAny(cell, ",'"):
		return message.Errorf("lists.code-number", message.Quoted("value", cell))
	}
	return nil
}

func digits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// oneOf reads one of some words, which the caller has brought into their case.
func oneOf(to *string, cell string, known ...string) error {
	if slices.Contains(known, cell) {
		*to = cell
		return nil
	}
	if meant := closest(cell, known); meant != "" {
		return message.Errorf("lists.not-one-of-meant", message.Quoted("value", cell), message.String("meant", meant),
			message.Names("known", known))
	}
	return message.Errorf("lists.not-one-of", message.Quoted("value", cell), message.Names("known", known))
}

// text reads words for people, of at most so many characters.
func text(to *string, cell string, most int) error {
	*to = norm.NFC.String(cell)
	if n := utf8.RuneCountInString(*to); n > most {
		return message.Errorf("lists.text-long", message.Int("length", n), message.Int("most", most))
	}
	return nil
}

// word reads a name without blanks.
func word(to *string, cell string, most int) error {
	if strings.ContainsFunc(cell, unicode.IsSpace) {
		return message.Errorf("lists.blank-inside", message.Quoted("value", cell))
	}
	return text(to, cell, most)
}

// maxSeveral is how many values a cell has at most.
const maxSeveral = 50

// several reads values that are separated by semicolons, and leaves repeated ones out. Their order is of no meaning: they
// are sorted, so that the same row is the same bytes.
func several(to *[]string, cell string, read func(*string, string) error) error {
	for one := range strings.SplitSeq(cell, ";") {
		if one = trim(one); one == "" {
			continue
		}
		var value string
		if err := read(&value, one); err != nil {
			return err
		}
		*to = append(*to, value)
	}
	slices.Sort(*to)
	*to = slices.Compact(*to)
	if len(*to) > maxSeveral {
		return message.Errorf("lists.many-values", message.Int("values", len(*to)), message.Int("most", maxSeveral))
	}
	return nil
}

// yes reads whether something is so, in English or French, as spreadsheets write it.
func yes(to *bool, cell string) error {
	var answer string
	err := oneOf(&answer, strings.ToLower(cell), "yes", "no", "true", "false", "oui", "non", "vrai", "faux", "1", "0")
	*to = slices.Contains([]string{"yes", "true", "oui", "vrai", "1"}, answer)
	return err
}

// whole reads a whole number from least to most.
func whole(to *int, cell string, least, most int) error {
	n, err := strconv.Atoi(cell)
	switch {
	case err != nil && marked.MatchString(cell):
		return message.Errorf("lists.number-marks", message.Quoted("value", cell))
	case err != nil || n < least || n > most || strconv.Itoa(n) != strings.TrimLeft(cell, "+"):
		return message.Errorf("lists.no-whole", message.Quoted("value", cell), message.Int("least", least), message.Int("most", most))
	}
	*to = n
	return nil
}

// maxKilograms is more than any vehicle on a road or rail weighs.
const maxKilograms = 1e6

// kilograms reads a weight: digits, and two decimals at most behind a point. With three, 1.234 could be a thousand.
func kilograms(to *float64, cell string) (err error) {
	if !decimal.MatchString(cell) {
		if marked.MatchString(cell) {
			return message.Errorf("lists.number-marks", message.Quoted("value", cell))
		}
		return message.Errorf("lists.no-weight", message.Quoted("value", cell))
	}
	if *to, err = strconv.ParseFloat(cell, 64); err != nil || *to > maxKilograms {
		return message.Errorf("lists.no-weight", message.Quoted("value", cell))
	}
	return nil
}

// share reads a share from 0 to 1 with six decimals at most.
func share(to *float64, cell string) (err error) {
	if fraction.MatchString(cell) {
		*to, err = strconv.ParseFloat(cell, 64)
	}
	if !fraction.MatchString(cell) || err != nil || *to > 1 {
		return message.Errorf("lists.no-share", message.Quoted("value", cell))
	}
	return nil
}

// Years that lists can have: others are misread numbers.
const (
	firstYear = 1990
	lastYear  = 2199
)

// from reads when something begins: a plain day begins at 00:00 UTC.
func from(to *time.Time, cell string) (err error) {
	*to, _, err = instant(cell)
	return err
}

// until reads when something ends. A plain day is the last one: it ends at 24:00 UTC.
func until(to *time.Time, cell string) error {
	t, day, err := instant(cell)
	if day {
		t = t.AddDate(0, 0, 1)
	}
	*to = t
	return err
}

// instant reads a day, 2026-01-31, or a time with its zone to the second (RFC 3339).
func instant(cell string) (t time.Time, day bool, err error) {
	t, err = time.Parse(time.DateOnly, cell)
	if day = err == nil; !day {
		t, err = time.Parse(time.RFC3339, cell)
	}
	t = t.UTC()
	switch {
	case err == nil && t.Nanosecond() == 0 && t.Year() >= firstYear && t.Year() <= lastYear:
		return t, day, nil
	case err == nil:
		return t, false, message.Errorf("lists.time-range", message.Quoted("value", cell), message.String("first", strconv.Itoa(firstYear)),
			message.String("last", strconv.Itoa(lastYear)))
	case serialDate.MatchString(cell) || scientific.MatchString(cell):
		return t, false, message.Errorf("lists.date-serial", message.Quoted("value", cell))
	case otherDate.MatchString(cell):
		return t, false, message.Errorf("lists.date-order", message.Quoted("value", cell))
	default:
		return t, false, message.Errorf("lists.no-time", message.Quoted("value", cell))
	}
}
