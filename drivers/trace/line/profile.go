// Package line reads instruments that speak lines of text, by declarative profile: bytes and a profile go in, readings of named and typed
// values come out. It is also the driver of instruments that have none of their own. docs/profiles.md says how to write a profile.
package line

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Profile says how an instrument's lines are to be read.
type Profile struct {
	Name      string    `yaml:"name" required:"true" format:"id" help:"short name of the profile"`
	Title     string    `yaml:"title" required:"true" help:"the instrument, for people"`
	Manual    string    `yaml:"manual" required:"true" help:"where the facts are from: the manual's title, edition and page"`
	Charset   string    `yaml:"charset" default:"ascii" enum:"ascii,utf-8,latin1,windows-1252,cp437" help:"character set of the text"`
	Framing   Framing   `yaml:"framing" help:"where a line begins and ends"`
	Checksum  *Checksum `yaml:"checksum" help:"check of each line; none by default"`
	Time      Clock     `yaml:"time" help:"how the instrument writes times"`
	Connect   []string  `yaml:"connect" help:"what is sent once after connecting"`
	Poll      []Poll    `yaml:"poll" help:"what is sent again and again: questions, keep-alives"`
	Answer    string    `yaml:"answer" help:"what is sent when a message is durable, for instruments that wait for it"`
	Messages  []Message `yaml:"messages" required:"true" help:"what the instrument says; the first whose pattern fits a line is taken"`
	Unmatched string    `yaml:"unmatched" default:"fault" enum:"fault,ignore" help:"what becomes of a line that fits no message"`
}

// Framing cuts bytes into lines.
type Framing struct {
	Start    string `yaml:"start" help:"characters that begin a line, such as \\x02; none by default"`
	End      string `yaml:"end" default:"\r\n" help:"characters that end a line; a line feed alone also takes CR LF"`
	MaxBytes int    `yaml:"max_bytes" default:"1024" min:"8" max:"65536" unit:"bytes" help:"longest line; a longer one is a fault"`
}

// Checksum is at a line's end.
type Checksum struct {
	Kind      string `yaml:"kind" required:"true" enum:"xor,sum,negated-sum,crc16-modbus,crc16-ccitt" help:"how it is computed: xor, sum and negated-sum are of 8 bits"`
	Format    string `yaml:"format" default:"hex" enum:"hex,binary" help:"how it is written: hexadecimal digits, or bytes (high byte first)"`
	Separator string `yaml:"separator" help:"characters between the text and the checksum, such as *"`
	WithStart bool   `yaml:"with_start" help:"the start characters are part of what is summed"`
	WithSep   bool   `yaml:"with_separator" help:"the separator is part of what is summed"`
}

// Clock is how times are written.
type Clock struct {
	Zone    string   `yaml:"zone" default:"UTC" format:"timezone" help:"time zone of the instrument's clock"`
	Formats []string `yaml:"formats" help:"forms of times: YYYY, YY, MM, DD, hh, mm, ss, .s (fractions) and MON (JAN), other characters as they are" example:"YYYY-MM-DD hh:mm:ss"`
}

// Poll is sent at intervals.
type Poll struct {
	Send  string        `yaml:"send" required:"true" help:"the characters, with what ends them, such as \"STATUS\\r\""`
	Every time.Duration `yaml:"every" required:"true" min:"100ms" max:"24h" help:"interval"`
}

// Message is one thing that an instrument says.
type Message struct {
	Name    string  `yaml:"name" required:"true" help:"name of the message"`
	Kind    string  `yaml:"kind" default:"reading" enum:"reading,analysis,verification,blank,calibration,health,ignore" help:"what it is; for ion scanners more than readings"`
	Pattern string  `yaml:"pattern" required:"true" help:"the line: text as it stands, {name:type} for fields (text, word, int, float, time, hex), {*} for anything, a blank for one or more blanks"`
	Lines   []Line  `yaml:"lines" help:"lines that may follow and belong to it"`
	End     string  `yaml:"end" help:"pattern of the line that ends it; without it the first line that is none of lines does"`
	Fields  []Field `yaml:"fields" help:"more about fields: units, translations"`
	Alarm   []Rule  `yaml:"alarm" help:"the message is an alarm when one of these holds"`
}

// Line is one kind of line within a message.
type Line struct {
	Name    string `yaml:"name" required:"true" help:"name of the line, such as peak"`
	Pattern string `yaml:"pattern" required:"true" help:"as the message's"`
}

// Field says more about a field.
type Field struct {
	Name   string  `yaml:"name" required:"true" help:"name of the field, as in the pattern"`
	Unit   string  `yaml:"unit" help:"unit in which the instrument gives it, such as degC, hPa, ms, kg"`
	Factor float64 `yaml:"factor" default:"1" help:"the number is multiplied with it, to come to the unit"`
	Map    []Word  `yaml:"map" help:"translations of the field's text; a text that is not listed stays as it is"`
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
	From string `yaml:"from" required:"true" help:"what the instrument says"`
	To   string `yaml:"to" required:"true" help:"what it means"`
}

// Rule is a condition on a field.
type Rule struct {
	Field string   `yaml:"field" required:"true" help:"name of the field"`
	Is    []string `yaml:"is" help:"it holds when the field's text, translated, is one of these"`
	Above *float64 `yaml:"above" help:"it holds when the number is larger"`
	Below *float64 `yaml:"below" help:"it holds when the number is smaller"`
}

// Check implements driver.Checker.
func (r Rule) Check() error {
	if len(r.Is) == 0 && r.Above == nil && r.Below == nil {
		return errors.New("give is, above or below")
	}
	return nil
}

// maxAnswer bounds what a profile sends at once.
const maxAnswer = 256

// Check implements driver.Checker: it compiles the profile.
func (p Profile) Check() error {
	if p.Framing.End == "" {
		return errors.New("framing.end is empty: lines must end")
	}
	for _, text := range append(append([]string{p.Answer}, p.Connect...), polls(p.Poll)...) {
		if len(text) > maxAnswer {
			return fmt.Errorf("%q is longer than %d characters", text[:20]+"…", maxAnswer)
		}
	}
	_, err := compile(&p)
	return err
}

func polls(in []Poll) (out []string) {
	for _, p := range in {
		out = append(out, p.Send)
	}
	return out
}

// layout translates a form of times to Go's. Longer words come first.
func layout(form string) string {
	return strings.NewReplacer("YYYY", "2006", "YY", "06", "MON", "Jan", "MM", "01", "DD", "02", "hh", "15", "mm", "04", "ss", "05", ".s", ".999999999").Replace(form)
}
