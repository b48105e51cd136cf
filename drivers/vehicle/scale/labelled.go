package scale

import (
	"math"
	"regexp"
	"strings"

	"lanewarden/drivers/message"
)

// A line with several weights, as ticket printers and remote displays have it: GROSS 18330 kg TARE 5000 kg NET
// 13330 kg, in any order, the labels before or behind the numbers, each weight with its unit or one unit for all.

var (
	// figure is a number with its sign.
	figure = regexp.MustCompile(`[+-]?(?:[0-9]+(?:[.,][0-9]+)*|[.,][0-9]+)`)
	word   = regexp.MustCompile(`[A-Za-z]+`)
	// asides are numbers that are no weight: dates, times, and numbers behind words that name what they count.
	asides = regexp.MustCompile(`[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?|` +
		`(?i:\b(?:no|nr|num|id|ident|ticket|seq|addr|scale|waage|bascule|lfd|ch|pos)\b[.:#°]*|#) *[0-9]+\b|` +
		`^ *[0-9]{1,2},?  +`)
	// systec is the answer of Systec's and Pfister's terminals: error, state, date, time, number, then gross, tare and
	// net with one unit. Source: Systec IT series, remote commands RM and RN.
	systec = regexp.MustCompile(`^<(?P<error>[0-9]{2})(?P<state>[0-9])[0-9][0-9.:/ -]*? +(?P<gross>[+-]?[0-9.,]+) +` +
		`(?P<tare>[+-]?[0-9.,]+) +(?P<net>[+-]?[0-9.,]+) *(?P<unit>kg|lb|g|t)\b[^>]*>?$`)
)

// weights holds the weights of one line, in kg, by role: gross, tare, net.
type weights map[said]float64

// weightShare is the largest relative difference between gross and tare + net: each is rounded to the scale's
// division.
const weightShare = 0.005

// reading makes a reading of the weights of a line: the gross weight where it is known. Weights that contradict each other
// are an error.
func (w weights) reading() (r reading, err error) {
	g, isGross := w[gross]
	t, isTare := w[tare]
	n, isNet := w[net]
	switch {
	case isGross && isTare && isNet:
		if math.Abs(g-t-n) > math.Max(weightShare*math.Abs(g), 1) {
			return r, message.Errorf("scale.contradiction", message.Quantity("gross", g, 3, "kg"),
				message.Quantity("tare", t, 3, "kg"), message.Quantity("net", n, 3, "kg"))
		}
		return reading{kg: g, weighed: true, tareKg: t, tareKnown: true, said: gross}, nil
	case isGross && isNet:
		return reading{kg: g, weighed: true, tareKg: grams(g - n), tareKnown: true, said: gross}, nil
	case isGross:
		return reading{kg: g, weighed: true, tareKg: t, tareKnown: isTare, said: gross}, nil
	case isNet:
		return reading{kg: n, weighed: true, tareKg: t, tareKnown: isTare, said: net}, nil
	}
	return r, message.Errorf("scale.no-label")
}

// decodeSeveral reads a line that holds more than one weight. ok is false for a line that does not: a dialect's pattern
// reads it. What has several weights and cannot be told apart by its labels is an error, never one of them.
func (c *Config) decodeSeveral(line string) (r reading, ok bool, err error) {
	if m := systec.FindStringSubmatch(line); m != nil {
		r, err = c.terminal(m)
	} else {
		f := parseFields(line)
		if !f.isSeveral() {
			return r, false, nil
		}
		r, err = c.byLabels(f)
	}
	r.dialect = "generic"
	if err != nil {
		err = message.Wrap(err, "scale.several-weights", message.Quoted("line", line))
	}
	return r, true, err
}

// terminal reads Systec's answer, <000...: m are the groups of systec. Error codes: 12 overload, 20 underload, 13
// not at rest; state 1 is motion.
func (c *Config) terminal(m []string) (r reading, err error) {
	w := weights{}
	for role, name := range map[said]string{gross: "gross", tare: "tare", net: "net"} {
		if w[role], err = c.kilograms(group(systec, m, name), group(systec, m, "unit")); err != nil {
			return r, err
		}
	}
	switch group(systec, m, "error") {
	case "00":
	case "12":
		return reading{said: overload}, nil
	case "20":
		return reading{said: underload}, nil
	case "13":
		return reading{said: motion}, nil
	default:
		return reading{said: invalid}, nil
	}
	if r, err = w.reading(); err != nil {
		return r, err
	}
	if group(systec, m, "state") == "1" {
		r.said |= motion
	} else {
		r.said |= stable
	}
	return r, nil
}

// kilograms returns a number with its unit in kg.
func (c *Config) kilograms(text, unit string) (float64, error) {
	kg, err := c.unitKg(unit)
	if err != nil {
		return 0, err
	}
	n, err := number(text)
	return grams(n * kg), err
}

