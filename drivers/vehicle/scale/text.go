package scale

import (
	"regexp"
	"strings"

	"lanewarden/drivers/message"
)

// decodeLine reads a line of text by a dialect. framed says that it stood behind STX. ok is false when it is no line
// of the dialect; with ok, an error says what in it cannot be.
func (c *Config) decodeLine(d *dialect, line string, framed bool) (r reading, ok bool, err error) {
	if d.stx && !framed {
		return r, false, nil
	}
	for _, re := range d.lines {
		m := re.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		r, err := c.interpret(d, re, m)
		if d.name == "generic" && r.weighed && !isOne(line) {
			return r, true, message.Errorf("scale.several-numbers", message.Quoted("line", line))
		}
		if r.dialect = d.name; err == nil && c.Dialect != d.name && c.undecided(d, r, group(re, m, "unit")) {
			continue
		}
		return r, true, err
	}
	return r, false, nil
}

// undecided reports whether a match proves nothing: a number without unit may be anything, and a line without
// number and known word too.
func (c *Config) undecided(d *dialect, r reading, unit string) bool {
	if r.weighed {
		return !d.bare && strings.TrimSpace(unit) == "" && c.Unit == ""
	}
	return d.name == "generic" && r.said == 0
}

// group returns the text of a named group, "" when there is none.
func group(re *regexp.Regexp, m []string, name string) string {
	if i := re.SubexpIndex(name); i >= 0 {
		return m[i]
	}
	return ""
}

// interpret makes a reading of the groups of a line: flags by the dialect's words and bits, then the weights.
func (c *Config) interpret(d *dialect, re *regexp.Regexp, m []string) (r reading, err error) {
	for i, name := range re.SubexpNames() {
		switch {
		case name == "bits" && len(m[i]) == 1:
			for bit, s := range d.bits {
				if m[i][0]>>bit&1 != 0 {
					r.said |= s
				}
			}
		case name == "error":
			return r, message.Errorf("scale.refuses", message.String("code", "E"+m[i]))
		case name == "command":
			return r, message.Errorf("scale.unknown-question", message.String("code", m[i]))
		case name == "before" || name == "after":
			r.said |= wordsIn(d.words[name], m[i])
		default:
			r.said |= d.words[name][strings.TrimSpace(m[i])]
		}
	}
	return r, c.weigh(&r, group(re, m, "weight"), group(re, m, "unit"), group(re, m, "tare"))
}

// wordsIn collects what the words in a text say; single signs count as words.
func wordsIn(known map[string]said, text string) (out said) {
	for _, w := range strings.FieldsFunc(strings.ToUpper(text),
		func(c rune) bool { return (c < 'A' || c > 'Z') && c != '?' && c != '~' }) {
		out |= known[w]
	}
	return out
}

// weigh sets the weights of a reading, in kg. Where the scale says that it has none, its digits are passed over.
func (c *Config) weigh(r *reading, weight, unit, tareText string) error {
	if strings.Trim(weight, " -") == "" || r.has(overload|underload|invalid) {
		return nil
	}
	kg, err := c.unitKg(unit)
	if err != nil {
		return err
	}
	n, err := number(weight)
	if err != nil {
		return err
	}
	r.kg, r.weighed = grams(n*kg), true
	if tareText != "" {
		n, err := number(tareText)
		if err != nil {
			return message.Wrap(err, "scale.tare-unread")
		}
		r.tareKg, r.tareKnown = grams(n*kg), true
	}
	return nil
}
