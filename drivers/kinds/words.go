package kinds

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
)

// named is a value that stands in a sentence.
type named struct {
	name  string
	value Text
}

// arg is a value for a placeholder: a Text, a string that is the same in both languages, or an integer.
func arg(name string, value any) named { return named{name, plainly(value)} }

// plainly is a value alone: a Text, a string that is the same in both languages, or an integer.
func plainly(value any) Text {
	switch v := value.(type) {
	case Text:
		return v
	case string:
		return Text{EN: v, FR: v}
	}
	return num(toFloat(value), 0)
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

// say returns a sentence of the catalogue, "kinds." before its code, with values in it.
func say(code string, args ...named) Text {
	en, fr := make([]message.Arg, len(args)), make([]message.Arg, len(args))
	for i, a := range args {
		en[i], fr[i] = message.String(a.name, a.value.EN), message.String(a.name, a.value.FR)
	}
	return Text{
		EN: message.New("kinds."+code, en...).In(message.English), FR: message.New("kinds."+code, fr...).In(message.French),
	}
}

// inBoth returns a value as each language writes it.
func inBoth(v message.Value) Text { return Text{EN: v.In(message.English), FR: v.In(message.French)} }

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
	return Text{EN: strings.Join(en, sep), FR: strings.Join(fr, message.French.Separator(sep)), Words: strings.Join(words, sep)}
}

// sentence joins what is there with commas and begins with a capital letter.
func sentence(parts ...Text) Text {
	t := join(", ", parts...)
	t.EN, t.FR = message.Capital(t.EN), message.Capital(t.FR)
	return t
}

// nbsp is a no-break space: between a number and its unit.
const nbsp = "\u00a0"

// num is a number with so many decimals at most, as each language writes it: 24,050.5 and 24 050,5. A number that is
// none, or too large to be one, is a dash.
func num(v float64, decimals int) Text { return inBoth(message.Num{Value: v, Decimals: decimals}) }

// unit is a number with its unit.
func unit(v float64, decimals int, name string) Text {
	return inBoth(message.Num{Value: v, Decimals: decimals, Unit: name})
}

// speed is km/h, always with one decimal, so that speeds of several devices line up.
func speed(kph float32) Text {
	return inBoth(message.Num{Value: float64(kph), Decimals: 1, Fixed: true, Unit: "km/h"})
}

// percent is a share from 0 to 1 as a percentage.
func percent(share float64, decimals int) Text { return unit(100*share, decimals, "%") }

// count is a number of things: an entry of the catalogue that has a form for one and a form for many.
func count[N int | int64 | uint32 | uint64](code string, n N) Text {
	return inBoth(message.New("kinds."+code, message.Count("n", n)))
}

// span is a duration as people say it: 41 s, 9 min, 2 h 47.
func span(seconds float64) Text {
	if math.IsNaN(seconds) {
		seconds = 0
	}
	return inBoth(message.Span{Duration: time.Duration(min(max(seconds, 0), 1e9) * float64(time.Second))})
}

// list names things: all of a few, else the first and how many more there are.
func list(names []string) Text { return inBoth(message.List(names)) }

// listOf is list for names that differ by language.
func listOf(names []Text) Text {
	en, fr := make(message.List, len(names)), make(message.List, len(names))
	for i, n := range names {
		en[i], fr[i] = n.EN, n.FR
	}
	return Text{EN: en.In(message.English), FR: fr.In(message.French)}
}

// name is a word of a device's vocabulary in both languages: the entry of the catalogue with the group before it. One
// that is not known is shown without the marks that programs put between words.
func name(group, word string) Text {
	if t, known := known(group, word); known {
		return t
	}
	return plainly(strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower(word)))
}

// known returns the catalogue's entry for a word of a device's vocabulary, if it has one.
func known(group, word string) (t Text, is bool) {
	code := group + "." + strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(word))
	if !message.Known("kinds." + code) {
		return Text{}, false
	}
	return say(code), true
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