// fields are a line cut at its numbers: gaps[i] are the words before numbers[i], the last gap those behind the last.
type fields struct {
	numbers []string
	units   []string   // that stand right behind the numbers; "" for none
	gaps    [][]string // in capitals, units left out
	common  string     // the unit of all weights of the line; "" when there is none, or several
}

// parseFields cuts a line, without its dates, times and running numbers.
func parseFields(line string) (f fields) {
	line = asides.ReplaceAllString(line, " ")
	at := figure.FindAllStringIndex(line, -1)
	begin := 0
	for _, span := range at {
		f.numbers = append(f.numbers, line[span[0]:span[1]])
		f.gaps = append(f.gaps, word.FindAllString(strings.ToUpper(line[begin:span[0]]), -1))
		begin = span[1]
	}
	f.gaps = append(f.gaps, word.FindAllString(strings.ToUpper(line[begin:]), -1))
	f.units = make([]string, len(f.numbers))
	f.takeUnits()
	return f
}

// takeUnits moves the units from the gaps. G and T are labels too: they are units only where no longer unit is in the
// line, and right behind a number.
func (f *fields) takeUnits() {
	found := map[string]bool{}
	for i, gap := range f.gaps {
		rest := gap[:0:0]
		for k, w := range gap {
			if !longUnits[w] {
				rest = append(rest, w)
				continue
			}
			if found[w] = true; k == 0 && i > 0 {
				f.units[i-1] = w
			}
		}
		f.gaps[i] = rest
	}
	for i := 1; i < len(f.gaps) && len(found) == 0; i++ {
		if gap := f.gaps[i]; len(gap) > 1 && gap[0] == "T" || len(gap) == 1 && gap[0] == "T" && i == len(f.gaps)-1 {
			f.units[i-1], f.gaps[i], f.common = "T", gap[1:], "T"
		}
	}
	if len(found) == 1 {
		for w := range found {
			f.common = w
		}
	}
}

// longUnits are the units that are nothing else.
var longUnits = map[string]bool{"KG": true, "KGS": true, "LB": true, "LBS": true, "OZ": true, "TN": true, "TON": true}

// isSeveral reports whether more than one of the numbers is a weight by its label or unit.
func (f fields) isSeveral() bool {
	labels, withUnit := 0, 0
	for _, gap := range f.gaps {
		labels += len(rolesOf(gap))
	}
	for _, u := range f.units {
		if u != "" {
			withUnit++
		}
	}
	return len(f.numbers) > 1 && (labels > 1 || withUnit > 1)
}

// byLabels gives each number the role of its label.
func (c *Config) byLabels(f fields) (r reading, err error) {
	roles, err := f.roles()
	if err != nil {
		return r, err
	}
	w := weights{}
	for i, text := range f.numbers {
		unit := f.units[i]
		if unit == "" {
			unit = f.common
		}
		if unit == "" && c.Unit == "" {
			return r, message.Errorf("scale.without-unit", message.String("number", text))
		}
		if _, twice := w[roles[i]]; twice {
			return r, message.Errorf("scale.same-label")
		}
		if w[roles[i]], err = c.kilograms(text, unit); err != nil {
			return r, err
		}
	}
	if r, err = w.reading(); err != nil {
		return r, err
	}
	for _, gap := range f.gaps {
		for _, one := range gap {
			r.said |= generic[one] &^ (gross | net | tare)
		}
	}
	return r, nil
}

// roles returns the roles of the numbers: all labels stand before their numbers, or all behind them, or all before
// the first. Anything else is an error, as it would be a guess.
func (f fields) roles() ([]said, error) {
	n := len(f.numbers)
	if head := rolesOf(f.gaps[0]); len(head) == n && f.areBare(f.gaps[1:]) {
		return head, nil
	}
	gaps, other := f.gaps[:n], f.gaps[n]
	if len(rolesOf(f.gaps[0])) == 0 {
		gaps, other = f.gaps[1:], f.gaps[0]
	}
	out := make([]said, 0, n)
	for i, gap := range gaps {
		found := rolesOf(gap)
		if len(found) != 1 {
			return nil, message.Errorf("scale.labels", message.String("number", f.numbers[i]), message.Count("n", len(found)))
		}
		out = append(out, found[0])
	}
	if len(rolesOf(other)) > 0 {
		return nil, message.Errorf("scale.label-sides")
	}
	return out, nil
}

// areBare reports whether there is no label in any of the gaps.
func (f fields) areBare(gaps [][]string) bool {
	for _, gap := range gaps {
		if len(rolesOf(gap)) > 0 {
			return false
		}
	}
	return true
}

// rolesOf returns the labels (gross, net, tare) among words, in their order.
func rolesOf(words []string) (out []said) {
	for _, w := range words {
		if role := generic[w] & (gross | net | tare); role != 0 {
			out = append(out, role)
		}
	}
	return out
}

// isOne reports whether a line that has a number has no more than one beside dates, times and running numbers.
func isOne(line string) bool {
	return len(figure.FindAllString(asides.ReplaceAllString(line, " "), -1)) <= 1
}
