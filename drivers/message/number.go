package message

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// nbsp is a no-break space: before units, and in French between thousands and before : ; ? and !.
const nbsp = "\u00a0"

// Separator returns a separator as the language writes it: French has a no-break space before a semicolon or a colon.
func (l Language) Separator(s string) string {
	if l == French && (strings.HasPrefix(s, ";") || strings.HasPrefix(s, ":")) {
		return nbsp + s
	}
	return s
}

// tooLarge is from which number on a value is taken for a mistake and shown as a dash.
const tooLarge = 1e15

// number writes a number with so many decimals at most, or exactly when fixed, as the language does: 24,050.5 and
// 24 050,5. A number that is none, or too large to be one, is a dash.
func (l Language) number(v float64, decimals int, fixed bool) string {
	if math.IsNaN(v) || math.Abs(v) > tooLarge {
		return "–"
	}
	whole, rest, _ := strings.Cut(strconv.FormatFloat(math.Abs(v), 'f', decimals, 64), ".")
	if !fixed {
		rest = strings.TrimRight(rest, "0")
	}
	thousands, point := ",", "."
	if l == French {
		thousands, point = nbsp, ","
	}
	text := group(whole, thousands)
	if rest != "" {
		text += point + rest
	}
	if v < 0 && strings.Trim(whole+rest, "0") != "" { // -0 is 0
		text = "−" + text
	}
	return text
}

// group parts thousands.
func group(digits, separator string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + separator + digits[i:]
	}
	return digits
}

// longest bounds a duration that is said, so that a mistake does not overflow.
const longest = 100 * 365 * 24 * time.Hour

// In returns the duration as people say it: 41 s, 9 min, 2 h 47, 3 days; an exact one as 250 ms, 2.5 s, 9 min.
func (s Span) In(l Language) string {
	d := min(max(s.Duration, 0), longest)
	if s.Exact && d < time.Second {
		return Num{Value: d.Seconds() * 1000, Unit: "ms"}.In(l)
	}
	if s.Exact && d < 90*time.Second {
		return Num{Value: d.Seconds(), Decimals: 1, Unit: "s"}.In(l)
	}
	switch d = d.Round(time.Second); {
	case d < 90*time.Second:
		return Num{Value: d.Seconds(), Unit: "s"}.In(l)
	case d < time.Hour-time.Minute/2:
		return Num{Value: d.Minutes(), Unit: "min"}.In(l)
	case d < 48*time.Hour:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%d"+nbsp+"h"+nbsp+"%02d", int(d.Hours()), int(d.Minutes())%60)
	}
	return New("days", Count("n", int(d.Hours()/24))).In(l)
}
