package kinds

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// say makes a text of two formats with %s for each argument. Arguments are Texts, strings that are the same in both
// languages, and integers.
func say(en, fr string, args ...any) Text {
	e, f := make([]any, len(args)), make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case Text:
			e[i], f[i] = a.EN, a.FR
		case string:
			e[i], f[i] = a, a
		default:
			n := num(toFloat(a), 0)
			e[i], f[i] = n.EN, n.FR
		}
	}
	return Text{EN: fmt.Sprintf(en, e...), FR: fmt.Sprintf(fr, f...)}
}

func toFloat(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case uint32:
		return float64(v)
	}
	return math.NaN()
}

// when is a text that is said only if something holds.
func when(holds bool, t Text) Text {
	if holds {
		return t
	}
	return Text{}
}

// join puts what is there one behind the other.
func join(sep string, parts ...Text) (out Text) {
	var en, fr, words []string
	for _, p := range parts {
		if p.EN != "" {
			en, fr = append(en, p.EN), append(fr, p.FR)
		}
		if p.Words != "" {
			words = append(words, p.Words)
		}
	}
	return Text{EN: strings.Join(en, sep), FR: strings.Join(fr, sep), Words: strings.Join(words, sep)}
}

// sentence joins what is there with commas and begins with a capital letter.
func sentence(parts ...Text) Text {
	t := join(", ", parts...)
	t.EN, t.FR = capital(t.EN), capital(t.FR)
	return t
}

func capital(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}

// nbsp stands before units, and in French between thousands.
const nbsp = "\u00a0"

// num is a number with so many decimals at most, as each language writes it: 24,050.5 and 24 050,5. A number that is
// none, or too large to be one, is a dash.
func num(v float64, decimals int) Text {
	if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > 1e15 {
		return Text{EN: "–", FR: "–"}
	}
	text := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, rest, _ := strings.Cut(text, ".")
	rest = strings.TrimRight(rest, "0")
	sign := ""
	if v < 0 && strings.Trim(whole+rest, "0") != "" { // -0 is 0
		sign = "−"
	}
	en, fr := sign+group(whole, ","), sign+group(whole, nbsp)
	if rest != "" {
		en, fr = en+"."+rest, fr+","+rest
	}
	return Text{EN: en, FR: fr}
}

// group parts thousands.
func group(digits, sep string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + sep + digits[i:]
	}
	return digits
}

// unit is a number with its unit.
func unit(v float64, decimals int, name string) Text {
	return say("%s"+nbsp+"%s", "%s"+nbsp+"%s", num(v, decimals), name)
}

// speed is km/h, always with one decimal, so that speeds of several devices line up.
func speed(kph float32) Text {
	text := strconv.FormatFloat(float64(kph), 'f', 1, 32) + nbsp + "km/h"
	return Text{EN: text, FR: strings.Replace(text, ".", ",", 1)}
}

// percent is a share from 0 to 1 as a percentage.
func percent(share float64, decimals int) Text { return unit(100*share, decimals, "%") }

// count is a number of things; both languages have the forms for one and for many, and French says one for none too.
func count[N int | int64 | uint32 | uint64](n N, one, many, un, plusieurs string) Text {
	t := Text{EN: many, FR: plusieurs}
	if n == 1 {
		t.EN = one
	}
	if n <= 1 {
		t.FR = un
	}
	return say("%s"+nbsp+"%s", "%s"+nbsp+"%s", num(float64(n), 0), t)
}

// span is a duration as people say it: 41 s, 9 min, 2 h 47.
func span(seconds float64) Text {
	if math.IsNaN(seconds) {
		seconds = 0
	}
	s := time.Duration(min(max(seconds, 0), 1e9) * float64(time.Second)).Round(time.Second)
	switch {
	case s < 90*time.Second:
		return unit(s.Seconds(), 0, "s")
	case s < time.Hour-time.Minute/2:
		return unit(s.Minutes(), 0, "min")
	case s < 48*time.Hour:
		s = s.Round(time.Minute)
		text := fmt.Sprintf("%d"+nbsp+"h"+nbsp+"%02d", int(s.Hours()), int(s.Minutes())%60)
		return Text{EN: text, FR: text}
	}
	return count(int(s.Hours()/24), "day", "days", "jour", "jours")
}

// list names things: all of a few, else the first and how many more there are.
func list(names []string) Text {
	const most = 5
	if len(names) <= most {
		text := strings.Join(names, ", ")
		return Text{EN: text, FR: text}
	}
	first := strings.Join(names[:most], ", ")
	if len(names) == most+1 {
		return say("%s and 1 more", "%s et 1 autre", first)
	}
	return say("%s and %s more", "%s et %s autres", first, len(names)-most)
}

// name is a fixed word of a device's vocabulary in both languages; one that is not known is shown without the marks
// that programs put between words.
func name(known map[string]Text, word string) Text {
	if t, ok := known[strings.ToLower(word)]; ok {
		return t
	}
	plain := strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower(word))
	return Text{EN: plain, FR: plain}
}

// sum adds what a device sent for its detectors; -1 stands for no value. It says whether there was any.
func sum(values []int32) (total float64, any bool) {
	for _, v := range values {
		if v >= 0 {
			total, any = total+float64(v), true
		}
	}
	return total, any
}

// distinct are the texts that are there, each once, in their order.
func distinct(all []string) (out []string) {
	for _, s := range all {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// plainNumber is a number that names something, a row: without marks between thousands.
func plainNumber(n int64) string { return strconv.FormatInt(n, 10) }
