package message

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Arg is a named value in a message. The name is the one of its placeholder: {{.host}}.
type Arg struct {
	Name  string
	Value Value
}

// Value is an argument of a message: Str, Num, Plural, Span, Instant, List or another Message.
type Value interface {
	// In returns the value as a language writes it.
	In(Language) string
}

// Str is a name or other text that is the same in all languages.
type Str string

// Num is a number.
type Num struct {
	Value    float64
	Decimals int    // at most; all of them are written when Fixed
	Fixed    bool   // so that numbers below each other line up
	Unit     string // behind a no-break space; empty for none
}

// Plural is a number of things: it decides between the entry's forms for one and for many.
type Plural int64

// Span is a duration as people say it: 41 s, 9 min, 2 h 47, 3 days. Exact ones are written with what is below a
// second.
type Span struct {
	Duration time.Duration
	Exact    bool
}

// Precision is the resolution to which a time is formatted.
type Precision int

// Precisions of an Instant.
const (
	ToMinute Precision = iota // 2026-03-01 14:05 UTC
	ToSecond                  // 2026-03-01 14:05:59 UTC
	ToDay                     // 2026-03-01
)

// Instant is a time, said in the zone that it is in.
type Instant struct {
	Time      time.Time
	Precision Precision
}

// List is names of things. Of many the first are said, and how many more there are.
type List []string

// String is an argument that is the same in all languages: a name, an address, a path.
func String(name, value string) Arg { return Arg{name, Str(value)} }

// Int is a whole number that counts nothing, with marks between thousands.
func Int[N int | int32 | int64 | uint16 | uint32 | uint64](name string, n N) Arg {
	return Arg{name, Num{Value: float64(n)}}
}

// Count returns an argument that selects an entry's singular or plural form by a number of things; the entry has a
// form for one and a form for many of them. A message has one.
func Count[N int | int32 | int64 | uint32 | uint64](name string, n N) Arg {
	if uint64(n) > math.MaxInt64 && n > 0 {
		return Arg{name, Plural(math.MaxInt64)}
	}
	return Arg{name, Plural(n)}
}

// Number is a number with so many decimals at most.
func Number(name string, v float64, decimals int) Arg {
	return Arg{name, Num{Value: v, Decimals: decimals}}
}

// Quantity is a number with its unit, with so many decimals at most.
func Quantity(name string, v float64, decimals int, unit string) Arg {
	return Arg{name, Num{Value: v, Decimals: decimals, Unit: unit}}
}

// Aligned is a number with its unit and exactly so many decimals, so that numbers below each other line up.
func Aligned(name string, v float64, decimals int, unit string) Arg {
	return Arg{name, Num{v, decimals, true, unit}}
}

// Percent is a share from 0 to 1 as a percentage.
func Percent(name string, share float64, decimals int) Arg {
	return Quantity(name, 100*share, decimals, "%")
}

// Duration is a duration as people say it, to the second.
func Duration(name string, d time.Duration) Arg { return Arg{name, Span{Duration: d}} }

// ExactDuration is a duration to the millisecond where it is short.
func ExactDuration(name string, d time.Duration) Arg { return Arg{name, Span{d, true}} }

// Time is a time to the minute, in the machine's zone.
func Time(name string, t time.Time) Arg { return Arg{name, Instant{t.Local(), ToMinute}} }

// Date is a day, in the zone of t.
func Date(name string, t time.Time) Arg { return Arg{name, Instant{t, ToDay}} }

// Names is a list of names.
func Names(name string, values []string) Arg { return Arg{name, List(slices.Clone(values))} }

// mostQuoted is the number of bytes of a text that Quoted keeps: enough to find it, and a line on the page.
const mostQuoted = 80

// Quoted is what stood in a document, a line, a request or a setting, in the language's quotation marks, with what is
// not printable escaped as in Go. The end of a long text is left out.
func Quoted[T string | []byte](name string, value T) Arg {
	text, rest := string(value), ""
	if len(text) > mostQuoted {
		text, rest = strings.TrimRightFunc(text[:mostQuoted], func(r rune) bool { return r == utf8.RuneError }), "…"
	}
	text = strconv.Quote(text)
	return Nested(name, New("quotation", String("text", text[1:len(text)-1]+rest)))
}

// Nested is a message that stands in another one, empty when it says nothing.
func Nested(name string, m Message) Arg { return Arg{name, m} }

// CausedBy is the message of an error that led to this one.
func CausedBy(err error) Arg { return Arg{"cause", Of(err)} }

// In returns the text.
func (s Str) In(Language) string { return string(s) }

// In returns the count with marks between thousands.
func (p Plural) In(l Language) string { return l.number(float64(p), 0, false) }

// In returns the number and its unit.
func (n Num) In(l Language) string {
	text := l.number(n.Value, n.Decimals, n.Fixed)
	if n.Unit != "" {
		text += nbsp + Unit(n.Unit).In(l)
	}
	return text
}

// Unit is a unit as people write it: °C for degC, which profiles and settings say in ASCII. A unit that the catalogue
// does not have is the same in all languages.
func Unit(unit string) Message {
	if code := "unit." + strings.ReplaceAll(unit, " ", "-"); Known(code) {
		return New(code)
	}
	return Verbatim(unit)
}

// In returns the time; both languages write it as ISO 8601 does, with the zone's abbreviation.
func (i Instant) In(Language) string {
	layout := "2006-01-02 15:04 MST"
	switch i.Precision {
	case ToSecond:
		layout = "2006-01-02 15:04:05 MST"
	case ToDay:
		layout = time.DateOnly
	}
	return i.Time.Format(layout)
}

// mostNames is the number of names of a list that are written.
const mostNames = 5

// In names all of a few things, else the first and how many more there are.
func (l List) In(lang Language) string {
	if len(l) <= mostNames {
		return strings.Join(l, ", ")
	}
	return New("list.more", String("first", strings.Join(l[:mostNames], ", ")),
		Count("n", len(l)-mostNames)).In(lang)
}
