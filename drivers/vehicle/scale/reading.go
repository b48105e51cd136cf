package scale

import (
	"math"
	"strconv"
	"strings"

	"lanewarden/drivers/message"
)

// said is a set of flags of a scale's line.
type said uint16

const (
	stable    said = 1 << iota // at rest
	motion                     // not at rest
	overload                   // beyond its range: the digits mean nothing
	underload                  // below its range
	invalid                    // an error: there is no weight
	gross                      // the weight is gross
	net                        // the weight is net: gross less tare
	tare                       // the weight is the tare
)

// reading is one thing that a scale said: a weight, or why there is none. Weights are in kg, rounded to grams.
type reading struct {
	kg        float64 // gross, or net when said so
	weighed   bool    // kg is a weight
	tareKg    float64
	tareKnown bool
	said      said
	dialect   string // that knew the line
}

// has reports whether the scale said any of these.
func (r reading) has(s said) bool { return r.said&s != 0 }

// grossKg returns the gross weight; false when the weight is net and its tare is not known.
func (r reading) grossKg() (float64, bool) {
	switch {
	case !r.has(net):
		return r.kg, true
	case r.tareKnown:
		return grams(r.kg + r.tareKg), true
	}
	return 0, false
}

// grams rounds kg to grams: what is left of binary fractions disturbs comparisons.
func grams(kg float64) float64 { return math.Round(kg*1000) / 1000 }

// poundKg is exact since the international agreement of 1959.
const poundKg = 0.45359237

// units are the units of mass in kg, by the words that makers have for them, in lower case.
var units = map[string]float64{
	"kg": 1, "kgs": 1, "k": 1, "g": 0.001, "t": 1000, "to": 1000, "mt": 1000, "lb": poundKg, "lbs": poundKg,
	"l": poundKg, "oz": poundKg / 16,
	"o": poundKg / 16, "tn": 2000 * poundKg, "ton": 2000 * poundKg, "st": 2000 * poundKg,
}

// unitKg returns a unit in kg: that of the settings, or kg, when the line has none. A bare T is the ton of the
// settings: makers write it for both the metric and the short ton.
func (c *Config) unitKg(word string) (float64, error) {
	word = strings.ToLower(strings.TrimSpace(word))
	if word == "" {
		word = c.Unit
	}
	if word == "" {
		word = "kg"
	}
	if word == "t" && c.Ton == "short" {
		word = "tn"
	}
	kg, ok := units[word]
	if !ok {
		return 0, message.Errorf("scale.no-unit", message.Quoted("text", word))
	}
	return kg, nil
}

// number reads digits with a sign, blanks between them, and a point or comma.
func number(text string) (float64, error) {
	plain := strings.NewReplacer(" ", "", ",", ".").Replace(text)
	n, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return 0, message.Errorf("scale.no-number", message.Quoted("text", text))
	}
	return n, nil
}
