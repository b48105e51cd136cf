// Package profile has what the profiles of devices without a driver of their own share, be it lines of text that they
// speak or JSON: what is said about a field, a field's value, and rules on values that make an alarm.
package profile

import (
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Field says more about a field.
type Field struct {
	Name   string  `yaml:"name" required:"true"`
	Unit   string  `yaml:"unit"`
	Factor float64 `yaml:"factor" default:"1"`
	Map    []Word  `yaml:"map"`
}

// Translate returns what a text of the field means; the text itself when the field has no translation of it.
func (f *Field) Translate(text string) string {
	for _, w := range f.Map {
		if w.From == text {
			return w.To
		}
	}
	return text
}

// Word is a translation.
type Word struct {
	From string `yaml:"from" required:"true"`
	To   string `yaml:"to" required:"true"`
}

// Rule is a condition on a field.
type Rule struct {
	Field string   `yaml:"field" required:"true"`
	Is    []string `yaml:"is"`
	Above *float64 `yaml:"above"`
	Below *float64 `yaml:"below"`
}

// Check implements driver.Checker.
func (r Rule) Check() error {
	if len(r.Is) == 0 && r.Above == nil && r.Below == nil {
		return message.Errorf("profile.no-condition")
	}
	return nil
}

// Value is one field of a message.
type Value struct {
	Name   string
	Text   string // translated
	Number float64
	IsNum  bool
	Time   time.Time // of a time
	Unit   string
}

// Quantity returns the value as observations hold it, its name behind a prefix.
func (v Value) Quantity(prefix string) *observation.Quantity {
	q := &observation.Quantity{Name: prefix + v.Name, Text: v.Text, Unit: v.Unit}
	if v.IsNum {
		q.Number = &v.Number
	}
	return q
}

// Holds returns what the first rule that holds of some values says, the zero Message when none does.
func Holds(rules []Rule, values []Value) message.Message {
	for _, rule := range rules {
		for _, v := range values {
			switch {
			case v.Name != rule.Field:
			case slices.Contains(rule.Is, v.Text):
				return message.New("profile.is", message.String("name", v.Name), message.String("text", v.Text))
			case v.IsNum && rule.Above != nil && v.Number > *rule.Above:
				return Beyond("profile.above", v.Name, v.Unit, v.Number, *rule.Above)
			case v.IsNum && rule.Below != nil && v.Number < *rule.Below:
				return Beyond("profile.below", v.Name, v.Unit, v.Number, *rule.Below)
			}
		}
	}
	return message.Message{}
}

// Beyond says that a value is beyond a limit, both in the unit: profile.above or profile.below.
func Beyond(code, name, unit string, value, limit float64) message.Message {
	return message.New(code, message.String("name", name), message.Quantity("value", value, ruleDecimals, unit),
		message.Number("limit", limit, ruleDecimals))
}

// ruleDecimals is how many decimals of a value and its limit are said.
const ruleDecimals = 3
